"""A text as the patterns read it: same length, so that a place in one is the same place in the other.

Full-width letters and digits become plain ones (１３８ → 138), the many dashes one dash, the many spaces and the
characters without width one space, traditional characters simplified ones; Chinese numerals that stand in a row like a
number (一三八零零…) become digits.
"""

import re
from functools import cache

from bot.safety.personal_data.lexicon import simplified

_FULL_WIDTH = {0xFF01 + n: chr(0x21 + n) for n in range(94)}
_SPACES = dict.fromkeys(map(ord, "\u00a0\u2002\u2003\u2009\u200b\u200c\u200d\u2060\u3000\ufeff\ufe0f\u20e3\t"), " ")
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d"), "-")
_DOTS = dict.fromkeys(map(ord, "\u2022\u30fb\u2027\u2219"), "·")
_OTHER = {
    **{ord(circled): str(n) for n, circled in enumerate("⓪①②③④⑤⑥⑦⑧⑨")},
    **{0x0660 + n: str(n) for n in range(10)},
    **{0x1D7CE + n: str(n % 10) for n in range(50)},  # bold, outlined and other digits of mathematics
}

_NUMERALS = {
    **{ord(character): str(n) for n, character in enumerate("零一二三四五六七八九")},
    **{ord(character): str(n) for n, character in enumerate("零壹贰叁肆伍陆柒捌玖")},
    **{ord(character): digit for character, digit in zip("〇○幺妖两", "00112", strict=True)},
}
_NUMERAL = "零〇○一二三四五六七八九幺两壹贰叁肆伍陆柒捌玖"
_NUMERAL_RUN = re.compile(rf"(?<![十百千万亿第])[{_NUMERAL}](?:[ \-]?[{_NUMERAL}0-9]){{6,40}}(?![十百千万亿])")
_DIGITS_RUN = re.compile(rf"(?<![0-9])[0-9](?:[ \-]?[{_NUMERAL}0-9]){{6,40}}(?![十百千万亿])")

_LOOK_ALIKES = str.maketrans("OoQlI|iSsBZz", "000111155822")
_LOOK_ALIKE_RUN = re.compile(
    r"(?<![0-9A-Za-z|])[0-9OoQlI|iSsBZz](?:[ \-\n]?[0-9OoQlI|iSsBZz]){10,22}[Xx]?(?![0-9A-Za-z|])"
)
_MANY_DIGITS = 0.35


def plain(text: str) -> str:
    """``text`` as described above."""
    if not text.isascii() or "\t" in text:
        text = text.translate(_table())
    if _NUMERAL_RUN.search(text) or _DIGITS_RUN.search(text):
        text = _NUMERAL_RUN.sub(_digits, text)
        text = _DIGITS_RUN.sub(_digits, text)
    return text


@cache
def _table() -> dict[int, str]:
    return {**simplified(), **_FULL_WIDTH, **_SPACES, **_DASHES, **_DOTS, **_OTHER}


def _digits(found: re.Match[str]) -> str:
    return found.group().translate(_NUMERALS)


def read_look_alikes(text: str) -> str:
    """Plain ``text`` with the letters that scanners read for digits (O, l, I, S, B, Z) as digits, in what is mostly
    digits; the same text when there is none. What is found in it needs a check digit or a word beside it."""
    return _LOOK_ALIKE_RUN.sub(_unlike, text)


def _unlike(found: re.Match[str]) -> str:
    run = found.group()
    digits = sum(character.isdigit() for character in run)
    letters = sum(character.isalpha() or character == "|" for character in run)
    return run.translate(_LOOK_ALIKES) if digits >= _MANY_DIGITS * (digits + letters) else run
