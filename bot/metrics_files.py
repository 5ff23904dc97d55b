"""The files through which the processes of an installation share their metrics, and what becomes of a dead one's.

prometheus-client keeps ``counter_<pid>.db`` and ``histogram_<pid>.db`` for every process that ever counted something.
Every restart, and every call of the command line, would leave its files behind; removing them would make counters
fall, which Prometheus reads as a reset and counts again. So what a dead process counted is added to files of process
number 0, which no process has, and its own files go.
"""

import fcntl
import os
import struct
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from prometheus_client.core import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

log = structlog.get_logger()

_ADDED_UP = ("counter", "histogram")
"""Types whose values of all processes are added up, the dead among them."""
_THE_DEAD = 0
_LOOK_AGAIN_S = 0.05


class SharedMetrics:
    """A collector for a registry: the metrics of every process, living or dead, that counts in ``folder``.

    Raises ``OSError`` when the folder cannot be used, and when another process has kept it to itself for
    ``patience_s``: one that is frozen in the middle must not hold up every thread that asks here.
    """

    def __init__(self, folder: Path, patience_s: float = 5.0) -> None:
        self._folder = folder
        self._patience_s = patience_s

    def collect(self) -> Iterator[Metric]:
        """The metrics, once the dead have been added up; one process at a time, so that nothing is seen twice."""
        with self._alone():
            self._bury()
            files = [str(path) for path in self._folder.glob("*.db") if path.stat().st_size]  # one may just be made
            return iter(list(MultiProcessCollector.merge(files)))  # type: ignore[no-untyped-call]  # partial types

    @contextmanager
    def _alone(self) -> Iterator[None]:
        descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            give_up_at = time.monotonic() + self._patience_s
            while not _locked(descriptor):
                if time.monotonic() > give_up_at:
                    raise TimeoutError(f"another process has kept {self._folder} for {self._patience_s:g} s")
                time.sleep(_LOOK_AGAIN_S)
            yield
        finally:
            os.close(descriptor)

    def _bury(self) -> None:
        """Add what the dead counted to what those before them did, and remove their files."""
        for kind in _ADDED_UP:
            total = self._folder / f"{kind}_{_THE_DEAD}.db"
            self._finish(total)
            dead = [path for path in self._folder.glob(f"{kind}_*.db") if not _alive(_pid_of(path))]
            if dead:
                self._add_up(total, dead)
                self._finish(total)
        for pid in {_pid_of(path) for path in self._folder.glob("gauge_live*.db")}:
            if not _alive(pid):
                mark_process_dead(pid, str(self._folder))  # type: ignore[no-untyped-call]

    def _finish(self, total: Path) -> None:
        """Remove the files that the draft of ``total`` has added up, and put it in place.

        The list of these files makes the draft count. Whoever dies before it is there has done nothing, and what one
        leaves who dies afterwards the next one finishes: so nothing is added twice, or lost.
        """
        added, draft = total.with_suffix(".added"), total.with_suffix(".new")
        if not added.exists():
            return
        for name in added.read_text(encoding="ascii").split():
            (self._folder / name).unlink(missing_ok=True)
        if draft.exists():
            draft.replace(total)
        added.unlink()

    def _add_up(self, total: Path, dead: list[Path]) -> None:
        """Draft ``total`` anew with the values of ``dead`` added, and list them."""
        sums: defaultdict[str, float] = defaultdict(float)
        for path in [total, *dead] if total.exists() else dead:
            for key, value in _values_in(path):
                sums[key] += value
        draft = total.with_suffix(".new")
        draft.unlink(missing_ok=True)  # left by one that was killed meanwhile
        written = MmapedDict(str(draft))  # type: ignore[no-untyped-call]
        for key, value in sums.items():
            written.write_value(key, value, 0.0)  # type: ignore[no-untyped-call]
        written.close()  # type: ignore[no-untyped-call]
        names = total.with_suffix(".names")
        names.write_text(" ".join(path.name for path in dead), encoding="ascii")
        names.replace(total.with_suffix(".added"))


def _values_in(path: Path) -> list[tuple[str, float]]:
    """What a process that is dead counted; nothing where its file is damaged, which must not hide everybody's."""
    if not path.stat().st_size:  # it died while the file was made
        return []
    try:
        values = MmapedDict.read_all_values_from_file(str(path))  # type: ignore[no-untyped-call]
        return [(key, value) for key, value, _, _ in values]
    except (RuntimeError, ValueError, struct.error) as error:
        log.error("metrics_file_damaged", path=str(path), error=type(error).__name__)
        return []


def _locked(descriptor: int) -> bool:
    """Whether the file of ``descriptor`` is ours alone now."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _pid_of(path: Path) -> int:
    """The process a file belongs to: the number at the end of its name."""
    return int(path.stem.rpartition("_")[2])


def _alive(pid: int) -> bool:
    """Whether the process runs; true of :data:`_THE_DEAD`, whose files stay."""
    if pid == _THE_DEAD:
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's now
        return True
    return True
