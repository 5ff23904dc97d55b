"""Whether a sentence says without its condition what a source says under one.

``如果启用了A，那么B可以使用`` does not say ``B可以使用``. The condition may stand in the sentence, in what
was said before it, in the title or in the question.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from bot.answering.claims import Clause, Ground, clauses_of, share_in, telling
from bot.answering.quantities import fold

_SENTENCE = re.compile(r"[^。!?;\n]+")
_BEGINS = re.compile(
    r"^[\s\-*·]*(?:如果|若(?!干)|假如|倘若|要是|一旦|除非|只有|仅当|如(?=[未有需果已不无您你])|"
    r"\bif\b|\bunless\b|\bonly (?:if|when)\b)"
)
_ENDS = re.compile("(?:的话|情况下|前提下)$")
_GOES_ON = re.compile(r"\s*(?:并且|而且|并|且|或)")
_ALIKE = 0.7
"""The share of a clause from which a clause of the source says the same."""
_LEAST = 3
"""Pieces of content of a condition."""
_TOLD = 0.5
"""The share of the characters with content of a condition that must be told."""


def without_condition(sentence: str, context: str, grounds: Sequence[Ground]) -> bool:
    """Whether a clause of ``sentence`` holds in the sources only under a condition that is told nowhere; ``context`` is
    the question and what was said before."""
    told = set(fold("\n".join((sentence, context, *(ground.title for ground in grounds)))))
    return any(_lacks(clause, told, grounds) for clause in clauses_of(sentence))


def _lacks(clause: Clause, told: set[str], grounds: Sequence[Ground]) -> bool:
    mine = clause.pieces | clause.figures.quantities
    if len(clause.pieces) < 2:
        return False
    shares = [
        (share_in(mine, other.pieces | other.figures.quantities), condition)
        for ground in grounds
        for condition, other in _conditional(ground.folded)
    ]
    most = max((share for share, _ in shares), default=0.0)
    conditions = [set(telling(condition)) - {" "} for share, condition in shares if share == most]
    return most >= _ALIKE and all(len(each & told) < _TOLD * len(each) for each in conditions)


@lru_cache(maxsize=256)
def _conditional(text: str) -> tuple[tuple[str, Clause], ...]:
    return tuple(pair for sentence in _SENTENCE.findall(text) for pair in _of_sentence(sentence))


def _of_sentence(sentence: str) -> Iterator[tuple[str, Clause]]:
    """The clauses of a sentence, each with the condition right before it; ``如果允许的话`` is none."""
    condition = ""
    for clause in clauses_of(sentence):
        begins = len(clause.pieces) >= _LEAST and (_BEGINS.search(clause.text) or _ENDS.search(clause.text))
        if begins or (condition and _GOES_ON.match(clause.text)):
            condition = clause.text.strip() if begins else condition + clause.text.strip()
            yield "", clause
        else:
            yield condition, clause
            condition = ""
