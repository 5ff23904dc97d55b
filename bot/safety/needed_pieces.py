"""What a text must hold for a regular expression to match it: most patterns can be passed over without being tried.

A *piece* is one to three letters in a row. Of every pattern we look for a set of pieces of which each match has at
least one, as RE2's prefilter does (Cox, "Regular Expression Matching with a Trigram Index", 2012). Where none can be
told, the pattern has to be tried on every text; it is never passed over wrongly.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from re import _constants as codes  # type: ignore[attr-defined]  # the parser has no public name (Python 3.11)
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final

LONGEST_PIECE: Final = 3
_MOST_STRINGS: Final = 256
"""A part of a pattern that stands for more strings than this is not spelt out."""
_EMPTY: Final = frozenset({""})

Pieces = frozenset[str]


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a pattern: all ``strings`` it stands for, or where these are too many what each ``needs``."""

    strings: frozenset[str] | None = None
    needs: Pieces | None = None

    @property
    def needed(self) -> Pieces | None:
        if self.strings is None:
            return self.needs
        return None if "" in self.strings else frozenset(string[:LONGEST_PIECE] for string in self.strings)


_ANYTHING: Final = _Part()
_NOTHING: Final = _Part(_EMPTY)


def pieces_of(text: str) -> set[str]:
    """Every piece of ``text``."""
    triples = zip(text, text[1:], text[2:], strict=False)
    return {*text, *map("".join, pairwise(text)), *map("".join, triples)}


def needed_pieces(pattern: re.Pattern[str]) -> Pieces | None:
    """Pieces of which every match of ``pattern`` has at least one; ``None`` where nothing can be said."""
    if pattern.flags & re.IGNORECASE:
        return None
    return _sequence(parser.parse(pattern.pattern, pattern.flags)).needed


def most_telling(choices: Iterable[Pieces | None]) -> Pieces | None:
    """Of sets that are all needed, the one that the fewest texts will have."""
    known = [pieces for pieces in choices if pieces]
    return max(known, key=lambda pieces: (min(map(len, pieces)), -len(pieces)), default=None)


def _sequence(items: Sequence[Any]) -> _Part:
    """Parts one after another; neighbours that can be spelt out are joined."""
    found: list[Pieces | None] = []
    strings: frozenset[str] | None = _EMPTY
    whole = True
    for item in items:
        part = _one(item)
        joined = _product(strings, part.strings)
        if joined is not None:
            strings = joined
            continue
        whole = False
        found += [_Part(strings).needed, part.needs]
        strings = _EMPTY if part.strings is None else part.strings
    return _Part(strings) if whole else _Part(needs=most_telling([*found, _Part(strings).needed]))


def _product(first: frozenset[str] | None, second: frozenset[str] | None) -> frozenset[str] | None:
    if first is None or second is None or len(first) * len(second) > _MOST_STRINGS:
        return None
    return frozenset(one + other for one in first for other in second)


def _one(item: tuple[Any, Any]) -> _Part:
    """One node of the parsed pattern; what is not known here may be anything."""
    code, value = item
    read = _READERS.get(code)
    return read(value) if read else _ANYTHING


def _characters(members: Sequence[tuple[Any, Any]]) -> _Part:
    if any(code is not codes.LITERAL for code, _ in members):
        return _ANYTHING
    return _Part(frozenset(chr(value) for _, value in members))


def _branches(value: tuple[Any, Sequence[Sequence[Any]]]) -> _Part:
    branches = [_sequence(branch) for branch in value[1]]
    spelt = [part.strings for part in branches if part.strings is not None]
    if len(spelt) == len(branches):
        strings = frozenset().union(*spelt)
        if len(strings) <= _MOST_STRINGS:
            return _Part(strings)
    needed = [part.needed for part in branches]
    known = [pieces for pieces in needed if pieces is not None]
    return _Part(needs=frozenset().union(*known)) if len(known) == len(needed) else _ANYTHING


def _group(value: tuple[Any, int, int, Sequence[Any]]) -> _Part:
    _, added, _, inner = value
    return _ANYTHING if added & re.IGNORECASE else _sequence(inner)


def _repeated(value: tuple[int, int, Sequence[Any]]) -> _Part:
    least, most, inner = value
    part = _sequence(inner)
    if most == 1 and part.strings is not None:
        return _Part(part.strings | _EMPTY if least == 0 else part.strings)
    return _Part(needs=part.needed) if least else _ANYTHING


_READERS: Final[Mapping[Any, Callable[[Any], _Part]]] = {
    codes.LITERAL: lambda value: _Part(frozenset({chr(value)})),
    codes.IN: _characters,
    codes.BRANCH: _branches,
    codes.SUBPATTERN: _group,
    codes.MAX_REPEAT: _repeated,
    codes.MIN_REPEAT: _repeated,
    codes.POSSESSIVE_REPEAT: _repeated,
    # looking around takes no letters
    codes.AT: lambda _value: _NOTHING,
    codes.ASSERT: lambda _value: _NOTHING,
    codes.ASSERT_NOT: lambda _value: _NOTHING,
}
