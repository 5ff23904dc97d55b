"""What a question says of the columns of a look-up table: by the words that the table itself has, and numbers with
their units. Nothing is guessed: what cannot be told is not given."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from bot.answering.numerals import ARABIC, CHINESE_DECIMAL, arabic, chinese_values
from bot.answering.quantities import unit_at
from bot.knowledge.lookup_table import Column, ColumnKind, Interval, LookupTable, fold

Given = Mapping[int, Interval | frozenset[str]]
"""By the number of a column: what its number may be, or which of its options (each by its first word)."""

_LEAST = ("≥", ">=", "不低于", "不少于", "至少", "大于等于")
_MORE = (">", "超过", "大于", "高于")
_MOST = ("≤", "<=", "不超过", "不高于", "至多", "小于等于")
_LESS = ("<", "不足", "小于", "低于")
_BEFORE = "|".join(sorted((*_LEAST, *_MORE, *_MOST, *_LESS), key=len, reverse=True))
_VALUE = rf"(?:{ARABIC}|{CHINESE_DECIMAL})"
_NUMBER = re.compile(
    rf"(?P<before>{_BEFORE})?\s*(?P<a>{_VALUE})(?:\s*(?:[a-z/岁周公千斤%]{{0,12}})\s*[-~–—至到]\s*(?P<b>{_VALUE}))?"
)
_AFTER = re.compile(r"\s*(?P<after>及?以上|或以上|及?以[下内]|或以下|之?后|之?前|多|左右|上下|几|半)?")
_ROUGH = re.compile(r"(?:大概|大约|约|差不多|将近|快)\s*$")
_DATE = re.compile(r"(?P<y>\d{4})[-/年.](?P<m>\d{1,2})[-/月.](?P<d>\d{1,2})日?")
_VAGUE = frozenset({"多", "左右", "上下", "几", "半"})
_NOT = re.compile(r"(?:(?<!是)不是|(?<!有)没有|并非|(?<!有)没|无|(?<!是)非|未|不)(?:在|是|做|用|服用?|吃)?$")
_WHETHER = re.compile(r"(?:有没有|有无|是不是|是否|要不要|能不能)(?:在|是|做|用|服用?|吃)?$")
_GAP = 8
"""Characters between the name of a column and its number."""
YES = frozenset({"是", "是的", "有", "有的", "对", "对的", "嗯", "yes", "y"})
NO = frozenset({"不", "不是", "否", "没", "没有", "无", "no", "n"})


@dataclass(frozen=True, slots=True)
class _Mention:
    start: int
    end: int
    column: int
    option: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What a text says of a table: what is ``given``, and which columns it names."""

    given: Given
    named: frozenset[int]


def options_of(table: LookupTable, column: int) -> dict[str, tuple[str, ...]]:
    """The options of a column in the order of the rows, each by its first word with all the words that mean it."""
    options: dict[str, tuple[str, ...]] = {}
    for row in table.rows:
        cell = row.cells[column]
        for words in cell if isinstance(cell, tuple) else ():
            options[words[0]] = tuple(dict.fromkeys((*options.get(words[0], ()), *words)))
    return options


def read(table: LookupTable, text: str) -> Reading:
    """What ``text`` says of ``table``."""
    folded = fold(text)
    mentions = list(_mentions(table, folded))
    names = list(_names(table.columns, folded))
    given = _chosen(table, folded, mentions)
    taken = [(mention.start, mention.end) for mention in mentions]
    for at, interval in _numbers(table.columns, folded, names, taken):
        if at in given:  # two numbers for one column: neither is sure
            del given[at]
            continue
        given[at] = interval
    return Reading(given=given, named=frozenset(column for _, _, column in names))


def read_answer(table: LookupTable, column: int, text: str) -> Interval | frozenset[str] | None:
    """What ``text`` says when it answers the question for ``column``; ``None`` where it does not."""
    said = read(table, text).given.get(column)
    if said is not None:
        return said
    plain = fold(text).strip(" 。.!！,，~")
    if table.columns[column].kind is ColumnKind.CHOICE:
        options = options_of(table, column)
        words = YES if plain in YES else NO if plain in NO else frozenset()
        meant = [option for option, means in options.items() if words & set(means)]
        return frozenset(meant) if len(meant) == 1 else None
    number = re.fullmatch(rf"(?:是|有|为)?\s*(?P<a>{_VALUE})\s*(?P<rest>\D*)", plain)
    if number is None or (number["rest"] and unit_at(number["rest"])):  # in another unit: read above, or not ours
        return None
    return None if number["rest"] else _exactly(_value(number["a"]))


def _mentions(table: LookupTable, text: str) -> Iterator[_Mention]:
    """Options that ``text`` names, the longest first, none inside another."""
    words = [
        (word, column, option)
        for column, each in enumerate(table.columns)
        if each.kind is ColumnKind.CHOICE
        for option, means in options_of(table, column).items()
        for word in means
        if word not in YES | NO  # they answer the question for their column, and say nothing of it anywhere else
    ]
    taken: list[tuple[int, int]] = []
    for word, column, option in sorted(words, key=lambda one: -len(one[0])):
        for start in _places(word, text):
            if not _overlaps(taken, start, start + len(word)):
                taken.append((start, start + len(word)))
                yield _Mention(start, start + len(word), column, option)


def _names(columns: Sequence[Column], text: str) -> Iterator[tuple[int, int, int]]:
    """Where ``text`` names which column, the longest names first."""
    taken: list[tuple[int, int]] = []
    named = [(fold(name), at) for at, column in enumerate(columns) for name in column.names]
    for name, at in sorted(named, key=lambda one: -len(one[0])):
        for start in _places(name, text):
            if not _overlaps(taken, start, start + len(name)):
                taken.append((start, start + len(name)))
                yield start, start + len(name), at


def _chosen(table: LookupTable, text: str, mentions: Iterable[_Mention]) -> dict[int, Interval | frozenset[str]]:
    """Per column the options that are left by what was named, and by what was denied."""
    meant: dict[int, set[str]] = {}
    denied: dict[int, set[str]] = {}
    for mention in mentions:
        if _whether(text, mention.start):
            continue
        into = denied if _NOT.search(text[: mention.start]) else meant
        into.setdefault(mention.column, set()).add(mention.option)
    for column, options in denied.items():
        meant.setdefault(column, set(options_of(table, column)) - options)
    return {column: frozenset(options) for column, options in meant.items() if options}


def _whether(text: str, start: int) -> bool:
    """Whether what stands at ``start`` is asked about either way: 是否怀孕, 有没有怀孕."""
    doubled = text[start : start + 1] in ("没", "不") and text[start - 1 : start] == text[start + 1 : start + 2]
    return doubled or _WHETHER.search(text[:start]) is not None


def _numbers(
    columns: Sequence[Column], text: str, names: Sequence[tuple[int, int, int]], taken: list[tuple[int, int]]
) -> Iterator[tuple[int, Interval]]:
    """The numbers of ``text`` that surely belong to a column: by its name before, or a unit that it alone has."""
    dates = [at for at, column in enumerate(columns) if column.kind is ColumnKind.DATE]
    for found in _DATE.finditer(text):
        taken = [*taken, found.span()]
        if len(dates) == 1 and (day := _day(found)) is not None:
            yield dates[0], _bounded(day, "", _AFTER.match(text, found.end())["after"] or "")  # type: ignore[index]
    numeric = [at for at, column in enumerate(columns) if column.kind in (ColumnKind.RANGE, ColumnKind.NUMBER)]
    for found in _NUMBER.finditer(text):
        if _overlaps(taken, found.start("a"), found.end()) or _ROUGH.search(text[: found.start()]):
            continue
        if not (found["a"][0].isdecimal() or len(chinese_values(found["a"])) == 1):  # 四五十
            continue
        known = unit_at(text[found.end() :].lstrip())
        named = _named_before(names, found.start(), numeric)
        with_unit = [at for at in numeric if known and _factor(columns[at], text[found.end() :].lstrip())]
        fits = [at for at in with_unit if at == named] or (with_unit if len(with_unit) == 1 else [])
        if not fits and named is not None and found["a"][0].isdecimal() and (known is None or not columns[named].unit):
            fits = [named]
        if not fits:
            continue
        factor, length = _factor(columns[fits[0]], text[found.end() :].lstrip()) or (Fraction(1), 0)
        blanks = len(text[found.end() :]) - len(text[found.end() :].lstrip())
        after = _AFTER.match(text, found.end() + (blanks + length if length else 0))
        ending = (after["after"] if after else "") or ""
        if ending in _VAGUE:
            continue
        if found["b"]:
            yield fits[0], Interval(_value(found["a"]) * factor, _value(found["b"]) * factor)
        else:
            yield fits[0], _bounded(_value(found["a"]) * factor, found["before"] or "", ending)


def _named_before(names: Sequence[tuple[int, int, int]], start: int, numeric: Sequence[int]) -> int | None:
    """The column whose name stands close before a number."""
    before = [(end, at) for _, end, at in names if at in numeric and 0 <= start - end <= _GAP]
    return max(before)[1] if before else None


def _factor(column: Column, text: str) -> tuple[Fraction, int] | None:
    """How many of the unit of ``column`` the unit is that ``text`` begins with, and its length."""
    unit = fold(column.unit)
    if unit and text.startswith(unit):
        return Fraction(1), len(unit)
    ours, theirs = unit_at(unit), unit_at(text)
    if ours is None or theirs is None or ours[2] != len(unit) or ours[0] != theirs[0]:
        return None
    return theirs[1] / ours[1], theirs[2]


def _bounded(value: Fraction, before: str, after: str) -> Interval:
    if before in _LEAST or "以上" in after:
        return Interval(value, None)
    if before in _MORE or after.endswith("后"):
        return Interval(value, None, low_open=before in _MORE)
    if before in _MOST or after.endswith(("以下", "以内")):
        return Interval(None, value)
    if before in _LESS or after.endswith("前"):
        return Interval(None, value, high_open=True)
    return _exactly(value)


def _exactly(value: Fraction) -> Interval:
    return Interval(value, value)


def _value(text: str) -> Fraction:
    return arabic(text) if text[0].isdecimal() else chinese_values(text)[0]


def _day(found: "re.Match[str]") -> Fraction | None:
    try:
        return Fraction(date(int(found["y"]), int(found["m"]), int(found["d"])).toordinal())
    except ValueError:
        return None


def _places(word: str, text: str) -> Iterator[int]:
    """Where ``word`` stands in ``text``, and not within a longer one of letters, or of digits."""
    for found in re.finditer(re.escape(word), text):
        before, after = text[found.start() - 1 : found.start()], text[found.end() : found.end() + 1]
        inside = _joins(before, word[0]) or _joins(word[-1], after)
        if not inside:
            yield found.start()


def _joins(one: str, other: str) -> bool:
    pair = one + other
    return len(pair) == 2 and pair.isascii() and (pair.isalpha() or pair.isdigit())


def _overlaps(taken: Iterable[tuple[int, int]], start: int, end: int) -> bool:
    return any(start < other_end and other_start < end for other_start, other_end in taken)
