"""Which rows of a table hold under what is given, and which condition is missing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.knowledge.lookup_table import Cell, Interval, LookupTable, Row, fold
from bot.lookup.words import Given, Reading, read

MOST_ROWS = 5
"""Rows that an answer may have: more say that the question was another."""
_GENERAL = re.compile(
    r"哪些|哪几|(?:什么|何种|啥)(?:要求|条件|标准|限制|规定|情况|人)|有何(?:要求|限制)|怎么规定|分(?:几|哪)|"
    r"\bwhich\b|\bwhat (?:are|is) the (?:rules|requirements|conditions|limits)"
)
"""Asks for the rules themselves, and not whether they apply to somebody."""


@dataclass(frozen=True, slots=True)
class Found:
    """Rows that hold, in the order of the table."""

    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """The condition, by the number of its column, without which no row surely holds."""

    column: int


Decision = Found | Missing | None
"""``None``: no row holds."""


def meant(tables: Sequence[LookupTable], question: str) -> tuple[LookupTable, Reading] | None:
    """The one table that ``question`` asks, with what it says of it; ``None`` where none or several are asked.

    A table is asked when what one of its rows is about is named, and something that its rows say: by the words that
    its author gave them.
    """
    asked = []
    for table in tables:
        said = read(table, question)
        subject = said.given.get(0)
        says = any(not table.columns[at].decides for at in said.named)
        if isinstance(subject, frozenset) and len(subject) == 1 and says:
            asked.append((len(said.named) + len(said.given), table, said))
    best = max((score for score, _, _ in asked), default=0)
    leading = [(table, said) for score, table, said in asked if score == best]
    return leading[0] if len(leading) == 1 else None


def decide(table: LookupTable, given: Given, question: str = "") -> Decision:
    """The rows of ``table`` that hold under ``given``; or the first condition that is open, unless ``question`` asks
    for the rules themselves."""
    possible = [row for row in table.rows if all(_may(row.cells[at], value) for at, value in given.items())]
    if not possible:
        return None
    open_ = _open(table, possible, given)
    if open_ and not (_GENERAL.search(fold(question)) and len(possible) <= MOST_ROWS):
        return Missing(open_[0])
    return Found(tuple(possible)) if len(possible) <= MOST_ROWS else None


def _open(table: LookupTable, possible: Sequence[Row], given: Given) -> list[int]:
    """The conditions of ``possible`` rows that ``given`` leaves open."""
    return [
        at
        for at, column in enumerate(table.columns)
        if column.decides and any(not _holds(row.cells[at], given.get(at)) for row in possible)
    ]


def _may(cell: Cell, value: Interval | frozenset[str]) -> bool:
    """Whether a cell lets something of ``value`` through; an empty one of a number or date says nothing of it."""
    if cell is None:
        return True
    if isinstance(cell, Interval):
        return isinstance(value, Interval) and cell.meets(value)
    return isinstance(value, frozenset) and any(words[0] in value for words in cell)


def _holds(cell: Cell, value: Interval | frozenset[str] | None) -> bool:
    """Whether a condition surely holds."""
    if cell is None:
        return True
    if isinstance(cell, Interval):
        return isinstance(value, Interval) and cell.contains(value)
    return isinstance(value, frozenset) and value <= {words[0] for words in cell}
