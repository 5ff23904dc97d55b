"""How much of a question's wording stands in an entry, letter for letter.

BM25 and the vectors compare weights of terms; they say little of whether the very phrase that was asked stands there.
That it does, and in no other entry near by, tells best on the public sets of patients' questions whether the answer is
there or only its subject (docs/decisions/0003-refusal-threshold.md).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from bot.knowledge.entries import Entry
from bot.knowledge.points import body, questions_of
from bot.knowledge.tokens import fold, without_politeness

LONGEST_QUESTION = 256
"""Letters of a question that are compared: bounds the work on a long story."""
LONGEST_TEXT = 2_000
"""Letters of an entry that are compared."""
_REMEMBERED = 1_024
"""Texts whose letters are kept, as many questions find the same entries."""
_NO_LETTERS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Shared:
    """How much of a question's wording an entry shares, each a share, 0 to 1.

    ``pairs`` are the question's pairs of neighbouring letters that the entry has, ``longest`` is the longest piece of
    the question that stands in the entry as it is. Where more of a question that the entry answers stands in the
    question, they are of that: a patient's long story may end in just what a FAQ asks.
    """

    pairs: float
    longest: float


NOTHING_SHARED = Shared(0.0, 0.0)


def shared_wording(question: str, entries: Iterable[Entry]) -> dict[str, Shared]:
    """What ``question`` shares with each of ``entries``, by entry id."""
    asked = _letters(without_politeness(question))[:LONGEST_QUESTION]
    pairs = _pairs(asked)
    found: dict[str, Shared] = {}
    for entry in entries:
        text = _letters(body(entry))
        answered = [each for each in map(_letters, questions_of(entry)) if len(each) > 1]
        met = sum(pair in text for pair in pairs) / max(1, len(pairs))
        whole = _longest(asked, text) / max(1, len(asked))
        found[entry.id] = Shared(
            max([met, *(len(_pairs(each) & pairs) / len(_pairs(each)) for each in answered)]),
            max([whole, *(_longest(each, asked) / len(each) for each in answered)]),
        )
    return found


@lru_cache(maxsize=_REMEMBERED)
def _letters(text: str) -> str:
    """The first :data:`LONGEST_TEXT` letters and digits of ``text``, folded, without what stands between them."""
    return _NO_LETTERS.sub("", fold(text))[:LONGEST_TEXT]


def _pairs(text: str) -> frozenset[str]:
    return frozenset(text[at : at + 2] for at in range(len(text) - 1))


def _longest(piece: str, text: str) -> int:
    """Letters of the longest part of ``piece`` that stands in ``text``."""
    most = start = 0
    while start + most < len(piece):
        while start + most < len(piece) and piece[start : start + most + 1] in text:
            most += 1
        start += 1
    return most
