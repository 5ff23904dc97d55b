"""Numbers and days in a question, each with the column that it surely belongs to: by the name of the column before it,
or by a unit that no other column has. What is rough, or may be another's, is not read."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from fractions import Fraction

from bot.answering.numerals import ARABIC, CHINESE_DECIMAL, arabic, chinese_values
from bot.answering.units import unit_at
from bot.knowledge.lookup_table import Column, ColumnKind, Interval, fold
from bot.lookup.clauses import is_left_open

Span = tuple[int, int]
Named = tuple[int, int, int]
"""Where a text names a column, and its number."""

_LEAST = ("≥", ">=", "不低于", "不少于", "不小于", "至少", "大于等于", "at least", "from")
_MORE = (">", "超过", "大于", "高于", "多于", "over", "above", "more than", "older than")
_MOST = ("≤", "<=", "不超过", "不高于", "不大于", "至多", "最多", "小于等于", "at most", "up to")
_LESS = (
    "<",
    "不足",
    "小于",
    "低于",
    "少于",
    "不到",
    "没到",
    "未到",
    "不满",
    "未满",
    "没满",
    "under",
    "below",
    "less than",
)
_BEFORE = "|".join(sorted((*_LEAST, *_MORE, *_MOST, *_LESS), key=len, reverse=True))
_VALUE = rf"(?:{ARABIC}|{CHINESE_DECIMAL})"
_NUMBER = re.compile(
    rf"(?:(?<![a-z])(?P<before>{_BEFORE}|(?<!有)没有?))?\s*(?P<a>{_VALUE})"
    rf"(?:\s*(?P<unit>[a-z/岁周公千斤%]{{0,12}})\s*(?:[-~–—至到]|to)\s*(?P<b>{_VALUE}))?"
)
_AFTER = re.compile(r"\s*(?P<after>[及或]?以[上下内]|之?后|之?前|or (?:more|older|less|younger))?")
_DATE = re.compile(r"(?P<y>\d{4})[-/年.](?P<m>\d{1,2})[-/月.](?P<d>\d{1,2})日?")
_ROUGH_BEFORE = re.compile(
    r"(?:大概|大约|约|差不多|将近|接近|快|刚过|过了|年过|好|几|第|about|around|almost|nearly)\s*$"
)
_ROUGH_AFTER = re.compile(
    r"\s*(?:[±+]|多(?![久少长大远高重])|来(?![自说])|几(?![天个点号日次年月])|余|左右|上下|出头|半|不到|or so)"
)
_DENIED_BEFORE = re.compile(r"(?:有没有|是不是|是否|不是|并非|不为|不等于|\bnot|n't)\s*$")
_ENDS = re.compile(r"\s*(?:$|[^\w\s%‰°/])")
_GOES_ON = re.compile(
    r"\s*(?:$|[^\w\s%‰°/]|[的了能可要怎和是做去用在我您想以及之呢吗没不也还就该应需行会有他她请但而且或跟与那]|"
    r"(?:and|or|can|may|is|are|what|how|do|does|for|with|but|so)\b)"
)
"""What follows a number that has no unit. Whatever else stands there may be one that nobody has told us of: 斗, lb."""
_LINK = re.compile(
    r"\s*(?:\([^()]{1,20}\))?[\s:=的]*(?:数?值|结果|水平|指标|检查|化验)*[\s:=]*"
    r"(?:是|为|有|只有|才|在|等于|算|测(?:出来|得)?|查(?:出来|得)?|was|is|of)*\s*"
)
"""What may stand between the name of a column and its number."""


def numbers(
    columns: Sequence[Column], text: str, names: Sequence[Named], taken: Iterable[Span]
) -> Iterator[tuple[int, Interval]]:
    """The numbers of ``text``, which is folded, by the column they belong to. ``names`` are the names of columns in it;
    what is ``taken`` is part of other words. What rows say (numbers, days) is meant only where it is named."""
    others = list(taken)
    days = [at for at, column in enumerate(columns) if column.kind is ColumnKind.DATE]
    for found in _DATE.finditer(text):
        others.append(found.span())
        named = named_before(text, names, found.start(), days)
        if named is not None and (day := _day(found)) is not None:
            yield named, _bounded(day, "", _ending(text, found.end()))
    for found in _NUMBER.finditer(text):
        span = found.start("a"), found.end()
        if not any(span[0] < end and start < span[1] for start, end in others) and not _is_rough(text, found):
            yield from _belonging(columns, text, names, found)


def plain_number(text: str) -> Interval | None:
    """The number that ``text`` is and nothing else, without a unit."""
    found = re.fullmatch(rf"(?:是|有|为)?\s*(?P<a>{_VALUE})", text)
    return _exactly(_value(found["a"])) if found and len(_values(found["a"])) == 1 else None


def _belonging(
    columns: Sequence[Column], text: str, names: Sequence[Named], found: "re.Match[str]"
) -> Iterator[tuple[int, Interval]]:
    rest = text[found.end() :].lstrip()
    ranges = [at for at, column in enumerate(columns) if column.kind is ColumnKind.RANGE]
    values = [at for at, column in enumerate(columns) if column.kind is ColumnKind.NUMBER]
    at = named_before(text, names, found.start(), [*ranges, *values])
    if at is None:
        with_unit = [each for each in (*ranges, *values) if _factor(columns[each], rest)]
        at = with_unit[0] if len(with_unit) == 1 and with_unit[0] in ranges else None
    elif _factor(columns[at], rest) is None and _is_strange(columns[at], rest, found["a"]):
        return
    if at is None:
        return
    factor, length = _factor(columns[at], rest) or (Fraction(1), 0)
    end = len(text) - len(rest) + length if length else found.end()
    if _ROUGH_AFTER.match(text, end):
        return
    if found["b"]:
        low, high = _value(found["a"]) * factor, _value(found["b"]) * factor
        if low <= high and (not found["unit"] or rest.startswith(found["unit"])):  # 500g 到 1kg, 从 90 到 45
            yield at, Interval(low, high)
    else:
        yield at, _bounded(_value(found["a"]) * factor, found["before"] or "", _ending(text, end))


def _is_strange(column: Column, rest: str, number: str) -> bool:
    """Whether ``number`` may be in another unit than its column, or none at all (一般, 三甲): by what follows it."""
    if not number[0].isdecimal():
        return _ENDS.match(rest) is None
    if not column.unit:
        known = unit_at(rest)
        return known is None and _GOES_ON.match(rest) is None
    return _GOES_ON.match(rest) is None


def named_before(text: str, names: Sequence[Named], start: int, among: Sequence[int]) -> int | None:
    """The column of ``among`` whose name stands right before ``start`` in ``text``."""
    return next(
        (at for _, end, at in names if at in among and end <= start and _LINK.fullmatch(text, end, start)), None
    )


def _is_rough(text: str, found: "re.Match[str]") -> bool:
    several = len(_values(found["a"])) > 1 or (found["b"] is not None and len(_values(found["b"])) > 1)  # 四五十
    before = text[: found.start()]
    rough = _ROUGH_BEFORE.search(before) or _DENIED_BEFORE.search(before) or _ROUGH_AFTER.match(text, found.end())
    return several or rough is not None or is_left_open(text, found.start())


def _ending(text: str, end: int) -> str:
    found = _AFTER.match(text, end)
    return (found["after"] or "") if found else ""


def _factor(column: Column, text: str) -> tuple[Fraction, int] | None:
    """How many of the unit of ``column`` the unit is that ``text`` begins with, and its length."""
    unit = fold(column.unit)
    theirs = _unit_at(text)
    if unit and text.startswith(unit) and (theirs is None or theirs[2] <= len(unit)) and _is_whole(text, len(unit)):
        return Fraction(1), len(unit)
    ours = _unit_at(unit)
    if ours is None or theirs is None or ours[2] != len(unit) or ours[0] != theirs[0] or not _is_whole(text, theirs[2]):
        return None
    return theirs[1] / ours[1], theirs[2]


def _unit_at(text: str) -> tuple[str, Fraction, int] | None:
    """As :func:`~bot.answering.units.unit_at`, and half a kilogram, in which people say what they weigh."""
    return ("mg", Fraction(500_000), 1) if text.startswith("斤") else unit_at(text)


def _is_whole(text: str, length: int) -> bool:
    """Whether the unit of this ``length`` at the begin of ``text`` is not part of a longer one: mg of mg/kg."""
    joined = text[length - 1 : length + 1]
    per = text[length:].lstrip()
    longer = len(joined) == 2 and joined.isascii() and joined.isalpha()
    return not longer and not (per.startswith("/") and unit_at(per[1:].lstrip()))


def _bounded(value: Fraction, before: str, after: str) -> Interval:
    if before in _LEAST or after.endswith(("以上", "后", "or more", "or older")):
        return Interval(value, None)
    if before in _MORE:
        return Interval(value, None, low_open=True)
    if before in _MOST or after.endswith(("以下", "以内", "or less", "or younger")):
        return Interval(None, value)
    if before in _LESS or before.startswith("没") or after.endswith("前"):
        return Interval(None, value, high_open=True)
    return _exactly(value)


def _exactly(value: Fraction) -> Interval:
    return Interval(value, value)


def _value(text: str) -> Fraction:
    return _values(text)[0]


def _values(text: str) -> tuple[Fraction, ...]:
    return (arabic(text),) if text[0].isdecimal() else chinese_values(text)


def _day(found: "re.Match[str]") -> Fraction | None:
    try:
        return Fraction(date(int(found["y"]), int(found["m"]), int(found["d"])).toordinal())
    except ValueError:
        return None
