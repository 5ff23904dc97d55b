"""Ranking and refusal metrics, in their usual definitions."""

import math
from collections.abc import Collection, Sequence

Z95 = 1.96
"""Of a 95 % interval."""


def recall_at(ranking: Sequence[str], positives: Collection[str], k: int) -> float:
    """1 when one of ``positives`` is among the first ``k`` ids, else 0 (also called hit rate or success at k)."""
    return float(any(id_ in positives for id_ in ranking[:k]))


def reciprocal_rank(ranking: Sequence[str], positives: Collection[str], k: int) -> float:
    """1 / rank of the first positive among the first ``k`` ids, 0 without one."""
    return next((1 / rank for rank, id_ in enumerate(ranking[:k], start=1) if id_ in positives), 0.0)


def ndcg_at(ranking: Sequence[str], positives: Collection[str], k: int) -> float:
    """Normalised discounted cumulative gain at ``k`` with gain 1 for each positive."""
    gain = sum(1 / math.log2(rank + 1) for rank, id_ in enumerate(ranking[:k], start=1) if id_ in positives)
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(len(positives), k) + 1))
    return gain / ideal if ideal else 0.0


def auc(positives: Sequence[float], negatives: Sequence[float]) -> float | None:
    """The chance that a positive scores above a negative, ties counting half; ``None`` when one side is empty."""
    if not positives or not negatives:
        return None
    ordered = sorted([(score, 1) for score in positives] + [(score, 0) for score in negatives])
    rank_sum = 0.0
    start = 0
    while start < len(ordered):
        stop = start
        while stop < len(ordered) and ordered[stop][0] == ordered[start][0]:
            stop += 1
        shared_rank = (start + 1 + stop) / 2
        rank_sum += shared_rank * sum(label for _, label in ordered[start:stop])
        start = stop
    below = rank_sum - len(positives) * (len(positives) + 1) / 2
    return below / (len(positives) * len(negatives))


def refused_at_kept(answerable: Sequence[float], unanswerable: Sequence[float], kept: float) -> float | None:
    """Share of ``unanswerable`` below the highest threshold that keeps at least the share ``kept`` of ``answerable``.

    A score equal to the threshold is kept. ``None`` when one side is empty.
    """
    if not answerable or not unanswerable:
        return None
    descending = sorted(answerable, reverse=True)
    threshold = descending[math.ceil(kept * len(descending)) - 1]
    return sum(score < threshold for score in unanswerable) / len(unanswerable)


def interval(right: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share of ``right`` in ``n`` (Wilson, 1927)."""
    share, spread = right / n, Z95 * Z95 / n
    middle = (share + spread / 2) / (1 + spread)
    half = Z95 * math.sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)
