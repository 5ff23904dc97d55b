"""One spelling for what looks alike: the form in which rules and models read a text."""

import re
import unicodedata
from functools import cache
from importlib.resources import files

_HIDDEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)
"""Characters that show nothing: zero-width ones, direction marks, fillers, variation selectors, tags."""
CJK = "\u3400-\u4dbf\u4e00-\u9fff"
"""Chinese characters, for use inside a character class."""
_BESIDE_CHINESE = re.compile(rf"(?<=[{CJK}，。、]) | (?=[{CJK}])")
_SPACES = re.compile(r"\s+")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")

_LOOKALIKES = str.maketrans(
    "аеорсухіѕјһԁԛԝвкмнтαεονρτυχκιγωɑɡıⅼ",
    "aeopcyxisjhdqwbkmhtaeovptuxkiywagil",
)
"""Cyrillic, Greek and phonetic letters that are drawn like Latin ones, after lower case."""


def canonical(text: str) -> str:
    """``text`` in compatibility form (NFKC), without hidden characters, in lower case, with simplified characters and
    Latin letters for those that look like them, and single spaces.

    Line breaks become spaces too; positions are not those of ``text``.
    """
    text = unicodedata.normalize("NFKC", _HIDDEN.sub("", _CONTROLS.sub("", text))).lower()
    if not text.isascii():
        text = text.translate(_LOOKALIKES).translate(_simplified())
    return _SPACES.sub(" ", text).strip()


def without_chinese_spaces(text: str) -> str:
    """Canonical ``text`` without the spaces beside Chinese characters, which mean nothing."""
    return _BESIDE_CHINESE.sub("", text)


@cache
def _simplified() -> dict[int, str]:
    lines = files("bot.safety").joinpath("adverse_events/terms/traditional.txt").read_text("utf-8").splitlines()
    pairs = " ".join(line for line in lines if not line.startswith("#")).split()
    return {ord(pair[0]): pair[1:] for pair in pairs}
