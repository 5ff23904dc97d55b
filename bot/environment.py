"""The process environment and the ``.env`` file under it, read and never written.

Only this module and :mod:`bot.settings` touch ``os.environ``.
"""

import difflib
import io
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv.parser import parse_stream

DOTENV_NAMES = "DOTENV_NAMES"
"""The variable in which ``up`` tells its programs what in their environment was only handed on from the ``.env`` file:
for these names they read the file itself, so that it can be changed while they run."""
MAX_DOTENV_BYTES = 64 * 1024
"""Of a ``.env`` file; every name in it is compared with every setting's."""
_LIKE_A_SETTING = 0.85
"""A name in ``.env`` this similar to a setting's is taken for a slip of the pen."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Non-empty values by name, the ``.env`` line of those that came from there, and what is wrong with the file."""

    values: dict[str, str]
    lines: dict[str, str]
    problems: list[str]

    def where(self, key: str) -> str:
        """Where the value of ``key`` stands, or would stand."""
        return self.lines.get(key, "environment")


def read_sources(environ: Mapping[str, str] | None, dotenv: Path, settings: Collection[str]) -> Sources:
    """``environ``, the process environment unless given, over the file ``dotenv``, which need not be there.

    ``settings`` are the names that mean something to us. Other names are fine, for ``bots.yaml`` may use them, unless
    one looks like a misspelt setting.
    """
    environ = os.environ if environ is None else environ
    values, lines, problems = _read_dotenv(dotenv, settings)
    handed_on = environ.get(DOTENV_NAMES, "").split()
    own = {key: value for key, value in environ.items() if value.strip() and key not in handed_on}
    return Sources(values | own, {key: line for key, line in lines.items() if key not in own}, problems)


def _read_dotenv(path: Path, settings: Collection[str]) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """Values, ``.env:LINE`` by key, problems. Values are taken as they stand: ``$`` has no meaning there."""
    values: dict[str, str] = {}
    lines: dict[str, str] = {}
    problems: list[str] = []
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_DOTENV_BYTES + 1)
        text = raw.decode("utf-8-sig")
    except FileNotFoundError:
        return values, lines, problems
    except (OSError, UnicodeDecodeError) as error:
        return values, lines, [f"{path.name}: cannot be read ({type(error).__name__}); expected a UTF-8 text file"]
    if len(raw) > MAX_DOTENV_BYTES or "\0" in text:
        found = f"more than {MAX_DOTENV_BYTES} bytes" if len(raw) > MAX_DOTENV_BYTES else "a NUL byte"
        return values, lines, [f"{path.name}: holds {found}; expected a short text file of NAME=value lines"]
    for binding in parse_stream(io.StringIO(text, newline=None)):
        text = binding.original.string  # begins with the empty lines before it
        empty_lines = text[: len(text) - len(text.lstrip())].count("\n")
        where = f"{path.name}:{binding.original.line + empty_lines}"
        if binding.error:
            problems.append(f"{where}: not understood; expected NAME=value")
        elif binding.key is not None and (binding.value or "").strip():
            if binding.key in lines:
                problems.append(f"{where}: {binding.key}: set before, at {lines[binding.key]}; expected once")
            elif slip := _slip(binding.key, settings):
                problems.append(f"{where}: {binding.key}: unknown; did you mean {slip}?")
            values[binding.key], lines[binding.key] = binding.value or "", where
    return values, lines, problems


def _slip(key: str, settings: Collection[str]) -> str | None:
    """The setting that ``key`` looks like without being it."""
    near = [] if key in settings else difflib.get_close_matches(key.upper(), settings, n=1, cutoff=_LIKE_A_SETTING)
    return near[0] if near else None
