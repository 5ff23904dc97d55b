"""What processes count is added up, whether they live or not, and the files of the dead do not pile up."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot import telemetry
from bot.metrics_files import SharedMetrics

COUNTING = """
import sys
from bot import telemetry
telemetry.count("send", outcome="sent", code="0")
telemetry.STEP.labels(step="retrieve").observe(0.02)
print("counted", flush=True)
sys.stdin.read()
"""


def begin(folder: Path, repository: Path) -> "subprocess.Popen[str]":
    """A process that has counted one send and one step, and waits."""
    process = subprocess.Popen(
        [sys.executable, "-c", COUNTING],
        cwd=repository,
        env={"PATH": os.defpath, "PROMETHEUS_MULTIPROC_DIR": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "counted\n"
    return process


def end(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate()


def shown(folder: Path) -> dict[str, float]:
    """The samples of the page by their names with labels."""
    lines = telemetry.metrics_page(folder).decode().splitlines()
    pairs = [line.rpartition(" ") for line in lines if not line.startswith("#")]
    return {name: float(value) for name, _, value in pairs}


SENDS = 'bot_sends_total{code="0",outcome="sent"}'
STEPS = 'bot_step_seconds_count{step="retrieve"}'


def test_what_the_dead_counted_stays_and_their_files_go(tmp_path: Path, repository: Path) -> None:
    processes = [begin(tmp_path, repository) for _ in range(3)]
    assert (shown(tmp_path)[SENDS], shown(tmp_path)[STEPS]) == (3, 3)
    for process in processes[:2]:
        end(process)
    for _ in range(2):
        seen = shown(tmp_path)
        assert (seen[SENDS], seen[STEPS]) == (3, 3), "a counter never falls"
        assert seen['bot_step_seconds_bucket{le="0.025",step="retrieve"}'] == 3
    living = processes[2].pid
    assert {path.name for path in tmp_path.glob("*.db")} == {
        f"{kind}_{pid}.db" for kind in ("counter", "histogram") for pid in (0, living)
    }
    later = begin(tmp_path, repository)
    for process in (processes[2], later):
        end(process)
    assert shown(tmp_path)[SENDS] == 4
    assert {path.name for path in tmp_path.glob("*.db")} == {"counter_0.db", "histogram_0.db"}


@pytest.mark.parametrize(
    "content", [b"", b"\xff" * 64, b"\x40\x00\x00\x00" + b"\xff" * 60], ids=["empty", "odd", "cut"]
)
def test_a_damaged_file_of_a_dead_process_hides_nothing(tmp_path: Path, repository: Path, content: bytes) -> None:
    process = begin(tmp_path, repository)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (tmp_path / f"counter_{ended.pid}.db").write_bytes(content)
    assert shown(tmp_path)[SENDS] == 1
    assert not (tmp_path / f"counter_{ended.pid}.db").exists()
    end(process)


DYING = """
import os, pathlib, sys
from bot import telemetry
left = int(sys.argv[2])
def die(event, arguments):
    global left
    if event in ("os.remove", "os.rename") and sys.argv[1] in str(arguments[0]):
        left -= 1
        if left < 0:
            os._exit(9)
sys.addaudithook(die)
telemetry.metrics_page(pathlib.Path(sys.argv[1]))
"""


@pytest.mark.parametrize("steps", range(6))
def test_who_dies_while_adding_up_adds_nothing_twice(tmp_path: Path, repository: Path, steps: int) -> None:
    """Before each of its changes of a name in turn."""
    for _ in range(2):
        end(begin(tmp_path, repository))
    command = [sys.executable, "-c", DYING, str(tmp_path), str(steps)]
    environment = {"PATH": os.defpath, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    died = subprocess.run(command, cwd=repository, env=environment, check=False)
    assert died.returncode == 9
    assert (shown(tmp_path)[SENDS], shown(tmp_path)[STEPS]) == (2, 2)
    assert not [path.name for path in tmp_path.iterdir() if path.suffix in (".added", ".names")]


def test_one_that_is_frozen_in_the_middle_does_not_hold_up_the_others(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(TimeoutError, match="another process has kept"):
            SharedMetrics(tmp_path, patience_s=0.1).collect()
    assert list(SharedMetrics(tmp_path, patience_s=0.1).collect()) == []


def test_the_number_of_files_does_not_grow_with_the_number_of_processes(tmp_path: Path, repository: Path) -> None:
    for _ in range(4):
        end(begin(tmp_path, repository))
        shown(tmp_path)
        assert len(list(tmp_path.iterdir())) == 3, "two sums and the lock"
