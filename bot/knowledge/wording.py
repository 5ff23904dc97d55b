"""How much of a question's wording stands in an entry, letter for letter.

BM25 and the vectors compare weights of terms; they say little of whether the very phrase that was asked stands there.
That it does, and in no other entry near by, tells best on the public sets of patients' questions whether the answer is
there or only its subject (docs/decisions/0003-refusal-threshold.md).
"""

import re
from collections.abc import Iterable
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


def overlaps(question: str, entries: Iterable[Entry]) -> dict[str, float]:
    """The overlap, 0 to 1, of ``question`` with each of ``entries``, by entry id.

    It is the share of the question's pairs of neighbouring letters that the entry has, or of those of a question that
    the entry answers that the question has, whichever is more: a patient's long story may end in just what a FAQ asks.
    """
    pairs = _pairs(_letters(without_politeness(question))[:LONGEST_QUESTION])
    shares: dict[str, float] = {}
    for entry in entries:
        text = _letters(body(entry))
        met = sum(pair in text for pair in pairs) / max(1, len(pairs))
        answered = (_pairs(_letters(each)) for each in questions_of(entry))
        shares[entry.id] = max([met, *(len(each & pairs) / len(each) for each in answered if each)])
    return shares


@lru_cache(maxsize=_REMEMBERED)
def _letters(text: str) -> str:
    """The first :data:`LONGEST_TEXT` letters and digits of ``text``, folded, without what stands between them."""
    return _NO_LETTERS.sub("", fold(text))[:LONGEST_TEXT]


def _pairs(text: str) -> frozenset[str]:
    return frozenset(text[at : at + 2] for at in range(len(text) - 1))
