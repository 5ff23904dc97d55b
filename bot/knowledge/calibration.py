"""How sure we are that the first hit answers: a logistic regression over by-products of the search.

The fused score is scaled within one question and e5's cosines lie close together, so neither can be compared with a
threshold. Together these can: how near the first is, how many of the question's words it holds, and how far it leads
in both. The weights
are in ``calibration.json``, which names the data they were learned from; ``benchmarks/train_calibration.py`` makes it.
docs/decisions/0003-refusal-threshold.md has the threshold's reasons and what it keeps and refuses.
"""

import json
import math
from collections.abc import Mapping, Sequence
from importlib.resources import files
from statistics import fmean

from bot.errors import KnowledgeError
from bot.knowledge.index import Candidates, Route

ANSWER_THRESHOLD = 0.7
"""From this confidence on the first hit is shown as the answer; below it the bot refuses."""

FEATURES = (
    "cosine",
    "cosine_behind_best",
    "cosine_lead_second",
    "cosine_lead_ten",
    "lexical_behind_best",
    "coverage",
    "coverage_lead_second",
    "coverage_lead_ten",
    "mass",
    "fused_lead_second",
    "fused_lead_ten",
)
"""Names of the features, in the order of :func:`features`."""

FULL_POOL = 100
"""Entries in sight from which leads of the fused score count whole: it is scaled within the pool, so that among three
entries the lead says little."""
_RIVALS = 9
"""Ranks 2 to 10."""
BACKGROUND_COSINE = 0.82
"""e5's cosine of a question with a passage that has nothing to do with it: stands for the rivals a small knowledge
base does not have, so that a lone entry does not win by having none."""


class Calibration:
    """``weights`` and ``bias`` of the features as they are (not standardised).

    ``embedder`` names the model whose cosines they were learned with; with any other the chances are not to be trusted.
    """

    def __init__(self, weights: Mapping[str, float], bias: float, embedder: str) -> None:
        if set(weights) != set(FEATURES):
            raise KnowledgeError(f"the calibration is for the features {sorted(weights)}; train it again")
        self._weights = [weights[name] for name in FEATURES]
        self._bias = bias
        self.embedder = embedder

    @classmethod
    def shipped(cls) -> "Calibration":
        """The weights that come with the product."""
        fields = json.loads(files("bot.knowledge").joinpath("calibration.json").read_text(encoding="utf-8"))
        return cls(fields["weights"], fields["bias"], fields["embedder"])

    def probability(self, values: Sequence[float]) -> float:
        """The chance, 0 to 1, that the first hit with these features answers."""
        logit = self._bias + math.fsum(w * value for w, value in zip(self._weights, values, strict=True))
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


def features(candidates: Candidates, ranking: Sequence[tuple[str, float]]) -> tuple[float, ...]:
    """The features of a search; ``ranking`` is (entry id, fused score), best first, and not empty.

    All but the last two are made of unscaled scores, which mean the same among three entries and among ten thousand. A
    FAQ's nearness is that of its question where that is nearer than the question with its answer.
    """
    first, score = ranking[0]
    fused = [other / score for _, other in ranking[1 : 1 + _RIVALS]] if score > 0 else []
    full = min(1.0, candidates.visible / FULL_POOL)
    dense = _joined(candidates.routes[Route.DENSE], candidates.routes[Route.QUESTION_DENSE])
    lexical = candidates.routes[Route.LEXICAL]
    words = candidates.routes[Route.WORDS]
    cosine, coverage = _of(first, dense), _of(first, words)
    near = _rivals(first, dense, BACKGROUND_COSINE)
    covering = _rivals(first, words, 0.0)
    best_lexical = max(lexical.values(), default=0.0)
    return (
        cosine,
        max(0.0, near[0] - cosine),
        cosine - near[0],
        cosine - fmean(near),
        1 - _of(first, lexical) / best_lexical if best_lexical else 1.0,
        coverage,
        coverage - covering[0],
        coverage - fmean(covering),
        math.log1p(candidates.mass),
        full * (1 - max(fused, default=0.0)),
        full * (1 - (fmean(fused) if fused else 0.0)),
    )


def _joined(first: Mapping[str, float], second: Mapping[str, float]) -> dict[str, float]:
    return {id_: max(first.get(id_, -1.0), second.get(id_, -1.0)) for id_ in {**first, **second}}


def _of(entry: str, scores: Mapping[str, float]) -> float:
    """The entry's score; that of the worst in the pool where it is not in the pool."""
    return scores.get(entry, min(scores.values(), default=0.0))


def _rivals(entry: str, scores: Mapping[str, float], background: float) -> list[float]:
    """The scores of the best others, best first; ``background`` for each that is missing."""
    others = sorted((score for id_, score in scores.items() if id_ != entry), reverse=True)[:_RIVALS]
    return others + [background] * (_RIVALS - len(others))
