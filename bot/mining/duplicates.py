"""Questions that are the same one in other words: among FAQs, and among what is mined.

``SURE_*`` and ``SAME_*`` were measured (``docs/mining.md``): cosine alone is near chance on adversarial pairs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import numpy.typing as npt

from bot.answering.claims import clauses_of, ground_of, turned_round
from bot.answering.quantities import figures_of
from bot.knowledge.embedder import Embedder
from bot.knowledge.entries import Entry, EntryKind
from bot.mining.pairs import Pair
from bot.mining.wording import Wording, wording_of

Floats = npt.NDArray[np.float32]

SURE_COSINE = 0.94
"""From here on two questions may be the same one, if their words are."""
SURE_WORDS, SURE_WORDS_LONG = 0.4, 0.7
"""The share of words that short and long questions must have in common. In a short one no word may stand in the place
of another; in a long one that is little."""
LONG_WORDS = 8
SAME_ANSWER_COSINE = 0.88
"""Enough for questions that have the same answer, to be one FAQ."""
SAME_ANSWER_WORDS = 0.7
"""The share of words that two answers with the same figures must have in common to be the same one."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Two FAQs whose questions ``one`` and ``other`` are the same; ``agree`` where their answers say the same too."""

    first: Entry
    second: Entry
    one: str
    other: str
    cosine: float
    agree: bool


class Questions:
    """Questions with their vectors, to compare all with all. Raises :class:`~bot.errors.Unavailable` when the embedder
    does not answer."""

    def __init__(self, embedder: Embedder, questions: Sequence[str]) -> None:
        self.questions = tuple(dict.fromkeys(questions))
        self._at = {question: at for at, question in enumerate(self.questions)}
        self._vectors = embedder.queries(self.questions) if self.questions else np.zeros((0, 1), dtype=np.float32)
        self._wordings: dict[str, Wording] = {}

    def cosine(self, one: str, other: str) -> float:
        """Of two of the questions."""
        return float(self._vectors[self._at[one]] @ self._vectors[self._at[other]])

    def same(self, one: str, other: str) -> bool:
        """Whether two of the questions surely ask for the same."""
        mine, others = self.wording(one), self.wording(other)
        if one == other:
            return True
        long = min(len(mine.words), len(others.words)) > LONG_WORDS
        alike = mine.likeness(others)
        return (
            self.cosine(one, other) >= SURE_COSINE
            and mine.asks == others.asks
            and mine.guarded_as(others)
            and mine.in_order_with(others)
            and (alike >= SURE_WORDS_LONG if long else alike >= SURE_WORDS and mine.adds_to(others))
        )

    def may_share_an_answer(self, one: str, other: str) -> bool:
        """Whether two of the questions, to which the same words answer, may be asked for one another."""
        mine, others = self.wording(one), self.wording(other)
        return mine.guarded_as(others) and self.cosine(one, other) >= SAME_ANSWER_COSINE

    def near(self, question: str, cosine: float = SURE_COSINE) -> Iterator[str]:
        """The other questions whose cosine with ``question`` is at least ``cosine``, nearest first."""
        at = self._at[question]
        scores = self._vectors @ self._vectors[at]
        for other in np.argsort(-scores):
            if scores[other] < cosine:
                return
            if other != at:
                yield self.questions[other]

    def wording(self, question: str) -> Wording:
        """A question taken apart, once."""
        if question not in self._wordings:
            self._wordings[question] = wording_of(question)
        return self._wordings[question]


def duplicates(faqs: Sequence[Entry], embedder: Embedder) -> list[Duplicate]:
    """The pairs of FAQs that share a question in other words, the most alike first. FAQs that are valid at different
    times are none: the next year's answer to this year's question."""
    by_question: dict[str, list[Entry]] = {}
    for entry in faqs:
        for question in entry.questions if entry.kind is EntryKind.FAQ else ():
            by_question.setdefault(question, []).append(entry)
    questions = Questions(embedder, list(by_question))
    found: dict[tuple[str, str], Duplicate] = {}
    for one in questions.questions:
        for other in (one, *questions.near(one, SAME_ANSWER_COSINE)):
            for first, second in product(by_question[one], by_question[other]):
                if (first.id, second.id) in found or first.id >= second.id or not _at_one_time(first, second):
                    continue
                agree = _say_the_same(first.text, second.text)
                if questions.same(one, other) or (agree and questions.may_share_an_answer(one, other)):
                    cosine = questions.cosine(one, other)
                    found[first.id, second.id] = Duplicate(first, second, one, other, cosine, agree)
    return sorted(found.values(), key=lambda each: -each.cosine)


def merged(pairs: Sequence[Pair], known: Sequence[str], embedder: Embedder) -> tuple[list[Pair], int]:
    """``pairs`` without those whose question is one of ``known``, and with those of the same question or answer made
    one; and how many were known."""
    questions = Questions(embedder, [*known, *(question for pair in pairs for question in pair.questions)])
    asked = set(known)
    kept: list[Pair] = []
    fresh = [pair for pair in pairs if not _is_known(pair.question, asked, questions)]
    for pair in fresh:
        at = next((at for at, other in enumerate(kept) if _one(pair, other, questions)), None)
        if at is None:
            kept.append(pair)
            continue
        others = tuple(question for question in pair.questions if question not in kept[at].questions)
        kept[at] = replace(kept[at], similar=(*kept[at].similar, *others))
    return kept, len(pairs) - len(fresh)


def _is_known(question: str, asked: set[str], questions: Questions) -> bool:
    return question in asked or any(
        other in asked and questions.same(question, other) for other in questions.near(question)
    )


def _one(pair: Pair, other: Pair, questions: Questions) -> bool:
    """Whether two pairs are one FAQ: for the same readers and bots at the same time, with the same answer, or with the
    same question and answers that do not differ."""
    if _for_whom(pair) != _for_whom(other):
        return False
    if pair.answer == other.answer:
        return questions.may_share_an_answer(pair.question, other.question)
    return questions.same(pair.question, other.question) and _say_the_same(pair.answer, other.answer)


def _for_whom(pair: Pair) -> tuple[object, ...]:
    return pair.origin.collection, pair.origin.audience, pair.origin.bots, pair.valid_from, pair.valid_to


def _say_the_same(one: str, other: str) -> bool:
    """Whether two answers have the same figures and nearly the same words, and neither turns the other round."""
    mine, others = figures_of(one), figures_of(other)
    if mine.quantities != others.quantities or mine.moments != others.moments:
        return False
    words, other_words = _pieces(one), _pieces(other)
    if len(words & other_words) < SAME_ANSWER_WORDS * len(words | other_words):
        return False
    return not turned_round(one, [ground_of("", other)]) and not turned_round(other, [ground_of("", one)])


def _pieces(answer: str) -> frozenset[str]:
    return frozenset[str]().union(*(clause.pieces for clause in clauses_of(answer)))


def _at_one_time(first: Entry, second: Entry) -> bool:
    return first.valid_from < second.valid_to and second.valid_from < first.valid_to
