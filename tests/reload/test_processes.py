"""Real web processes, forked by gunicorn, follow one file."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.e2e.conftest import http
from tests.reload.conftest import FINANCE, IMAGING, bots_yaml, put
from tests.reload.waiting import until


@contextmanager
def gunicorn(folder: Path, repository: Path, redis_url: str, *options: str) -> Iterator[str]:
    """The web process as ``up`` starts it, with two workers; gives its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "--worker-class=gthread", "--workers=2", "--no-control-socket"]
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": str(repository),
        "DATA_DIR": str(folder / "data"),
        "BOTS_FILE": str(folder / "bots.yaml"),
        "REDIS_URL": redis_url,
    }
    server = subprocess.Popen(
        [*command, f"--bind=127.0.0.1:{port}", *options, "bot.web.wsgi:app"],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=20)


def configuration(url: str) -> dict[str, Any]:
    """What ``/readyz`` says, empty while nothing answers."""
    try:
        _, body = http("GET", f"{url}/readyz")
    except OSError:
        return {}
    found: dict[str, Any] = json.loads(body)["configuration"]
    return found


def versions(url: str) -> set[str]:
    return {told["version"] for told in configuration(url).get("processes", {}).values()}


def all_run_another(url: str, first: str) -> bool:
    """Whether every process tells the same version, in one look, and not the one called ``first``."""
    told = versions(url)
    return len(told) == 1 and told != {first}


@pytest.mark.parametrize("options", [(), ("--preload",)], ids=["forked", "preloaded"])
def test_every_forked_process_follows_the_file(
    tmp_path: Path, repository: Path, redis_url: str, redis_client: "redis.Redis", options: tuple[str, ...]
) -> None:
    put(tmp_path / "bots.yaml", bots_yaml(IMAGING.block()))
    with gunicorn(tmp_path, repository, redis_url, *options) as url:
        until(lambda: len(configuration(url).get("processes", {})) >= 2)
        (first,) = versions(url)
        assert http("GET", f"{url}/callback/finance/app")[0] == 404
        put(tmp_path / "bots.yaml", bots_yaml(IMAGING.block(), FINANCE.block()))
        until(lambda: all_run_another(url, first))
        answers = {http("GET", f"{url}/callback/finance/app")[0] for _ in range(20)}
        assert answers == {400}, "the new bot is there, in every process, and misses its arguments"
        assert configuration(url)["state"] == "ok"
