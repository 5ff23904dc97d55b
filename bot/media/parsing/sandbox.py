"""Runs the child process that parses: with little memory, little time, no secrets, and never believed."""

import base64
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from bot.channel import StoredMedium
from bot.errors import InputError, Unavailable
from bot.media.parsing.child import MAX_OUTPUT_BYTES, OUT_OF_MEMORY
from bot.media.parsing.sections import Parsed

log = structlog.get_logger()

MAX_CHARS = 60_000
"""Characters of a file that are read: about 80 pages of Chinese print. The rest is said to be left out."""
PATIENCE_S = 5.0
"""Longer no thread waits for a child to be free."""
MEBIBYTE = 1024 * 1024
_ROOT = Path(__file__).parents[3]


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
        """The sections of a document; raises ``file_encrypted``, ``file_empty`` and ``file_kind_unknown`` too."""
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
            "memory_bytes": task.memory_bytes,
            "cpu_s": math.ceil(seconds),
            "max_chars": MAX_CHARS,
        }
        with self._turn_of(task), tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            status = _child(json.dumps(arguments), output.fileno(), errors.fileno(), seconds)
            output.seek(0)
            errors.seek(0)
            printed, complaint = output.read(MAX_OUTPUT_BYTES), _last_word(errors.read(MAX_OUTPUT_BYTES))
        if status != 0:
            exhausted = status < 0 or status == OUT_OF_MEMORY or "MemoryError" in complaint
            raise _failure(task.too_complex if exhausted else task.damaged, complaint)
        try:
            fields: dict[str, Any] = json.loads(printed)
        except ValueError as error:
            raise _failure(task.damaged, "output") from error
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


def _child(arguments: str, output: int, errors: int, seconds: float) -> int:
    """The exit status, negative where a signal or the end of our patience ended it."""
    with subprocess.Popen(
        [sys.executable, "-m", "bot.media.parsing.child"],
        cwd=_ROOT,
        env={"PATH": os.defpath, "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=errors,
        start_new_session=True,
    ) as process:
        try:
            process.communicate(arguments.encode(), timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return -signal.SIGKILL
    return process.returncode


def _last_word(complaint: bytes) -> str:
    """The class of the error that a traceback ends with; the rest may repeat what stands in the file."""
    return complaint.decode(errors="replace").strip().rpartition("\n")[2].partition(":")[0][:80]
