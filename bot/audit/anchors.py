"""Anchors: the number and hash of the last entry, written down outside the database at intervals.

The chain itself does not tell that its end was cut off, nor that all of it was written anew; an anchor does. It goes
into the structured log, which is to be collected on another machine, and is appended to a file below DATA_DIR.
"""

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import structlog

from bot import telemetry
from bot.audit.entries import utc_text

log = structlog.get_logger()

ANCHOR_EVERY_S = 60.0
"""Seconds between anchors while entries are written: what was cut off within them may stay unnoticed."""

_LONGEST_LINE = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Anchor:
    """At the time ``at``, written as :attr:`~bot.audit.entries.AuditEntry.at`, the last entry was ``seq`` and had this
    ``hash``."""

    seq: int
    hash: str
    at: str


class Anchors:
    """The anchors kept in the file at ``path``; ``clock`` gives epoch seconds."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._clock = clock

    def due(self) -> bool:
        """Whether the last anchor is older than :data:`ANCHOR_EVERY_S`, or there is none. One from the future was
        written before the clock was set back: waiting for its time would leave the log without any until then."""
        try:
            with self.path.open("rb") as file:
                last = _last(_tail(file.fileno()))
        except OSError:  # no file yet, or none that can be read: writing to it will say so
            return True
        now = self._clock()
        return last is None or not utc_text(now - ANCHOR_EVERY_S) < last.at <= utc_text(now)

    def write(self, seq: int, hash_: str) -> None:
        """Write an anchor down, unless the last one is of the same entry.

        Where that fails the work goes on: the log says so, and ``degraded`` counts it.
        """
        anchor = Anchor(seq=seq, hash=hash_, at=utc_text(self._clock()))
        try:
            if not _append(self.path, anchor):
                return
        except OSError as error:
            telemetry.count("degraded", what="audit_anchor")
            log.error("audit_anchor_not_written", path=str(self.path), error=error.strerror)
        log.info("audit_anchor", seq=seq, hash=hash_, at=anchor.at)


def read_anchors(path: Path) -> list[Anchor]:
    """The anchors in the file at ``path``, in its order: that of :class:`Anchors`, or a structured log in JSON lines,
    whose other lines are passed over. Raises ``OSError`` when it cannot be read."""
    with path.open("rb") as file:
        return [anchor for line in file if (anchor := _anchor(line))]


def _append(path: Path, anchor: Anchor) -> bool:
    """Write ``anchor`` at the end of the file, for its owner's eyes only; ``False`` when its entry has one there."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        tail = _tail(descriptor)
        last = _last(tail)
        if last and (last.seq, last.hash) == (anchor.seq, anchor.hash):
            return False
        # A power cut may have left half a line: that one is lost, this one is not.
        torn = b"" if not tail or tail.endswith(b"\n") else b"\n"
        os.write(descriptor, torn + json.dumps(asdict(anchor)).encode() + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return True


def _tail(descriptor: int) -> bytes:
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, _LONGEST_LINE, max(0, size - _LONGEST_LINE))


def _last(tail: bytes) -> Anchor | None:
    lines = tail.splitlines()
    return _anchor(lines[-1]) if lines else None


def _anchor(line: bytes) -> Anchor | None:
    """The anchor that ``line`` is; of a log's lines only :func:`Anchors.write`'s own are."""
    try:
        found = json.loads(line)
        if found.get("event", "audit_anchor") != "audit_anchor":
            return None
        return Anchor(seq=int(found["seq"]), hash=str(found["hash"]), at=str(found["at"]))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None
