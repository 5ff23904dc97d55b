"""Flower as the Procfile starts it: it works with our Celery, and shows nothing without the password."""

import json
import os
import shlex
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

READY_WITHIN_S = 60


@dataclass
class Flower:
    """A running Flower: its address, and the password it made."""

    url: str
    password_path: Path

    def asks(self, path: str, password: str | None = None, method: str = "GET") -> tuple[int, bytes]:
        request = urllib.request.Request(self.url + path, method=method)  # noqa: S310 - loopback only
        if password is not None:
            request.add_header("Authorization", "Basic " + b64encode(f"ops:{password}".encode()).decode())
        try:
            with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    @property
    def password(self) -> str:
        return self.password_path.read_text().strip()


@pytest.fixture(scope="module")
def flower(tmp_path_factory: pytest.TempPathFactory, repository: Path, redis_url: str) -> Iterator[Flower]:
    folder = tmp_path_factory.mktemp("flower")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    lines = (repository / "Procfile").read_text().splitlines()
    command = next(line for line in lines if line.startswith("flower: ")).removeprefix("flower: .venv/bin/python ")
    environment = {"PATH": os.defpath, "DATA_DIR": str(folder), "REDIS_URL": redis_url, "FLOWER_PORT": port}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *shlex.split(command)], cwd=repository, env=environment, stdout=log, stderr=log
        )
        running = Flower(f"http://127.0.0.1:{port}", folder / "flower_password")
        give_up_at = time.monotonic() + READY_WITHIN_S
        while not answers(running):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < give_up_at, (folder / "log").read_text()
            time.sleep(0.1)
        yield running
        process.terminate()
        assert process.wait(timeout=60) == 0, "it ends by itself when it is asked to"


def answers(flower: Flower) -> bool:
    try:
        return flower.asks("/")[0] == 401
    except urllib.error.URLError:
        return False


@pytest.mark.parametrize(
    "path",
    ["/", "/workers", "/tasks", "/tasks/datatable", "/broker", "/api/workers", "/api/tasks", "/api/queues/length"],
)
def test_nothing_is_shown_without_the_password(flower: Flower, path: str) -> None:
    assert flower.asks(path)[0] == 401
    assert flower.asks(path, "wrong")[0] == 401


def test_the_password_is_its_owner_s_alone_and_opens_it(flower: Flower) -> None:
    assert flower.password_path.stat().st_mode & 0o777 == 0o600
    for path in ("/", "/tasks", "/broker"):
        assert flower.asks(path, flower.password)[0] == 200
    status, body = flower.asks("/api/queues/length", flower.password)
    assert status == 200
    assert json.loads(body)["active_queues"][0]["name"] == "turns", "it speaks with the broker"


@pytest.mark.parametrize("path", ["/metrics", "/healthcheck"])
def test_what_would_be_shown_to_anybody_is_not_there(flower: Flower, path: str) -> None:
    assert flower.asks(path)[0] == 404
    assert flower.asks(path, flower.password)[0] == 404


@pytest.mark.parametrize("path", ["/api/worker/shutdown/any@where", "/api/task/send-task/turns.drain"])
def test_whoever_looks_changes_nothing(flower: Flower, path: str) -> None:
    assert flower.asks(path, flower.password, method="POST")[0] == 403
