"""A message in the one form that the rules compare: simplified characters, lower case, plain marks.

Folding keeps for every folded character the place it came from, so that a ground can be shown in the words that the
person wrote. Marks become three: ``，`` parts clauses, ``。`` and ``?`` end sentences. What cannot be seen (zero-width
characters, variation selectors) is left out, and so is a space between Chinese and Latin letters; a space between two
Chinese characters is how many people write a comma.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_TRADITIONAL = Path(__file__).parent / "terms/traditional.txt"
_CLAUSE_MARKS = frozenset(",:，：~～|/")
_SENTENCE_MARKS = frozenset(".!;\n\r。！；…")
_UNSEEN = frozenset(("Cf", "Mn", "Cc"))


@dataclass(frozen=True, slots=True)
class Folded:
    """``text`` as the rules read it; ``places[i]`` is where its character ``i`` stands in the original."""

    text: str
    places: tuple[int, ...]

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """Where the folded characters ``start`` to ``end`` (exclusive, at least one) stand in the original."""
        return self.places[start], self.places[end - 1] + 1


def fold(text: str) -> Folded:
    """``text`` folded, in time linear in its length."""
    simplified = _simplified()
    letters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        if "一" <= character <= "鿿":
            letters.append(simplified.get(character, character))
            places.append(place)
            continue
        for piece in _plain(character):
            letters.append(piece)
            places.append(place)
    return _with_plain_marks(letters, places)


def _plain(character: str) -> str:
    if character.isascii() and character.isalnum():
        return character.lower()
    if character in "\n\r\t":
        return "\n" if character != "\t" else " "
    if unicodedata.category(character) in _UNSEEN or "\U0001f3fb" <= character <= "\U0001f3ff":
        return ""
    return unicodedata.normalize("NFKC", character).lower()


def _with_plain_marks(letters: list[str], places: list[int]) -> Folded:
    kept: list[str] = []
    kept_places: list[int] = []
    last = len(letters) - 1
    for index, letter in enumerate(letters):
        before = letters[index - 1] if index else ""
        after = letters[index + 1] if index < last else ""
        mark = letter if letter.isalnum() else _mark(letter, before, after)
        if mark:
            kept.append(mark)
            kept_places.append(places[index])
    return Folded("".join(kept), tuple(kept_places))


def _mark(letter: str, before: str, after: str) -> str:
    if letter in _CLAUSE_MARKS:
        return letter if before.isdigit() and after.isdigit() else "，"
    if letter in _SENTENCE_MARKS:
        return letter if letter == "." and before.isdigit() and after.isdigit() else "。"
    if letter == "?":
        return "?"
    if letter.isspace():
        return _space(before, after)
    return letter


def _space(before: str, after: str) -> str:
    if before.isascii() and after.isascii():
        return " "
    return "" if before.isascii() or after.isascii() else "，"


@cache
def _simplified() -> dict[str, str]:
    """Traditional to simplified; the file names its source."""
    pairs = re.findall(r"^(?!#).+$", _TRADITIONAL.read_text(encoding="utf-8"), re.MULTILINE)
    return {pair[0]: pair[1] for line in pairs for pair in line.split()}
