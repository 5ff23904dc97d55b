"""Rows of a labelled file: one JSON object a line, and an error that names file, line and what is wrong."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bot.errors import UsageError

MAX_LINE_BYTES = 1024 * 1024
MAX_ROWS = 1_000_000


def read_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(``file:line``, object) of every line that is not blank; at least one.

    Raises :class:`~bot.errors.UsageError` for a file that cannot be read, has no rows, or holds a bad line.
    """
    found = 0
    try:
        with path.open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(MAX_LINE_BYTES + 1), b""), start=1):
                where = f"{path}:{number}"
                if len(line) > MAX_LINE_BYTES:
                    raise UsageError(f"{where}: the line is longer than {MAX_LINE_BYTES} bytes")
                if line.strip():
                    found += 1
                    yield where, _object(line, where)
                if found > MAX_ROWS:
                    raise UsageError(f"{where}: more than {MAX_ROWS} rows")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if not found:
        raise UsageError(f"{path} has no rows")


def text_of(row: dict[str, Any], key: str, where: str, default: str | None = None) -> str:
    """The text under ``key`` of the row at ``where``; ``default`` when it is missing.

    Raises :class:`~bot.errors.UsageError` for what is no text, or not text that can be written as UTF-8.
    """
    value = row.get(key, default)
    if not isinstance(value, str):
        raise UsageError(f"{where}: {key} is missing or no text")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise UsageError(f"{where}: {key} holds half a character (\\ud800 to \\udfff)")
    return value


def _object(line: bytes, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except ValueError as error:
        raise UsageError(f"{where}: this is no JSON in UTF-8 ({error})") from error
    except RecursionError as error:
        raise UsageError(f"{where}: brackets inside brackets, too many to be a row") from error
    if not isinstance(row, dict):
        raise UsageError(f"{where}: a JSON object is expected, one a line")
    return row
