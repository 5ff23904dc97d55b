"""Rules that a safety officer can read: YAML files of named patterns, and how they are found in a text.

A file has ``words``, names for alternatives, and ``rules``. Each rule has an ``id``, a ``family`` (the kind of thing it
finds), what it ``says`` and a ``weight`` (1 where none is named), and either

``any``
    One of the patterns is found, and one of ``with`` where the rule has that. A find does not count where one of
    ``unless`` stands within :data:`UNLESS_REACH` characters of it.
``together``
    Every pattern is found in one sentence, in whatever order.

Each line is a regular expression in which a space stands for up to three separators, or none, ``~`` for up to ten
characters of the same sentence, ``~~`` for up to forty, and ``<name>`` for one of the ``words``. Texts are compared in
canonical form (:mod:`bot.safety.characters`), without spaces beside Chinese characters.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from bot.safety.needed_pieces import Pieces, most_telling, needed_pieces, pieces_of
from bot.shipped_yaml import read_shipped

UNLESS_REACH = 12
"""Characters beside a find in which an ``unless`` pattern takes it back; further off it would let an attack excuse
itself with a harmless word."""

_CLASS = re.compile(r"(\[(?:\\.|[^\]\\])*\])")
_SENTENCE = re.compile(r"[^。!?\n]{1,120}")
_NEAR = "[^。!?;]{0,10}"
_FAR = "[^。!?;]{0,40}"
_SEPARATORS = r"[\W_]{0,3}"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a file; ``says`` is what it looks for, in a sentence for a security officer."""

    id: str
    family: str
    says: str
    weight: float
    pattern: re.Pattern[str] | None
    together: tuple[re.Pattern[str], ...]
    with_: re.Pattern[str] | None
    unless: re.Pattern[str] | None

    @property
    def needed(self) -> Pieces | None:
        """Pieces of which a text that matches has at least one; ``None`` where nothing can be said."""
        required = (self.pattern, self.with_, *self.together)
        return most_telling(needed_pieces(pattern) for pattern in required if pattern is not None)

    def find(self, text: str) -> str | None:
        """The words of canonical ``text`` that match, or ``None``."""
        if self.pattern is None:
            return self._together_in(text)
        if self.with_ is not None and not self.with_.search(text):
            return None
        for found in self.pattern.finditer(text):
            around = text[max(found.start() - UNLESS_REACH, 0) : found.end() + UNLESS_REACH]
            if self.unless is None or not self.unless.search(around):
                return found.group()
        return None

    def _together_in(self, text: str) -> str | None:
        """The first sentence that holds all patterns of ``together``."""
        if not all(pattern.search(text) for pattern in self.together):
            return None
        sentences = (found.group() for found in _SENTENCE.finditer(text))
        return next((words for words in sentences if all(pattern.search(words) for pattern in self.together)), None)


class Rules:
    """The rules of one file, in its order, with what tells quickly which of them a text cannot match."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)
        self._always: set[int] = set()
        self._by_piece: dict[str, list[int]] = {}
        for number, rule in enumerate(self._rules):
            needed = rule.needed
            if needed is None:
                self._always.add(number)
            for piece in needed or ():
                self._by_piece.setdefault(piece, []).append(number)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rules)

    def __len__(self) -> int:
        return len(self._rules)

    def candidates(self, text: str) -> list[Rule]:
        """Those that canonical ``text`` may match, in order; the others do not match it."""
        found = set(self._always)
        for piece in self._by_piece.keys() & pieces_of(text):
            found.update(self._by_piece[piece])
        return [self._rules[number] for number in sorted(found)]


@cache
def load_rules(package: str, name: str) -> Rules:
    """The rules of the file ``name`` in ``package``, read once."""
    content = read_shipped(package, name)
    words: Mapping[str, str] = content.get("words", {})
    return Rules([_rule(row, words) for row in content["rules"]])


def _rule(row: Mapping[str, Any], words: Mapping[str, str]) -> Rule:
    return Rule(
        id=row["id"],
        family=row["family"],
        says=row["says"],
        weight=float(row.get("weight", 1)),
        pattern=_compile(row["any"], words) if "any" in row else None,
        together=tuple(_compile(line, words) for line in row.get("together", "").splitlines()),
        with_=_compile(row["with"], words) if "with" in row else None,
        unless=_compile(row["unless"], words) if "unless" in row else None,
    )


def _compile(lines: str, words: Mapping[str, str]) -> re.Pattern[str]:
    expanded = re.sub(r"<(\w+)>", lambda name: f"(?:{words[name[1]]})", "|".join(lines.splitlines()))
    parts = _CLASS.split(expanded)
    # every second part is a character class, in which a space is a space
    parts[::2] = [part.replace(" ", _SEPARATORS).replace("~~", _FAR).replace("~", _NEAR) for part in parts[::2]]
    return re.compile("".join(parts))
