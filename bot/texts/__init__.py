"""Every sentence a person reads, in Chinese and in English, under one key each.

``zh.yaml`` and ``en.yaml`` hold the same keys with the same placeholders (a test compares them). Code, comments and
logs stay English.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import yaml

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")

CJK_SHARE = 0.1
"""A text of which at least this share of the letters is Chinese is taken to be Chinese."""


class Texts:
    """The sentences of all languages, read once."""

    def __init__(self) -> None:
        self._texts = {language: _read(language) for language in LANGUAGES}

    def say(self, key: str, language: Language, **values: object) -> str:
        """The sentence called ``key`` with its placeholders filled.

        Raises ``KeyError`` for an unknown key or a placeholder without a value: both are mistakes of ours.
        """
        return self._texts[language][key].format_map(values)

    def keys(self) -> Mapping[Language, Mapping[str, str]]:
        """All sentences by language and key."""
        return self._texts


def language_of(text: str, default: Language) -> Language:
    """The language ``text`` is written in; ``default`` where it holds no letters."""
    chinese = sum("\u4e00" <= character <= "\u9fff" for character in text)
    letters = sum(character.isalpha() for character in text)
    if not letters:
        return default
    return "zh" if chinese / letters >= CJK_SHARE else "en"


def _read(language: Language) -> dict[str, str]:
    path = Path(__file__).parent / f"{language}.yaml"
    texts: dict[str, str] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return texts
