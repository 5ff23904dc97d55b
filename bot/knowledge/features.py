"""By-products of a search that tell how sure it is of its first hit (:mod:`bot.knowledge.calibration`).

The fused score is scaled within one question and e5's cosines lie close together, so neither can be compared with a
threshold. Together these can: how near the first is, how much of the question's wording it holds, and how far it leads
in each. All but the lead of the fused score are made of unscaled scores, which mean the same among three entries and
among ten thousand.
"""

import math
import re
from collections.abc import Mapping, Sequence
from statistics import fmean

from bot.knowledge.entries import Entry
from bot.knowledge.index import Candidates, Route
from bot.knowledge.points import body
from bot.knowledge.wording import NOTHING_SHARED, shared_wording

FEATURES = (
    "cosine",
    "cosine_behind_best",
    "cosine_rank",
    "coverage_lead_ten",
    "fused_lead_ten",
    "lexical_lead_second",
    "longest",
    "longest_lead_ten",
    "pairs_lead_ten",
)
"""Names of what :func:`features` gives, in its order."""
CROSSING_FEATURES = ("cosine", "cosine_lead_ten", "fused_lead_ten")
"""Names of what :func:`crossing_features` gives, in its order."""

FULL_POOL = 100
"""Entries in sight from which leads of the fused score count whole: it is scaled within the pool, so that among three
entries the lead says little."""
_RIVALS = 9
"""Ranks 2 to 10."""
_LITTLE, _MUCH = 0.1, 0.3
"""Shares of Chinese up to which a text is of another language, and from which it is Chinese with foreign names."""
_SHARED = 0.5
"""The share of a question's words from which it speaks the language of what was found, whatever its letters."""
_HAN = re.compile(r"[\u3400-\u9fff]")
_LATIN_WORD = re.compile(r"[A-Za-z]+")

Ranking = Sequence[tuple[str, float]]
"""(entry id, fused score), best first, and not empty."""


def features(candidates: Candidates, ranking: Ranking, question: str, entries: Sequence[Entry]) -> tuple[float, ...]:
    """The features of the search for ``question``; ``entries`` has the first ten of ``ranking``, in any order, and may
    have others. A FAQ's nearness is that of its question where that is nearer than the question with its answer."""
    first = ranking[0][0]
    ten = [id_ for id_, _ in ranking[: 1 + _RIVALS]]
    dense = _dense(candidates)
    lexical = candidates.routes[Route.LEXICAL]
    words = candidates.routes[Route.WORDS]
    cosine = _of(first, dense)
    covering = sorted((share for id_, share in words.items() if id_ != first), reverse=True)
    shared = shared_wording(question, [entry for entry in entries if entry.id in ten])
    met, *others = (shared.get(id_, NOTHING_SHARED) for id_ in ten)
    mass = max(1.0, candidates.mass)
    return (
        cosine,
        max(0.0, max(dense.values(), default=cosine) - cosine),
        math.log1p(sum(other > cosine for other in dense.values())),
        _of(first, words) - sum(covering[:_RIVALS]) / _RIVALS,
        _fused_lead(candidates, ranking),
        (lexical.get(first, 0.0) - max((score for id_, score in lexical.items() if id_ != first), default=0.0)) / mass,
        met.longest,
        met.longest - sum(other.longest for other in others) / _RIVALS,
        met.pairs - sum(other.pairs for other in others) / _RIVALS,
    )


def crosses(candidates: Candidates, ranking: Ranking, question: str, entries: Sequence[Entry]) -> bool:
    """Whether ``question`` and the first hit are of two languages, Chinese one of them, so that hardly a word can be
    shared and the lack of one says nothing."""
    first = ranking[0][0]
    if _of(first, candidates.routes[Route.WORDS]) >= _SHARED:
        return False
    text = next((body(entry) for entry in entries if entry.id == first), "")
    asked, held = _chinese(question), _chinese(text)
    if asked is None or held is None:
        return False
    return min(asked, held) <= _LITTLE and max(asked, held) >= _MUCH


def crossing_features(candidates: Candidates, ranking: Ranking) -> tuple[float, ...]:
    """The features of a search across two languages."""
    first = ranking[0][0]
    dense = _dense(candidates)
    cosine = _of(first, dense)
    rivals = sorted((score for id_, score in dense.items() if id_ != first), reverse=True)[:_RIVALS]
    return (cosine, cosine - fmean(rivals) if rivals else 0.0, _fused_lead(candidates, ranking))


def _fused_lead(candidates: Candidates, ranking: Ranking) -> float:
    score = ranking[0][1]
    fused = [other / score for _, other in ranking[1 : 1 + _RIVALS]] if score > 0 else []
    return min(1.0, candidates.visible / FULL_POOL) * (1 - (fmean(fused) if fused else 0.0))


def _dense(candidates: Candidates) -> dict[str, float]:
    first, second = candidates.routes[Route.DENSE], candidates.routes[Route.QUESTION_DENSE]
    return {id_: max(first.get(id_, -1.0), second.get(id_, -1.0)) for id_ in {**first, **second}}


def _of(entry: str, scores: Mapping[str, float]) -> float:
    """The entry's score; that of the worst in the pool where it is not in the pool."""
    return scores.get(entry, min(scores.values(), default=0.0))


def _chinese(text: str) -> float | None:
    """The share that is Chinese of the characters and Latin words of ``text``; ``None`` where it has neither."""
    characters, words = len(_HAN.findall(text)), len(_LATIN_WORD.findall(text))
    return characters / (characters + words) if characters + words else None
