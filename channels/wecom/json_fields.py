"""JSON from outside, read by type and with bounds; whatever is not as documented is ``Rejected``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.channel import Rejected

MAX_ID_BYTES = 128
"""A userid has 1 to 64 bytes (page 90196), a msgid or chatid no documented bound; twice that leaves room."""
MAX_URL_LENGTH = 4096


def read_object(raw: bytes) -> dict[str, Any]:
    """The JSON object in ``raw``. Raises :class:`~bot.channel.Rejected` with ``bad_charset`` or ``bad_json``."""
    try:
        content = json.loads(raw.decode())
    except UnicodeDecodeError as error:
        raise Rejected("bad_charset") from error
    except (ValueError, RecursionError) as error:
        raise Rejected("bad_json") from error
    if not isinstance(content, dict):
        raise Rejected("bad_json")
    return content


@dataclass(frozen=True, slots=True)
class Fields:
    """A JSON object read by type; ``null`` counts as absent.

    Every method raises :class:`~bot.channel.Rejected` ``bad_message`` for a value of another type or out of bounds.
    """

    values: Mapping[str, Any]

    def text(self, name: str) -> str:
        """A string, empty when absent, fit for UTF-8 and for SQL: JSON can carry lone surrogates and NUL."""
        return self._string(name).encode(errors="replace").decode().replace("\0", "\ufffd")

    def identifier(self, name: str, max_bytes: int = MAX_ID_BYTES) -> str:
        """A printable string of at most ``max_bytes``, empty when absent."""
        value = self._string(name)
        if not value.isprintable() or len(value.encode()) > max_bytes:
            raise Rejected("bad_message")
        return value

    def url(self, name: str) -> str:
        """A printable string of at most :data:`MAX_URL_LENGTH` characters, empty when absent; not checked further."""
        value = self._string(name)
        if not value.isprintable() or len(value) > MAX_URL_LENGTH:
            raise Rejected("bad_message")
        return value

    def seconds(self, name: str) -> int | None:
        """Seconds since the epoch, ``None`` when absent."""
        value = self.values.get(name)
        if value is None:
            return None
        if type(value) is not int or not 0 <= value < 10**12:
            raise Rejected("bad_message")
        return value

    def named(self, *names: str) -> str:
        """The first of ``names`` that is there, else the first: peers spell some of them in two ways."""
        return next((name for name in names if self.values.get(name) is not None), names[0])

    def number(self, name: str) -> int | None:
        """An integer, ``None`` when absent."""
        value = self.values.get(name)
        if value is not None and type(value) is not int:
            raise Rejected("bad_message")
        return value

    def numbers(self, name: str) -> tuple[int, ...]:
        """A list of integers, empty when absent."""
        values = self._list(name)
        if not all(type(value) is int for value in values):
            raise Rejected("bad_message")
        return tuple(values)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings, empty when absent."""
        return tuple(Fields({name: value}).text(name) for value in self._list(name))

    def object(self, name: str) -> "Fields":
        """An object that must be there."""
        value = self.values.get(name)
        if not isinstance(value, dict):
            raise Rejected("bad_message")
        return Fields(value)

    def objects(self, name: str) -> tuple["Fields", ...]:
        """A list of objects that must be there."""
        values = self.values.get(name)
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            raise Rejected("bad_message")
        return tuple(Fields(value) for value in values)

    def _list(self, name: str) -> list[Any]:
        values = self.values.get(name)
        if values is None:
            return []
        if not isinstance(values, list):
            raise Rejected("bad_message")
        return values

    def _string(self, name: str) -> str:
        value = self.values.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise Rejected("bad_message")
        return value
