"""What people send, read by a confined child process."""

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from bot.channel import StoredMedium
from bot.confined import MEBIBYTE, ChildFailed, run_confined
from bot.errors import InputError, Unavailable
from bot.media.parsing.sections import Parsed

log = structlog.get_logger()

MAX_CHARS = 60_000
"""Characters of a file that are read: about 80 pages of Chinese print. The rest is said to be left out."""
PATIENCE_S = 5.0
"""Longer no thread waits for a child to be free."""
_CHILD = "bot.media.parsing.child"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Task:
    """``damaged`` and ``too_complex`` are what is said of a file that makes the parser fail or exhausts its limits."""

    name: str
    damaged: str
    too_complex: str
    memory_bytes: int
    seconds: int


_DOCUMENT = _Task(
    name="document", damaged="file_damaged", too_complex="file_too_complex", memory_bytes=1024 * MEBIBYTE, seconds=20
)
_WORDS = _Task(
    name="words", damaged="picture_damaged", too_complex="picture_too_complex", memory_bytes=4096 * MEBIBYTE, seconds=45
)
_JPEG = _Task(
    name="jpeg", damaged="picture_damaged", too_complex="picture_too_complex", memory_bytes=1024 * MEBIBYTE, seconds=10
)
_WAV = _Task(
    name="wav", damaged="voice_damaged", too_complex="voice_too_complex", memory_bytes=1024 * MEBIBYTE, seconds=10
)


class Sandbox:
    """Safe for threads. ``pictures`` children that read pictures run at the same time, which take a core and up to 900
    MB each, and ``others`` of the quick kinds; none runs longer than ``longest_s`` seconds.

    Every method raises :class:`~bot.errors.Unavailable` when all of them were busy for ``patience_s`` seconds: then the
    turn comes again, and its thread is free for other conversations meanwhile.

    Every method raises :class:`~bot.errors.InputError`: what the child says, ``…_damaged`` where the parser failed, and
    ``…_too_complex`` where it took too much memory or time (``…`` is ``file``, ``picture`` or ``voice``).
    """

    def __init__(
        self, pictures: int = 1, others: int = 2, longest_s: float = 45.0, patience_s: float = PATIENCE_S
    ) -> None:
        self._pictures = threading.BoundedSemaphore(pictures)
        self._others = threading.BoundedSemaphore(others)
        self._longest_s = longest_s
        self._patience_s = patience_s

    def parse(self, medium: StoredMedium) -> Parsed:
        """A file as a document; raises ``file_encrypted``, ``file_empty`` and ``file_kind_unknown`` too."""
        fields = self._run(_DOCUMENT, medium)
        try:
            return Parsed.from_json(fields)
        except (KeyError, TypeError, ValueError) as error:
            raise _failure(_DOCUMENT.damaged, "output") from error

    def read_words(self, medium: StoredMedium) -> str:
        """The lines of text in a picture; empty where there are none."""
        return str(self._run(_WORDS, medium)["words"])

    def as_jpeg(self, medium: StoredMedium) -> bytes:
        """A picture of bounded size, upright, without anything but its pixels."""
        return base64.b64decode(self._run(_JPEG, medium)["jpeg"])

    def as_wav(self, medium: StoredMedium) -> bytes:
        """A voice as 16 kHz mono WAV; raises ``voice_too_long`` and ``voice_empty`` too."""
        return base64.b64decode(self._run(_WAV, medium)["wav"])

    def _run(self, task: _Task, medium: StoredMedium) -> dict[str, Any]:
        seconds = min(task.seconds, self._longest_s)
        arguments = {
            "task": task.name,
            "path": str(medium.path.absolute()),
            "content_type": medium.content_type,
            "name": medium.name,
            "max_chars": MAX_CHARS,
        }
        with self._turn_of(task):
            try:
                fields = run_confined(_CHILD, arguments, memory_bytes=task.memory_bytes, seconds=seconds)
            except ChildFailed as failed:
                raise _failure(task.too_complex if failed.exhausted else task.damaged, failed.complaint) from failed
        if "problem" in fields:
            raise InputError(fields["problem"], **fields["values"])
        return fields

    @contextmanager
    def _turn_of(self, task: _Task) -> Iterator[None]:
        turnstile = self._pictures if task is _WORDS else self._others
        if not turnstile.acquire(timeout=self._patience_s):
            raise Unavailable(f"every child that reads media is busy ({task.name})")
        try:
            yield
        finally:
            turnstile.release()


def _failure(what: str, complaint: str) -> InputError:
    log.warning("medium_not_parsed", what=what, complaint=complaint)
    return InputError(what)
