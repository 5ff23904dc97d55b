"""Figures and addresses in a text, in one form whatever they are written in.

``100 mg``, ``１００毫克`` and ``0.1 g`` are the same quantity, ``三天`` is ``3 days``, ``百分之五`` is ``5%``, and
``2026年3月5日`` is ``2026-03-05``. Numbers are exact fractions. A number in words counts without a unit too, where it
is surely a number: 九百九十九, but not 万一, 千万别 or 十分.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from bot.answering.numerals import (
    ARABIC,
    ARABIC_WITH_PLACE,
    CHINESE,
    CHINESE_DECIMAL,
    CHINESE_DECIMALS,
    ENGLISH,
    NUMERALS,
    arabic,
    chinese,
    chinese_values,
    english,
    plain_numerals,
)
from bot.answering.units import FULL_UNIT, UNITS

_SPLIT_PER = frozenset({"day", "week", "month", "year"})
"""``3次/天`` says the same as ``每天3次``: its parts are told apart."""
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTH = "|".join(f"{month}|{month[:3]}" for month in _MONTHS)

_NAMED_UNIT = re.compile(rf"(?<![a-z]){FULL_UNIT}")

_LINK = re.compile(
    r"(?:https?://|www\.)[a-z0-9._~:/?#@!$&*+,;=%-]+|[a-z0-9][a-z0-9._+-]{0,63}@[a-z0-9-]+(?:\.[a-z0-9-]+)+"
)
_PHONE = re.compile(
    r"(?<![a-z0-9.])(?:\+?\d{1,3}[- ])?(?:\(\d{2,4}\)|\d{2,4})[- ]\d{3,4}[- ]?\d{3,4}(?!\d)"
    r"|(?<![a-z0-9.])\d{7,}(?![\d.])"
)
_CN_DAY = "[一二三四五六七八九十]{1,3}"
_DATES = (
    re.compile(r"(?P<y>(?:19|20)\d\d)\s?[-/.年]\s?(?P<m>\d{1,2})\s?[-/.月]\s?(?P<d>\d{1,2})(?!\d)\s?[日号]?"),
    re.compile(r"(?P<y>(?:19|20)\d\d)\s?年\s?(?P<m>\d{1,2})\s?月"),
    re.compile(rf"(?P<m>\d{{1,2}}|{_CN_DAY})\s?月\s?(?P<d>\d{{1,2}}|{_CN_DAY})\s?[日号]"),
    re.compile(r"(?P<y>(?:19|20)\d\d)\s?年"),
    re.compile(rf"\b(?P<m>{_MONTH})\.? (?P<d>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,? (?P<y>(?:19|20)\d\d))?"),
    re.compile(rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th)? (?P<m>{_MONTH})\b\.?(?:,? (?P<y>(?:19|20)\d\d))?"),
)
_TIME = re.compile(
    r"(?P<half>上午|下午|晚上|中午|凌晨|早上|傍晚)?\s?(?<![\d:])"
    r"(?:(?P<h>\d{1,2})\s?(?::(?P<m>[0-5]\d)|点\s?(?:(?P<mm>[0-5]?\d)\s?分?|(?P<hm>半))?)"
    rf"|(?!一点)(?P<ch>{CHINESE})(?!{CHINESE_DECIMALS})点(?:(?P<chm>半)|(?P<cm>{CHINESE})分?)?)"
    r"(?![\d:])\s?(?P<pm>[ap]\.?m\b\.?)?"
)
_TO = re.compile(r"\s?[-~–—至到]\s?")
_IDIOM = re.compile(
    "千万(?=[不别勿莫要注小当记避禁请谨])|一一(?=[列说介对回解确核记分])|三三两两|千千万万|成千上万|"
    "(?<![得为满扣加减打评是至到过于及达第约超计有共给低高每])十分(?=[\u4e00-\u9fff])(?!十分[钟之])"
)
"""Numerals that count nothing."""
_PERCENT = re.compile("百分百")
_FRACTION = re.compile(rf"(?P<of>{CHINESE}|万|{ARABIC})分之(?P<n>{CHINESE_DECIMAL}|{ARABIC})")
_TENTHS = re.compile(rf"(?P<n>{CHINESE}|{ARABIC})成(?![人年员分为功立本品绩])")
_ENGLISH_PARTS = {"third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "tenth": 10}
_ENGLISH_FRACTION = re.compile(rf"\b(one|two|three|four)[ -]({'|'.join(_ENGLISH_PARTS)})s?\b")
_EVERY = re.compile(
    r"[每一](?P<cn>天|日|周|星期|个?月|年|小时|分钟|秒钟?|(?<=每)次(?!性))"
    r"|\b(?:per|a|each|every) (?P<en>day|week|month|year|hour|minute|second)\b"
    r"|\b(?P<ly>daily|weekly|monthly|hourly)\b"
)
_TWICE = re.compile(r"\b(once|twice|thrice)\b(?= (?:daily|a|per|every|each|weekly|monthly)\b|(?<=twice)|(?<=thrice))")
NUMBER = rf"(?:{ARABIC_WITH_PLACE}|{CHINESE_DECIMAL}|半)"
"""A number in digits or Chinese, folded."""
_RANGE = re.compile(
    rf"(?<![a-z0-9_.])(?P<a>{NUMBER})\s?(?P<ua>{FULL_UNIT})?\s?(?:[-~–—至到]|to|and)\s?(?P<b>{NUMBER})\s?(?P<ub>{FULL_UNIT})"
)
_DEGREES = "(?:°c|摄氏度|度|degrees)"
_BELOW_ZERO = re.compile(
    rf"(?:(?<!\d\s)(?<![a-z\d.°%)\]度{NUMERALS}])[-−–]|零下\s?)(?P<n>{NUMBER})"
    rf"(?:\s?{_DEGREES}|(?=\s?[-~–至到]\s?[-−]?{NUMBER}\s?{_DEGREES}))"
)
_QUANTITY = re.compile(
    rf"(?<![a-z0-9_.])(?:(?P<n>{ARABIC_WITH_PLACE})\s?(?P<u>{FULL_UNIT})?"
    rf"|(?!(?<=[唯统之单同逐])一)(?:(?P<c>{CHINESE_DECIMAL}|半)\s?(?P<cu>{FULL_UNIT})|(?P<bare>{CHINESE_DECIMAL})))"
)
_ENDS_A_CLAUSE = re.compile(r"\s*(?:[，。;!?,.\[]|$)")
_STATES = tuple("为是约达共至到")
_ENGLISH_QUANTITY = re.compile(rf"(?P<n>{ENGLISH})(?:[ -](?P<u>{FULL_UNIT}))?")
_ORDINARY_ENGLISH = 12
"""English words for numbers up to this one are ordinary words, such as "one" and "two", unless a unit follows."""
_CODED_NUMBER = re.compile(rf"(?<=[a-z_]){ARABIC}|(?<=[a-z]-){ARABIC}")


@dataclass(frozen=True, slots=True)
class Quantity:
    """``value`` in ``unit``, which is empty for a bare number; ``written`` is the number as it stands there."""

    value: Fraction
    unit: str
    written: Fraction = field(compare=False)


@dataclass(frozen=True, slots=True)
class Moment:
    """A date (year, month, day, zero where it is not said) or a time of day in minutes."""

    year: int = 0
    month: int = 0
    day: int = 0
    minutes: int = -1

    def said_by(self, other: "Moment") -> bool:
        """Whether ``other`` says all that this one says."""
        pairs = ((self.year, other.year), (self.month, other.month), (self.day, other.day))
        return self.minutes == other.minutes and all(mine in (0, theirs) for mine, theirs in pairs)


@dataclass(frozen=True, slots=True)
class Figures:
    """What was found. ``links`` are addresses and telephone numbers; ``rest`` is the folded text without all that;
    ``units`` are those that a source names anywhere, such as in the heading of a table."""

    quantities: frozenset[Quantity]
    moments: frozenset[Moment]
    links: frozenset[str]
    rest: str
    units: frozenset[str] = frozenset()

    def missing_in(self, source: "Figures") -> bool:
        """Whether any quantity or moment is not in ``source``. A number whose unit one of both leaves out is, where the
        source names that unit somewhere: ``用量（mg）…5`` says ``5 mg``, and no ``5 ml``."""
        written = {quantity.written for quantity in source.quantities}
        bare = {quantity.written for quantity in source.quantities if not quantity.unit}

        def stands(quantity: Quantity) -> bool:
            if quantity.unit:
                return quantity.unit in source.units and quantity.written in bare
            return quantity.written in written

        known = all(quantity in source.quantities or stands(quantity) for quantity in self.quantities)
        return not known or any(
            not any(moment.said_by(other) for other in source.moments)
            and not (moment == Moment(year=moment.year) and moment.year in bare)
            for moment in self.moments
        )


def fold(text: str) -> str:
    """``text`` in plain letters and digits (NFKC) and lower case; the Chinese comma stays, as it parts clauses."""
    return "，".join(unicodedata.normalize("NFKC", piece) for piece in text.split("，")).lower()


def figures_of(text: str, *, source: bool = False) -> Figures:
    """The figures of ``text``. In a ``source`` the numbers inside codes (``pH7.4``) count too."""
    scan = _Scan(plain_numerals(fold(text)))
    links = frozenset(_bare(found.group()) for pattern in (_LINK, _PHONE) for found in scan.take(pattern))
    moments = frozenset(
        moment for pattern in _DATES for found in scan.take(pattern, _is_date) for moment in [_date(found)]
    )
    moments |= frozenset(_times(scan.take(_TIME, _is_time)))
    coded = {_bare_number(arabic(found)) for found in _CODED_NUMBER.findall(scan.text)} if source else set()
    quantities = frozenset(_quantities(scan)) | coded
    return Figures(quantities, moments, links, scan.text, _units_named(text) if source else frozenset())


def _units_named(text: str) -> frozenset[str]:
    """The units of all that ``text`` may measure, quotients as in :class:`Quantity`."""
    found = _NAMED_UNIT.findall(fold(text))
    return frozenset(quantity.unit for unit in found for quantity in _measured(Fraction(1), unit))


class _Scan:
    """A text from which what is understood is taken away."""

    def __init__(self, text: str) -> None:
        self.text = text

    def take(self, pattern: re.Pattern[str], fits: Callable[[re.Match[str]], object] = bool) -> list[re.Match[str]]:
        """What ``pattern`` finds and ``fits``."""
        taken: list[re.Match[str]] = []

        def blank(found: re.Match[str]) -> str:
            if not fits(found):
                return found.group()
            taken.append(found)
            return " "

        self.text = pattern.sub(blank, self.text)
        return taken


def _quantities(scan: _Scan) -> Iterator[Quantity]:
    scan.take(_IDIOM)
    for _ in scan.take(_PERCENT):
        yield from _measured(Fraction(100), "%")
    for found in scan.take(_FRACTION, _is_fraction):
        yield from _fraction(found)
    for found in scan.take(_TENTHS):
        yield from _measured(value_of(found["n"]) * 10, "%")
    for found in scan.take(_ENGLISH_FRACTION):
        yield from _measured(english(found[1]) / _ENGLISH_PARTS[found[2]], "")
    for found in scan.take(_TWICE):
        yield from _measured(Fraction({"once": 1, "twice": 2, "thrice": 3}[found[1]]), "times")
    for found in scan.take(_BELOW_ZERO):
        yield from _measured(-value_of(found["n"]), "°c")
    for found in scan.take(_RANGE, lambda found: value_of(found["a"]) < value_of(found["b"])):  # not "320 to 37 °C"
        yield from _measured(value_of(found["a"]), found["ua"] or found["ub"])
        yield from _measured(value_of(found["b"]), found["ub"])
    for found in scan.take(_ENGLISH_QUANTITY, lambda found: found["u"] or english(found["n"]) > _ORDINARY_ENGLISH):
        yield from _measured(english(found["n"]), found["u"] or "")
    for found in scan.take(_EVERY):
        word = found["cn"] or found["en"] or {"daily": "day"}.get(found["ly"], found["ly"].removesuffix("ly"))
        yield from _measured(Fraction(1), "个月" if word == "月" else word)
    for found in scan.take(_QUANTITY, _is_quantity):
        for value in _values(found["n"] or found["c"] or found["bare"]):
            yield from _measured(value, found["u"] or found["cu"] or "")


def _is_fraction(found: re.Match[str]) -> bool:
    return found["of"] == "万" or value_of(found["of"]) > 0


def _fraction(found: re.Match[str]) -> Iterator[Quantity]:
    """Parts of a hundred, a thousand or ten thousand are per cent; others stand for themselves."""
    of = Fraction(10_000) if found["of"] == "万" else value_of(found["of"])
    value = value_of(found["n"]) / of
    yield from _measured(value * 100, "%") if of >= 100 else _measured(value, "")


def _is_quantity(found: re.Match[str]) -> bool:
    """``3D`` is a name, and "one" with a word that only counts (``一个``, ``一种``) is an article. A single numeral
    without a unit is in half of all words, so it only counts where a clause states it at its end."""
    if found["n"]:
        return bool(found["u"]) or not re.match(r"[a-z]", found.string[found.end("n") :])
    if numeral := found["bare"]:
        before = found.string[max(0, found.start() - 2) : found.start()].rstrip()
        stated = before.endswith(_STATES) and _ENDS_A_CLAUSE.match(found.string, found.end())
        return len(numeral) > 1 or (numeral != "一" and bool(stated))
    return not (found["c"] == "一" and "/" not in found["cu"] and UNITS[found["cu"]][0] == "")


def _measured(value: Fraction, unit: str) -> Iterator[Quantity]:
    """``value`` in the one form of ``unit``, which may be a quotient."""
    if not unit:
        yield _bare_number(value)
        return
    first, *rest = (UNITS[part.strip()] for part in unit.split("/"))
    names, factor = [first[0]], first[1]
    for name, scale in rest:
        if name in _SPLIT_PER:
            yield Quantity(Fraction(1), name, Fraction(1))
        else:
            names.append(name)
            factor /= scale
    yield Quantity(value * factor, "/".join(names), value)


def _bare_number(value: Fraction) -> Quantity:
    return Quantity(value, "", value)


def value_of(text: str) -> Fraction:
    """The value of what :data:`NUMBER` found, the lower one of an approximation."""
    return _values(text)[0]


def _values(text: str) -> tuple[Fraction, ...]:
    """The value of what :data:`NUMBER` found, or both values of an approximation (``一两``)."""
    if text == "半":
        return (Fraction(1, 2),)
    return (arabic(text),) if text[0].isdigit() else chinese_values(text)


def _is_date(found: re.Match[str]) -> bool:
    date = _date(found)
    return 0 <= date.month <= 12 and 0 <= date.day <= 31


def _date(found: re.Match[str]) -> Moment:
    fields = found.groupdict()
    month = fields.get("m") or "0"
    if month[0].isalpha() and month.isascii():
        number = next(at for at, name in enumerate(_MONTHS, 1) if name.startswith(month[:3]))
    else:
        number = int(value_of(month))
    return Moment(int(fields.get("y") or 0), number, int(value_of(fields.get("d") or "0")))


def _times(found: Sequence[re.Match[str]]) -> Iterator[Moment]:
    """The times of day; where a period ends, in the half of the day in which it begins: 晚上7点到8点半."""
    begin: re.Match[str] | None = None
    for each in found:
        time = _time(each)
        if (
            begin
            and begin["half"]
            and not (each["half"] or each["pm"])
            and _TO.fullmatch(each.string, begin.end(), each.start())
        ):
            later = Moment(minutes=time.minutes + 12 * 60)
            time = later if time.minutes < _time(begin).minutes <= later.minutes < 24 * 60 else time
        yield time
        begin = each


def _is_time(found: re.Match[str]) -> bool:
    return _time(found).minutes < 24 * 60 + 1


def _time(found: re.Match[str]) -> Moment:
    hour = int(found["h"]) if found["h"] else int(chinese(found["ch"]))
    minute = int(found["m"] or found["mm"] or (chinese(found["cm"]) if found["cm"] else 0))
    minute = 30 if found["hm"] or found["chm"] else minute
    afternoon = (found["half"] or "") in ("下午", "晚上", "傍晚") or (found["pm"] or "").startswith("p")
    return Moment(minutes=(hour + 12 * (afternoon and hour < 12)) * 60 + minute)


def _bare(link: str) -> str:
    """An address without its scheme and last slash, a telephone number as its digits."""
    digits = re.sub(r"[-() +]", "", link)
    return digits if digits.isdigit() else re.sub(r"^https?://|[/.,;:!?]+$", "", link)
