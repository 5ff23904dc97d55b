"""Errors in the programs' logs, told on the terminal in a line now and then.

The logs hold events and ids, never a person's words, so a line of theirs may be shown.
"""

import json
import os
import re
from pathlib import Path

QUIET_S = 30.0
_LOOK_BYTES = 1_000_000
_SHOWN = 160
_TEXT = re.compile(r"\[(?:ERROR|CRITICAL)\]\s*(.+)|: (?:ERROR|CRITICAL)/\S+\]\s*(.+)")  # gunicorn's and Celery's forms


class LogTail:
    """What is new in one log file; survives its rotation."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._position = path.stat().st_size if path.exists() else 0

    def new_lines(self) -> list[str]:
        """Complete lines written since the last call; of a flood only the last megabyte."""
        try:
            with self.path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                if size < self._position:
                    self._position = 0  # rotated
                file.seek(max(self._position, size - _LOOK_BYTES))
                raw = file.read(_LOOK_BYTES)
                start = file.tell() - len(raw)
        except FileNotFoundError:
            return []
        complete, newline, _ = raw.rpartition(b"\n")
        self._position = start + len(complete) + len(newline)
        return complete.decode("utf-8", errors="replace").splitlines()


def error_in(line: str) -> str | None:
    """What went wrong, when ``line`` is an error in JSON (structlog), gunicorn's or Celery's form."""
    if line.startswith("{"):
        try:
            fields = json.loads(line)
        except ValueError:
            return None
        if fields.get("level") not in ("error", "critical"):
            return None
        details = [str(fields[name]) for name in ("event", "error") if fields.get(name)]
        return " ".join(": ".join(details).split())[:_SHOWN]
    found = _TEXT.search(line)
    return " ".join((found[1] or found[2]).split())[:_SHOWN] if found else None


class ErrorWatch:
    """The errors of one program: the first is told at once, those that follow together, :data:`QUIET_S` later."""

    def __init__(self, program: str, path: Path) -> None:
        self._program = program
        self._tail = LogTail(path)
        self._untold: list[str] = []
        self._quiet_until = float("-inf")

    def look(self, now: float) -> str | None:
        """One line about the errors nobody was told of yet, ``None`` when there is nothing to say at ``now``."""
        self._untold += [error for line in self._tail.new_lines() if (error := error_in(line))]
        if not self._untold or now < self._quiet_until:
            return None
        self._quiet_until = now + QUIET_S
        count, last = len(self._untold), self._untold[-1]
        self._untold.clear()
        what = last if count == 1 else f"{count} errors, the last: {last}"
        return f"{self._program} reports {what} ({self._tail.path})"


def last_lines(path: Path, count: int) -> list[str]:
    """The last ``count`` lines of a log, as far as they are in its last megabyte; empty when there is no log."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _LOOK_BYTES))
            return file.read(_LOOK_BYTES).decode("utf-8", errors="replace").splitlines()[-count:]
    except FileNotFoundError:
        return []
