"""``DATA_DIR/run.json``: which system runs on this data, and the lock that makes it the only one.

The lock belongs to an open file that ``up`` shares with its supervisord, so it is held until the last of both has
ended: whoever gets it knows that no old process still writes here. The file says more, but only the lock is believed;
a file without a held lock is stale.
"""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from bot.errors import UsageError

OLD_SYSTEM_STOPS_S = 20.0
"""How long a start waits for processes of a system whose ``up`` was killed; above their longest stop."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunInfo:
    """A running system.

    ``pid`` is the process id of ``up``, ``pids`` those of its processes by name, ``urls`` where they are reached by
    name, ``started_at`` epoch seconds; ``ready`` turns true when messages can be answered.
    """

    pid: int
    pids: Mapping[str, int]
    urls: Mapping[str, str]
    started_at: float
    ready: bool


def running(data_dir: Path) -> RunInfo | None:
    """The system that runs on ``data_dir`` now, or ``None``; what a dead one left behind is ignored."""
    try:
        lock = os.open(_lock_path(data_dir), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        held = not _try_lock(lock, fcntl.LOCK_SH)
    finally:
        os.close(lock)
    return _read(data_dir) if held else None


@contextmanager
def hold_run_lock(
    data_dir: Path,
    say: Callable[[str], None],
    pause: Callable[[float], None],
    patience_s: float = OLD_SYSTEM_STOPS_S,
) -> Iterator[int]:
    """Be the only system on ``data_dir``; gives the lock's file descriptor, to be shared with supervisord.

    ``say`` prints one line, ``pause`` sleeps for some seconds, and ``patience_s`` is how long to wait for a system
    whose ``up`` is dead. Raises :class:`~bot.errors.UsageError` when another
    system runs here. Removes ``run.json`` at the end.
    """
    lock = os.open(_lock_path(data_dir), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _wait_for_lock(lock, data_dir, say, pause, patience_s)
        _run_path(data_dir).unlink(missing_ok=True)  # left by one that was killed
        try:
            yield lock
        finally:
            _run_path(data_dir).unlink(missing_ok=True)
    finally:
        os.close(lock)


def write_run_file(data_dir: Path, info: RunInfo) -> None:
    """Replace ``run.json`` in one step; only its owner may read it."""
    path = _run_path(data_dir)
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(info), file, indent=1)
    draft.replace(path)


def _wait_for_lock(
    lock: int, data_dir: Path, say: Callable[[str], None], pause: Callable[[float], None], patience_s: float
) -> None:
    give_up_at = time.monotonic() + patience_s
    told = False
    while not _try_lock(lock, fcntl.LOCK_EX):
        info = _read(data_dir)
        if info is not None and alive(info.pid):
            where = info.urls.get("web", str(data_dir))
            raise UsageError(
                f"already running at {where} (process {info.pid}); press Ctrl-C there, or: kill {info.pid}"
            )
        if time.monotonic() > give_up_at:
            raise UsageError(
                f"another process holds {_lock_path(data_dir)}; find it with: fuser {_lock_path(data_dir)}"
            )
        if not told:
            say("waiting for the processes of an earlier run to stop")
            told = True
        pause(0.1)


def _try_lock(lock: int, kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(data_dir: Path) -> RunInfo | None:
    """What ``run.json`` says; ``None`` when it is absent or not ours."""
    try:
        return RunInfo(**json.loads(_run_path(data_dir).read_bytes()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def alive(pid: int) -> bool:
    """Whether ``pid`` still runs; a zombie does not. Linux, like everything ``up`` starts."""
    try:
        state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in b"ZX"


def _run_path(data_dir: Path) -> Path:
    return data_dir / "run.json"


def _lock_path(data_dir: Path) -> Path:
    return data_dir / "run.lock"
