"""A child process that reads what strangers wrote: with little memory, little time, no secrets, and never believed.

``python -m MODULE`` gets one JSON object on its standard input and prints one on its standard output. Its module calls
:func:`give_up_rights` before it imports a parser, and exits with :data:`OUT_OF_MEMORY` on ``MemoryError``.
"""

import json
import math
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.errors import BotError

OUT_OF_MEMORY = 3
"""The exit status for a file that needs more memory than it may have."""
MAX_OUTPUT_BYTES = 16 * 1024 * 1024
"""What a child may print, and the largest file it may write."""
MEBIBYTE = 1024 * 1024
_ROOT = Path(__file__).parents[1]


class ChildFailed(BotError):
    """The child gave no result. ``exhausted``: it took too much memory or time; else the parser failed. ``complaint``
    is the class of the error that ended it."""

    def __init__(self, *, exhausted: bool, complaint: str) -> None:
        self.exhausted = exhausted
        self.complaint = complaint
        super().__init__(f"a parser {'took too much memory or time' if exhausted else 'failed'}: {complaint}")


def run_confined(module: str, arguments: Mapping[str, Any], *, memory_bytes: int, seconds: float) -> dict[str, Any]:
    """What ``module`` prints for ``arguments``, to which ``memory_bytes`` and ``cpu_s`` are added.

    Raises :class:`ChildFailed`.
    """
    given = {**arguments, "memory_bytes": memory_bytes, "cpu_s": math.ceil(seconds)}
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        status = _child(module, json.dumps(given), output.fileno(), errors.fileno(), seconds)
        output.seek(0)
        errors.seek(0)
        printed, complaint = output.read(MAX_OUTPUT_BYTES), _last_word(errors.read(MAX_OUTPUT_BYTES))
    if status != 0:
        exhausted = status < 0 or status == OUT_OF_MEMORY or "MemoryError" in complaint
        raise ChildFailed(exhausted=exhausted, complaint=complaint)
    try:
        fields = json.loads(printed)
    except ValueError as error:
        raise ChildFailed(exhausted=False, complaint="output") from error
    if not isinstance(fields, dict):
        raise ChildFailed(exhausted=False, complaint="output")
    return fields


def give_up_rights(memory_bytes: int, cpu_s: int, open_files: int = 64) -> None:
    """Bound what this process may ever take again."""
    for limit, value in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, MAX_OUTPUT_BYTES),
        (resource.RLIMIT_NOFILE, open_files),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))


def _child(module: str, arguments: str, output: int, errors: int, seconds: float) -> int:
    """The exit status, negative where a signal or the end of our patience ended it."""
    with subprocess.Popen(
        [sys.executable, "-m", module],
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
