"""Every sentence a person reads, in Chinese and in English, under one key each.

``zh.yaml`` and ``en.yaml`` hold the same keys with the same placeholders (a test compares them). Code, comments and
logs stay English.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Literal

from bot.shipped_yaml import read_shipped

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")

_CHINESE = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_WORD = re.compile("[A-Za-z]+")
_COMMON_ENGLISH = re.compile(
    r"\b(an?|and|are|can|do|does|for|from|have|how|i|in|is|it|may|my|of|on|or|should|tell|the|this|to|what|when|where"
    r"|which|who|why|with|you)\b",
    re.IGNORECASE,
)
"""Words that make a sentence English whatever names stand in it."""


class Texts:
    """The sentences of all languages, read once a process."""

    def __init__(self) -> None:
        self._texts = {language: _read(language) for language in LANGUAGES}

    def say(self, key: str, language: Language, **values: object) -> str:
        """The sentence called ``key`` with its placeholders filled.

        Raises ``KeyError`` for an unknown key or a placeholder without a value: both are mistakes of ours.
        """
        return self._texts[language][key].format_map(values)

    def sentences(self) -> Mapping[Language, Mapping[str, str]]:
        """All sentences by language and key."""
        return self._texts


def language_of(text: str, default: Language) -> Language:
    """The language ``text`` is written in; ``default`` where that is not clear.

    Names say little: Chinese questions are full of Latin drug names ("GE Omnipaque 350 区别"), and a single Latin word
    ("CT") may stand for itself. So English is what has two common English words, or no Chinese at all and more than
    one word.
    """
    if _CHINESE.search(text):
        return "en" if len(_COMMON_ENGLISH.findall(text)) > 1 else "zh"
    return "en" if len(_WORD.findall(text)) > 1 else default


@cache
def _read(language: Language) -> Mapping[str, str]:
    return read_shipped(__name__, f"{language}.yaml")
