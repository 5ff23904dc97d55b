"""One system on one data folder, and a run.json that never lies."""

import fcntl
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bot.errors import UsageError
from bot.supervision.run_file import RunInfo, alive, hold_run_lock, running, write_run_file


def info(pid: int) -> RunInfo:
    return RunInfo(pid=pid, pids={"web": 7}, urls={"web": "http://127.0.0.1:8000"}, started_at=1.5, ready=True)


def test_a_running_system_is_found_and_then_no_more(tmp_path: Path) -> None:
    assert running(tmp_path) is None
    with hold_run_lock(tmp_path, print, time.sleep):
        write_run_file(tmp_path, info(os.getpid()))
        assert running(tmp_path) == info(os.getpid())
        assert (tmp_path / "run.json").stat().st_mode & 0o777 == 0o600
    assert running(tmp_path) is None
    assert not (tmp_path / "run.json").exists()


def test_a_file_left_by_a_dead_system_is_ignored_and_removed(tmp_path: Path) -> None:
    with hold_run_lock(tmp_path, print, time.sleep):
        pass
    write_run_file(tmp_path, info(os.getpid()))  # its process id even lives, but nobody holds the lock
    assert running(tmp_path) is None
    with hold_run_lock(tmp_path, print, time.sleep):
        assert running(tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": 1}', b"\xff"])
def test_a_broken_file_is_no_system(tmp_path: Path, content: bytes) -> None:
    with hold_run_lock(tmp_path, print, time.sleep):
        (tmp_path / "run.json").write_bytes(content)
        assert running(tmp_path) is None


def test_a_second_system_is_told_where_the_first_runs(tmp_path: Path) -> None:
    with hold_run_lock(tmp_path, print, time.sleep):
        write_run_file(tmp_path, info(os.getpid()))
        with (
            pytest.raises(UsageError, match=r"already running at http://127\.0\.0\.1:8000 .*kill \d+"),
            hold_run_lock(tmp_path, print, time.sleep),
        ):
            pass
        assert running(tmp_path) is not None, "the second one must not take the first one's file away"


def test_a_start_waits_for_the_processes_of_a_killed_system(tmp_path: Path) -> None:
    """``up`` is dead, its supervisord still stops things and holds the lock."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    held = os.open(tmp_path / "run.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(held, fcntl.LOCK_EX)
    write_run_file(tmp_path, info(dead.pid))
    said: list[str] = []

    def old_system_ends(_seconds: float) -> None:
        os.close(held)

    with hold_run_lock(tmp_path, said.append, old_system_ends):
        assert said == ["waiting for the processes of an earlier run to stop"]


def test_a_lock_that_is_never_given_back_is_an_error_that_says_how_to_find_it(tmp_path: Path) -> None:
    held = os.open(tmp_path / "run.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(held, fcntl.LOCK_EX)
    with (
        pytest.raises(UsageError, match=r"fuser .*run\.lock"),
        hold_run_lock(tmp_path, print, time.sleep, patience_s=0),
    ):
        pass
    os.close(held)


def test_the_file_holds_what_the_contract_names(tmp_path: Path) -> None:
    write_run_file(tmp_path, info(5))
    assert json.loads((tmp_path / "run.json").read_bytes()) == {
        "pid": 5,
        "pids": {"web": 7},
        "urls": {"web": "http://127.0.0.1:8000"},
        "started_at": 1.5,
        "ready": True,
    }


def test_a_zombie_does_not_live() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not alive(child.pid)
    child.wait()
    assert not alive(child.pid)
    assert alive(os.getpid())
