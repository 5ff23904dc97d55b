"""How sure we are that the first hit answers: a logistic regression over by-products of the search.

What a by-product (:mod:`bot.knowledge.features`) adds is a curve of straight pieces, as its first steps say more than
its last. The curves are in ``calibration.json``, which names the data they were learned from;
``benchmarks/train_calibration.py`` and ``benchmarks/train_crossing.py`` make it.
docs/decisions/0003-refusal-threshold.md has the thresholds' reasons and what they keep and refuse.
"""

import json
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from importlib.resources import files

from bot.errors import KnowledgeError
from bot.knowledge.entries import Entry
from bot.knowledge.features import CROSSING_FEATURES, FEATURES, Ranking, crosses, crossing_features, features
from bot.knowledge.index import Candidates

ANSWER_THRESHOLD = 0.5
"""From this confidence on the first hit is shown; below it the bot refuses."""

SURE = 0.7
"""From this confidence on it is shown as the answer; below it, as what may be one."""

Curve = Sequence[tuple[float, float]]
"""(value of a feature, what it adds to the logit), by rising value: straight between two points, level beyond."""


class Curves:
    """One curve for each of the features ``names``, and ``bias``, what is added to their sum.

    Raises :class:`~bot.errors.KnowledgeError` when ``curves`` are of other features.
    """

    def __init__(self, names: Sequence[str], curves: Mapping[str, Curve], bias: float) -> None:
        if set(curves) != set(names):
            raise KnowledgeError(f"the calibration is for the features {sorted(curves)}; train it again")
        self._curves = [curves[name] for name in names]
        self._bias = bias

    def probability(self, values: Sequence[float]) -> float:
        """The chance, 0 to 1, that the first hit with these features answers."""
        added = (_on(curve, value) for curve, value in zip(self._curves, values, strict=True))
        logit = self._bias + math.fsum(added)
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


class Calibration:
    """``within`` judges questions in the language of what was found, ``crossing`` those in another.

    ``embedder`` names the model whose cosines they were learned with; with any other the chances are not to be trusted.
    """

    def __init__(self, within: Curves, crossing: Curves, embedder: str) -> None:
        self.within = within
        self.crossing = crossing
        self.embedder = embedder

    @classmethod
    def shipped(cls) -> "Calibration":
        """The curves that come with the product."""
        fields = json.loads(files("bot.knowledge").joinpath("calibration.json").read_text(encoding="utf-8"))
        within = Curves(FEATURES, fields["curves"], fields["bias"])
        crossing = Curves(CROSSING_FEATURES, fields["crossing"]["curves"], fields["crossing"]["bias"])
        return cls(within, crossing, fields["embedder"])

    def confidence(self, candidates: Candidates, ranking: Ranking, question: str, entries: Sequence[Entry]) -> float:
        """The chance, 0 to 1, that the first of ``ranking`` answers ``question``; the arguments are those of
        :func:`~bot.knowledge.features.features`."""
        if crosses(candidates, ranking, question, entries):
            return self.crossing.probability(crossing_features(candidates, ranking))
        return self.within.probability(features(candidates, ranking, question, entries))


def _on(curve: Curve, value: float) -> float:
    """What ``value`` adds."""
    after = bisect_right(curve, value, key=lambda point: point[0])
    if after in (0, len(curve)):
        return curve[min(after, len(curve) - 1)][1]
    (left, low), (right, high) = curve[after - 1], curve[after]
    return low + (high - low) * (value - left) / (right - left)
