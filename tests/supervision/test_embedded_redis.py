"""The embedded Redis keeps what it acknowledged, through kill -9 and a torn file."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from bot.supervision import embedded_redis


@contextmanager
def server(data_dir: Path) -> Iterator[tuple["subprocess.Popen[bytes]", redis.Redis]]:
    socket = data_dir / "redis.sock"
    command = embedded_redis.program(data_dir / "redis", socket, stop_order=1, stop_wait_s=1).command
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    client = redis.Redis.from_url(f"unix://{socket}")
    try:
        give_up_at = time.monotonic() + 10
        while not embedded_redis.answers(socket):
            assert time.monotonic() < give_up_at
            time.sleep(0.01)
        yield process, client
    finally:
        client.close()
        process.kill()
        process.wait()


def test_what_was_acknowledged_survives_kill_and_a_torn_end(tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()
    with server(tmp_path) as (process, client):
        client.set("message", "kept")
        assert embedded_redis.owner(tmp_path / "redis.sock") == process.pid
        process.kill()
        process.wait()
    with (tmp_path / "redis" / "appendonly.aof").open("ab") as file:
        file.write(b"*3\r\n$3\r\nSET\r\n$4\r\nto")
    assert not embedded_redis.answers(tmp_path / "redis.sock")
    assert embedded_redis.owner(tmp_path / "redis.sock") is None
    with server(tmp_path) as (_, client):
        assert client.get("message") == b"kept"
        settings = client.config_get("append*") | client.config_get("maxmemory-policy") | client.config_get("port")
    assert settings["appendonly"] == "yes"
    assert settings["appendfsync"] == "always"
    assert settings["maxmemory-policy"] == "noeviction"
    assert settings["port"] == "0"
