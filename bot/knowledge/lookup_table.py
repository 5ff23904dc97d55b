"""Look-up tables: each row says what holds under its conditions, and is an entry like any other.

A sheet or CSV file is one when the names in its first row carry types: ``检查|扫描[选项]``, ``eGFR|肾功能[范围 mL]``,
``费用[数值 元]``, ``截止日[日期]``, ``能否检查|能不能做[文本]`` (or choice, range, number, date, text). Names that mean
the same are parted by ``|``, the first is shown; what follows the type is the unit. The first column says what a row is
about and must be 选项. 选项 and 范围 are conditions: each row fills them in, with 不限 where it makes no difference.
The other columns are what the row says.

A condition that was left out would let another row answer in its place: one bad cell refuses the whole table.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction

import structlog

from bot import telemetry
from bot.errors import KnowledgeError
from bot.knowledge.entries import Entry, EntryKind
from bot.knowledge.loaders import LoadLimits
from bot.knowledge.origin import Origin, make_entry

log = structlog.get_logger()


class ColumnKind(StrEnum):
    """What the cells of a column hold; the first two are conditions."""

    CHOICE = "choice"
    RANGE = "range"
    NUMBER = "number"
    DATE = "date"
    TEXT = "text"


CONDITIONS = (ColumnKind.CHOICE, ColumnKind.RANGE)
_WITH_UNIT = (ColumnKind.RANGE, ColumnKind.NUMBER)
HEADER = "表头"
"""Where the entry stands that holds the names of the columns."""

_KINDS = {"选项": "choice", "范围": "range", "数值": "number", "日期": "date", "文本": "text"}
_KIND_OF = {**{word: ColumnKind(kind) for word, kind in _KINDS.items()}, **{kind.value: kind for kind in ColumnKind}}
_MARKED = re.compile(rf"(?P<names>[^\[\]]+)\[(?P<kind>{'|'.join(_KIND_OF)})(?:\s+(?P<unit>[^\[\]]+))?\]")
_ANY = frozenset({"不限", "任意", "任何", "所有", "全部", "any", "all", "*"})
_NUMBER = r"-?\d+(?:\.\d+)?"
_BETWEEN = re.compile(rf"(?P<low>{_NUMBER})(?:[-–—~至到]|to)(?P<high>{_NUMBER})")
_FROM = re.compile(
    rf"(?:(?P<sign>≥|>=|>|不低于|不少于|至少|大于等于|超过|大于|高于)(?P<a>{_NUMBER})|(?P<b>{_NUMBER})(?:(?:及|或)?以上|\+))"
)
_UP_TO = re.compile(
    rf"(?:(?P<sign>≤|<=|<|不超过|不高于|至多|小于等于|不足|小于|低于)(?P<a>{_NUMBER})|(?P<b>{_NUMBER})(?:及|或)?以[下内])"
)
_BOTH = re.compile(r"[且,]|并且")
_CHAIN = re.compile(rf"(?P<low>{_NUMBER})(?P<from>≤|<=|<)[^\d≤<>=]{{1,20}}(?P<to>≤|<=|<)(?P<high>{_NUMBER})")
"""``30≤x<60``, whatever it calls the number."""
_SHARE = re.compile(r"0?\.\d+|[01](?:\.0+)?")
_UNIT_IN_NAME = re.compile(
    r".+?\((?P<unit>[a-zμ°%℃/·²³0-9.]{1,16}|毫[升克米]|[千公]?[克斤米]|[元天分次岁年月升]|周岁|个月|小时|分钟)\)",
    re.IGNORECASE,
)
_OPEN = frozenset({">", "<", "超过", "大于", "高于", "不足", "小于", "低于"})
_DATE = re.compile(r"(\d{4})(?:-|/|年)(\d{1,2})(?:-|/|月)(\d{1,2})日?")
_OPTIONS = re.compile(r"[、；;\n]")
_SYNONYMS = re.compile(r"[|｜]")
_LONGEST_CELL = 2000
_TOLD = 5
"""Bad cells that a refusal names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """``names`` mean the same, the first is shown; ``unit`` is that of its numbers, empty where they have none."""

    names: tuple[str, ...]
    kind: ColumnKind
    unit: str

    @property
    def name(self) -> str:
        """The one that is shown."""
        return self.names[0]

    @property
    def decides(self) -> bool:
        """Whether it is a condition."""
        return self.kind in CONDITIONS


@dataclass(frozen=True, slots=True)
class Interval:
    """Numbers from ``low`` to ``high``, both included unless open; ``None`` is without end. Dates are ordinals."""

    low: Fraction | None
    high: Fraction | None
    low_open: bool = False
    high_open: bool = False

    def contains(self, other: "Interval") -> bool:
        """Whether all of ``other`` lies inside."""
        below = self.low is None or (
            other.low is not None
            and (other.low > self.low or (other.low == self.low and (other.low_open or not self.low_open)))
        )
        above = self.high is None or (
            other.high is not None
            and (other.high < self.high or (other.high == self.high and (other.high_open or not self.high_open)))
        )
        return below and above

    def meets(self, other: "Interval") -> bool:
        """Whether some number lies in both."""
        return _before(self, other) and _before(other, self)


Options = tuple[tuple[str, ...], ...]
"""What a choice may be, each with the words that mean it, folded."""
Cell = Options | Interval | None
"""What a cell asks or says in a form that can be compared; ``None`` is anything (a condition) or nothing (a text)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row: its ``entry``, and its cells in the order of the columns."""

    entry: Entry
    cells: tuple[Cell, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LookupTable:
    """A look-up table; ``title`` is its name."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


class _BadCell(KnowledgeError):
    """The text says why and what to do."""


def fold(text: str) -> str:
    """``text`` as words are compared: width, case and runs of blanks make no difference."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def is_lookup_header(cells: Iterable[str]) -> bool:
    """Whether a row is meant to be the header of a look-up table, complete or not."""
    return any(_MARKED.fullmatch(_narrow(cell)) for cell in cells)


def read_lookup_table(
    rows: Sequence[tuple[int, list[str]]], origin: Origin, *, title: str, limits: LoadLimits, where: str = ""
) -> tuple[Entry, ...]:
    """The entries of a look-up table, from its numbered rows that are not blank: the names of its columns, then its
    rows. ``where`` is the sheet it stands in. Raises :class:`~bot.errors.KnowledgeError` for anything that is wrong."""
    if len(rows) > limits.rows + 1:
        raise KnowledgeError(f"more than {limits.rows} rows: split the table")
    header = [" ".join(cell.split()) for cell in rows[0][1]]
    columns = _columns(header)
    entries = [_entry(origin, title, "\n".join(filter(None, header)), _place(where, HEADER))]
    problems: list[str] = []
    meanings: dict[tuple[str, str], str] = {}
    for number, cells in rows[1:]:
        try:
            text = _row_text(columns, header, cells)
            _check_options(columns, _cells(columns, text), meanings)
            entries.append(_entry(origin, title, text, _place(where, f"第 {number} 行")))
        except _BadCell as error:
            problems.append(f"row {number}: {error}")
    if problems:
        more = f"; and {len(problems) - _TOLD} more" if len(problems) > _TOLD else ""
        raise KnowledgeError("; ".join(problems[:_TOLD]) + more)
    return tuple(entries)


def _check_options(columns: Sequence[Column], cells: Sequence[Cell], meanings: dict[tuple[str, str], str]) -> None:
    """Put the words of a row's options into ``meanings``, by column and word; none may mean two options there."""
    for column, cell in zip(columns, cells, strict=True):
        for words in cell if isinstance(cell, tuple) else ():
            for word in words:
                if (meant := meanings.setdefault((column.name, word), words[0])) != words[0]:
                    raise _BadCell(
                        f"{column.name}: {word[:40]} already means {meant[:40]}: write that, or another word"
                    )


def tables_of(entries: Iterable[Entry]) -> list[LookupTable]:
    """The tables that ``entries`` of the kind ``row`` make up: of each file and name one. Rows without the entry of
    their columns are none's. A table that an older version took in and this one cannot read is left out, which is
    logged and counted."""
    grouped: dict[tuple[str, str, str], list[Entry]] = {}
    for entry in entries:
        grouped.setdefault((entry.collection, entry.source, entry.title), []).append(entry)
    return [table for group in grouped.values() for table in _table(group)]


def _table(group: Sequence[Entry]) -> Iterable[LookupTable]:
    headers = [entry for entry in group if entry.location.endswith(HEADER)]
    for header in headers[:1]:
        try:
            columns = _columns(header.text.split("\n"))
            rows = [Row(entry=entry, cells=_cells(columns, entry.text)) for entry in group if entry is not header]
        except KnowledgeError as error:
            telemetry.count("degraded", what="lookup_table")
            log.error("lookup_table_unreadable", source=header.source, reason=str(error), cure="ingest it again")
            continue
        in_order = sorted(rows, key=lambda row: _number_in(row.entry.location))
        yield LookupTable(title=header.title, columns=columns, rows=tuple(in_order))


def _columns(header: Sequence[str]) -> tuple[Column, ...]:
    columns: list[Column] = []
    for cell in filter(str.strip, header):
        marked = _MARKED.fullmatch(_narrow(cell))
        if marked is None:
            raise KnowledgeError(f"row 1: the column {cell[:40]} has no type: write {cell[:40]}[文本], or another type")
        names = tuple(" ".join(name.split()) for name in _SYNONYMS.split(marked["names"]) if name.strip())
        unit, kind = (marked["unit"] or "").strip(), _KIND_OF[marked["kind"]]
        in_name = _UNIT_IN_NAME.fullmatch(names[0]) if kind in _WITH_UNIT and names else None
        if in_name:
            names, unit = (*names, names[0].partition("(")[0].strip()), unit or in_name["unit"]
        columns.append(Column(names=tuple(dict.fromkeys(names)), kind=kind, unit=unit))
    named = [fold(name) for column in columns for name in column.names]
    if twice := next((name for name in named if named.count(name) > 1), None):
        raise KnowledgeError(f"row 1: {twice[:40]} names two columns")
    if not columns or columns[0].kind is not ColumnKind.CHOICE:
        raise KnowledgeError("row 1: the first column says what a row is about: give it the type [选项]")
    if all(column.decides for column in columns):
        raise KnowledgeError("row 1: no column says what holds under the conditions: give one the type [文本]")
    return tuple(columns)


def _row_text(columns: Sequence[Column], header: Sequence[str], cells: Sequence[str]) -> str:
    """A row as it is kept and shown: each cell that says something on a line, behind the name of its column."""
    used = [at for at, name in enumerate(header) if name.strip()]
    if any(cell.strip() for at, cell in enumerate(cells) if at not in used):
        raise _BadCell("a cell stands under no name")
    lines = []
    for column, at in zip(columns, used, strict=True):
        cell = " ".join(cells[at].split()) if at < len(cells) else ""
        if len(cell) > _LONGEST_CELL:
            raise _BadCell(f"{column.name} has {len(cell)} characters, {_LONGEST_CELL} are allowed")
        read_cell(column, cell)
        if cell:
            lines.append(f"{column.name}：{cell}")
    return "\n".join(lines)


def _cells(columns: Sequence[Column], text: str) -> tuple[Cell, ...]:
    """The cells of a row out of its text. Each line begins with the name of a column, and no cell has two lines."""
    given: Mapping[str, str] = dict(line.partition("：")[::2] for line in text.split("\n"))
    return tuple(read_cell(column, given.get(column.name, "")) for column in columns)


def shown(table: LookupTable, row: Row) -> str:
    """``row`` as people read it: word for word, but for the words that only mean the same as an option; a number has
    its unit behind the name of its column."""
    columns = {column.name: column for column in table.columns}
    lines = []
    for line in row.entry.text.split("\n"):
        name, _, cell = line.partition("：")
        column = columns[name]
        if column.kind is ColumnKind.CHOICE:
            cell = "、".join(_SYNONYMS.split(option)[0].strip() for option in _OPTIONS.split(cell))
        told = f"{name}{cell}"
        unit = f"（{column.unit}）" if column.unit and column.unit not in told and any(map(str.isdigit, cell)) else ""
        lines.append(f"{name}{unit}：{cell}")
    return "\n".join(lines)


def read_cell(column: Column, cell: str) -> Cell:
    """What ``cell`` asks or says. Raises :class:`~bot.errors.KnowledgeError` for what is not of the column's type."""
    folded = fold(cell)
    if column.kind is ColumnKind.TEXT:
        return None
    if column.decides and not folded:
        raise _BadCell(f"{column.name} is empty: write 不限 where it makes no difference")
    if not folded or (column.decides and folded in _ANY):
        return None
    if column.kind is ColumnKind.CHOICE:
        if not any(map(str.isalnum, folded)):
            raise _BadCell(f"{column.name} is {cell[:40]}, which nobody says: write 不限 where it makes no difference")
        return _options(folded)
    if column.kind is ColumnKind.DATE:
        return _day(column, folded)
    if column.unit == "%" and _SHARE.fullmatch(folded) and folded != "0":
        raise _BadCell(f"{column.name} is {folded}, as a spreadsheet keeps {float(folded):.0%}: write it with its %")
    plain = folded.replace(fold(column.unit), "") if column.unit else folded
    interval = _interval("".join(plain.split()))
    if interval is None or (column.kind is ColumnKind.NUMBER and interval.low != interval.high):
        form = "a number like 4.5" if column.kind is ColumnKind.NUMBER else "a range like 30-59, ≥60, <30 or 不限"
        raise _BadCell(f"{column.name} is not {form}: {cell[:40]}")
    return interval


def _options(folded: str) -> Options:
    split = ([word.strip() for word in _SYNONYMS.split(option) if word.strip()] for option in _OPTIONS.split(folded))
    return tuple(tuple(words) for words in split if words)


def _day(column: Column, folded: str) -> Interval:
    found = _DATE.fullmatch("".join(folded.split()))
    with suppress(ValueError):  # a day of no calendar is told like what is no date
        if found:
            day = Fraction(date(*map(int, found.groups())).toordinal())
            return Interval(day, day)
    raise _BadCell(f"{column.name} is not a date like 2026-01-31: {folded[:40]}")


def _interval(text: str) -> Interval | None:
    if re.fullmatch(_NUMBER, text):
        return Interval(Fraction(text), Fraction(text))
    if between := _BETWEEN.fullmatch(text):
        return _filled(Interval(Fraction(between["low"]), Fraction(between["high"])))
    return _bounded(text) or _of_two_bounds(text)


def _bounded(text: str) -> Interval | None:
    if least := _FROM.fullmatch(text):
        return Interval(Fraction(least["a"] or least["b"]), None, low_open=least["sign"] in _OPEN)
    if most := _UP_TO.fullmatch(text):
        return Interval(None, Fraction(most["a"] or most["b"]), high_open=most["sign"] in _OPEN)
    return None


def _of_two_bounds(text: str) -> Interval | None:
    if chain := _CHAIN.fullmatch(text):
        low, high = Fraction(chain["low"]), Fraction(chain["high"])
        return _filled(Interval(low, high, chain["from"] in _OPEN, chain["to"] in _OPEN))
    sides = [side for side in map(_bounded, _BOTH.split(text)) if side]
    if len(sides) != 2 or len(_BOTH.split(text)) != 2:
        return None
    least, most = sides
    if least.low is None or most.high is None:
        return None
    return _filled(Interval(least.low, most.high, least.low_open, most.high_open))


def _filled(interval: Interval) -> Interval | None:
    """``interval``, unless no number lies in it."""
    return interval if interval.meets(interval) else None


def _before(one: Interval, other: Interval) -> bool:
    """Whether ``one`` does not begin after ``other`` has ended."""
    if one.low is None or other.high is None:
        return True
    return one.low < other.high or (one.low == other.high and not one.low_open and not other.high_open)


def _narrow(cell: str) -> str:
    return unicodedata.normalize("NFKC", " ".join(cell.split())).replace("【", "[").replace("】", "]")


def _entry(origin: Origin, title: str, text: str, location: str) -> Entry:
    return make_entry(origin, kind=EntryKind.ROW, title=title, text=text, location=location)


def _place(where: str, what: str) -> str:
    return " · ".join(filter(None, (where, what)))


def _number_in(location: str) -> int:
    found = re.search(r"第 (\d+) 行$", location)
    return int(found[1]) if found else 0
