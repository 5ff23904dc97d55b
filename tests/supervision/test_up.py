"""A system of stand-ins under the real ``up`` and the real supervisord: it starts, heals and stops."""

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.supervision.run_file import RunInfo, alive, running

STAND_INS = Path(__file__).parent / "stand_ins.py"
PATIENCE_S = 20.0


class System:
    """``up`` in a process of its own, with what it prints."""

    def __init__(self, folder: Path, port: int, repository: Path) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, STAND_INS, "up", str(folder), str(port)],
            cwd=repository,
            env={"PYTHONPATH": str(repository), "PATH": "/usr/bin:/bin"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def says(self, words: str) -> str:
        """Wait for a line with ``words`` that was not looked at before."""
        give_up_at = time.monotonic() + PATIENCE_S
        while (left := give_up_at - time.monotonic()) > 0:
            line = self._lines.get(timeout=left)
            if line is None:
                pytest.fail(f"it ended without saying {words!r}, but {self.said}")
            self.said.append(line)
            if words in line:
                return line
        pytest.fail(f"it did not say {words!r}, but {self.said}")

    def info(self) -> RunInfo:
        found = running(self.folder)
        assert found is not None
        return found

    def end(self, signal_number: int) -> int:
        self.process.send_signal(signal_number)
        return self.process.wait(timeout=PATIENCE_S)


def wait_until(holds: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < give_up_at
        time.sleep(0.02)


def wait_until_gone(pids: list[int]) -> None:
    wait_until(lambda: not any(alive(pid) for pid in pids))


@pytest.fixture
def system(tmp_path: Path, repository: Path) -> Iterator[System]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    system = System(tmp_path / "data", port, repository)
    yield system
    if system.process.poll() is None:
        system.process.kill()  # everything below it must end by itself
    system.process.wait()
    if system.process.stdout is not None:
        system.process.stdout.close()


def test_it_starts_heals_and_stops(system: System) -> None:
    system.says("ready after")
    assert system.said[0] == "a notice"
    assert system.said.index("loading") < system.said.index("loaded"), "the first run comes before the URLs"
    assert "http://127.0.0.1" in system.says("web ")
    info = system.info()
    assert info.pid == system.process.pid
    assert info.ready
    assert {"redis", "worker", "web", "supervisord"} <= info.pids.keys()
    assert {path.stat().st_mode & 0o077 for path in system.folder.rglob("*")} == {0}

    os.kill(info.pids["worker"], signal.SIGKILL)
    assert system.says("worker ended") == "worker ended (terminated by SIGKILL), starting it again in 1 s"
    system.says("fails ended (exit status 1), starting it again in 2 s; its last words: no luck")
    wait_until(lambda: system.info().pids.get("worker", info.pids["worker"]) != info.pids["worker"])

    assert system.end(signal.SIGINT) == 0
    system.says("stopped")
    wait_until_gone([info.pid, *info.pids.values()])
    assert running(system.folder) is None
    log = (system.folder / "log" / "supervisord.log").read_text()
    stops = [log.index(f"stopped: {name} ") for name in ("web", "worker", "redis")]
    assert stops == sorted(stops), "the web process stops first, and Redis last"


def test_nothing_outlives_an_up_that_was_killed(system: System) -> None:
    system.says("ready after")
    pids = list(system.info().pids.values())
    system.end(signal.SIGKILL)
    wait_until_gone(pids)
    assert running(system.folder) is None


def test_it_starts_everything_again_when_the_supervisor_was_killed(system: System) -> None:
    system.says("ready after")
    before = system.info().pids
    os.kill(before["supervisord"], signal.SIGKILL)
    system.says("the supervisor ended")
    wait_until_gone([before[name] for name in ("redis", "worker", "web", "supervisord")])
    system.says("starting redis, worker, web")
    assert system.end(signal.SIGTERM) == 0
