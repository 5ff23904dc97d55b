"""Taking a changed ``bots.yaml`` (or ``.env`` that it refers to) over while the process runs.

One thread a process looks at the files. A change is read once it has held still for a moment, so that a file which
is just being written is left alone, and then taken over whole or refused whole: while anything in it is wrong, what
ran before goes on, and every fault is in the log and in ``/readyz`` (docs/decisions/0007-configuration-reload.md).
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import redis
import structlog

from bot.audit.entries import Action, AuditEvent
from bot.bots_file import BotConfig
from bot.errors import ConfigError, Unavailable
from bot.live import Build, Live, Snapshot, changes, next_snapshot
from bot.running_versions import RunningVersions, Standing, process_name

log = structlog.get_logger()

LOOK_EVERY_S = 2.0
SETTLE_S = 1.0
"""How long a change must hold still before it is read."""
RESTLESS_S = 30.0
"""A file that has not held still for so long is a fault, as nothing that it says is taken over."""
READ_AGAIN_S = 30.0
"""While a file is refused it is read again after so long even if it looks the same: what was wrong may lie outside."""

Fingerprint = tuple[tuple[int, ...], ...]


class Reloader:
    """Keeps ``live`` at what ``files`` say.

    ``read()`` gives the bots or raises :class:`~bot.errors.ConfigError`; ``version_of`` names what it gave; ``build``
    makes a channel. ``running`` is told what this process, a ``kind``, runs. ``count(event, **labels)`` counts what an
    operator should see; ``audit`` writes down which configuration the process began with and took over, where it has a
    database; ``clock`` gives epoch seconds.
    """

    def __init__(
        self,
        live: Live,
        *,
        kind: str,
        files: Sequence[Path],
        read: Callable[[], Mapping[str, BotConfig]],
        version_of: Callable[[Mapping[str, BotConfig]], str],
        build: Build,
        running: RunningVersions,
        count: Callable[..., None],
        audit: Callable[[AuditEvent], object] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.live = live
        self.running = running
        self._kind = kind
        self._files = files
        self._read = read
        self._version_of = version_of
        self._build = build
        self._count = count
        self._audit = audit
        self._unaudited: list[AuditEvent] = []
        self._audit_is_late = False
        self._clock = clock
        self._since = clock()
        self._problems: tuple[str, ...] = ()
        self._noticed: Fingerprint | None = None
        self._restless_since: float | None = None
        self._taken: Fingerprint | None = None  # the first look reads: the file may have changed since the start
        self._read_at = 0.0
        self._told = True
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._runs_now("", {})

    @property
    def standing(self) -> Standing:
        """What this process runs, and what it refused."""
        version = self.live.snapshot.version
        return Standing(kind=self._kind, version=version, since=self._since, problems=self._problems)

    def start(self) -> None:
        """Begin to look. A forked child, which has no threads, calls it again."""
        self._thread = threading.Thread(target=self._run, name="configuration", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no more; nobody counts on this process from now on."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join(timeout=LOOK_EVERY_S)
        try:
            self.running.leave()
        except redis.RedisError as error:
            log.warning("configuration_not_told", error=type(error).__name__)

    def look(self) -> float:
        """Look once, take over what changed. Returns after how many seconds to look again."""
        seen, wait_s = fingerprint(self._files), LOOK_EVERY_S
        if seen != self._noticed:
            self._wait_for_rest(seen)
            self._noticed, wait_s = seen, SETTLE_S
        else:
            self._restless_since = None
            if seen != self._taken or (self._problems and self._clock() - self._read_at >= READ_AGAIN_S):
                self._take(seen)
        self._tell()
        self._write_down()
        return wait_s

    def _wait_for_rest(self, seen: Fingerprint) -> None:
        """A change is left alone while it goes on; one that goes on for too long is said."""
        now = self._clock()
        if self._restless_since is None:
            self._restless_since = now
        if now - self._restless_since >= RESTLESS_S and self._noticed is not None:
            moving = zip(self._files, seen, self._noticed, strict=True)
            names = " and ".join(path.name for path, is_now, was in moving if is_now != was)
            self._refuse(
                (f"{names}: has not held still for {RESTLESS_S:.0f} s and is not read; stop what keeps writing it",)
            )

    def _take(self, seen: Fingerprint) -> None:
        before = self.live.snapshot
        after, problems = self._candidate(before)
        if fingerprint(self._files) != seen:
            return  # written to while it was read: the next look finds the change
        self._taken, self._read_at = seen, self._clock()
        if after is None:
            self._refuse(problems)
            return
        if self._problems or after is not before:
            log.info("configuration_applied", version=after.version, **changes(before, after))
            self._count("configuration", result="applied")
        self._problems = ()
        if after is not before:
            self.live.replace(after)
            self._since = self._clock()
            self._runs_now(before.version, changes(before, after))

    def _runs_now(self, before: str, what: Mapping[str, list[str]]) -> None:
        """The live configuration runs from now on in place of the version ``before``, which is empty when the process
        begins."""
        if self._audit:
            version = self.live.snapshot.version
            details = {"before": before, "process": process_name(), **what}
            subject, actor = f"configuration:{version}", f"system:{self._kind}"
            event = AuditEvent(action=Action.SETTING_CHANGE, subject=subject, actor=actor, details=details)
            self._unaudited.append(event)

    def _write_down(self) -> None:
        """Audit what runs now; while the database does not answer, at the next looks."""
        while self._audit and self._unaudited:
            try:
                self._audit(self._unaudited[0])
            except Unavailable as error:
                if not self._audit_is_late:  # said once, not at every look
                    self._count("degraded", what="configuration_not_audited")
                    log.warning("configuration_not_audited", error=str(error))
                self._audit_is_late = True
                return
            self._audit_is_late = False
            del self._unaudited[0]

    def _candidate(self, before: Snapshot) -> tuple[Snapshot | None, tuple[str, ...]]:
        """The snapshot that the files ask for, which is ``before`` when they say nothing new, or what is wrong."""
        try:
            bots = self._read()
            version = self._version_of(bots)
            return before if version == before.version else next_snapshot(before, bots, version, self._build), ()
        except ConfigError as error:
            return None, tuple(error.problems)
        except Exception as error:  # a bug of ours in one channel must not take down what runs
            log.exception("configuration_not_built")
            return None, (f"{self._files[0].name}: cannot be taken over ({type(error).__name__}); the log says more",)

    def _refuse(self, problems: tuple[str, ...]) -> None:
        if problems == self._problems:
            return
        self._problems = problems
        self._count("configuration", result="refused")
        self._count("degraded", what="configuration_refused")
        log.error("configuration_refused", error="; ".join(problems), still_running=self.live.snapshot.version)

    def _tell(self) -> None:
        try:
            self.running.tell(self.standing)
            self._told = True
        except redis.RedisError as error:
            if self._told:  # said once, not at every look
                log.warning("configuration_not_told", error=type(error).__name__)
            self._told = False

    def _run(self) -> None:
        wait_s = 0.0
        while not self._closed.wait(wait_s):
            try:
                wait_s = self.look()
            except Exception:  # the thread must outlive whatever one look meets
                log.exception("configuration_not_looked_at")
                self._count("degraded", what="configuration_not_looked_at")
                wait_s = LOOK_EVERY_S


def fingerprint(files: Sequence[Path]) -> Fingerprint:
    """What tells whether ``files`` changed: identity, size and times of what each path leads to, or why it leads
    nowhere. An edit, a rename over it, a symbolic link turned elsewhere and a change of its mode all show."""
    return tuple(_fingerprint(path) for path in files)


def _fingerprint(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError as error:
        return (error.errno or 0,)
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
