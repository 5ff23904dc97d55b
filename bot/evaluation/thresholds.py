"""From which confidence to answer, told by a bot's own questions: with labels to reach a precision, without by what
happens to the confidence when the first hit is taken away."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bot.evaluation.metrics import Z95, interval

GRID = tuple(hundredth / 100 for hundredth in range(1, 100))
"""Thresholds that are looked at: written with two digits, they are what is used."""
ENOUGH = 60
"""Unlabelled questions below which the threshold is a rough guess: 30 to 60 decide it within a few hundredths, and one
draw of 60 in ten keeps up to a tenth less (docs/decisions/0003-refusal-threshold.md)."""

Judged = Sequence[tuple[float, bool]]
"""Of each question the confidence in its first hit, and whether that answers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What ``threshold`` does with judged questions: ``shown`` of them get their first hit, ``right`` of those rightly;
    ``right_firsts`` have a right first hit, shown or not."""

    threshold: float
    shown: int
    right: int
    right_firsts: int

    @property
    def precision(self) -> float | None:
        """The share of what is shown that is right; ``None`` where nothing is shown."""
        return self.right / self.shown if self.shown else None

    @property
    def kept(self) -> float | None:
        """The share of the right first hits that is shown; ``None`` where there is none."""
        return self.right / self.right_firsts if self.right_firsts else None

    @property
    def proven(self) -> tuple[float, float] | None:
        """The 95 % interval (Wilson) of :attr:`precision`."""
        return interval(self.right, self.shown) if self.shown else None


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelFree:
    """The threshold at which the shares of ``n`` questions that are shown differ most: ``as_is``, and ``masked``, with
    the first hit of each taken away."""

    threshold: float
    n: int
    as_is: float
    masked: float

    @property
    def rough(self) -> bool:
        """Whether there are too few questions to rely on it."""
        return self.n < ENOUGH


def kept_at(judged: Judged, threshold: float) -> Kept:
    """What ``threshold`` shows."""
    shown = [right for confidence, right in judged if confidence >= threshold]
    return Kept(threshold=threshold, shown=len(shown), right=sum(shown), right_firsts=sum(right for _, right in judged))


def for_precision(judged: Judged, precision: float, *, proven: bool = False) -> Kept | None:
    """The lowest threshold at which the share right among the answers shown reaches ``precision``, or with ``proven``
    the lower end of its 95 % interval does; ``None`` where no threshold shows as much."""
    for threshold in GRID:
        kept = kept_at(judged, threshold)
        reached = kept.proven[0] if proven and kept.proven else kept.precision
        if reached is not None and reached >= precision:
            return kept
    return None


def needed(precision: float) -> int:
    """How many answers, all of them right, prove ``precision`` (below 1): from so many on the lower end of the 95 %
    interval is no lower."""
    return math.ceil(round(Z95**2 * precision / (1 - precision), 6))


def label_free(as_is: Sequence[float], masked: Sequence[float]) -> LabelFree | None:
    """The threshold that tells best what has an answer from what has lost it: the confidences of the questions
    ``as_is``, and in the same order with their first hit ``masked``. The middle one of several; ``None`` without a
    question.

    It takes for granted that most questions have an answer, and one: where several documents answer, masking one
    leaves the others.
    """
    if not as_is:
        return None
    n = len(as_is)
    shares = [(_share(as_is, threshold), _share(masked, threshold)) for threshold in GRID]
    most = max(kept - lost for kept, lost in shares)
    best = [at for at, (kept, lost) in enumerate(shares) if kept - lost >= most - 1e-9]
    middle = best[len(best) // 2]
    return LabelFree(threshold=GRID[middle], n=n, as_is=shares[middle][0], masked=shares[middle][1])


def _share(confidences: Sequence[float], threshold: float) -> float:
    return sum(confidence >= threshold for confidence in confidences) / len(confidences)
