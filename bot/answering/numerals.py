"""Numbers written as words: Chinese numerals and English number words, as patterns to look for and as their values.

``二百九十`` is 290, ``一百二`` 120, ``二〇二六`` 2026, ``三点五`` 3.5 and ``十五六`` both 15 and 16;
``two hundred and ninety`` is 290.
"""

import re
from decimal import Decimal
from fractions import Fraction

_DIGIT = {character: value for value, character in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_PLACE = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "亿": 100_000_000}
_DIGITS = "".join(_DIGIT)
NUMERALS = _DIGITS + "".join(_PLACE)
"""The characters of Chinese numbers, for a character class."""
_NO_UNIT = "(?!千[克米伏])"  # 五千克 is five kilograms
_LONGEST = 16  # a longer run is no number, and would be tried from each of its places

_BEGINS = rf"(?<![{_DIGITS}十百千])(?<!(?<!\d)[万亿])"
CHINESE = rf"{_BEGINS}(?:{_NO_UNIT}[{_DIGITS}十百千])(?:{_NO_UNIT}[{NUMERALS}]){{0,{_LONGEST - 1}}}"
"""A whole number. 万 and 亿 do not begin one, and only after an Arabic number (3亿九千万) stand before one."""
CHINESE_DECIMALS = rf"点[{_DIGITS}]{{1,6}}(?![{NUMERALS}分刻])"
"""A decimal part: that of 三点五, but 三点五十 and 三点零五分 are times of day."""
CHINESE_DECIMAL = rf"{CHINESE}(?:{CHINESE_DECIMALS})?"
ARABIC = r"\d+(?:,\d{3})*(?:\.\d+)?"
ARABIC_WITH_PLACE = rf"{ARABIC}(?:\s?{_NO_UNIT}[百千万亿]{{1,2}})?"
"""``3.5``, ``1,200``, ``3万``, ``5百万``."""

_ENGLISH_VALUES = {
    word: value
    for value, word in enumerate(
        (
            *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"),
            *("twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
        )
    )
} | {
    word: value * 10
    for value, word in enumerate(("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"), 2)
}
_ENGLISH_PLACES = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
_ENGLISH_WORD = "|".join(sorted((*_ENGLISH_VALUES, *_ENGLISH_PLACES), key=len, reverse=True))
ENGLISH = rf"\b(?:half|(?:{_ENGLISH_WORD})(?:(?:[ -]| and )(?:{_ENGLISH_WORD})){{0,7}})\b"

_FORMAL = str.maketrans("壹贰叁肆伍陆柒捌玖拾佰仟", "一二三四五六七八九十百千")
_FORMAL_RUN = re.compile("[壹贰叁肆伍陆柒捌玖拾佰仟零万亿]{2,}")
_APPROXIMATE = re.compile(
    rf"(?P<before>(?:[{NUMERALS}]*[{''.join(_PLACE)}])?)(?P<low>[{_DIGITS}])(?P<high>[{_DIGITS}])"
    rf"(?P<after>(?:[{''.join(_PLACE)}][{NUMERALS}]*)?)"
)


def plain_numerals(text: str) -> str:
    """``text`` with the numerals of contracts and cheques (贰佰玖拾) as ordinary ones; a single one is often a name."""
    return _FORMAL_RUN.sub(lambda found: found.group().translate(_FORMAL), text)


def arabic(text: str) -> Fraction:
    """The value of what :data:`ARABIC_WITH_PLACE` found."""
    digits = text.rstrip("百千万亿 ")
    value = Fraction(Decimal(digits.replace(",", "")))  # by Decimal, as int() refuses more than 4,300 digits
    for place in text[len(digits) :].strip():
        value *= _PLACE[place]
    return value


def chinese(text: str) -> Fraction:
    """The value of what :data:`CHINESE_DECIMAL` found; of an approximation the lower one."""
    return chinese_values(text)[0]


def chinese_values(text: str) -> tuple[Fraction, ...]:
    """The same; both values of an approximation, which names two digits in a row: 一两, 十五六, 二三十, 三五."""
    whole, _, decimals = text.partition("点")
    near = None if decimals else _APPROXIMATE.fullmatch(whole)
    if near:
        low, high = _DIGIT[near["low"]], _DIGIT[near["high"]]
        positional = near["before"] or near["after"]  # otherwise it may be a row of digits, such as 三七
        if low > 0 and (positional or high == low + 1 or (low, high) == (3, 5)):
            return tuple(Fraction(_whole(near["before"] + near[one] + near["after"])) for one in ("low", "high"))
    digits = "".join(str(_DIGIT[character]) for character in decimals)
    return (Fraction(_whole(whole)) + Fraction(int(digits or "0"), 10 ** len(digits)),)


def _whole(text: str) -> int:
    if not text or all(character in _DIGIT for character in text):  # 二〇二六
        return int("".join(str(_DIGIT[character]) for character in text) or "0")
    for myriad in "亿万":
        before, found, after = text.rpartition(myriad)
        if found:
            rest = _DIGIT[after] * _PLACE[myriad] // 10 if after in _DIGIT else _whole(after)  # 一万二 is 12,000
            return (_whole(before) or 1) * _PLACE[myriad] + rest
    total = digit = 0
    for character in text:
        if character in _DIGIT:
            digit = _DIGIT[character]
        else:
            total += (digit or 1) * _PLACE[character]
            digit = 0
    if digit and text[-2] in "百千":  # 一百二 is 120
        digit *= _PLACE[text[-2]] // 10
    return total + digit


def english(text: str) -> Fraction:
    """The value of what :data:`ENGLISH` found."""
    if text == "half":
        return Fraction(1, 2)
    total = part = 0
    for word in re.split(r"[ -]", text.replace(" and ", " ")):
        if word in _ENGLISH_VALUES:
            part += _ENGLISH_VALUES[word]
        elif word == "hundred":
            part = (part or 1) * 100
        else:
            total += (part or 1) * _ENGLISH_PLACES[word]
            part = 0
    return Fraction(total + part)
