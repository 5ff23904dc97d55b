"""How sure we are that the first hit answers: a logistic regression over by-products of the search.

The fused score is scaled within one question and e5's cosines lie close together, so neither can be compared with a
threshold. Together these can: how near the first is, how much of the question's wording it holds, and how far it leads
in each. What a feature adds is a curve of straight pieces, as its first steps say more than its last. The curves
are in ``calibration.json``, which names the data they were learned from; ``benchmarks/train_calibration.py`` makes it.
docs/decisions/0003-refusal-threshold.md has the threshold's reasons and what it keeps and refuses.
"""

import json
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from importlib.resources import files
from statistics import fmean

from bot.errors import KnowledgeError
from bot.knowledge.entries import Entry
from bot.knowledge.index import Candidates, Route
from bot.knowledge.wording import NOTHING_SHARED, shared_wording

ANSWER_THRESHOLD = 0.5
"""From this confidence on the first hit is shown; below it the bot refuses."""

SURE = 0.7
"""From this confidence on it is shown as the answer; below it, as what may be one."""

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
"""Names of the features, in the order of :func:`features`."""

FULL_POOL = 100
"""Entries in sight from which leads of the fused score count whole: it is scaled within the pool, so that among three
entries the lead says little."""
_RIVALS = 9
"""Ranks 2 to 10."""


Curve = Sequence[tuple[float, float]]
"""(value of a feature, what it adds to the logit), by rising value: straight between two points, level beyond."""


class Calibration:
    """``curves`` of the features, and what is added to their sum.

    ``embedder`` names the model whose cosines they were learned with; with any other the chances are not to be trusted.
    Raises :class:`~bot.errors.KnowledgeError` when the curves are of other features.
    """

    def __init__(self, curves: Mapping[str, Curve], bias: float, embedder: str) -> None:
        if set(curves) != set(FEATURES):
            raise KnowledgeError(f"the calibration is for the features {sorted(curves)}; train it again")
        self._curves = [curves[name] for name in FEATURES]
        self._bias = bias
        self.embedder = embedder

    @classmethod
    def shipped(cls) -> "Calibration":
        """The curves that come with the product."""
        fields = json.loads(files("bot.knowledge").joinpath("calibration.json").read_text(encoding="utf-8"))
        return cls(fields["curves"], fields["bias"], fields["embedder"])

    def probability(self, values: Sequence[float]) -> float:
        """The chance, 0 to 1, that the first hit with these features answers."""
        added = (_on(curve, value) for curve, value in zip(self._curves, values, strict=True))
        logit = self._bias + math.fsum(added)
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


def features(
    candidates: Candidates, ranking: Sequence[tuple[str, float]], question: str, entries: Sequence[Entry]
) -> tuple[float, ...]:
    """The features of the search for ``question``; ``ranking`` is (entry id, fused score), best first, and not empty.

    ``entries`` has the first ten of it, in any order, and may have others. All but the lead of the fused score are made
    of unscaled scores, which mean the same among three entries and among ten thousand. A FAQ's nearness is that of its
    question where that is nearer than the question with its answer.
    """
    first, score = ranking[0]
    ten = [id_ for id_, _ in ranking[: 1 + _RIVALS]]
    fused = [other / score for _, other in ranking[1 : 1 + _RIVALS]] if score > 0 else []
    full = min(1.0, candidates.visible / FULL_POOL)
    dense = _joined(candidates.routes[Route.DENSE], candidates.routes[Route.QUESTION_DENSE])
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
        full * (1 - (fmean(fused) if fused else 0.0)),
        (lexical.get(first, 0.0) - max((score for id_, score in lexical.items() if id_ != first), default=0.0)) / mass,
        met.longest,
        met.longest - sum(other.longest for other in others) / _RIVALS,
        met.pairs - sum(other.pairs for other in others) / _RIVALS,
    )


def _on(curve: Curve, value: float) -> float:
    """What ``value`` adds."""
    after = bisect_right(curve, value, key=lambda point: point[0])
    if after in (0, len(curve)):
        return curve[min(after, len(curve) - 1)][1]
    (left, low), (right, high) = curve[after - 1], curve[after]
    return low + (high - low) * (value - left) / (right - left)


def _joined(first: Mapping[str, float], second: Mapping[str, float]) -> dict[str, float]:
    return {id_: max(first.get(id_, -1.0), second.get(id_, -1.0)) for id_ in {**first, **second}}


def _of(entry: str, scores: Mapping[str, float]) -> float:
    """The entry's score; that of the worst in the pool where it is not in the pool."""
    return scores.get(entry, min(scores.values(), default=0.0))
