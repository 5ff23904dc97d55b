"""A message, folded and cut into sentences and clauses.

A long message is read in segments, so that the work on it grows with its length and no faster: whatever a rule looks
at lies within one segment. Neighbouring segments share their border, for what stands across it.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bot.lazy import lazy
from bot.safety.adverse_events.folding import Folded, fold
from bot.safety.adverse_events.lexicon import Lexicon

LONGEST_SEGMENT = 500
"""Folded characters. Nearly every message is shorter and stays whole."""
_SHARED = 80
"""Characters that two neighbouring segments share."""
_SENTENCE = re.compile(r"[^。?]+[。?]*")
_CLAUSE = re.compile(r"[^，。?]+")


@dataclass(frozen=True, slots=True)
class Span:
    """Folded characters ``start`` to ``end`` (exclusive) of a segment."""

    start: int
    end: int


@dataclass(frozen=True)
class Reading:
    """A message or a segment of one. ``number`` is the message's position in the window, 0 the oldest; every position
    counts characters of ``text``."""

    number: int
    original: str
    """The whole message as it was written."""
    folded: Folded
    lexicon: Lexicon
    is_whole: bool
    """Whether the message is one segment."""
    _first: dict[tuple[str, int, int], int] = field(default_factory=dict)
    _spans: dict[str, Sequence[Span]] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return self.folded.text

    @lazy
    def sentences(self) -> Sequence[Span]:
        """The sentences with their end marks; never empty."""
        return self._cut(_SENTENCE)

    @lazy
    def clauses(self) -> Sequence[Span]:
        """The clauses without their marks; never empty."""
        return self._cut(_CLAUSE)

    def sentence(self, position: int) -> Span:
        """The sentence around ``position``."""
        return self.sentences[max(bisect_right(self._sentence_starts, position) - 1, 0)]

    def clause_number(self, position: int) -> int:
        """The number of the clause around ``position``, from 0."""
        return max(bisect_right(self._clause_starts, position) - 1, 0)

    def clause(self, position: int) -> Span:
        """The clause around ``position``."""
        return self.clauses[self.clause_number(position)]

    def part(self, span: Span) -> str:
        """The folded text of ``span``."""
        return self.text[span.start : span.end]

    def quote(self, span: Span) -> tuple[int, int, str]:
        """``span`` in the original: first character, one past the last, and the words as they were written."""
        start, end = self.folded.original_span(span.start, span.end)
        return start, end, self.original[start:end]

    def has(self, name: str, span: Span | None = None) -> bool:
        """Whether a word of class ``name`` stands in ``span``, or anywhere."""
        return self.first(name, span) >= 0

    def first(self, name: str, span: Span | None = None) -> int:
        """Where the first word of class ``name`` in ``span`` begins, or -1. Remembered, as many rules ask the same."""
        start, end = (span.start, span.end) if span else (0, len(self.text))
        key = (name, start, end)
        if key not in self._first:
            found = [pattern.search(self.text, start, end) for pattern in self.lexicon.alternatives[name]]
            self._first[key] = min((match.start() for match in found if match), default=-1)
        return self._first[key]

    def has_before(self, name: str, position: int) -> bool:
        """Whether a word of class ``name`` stands in the sentence around ``position`` and before it."""
        return 0 <= self.first(name, self.sentence(position)) < position

    def spans(self, name: str, text: str | None = None) -> Sequence[Span]:
        """Every word of class ``name`` in the order of the text, or in ``text`` that stands for it. Where a class has
        several expressions their words may overlap."""
        if text is not None:
            return self._found(name, text)
        if name not in self._spans:
            self._spans[name] = self._found(name, self.text)
        return self._spans[name]

    def _found(self, name: str, text: str) -> Sequence[Span]:
        found = [match.span() for pattern in self.lexicon.alternatives[name] for match in pattern.finditer(text)]
        return [Span(start, end) for start, end in sorted(found) if end > start]

    def _cut(self, pieces: re.Pattern[str]) -> Sequence[Span]:
        return [Span(*found.span()) for found in pieces.finditer(self.text)] or [Span(0, len(self.text))]

    @lazy
    def _sentence_starts(self) -> Sequence[int]:
        return [sentence.start for sentence in self.sentences]

    @lazy
    def _clause_starts(self) -> Sequence[int]:
        return [clause.start for clause in self.clauses]


def read(text: str, number: int, lexicon: Lexicon) -> list[Reading]:
    """``text`` folded, in segments of at most ``LONGEST_SEGMENT`` characters; at least one."""
    folded = fold(text)
    whole = len(folded.text) <= LONGEST_SEGMENT
    return [
        Reading(number, text, Folded(folded.text[start:end], folded.places[start:end]), lexicon, whole)
        for start, end in _segments(folded.text)
    ]


def _segments(text: str) -> Iterator[tuple[int, int]]:
    """First and last (exclusive) character of each segment, which ends with a sentence where it can."""
    start = 0
    while len(text) - start > LONGEST_SEGMENT:
        latest = start + LONGEST_SEGMENT
        ends = [text.rfind(mark, start + LONGEST_SEGMENT // 2, latest) + 1 for mark in "。?"]
        end = max(ends) or text.rfind("，", start + LONGEST_SEGMENT // 2, latest) + 1 or latest
        yield start, end
        start = end - _SHARED
    yield start, len(text)
