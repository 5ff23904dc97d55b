"""Whether a figure of a sentence says of the same thing what it says in the source.

That a source has a figure is not enough: it may be another's (``成人100 ml，儿童50 ml`` does not say ``儿童100 ml``),
another row's of a table, the wrong end of a range, or a limit the other way round.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from bot.answering.claims import Clause, Ground, clauses_of, share_in
from bot.answering.numerals import plain_numerals
from bot.answering.proper_nouns import proper_nouns
from bot.answering.quantities import NUMBER, Figures, Moment, Quantity, figures_of, fold, value_of
from bot.answering.units import FULL_UNIT

_SOMEWHAT_ALIKE = 0.5
"""The share of a clause from which a clause of the source speaks of the same."""
_TIME = frozenset({"s", "day", "workday", "week", "month", "year"})
"""Units of which a period has one: ``有效期2年`` says something else than ``有效期14天``."""
_HAN = "\u4e00-\u9fff"
_END = rf"(?:\d{{1,2}}:\d\d|\d{{1,2}}\s?月\s?\d{{1,2}}\s?[日号]|{NUMBER})"
_RANGE = re.compile(
    rf"(?<![a-z\d.-])(?<!\d:)(?P<a>{_END})\s?(?:{FULL_UNIT})?\s?(?P<to>[-~–—至到]|to)\s?(?:次年|次日|翌年|第二天|第二年)?\s?"
    rf"(?P<b>{_END})(?![a-z\d.:]|\s?[-–])"
)
_PER = re.compile(rf"(?:每|\bevery |\bper )\s?(?P<n>{NUMBER})")
_COUNTED = re.compile(
    rf"(?<![\d.])(?P<n>{NUMBER})\s?(?:(?P<unit>{FULL_UNIT})|(?!{FULL_UNIT}))\s?(?P<what>[{_HAN}]{{2}})"
)
_CELL_PARTS = re.compile("[、，,/与和及]")
_OPPOSED = {(True, False), (False, True)}


def misplaced_figure(sentence: str, grounds: Sequence[Ground]) -> bool:
    """Whether a figure belongs to something else."""
    clauses = clauses_of(sentence)
    return (
        any(_of_another(quantity, clause, grounds) for clause in clauses for quantity in _telling(clause))
        or any(_per_another(clause, grounds) for clause in clauses)
        or ("|" not in sentence and _of_another_row(clauses, grounds))
        or _counts_others(sentence, grounds)
        or _between_others(sentence, grounds)
    )


def _telling(clause: Clause) -> Iterator[Quantity]:
    return (each for each in clause.figures.quantities if clause.pieces and each.unit and each.value != 1)


def _of_another(quantity: Quantity, clause: Clause, grounds: Sequence[Ground]) -> bool:
    """Whether the clause that speaks most of the same has another figure of the kind."""
    best_with = best_without = 0.0
    for other in (other for ground in grounds for other in ground.clauses):
        same_kind = {one for one in other.figures.quantities if _same_kind(one, quantity) and one.value != 1}
        bare = any(not one.unit and one.written == quantity.written for one in other.figures.quantities)
        if bare or quantity in same_kind:
            best_with = max(best_with, share_in(clause.pieces, other.pieces))
        elif same_kind:
            best_without = max(best_without, share_in(clause.pieces, other.pieces))
    return best_without >= _SOMEWHAT_ALIKE and best_without > best_with


def _same_kind(one: Quantity, other: Quantity) -> bool:
    return one.unit == other.unit or {one.unit, other.unit} <= _TIME


def limits_the_other_way(sentence: str, grounds: Sequence[Ground]) -> bool:
    """Whether a figure is a limit the other way round (``最多`` for ``至少``), in whatever words and language."""
    return any(_limits_the_other_way(clause, grounds) for clause in clauses_of(sentence))


def _limits_the_other_way(clause: Clause, grounds: Sequence[Ground]) -> bool:
    """Whether the clauses that have the same figure, and speak most of the same, set the opposite limit."""
    if clause.bounds not in _OPPOSED:
        return False
    same = [
        (share_in(clause.pieces, other.pieces) if clause.pieces else 0.0, other.bounds)
        for ground in grounds
        for other in ground.clauses
        if clause.figures.quantities & other.figures.quantities
    ]
    most = max((share for share, _ in same), default=0.0)
    nearest = {bounds for share, bounds in same if share == most and any(bounds)}
    return bool(nearest) and all({clause.bounds, bounds} == _OPPOSED for bounds in nearest)


def _per_another(clause: Clause, grounds: Sequence[Ground]) -> bool:
    """Whether ``每2次有10次`` has the figures of ``每10次有2次``."""
    mine = _per(clause.text)
    known = {one for ground in grounds for other in ground.clauses for one in _per(other.text)}
    parts = {
        one.written
        for ground in grounds
        for other in ground.clauses
        if _per(other.text)
        for one in other.figures.quantities
    }
    return bool((mine - known) & parts)


def _per(text: str) -> set[Fraction]:
    return {value_of(found["n"]) for found in _PER.finditer(text)}


@dataclass(frozen=True, slots=True)
class _Row:
    names: tuple[str, ...]
    """What may name it, without blanks: its first cell, or its second, such as a code and what it stands for."""
    words: tuple[str, ...]
    """What else it says in words."""
    text: str
    figures: Figures
    bare: frozenset[Fraction]
    """The numbers that stand alone in their cell, whose unit is in the heading if anywhere."""

    def has(self, figure: Quantity | Moment) -> bool:
        """Whether ``figure`` stands in it."""
        if isinstance(figure, Moment):
            return any(figure.said_by(other) for other in self.figures.moments)
        return figure in self.figures.quantities or figure.written in self.bare


@dataclass(frozen=True, slots=True)
class _Table:
    rows: tuple[_Row, ...]
    around: Figures
    """The figures of the text that is no table,"""
    text: str
    """and that text, without blanks."""


def _of_another_row(clauses: Sequence[Clause], grounds: Sequence[Ground]) -> bool:
    """Whether a figure stands in another row of a table than the one that is named."""
    for table in (table for ground in grounds for table in _tables(ground.folded)):
        named: _Row | None = None
        for clause in clauses:
            named = _row_named(table, clause.text) or named
            if named and (_has_figures_of_another(clause, named, table) or _has_words_of_another(clause, named, table)):
                return True
    return False


def _has_figures_of_another(clause: Clause, named: _Row, table: _Table) -> bool:
    counted = {one for one in clause.figures.quantities if one.value != 1} - table.around.quantities
    figures: list[Quantity | Moment] = [*counted, *(clause.figures.moments - table.around.moments)]
    return any(not named.has(figure) and any(row.has(figure) for row in table.rows) for figure in figures)


def _has_words_of_another(clause: Clause, named: _Row, table: _Table) -> bool:
    if clause.negated:  # what only others can: 冻结的账号不能选课
        return False
    solid = "".join(clause.text.split())
    others = {word for row in table.rows if row is not named for word in row.words}
    return any(word in solid and word not in named.text and word not in table.text for word in others)


def _row_named(table: _Table, text: str) -> _Row | None:
    """The one row that ``text`` names."""
    solid = "".join(text.split())
    named = [row for row in table.rows if any(name in solid for name in row.names)]
    return named[0] if len(named) == 1 else None


@lru_cache(maxsize=256)
def _tables(text: str) -> tuple[_Table, ...]:
    blocks: list[list[list[str]]] = [[]]
    around = []
    for line in text.split("\n"):
        cells = ["".join(cell.split()) for cell in line.strip().strip("|").split("|")]
        if not line.lstrip().startswith("|"):
            around.append(line)
            if blocks[-1]:
                blocks.append([])
        elif len(cells) > 1 and any(cell.strip("-:") for cell in cells):
            blocks[-1].append(cells)
    figures = figures_of("\n".join(around), source=True)
    solid = "".join("".join(around).split())
    return tuple(_Table(tuple(_rows(lines[1:])), figures, solid) for lines in blocks if len(lines) > 2)


def _rows(lines: Sequence[Sequence[str]]) -> Iterator[_Row]:
    cells = [[_CELL_PARTS.split(cell) for cell in line] for line in lines]
    everywhere = [part for line in cells for cell in line for part in cell]
    for line, parted in zip(lines, cells, strict=True):
        parts = [(at, part) for at, cell in enumerate(parted) for part in cell if len(part) > 1]
        second = [] if re.search(r"\d", line[1]) else parted[1]
        names = tuple(part for at, part in parts if everywhere.count(part) == 1 and (at == 0 or second == [part]))
        words = tuple(part for at, part in parts if at > 0 and part not in names and not re.search(r"\d", part))
        bare = frozenset(value_of(cell) for cell in line if re.fullmatch(NUMBER, cell))
        text = " | ".join(line)
        yield _Row(names, words, text, figures_of(text, source=True), bare)


def _counts_others(sentence: str, grounds: Sequence[Ground]) -> bool:
    """Whether ``10枚红枣`` counts what the sources only have 4 of."""
    known: dict[str, set[Fraction]] = {}
    for what, value in (pair for ground in grounds for pair in _counted(ground.folded)):
        known.setdefault(what, set()).add(value)
    return any(what in known and value not in known[what] for what, value in _counted(fold(sentence)))


@lru_cache(maxsize=512)
def _counted(text: str) -> tuple[tuple[str, Fraction], ...]:
    """What ``text`` counts with a word that only counts, and how many."""
    return tuple(
        (found["what"], value_of(found["n"]))
        for found in _COUNTED.finditer(plain_numerals(text))
        if proper_nouns().names_something(found["what"])
        and (not found["unit"] or {one.unit for one in figures_of(f"2{found['unit']}").quantities} == {""})
    )


def _between_others(sentence: str, grounds: Sequence[Ground]) -> bool:
    """Whether both ends of a range stand in no clause of the sources, or there the other way round."""
    known = {(_end(low), _end(high)) for ground in grounds for low, high in _ranges(ground.folded)}
    together = [clause.figures for ground in grounds for clause in ground.clauses]
    for low, high in _ranges(fold(sentence)):
        if (_end(low), _end(high)) in known:
            continue
        ends = figures_of(f"{low}，{high}")
        written = {one.written for one in ends.quantities}
        if (_end(high), _end(low)) in known or not any(
            written <= {one.written for one in source.quantities} and ends.moments <= source.moments
            for source in together
        ):
            return True
    return False


@lru_cache(maxsize=512)
def _ranges(text: str) -> tuple[tuple[str, str], ...]:
    """The ends of the ranges of ``text``; no years with their months (``2026-03``)."""
    found = (each for each in _RANGE.finditer(plain_numerals(text)) if each["to"] != "-" or len(each["a"]) != 4)
    return tuple((each["a"], each["b"]) for each in found)


def _end(text: str) -> str:
    """An end of a range in one form."""
    return str(value_of(text)) if re.fullmatch(NUMBER, text) else "".join(text.split())
