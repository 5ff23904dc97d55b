"""Two pictures of a confidence: of the answers given at c, is a share c right, and what a threshold keeps and costs.

Each set is judged by weights that were learned without it (``benchmarks.train_calibration --picture FILE``).
"""

from collections.abc import Mapping, Sequence

import numpy as np

from bot.evaluation.charts import COLOURS, Axis, Panel, picture

Judged = Sequence[tuple[float, bool]]
"""Every question with the confidence in its first hit and whether that was right."""

BINS = 8
THRESHOLDS = np.linspace(0.0, 0.98, 50)
SHARES = tuple((tenth / 10, f"{tenth / 10:g}") for tenth in range(0, 11, 2))
LEAST_SHOWN = 10
"""Answers below which a share is chance."""


def reliability(judged: Judged) -> list[tuple[float, float]]:
    """(mean confidence, share right) of bins that hold equally many."""
    ordered = sorted(judged)
    parts = np.array_split(np.array(ordered, dtype=np.float64), min(BINS, len(ordered)))
    return [(float(part[:, 0].mean()), float(part[:, 1].mean())) for part in parts]


def trade(judged: Judged) -> list[tuple[float, float]]:
    """(share of the right first hits kept, share right among those shown) by the threshold, the lowest first."""
    confidence = np.array([each for each, _ in judged])
    right = np.array([good for _, good in judged])
    points = []
    for threshold in THRESHOLDS:
        shown = confidence >= threshold
        if shown.sum() >= LEAST_SHOWN:
            points.append((float(right[shown].sum() / right.sum()), float(right[shown].mean())))
    return points


def diagram(sets: Mapping[str, Judged], threshold: float) -> str:
    """The picture as SVG; a dot marks ``threshold``."""
    told = Panel(
        title="A confidence of c is right c of the time", x=_share("confidence"), y=_share("share right"), left=60
    )
    kept = Panel(
        title=f"What a threshold keeps, and how right it is (large dots: {threshold:g})",
        x=_share("share of the right first hits that is shown"),
        y=_share("share right among those shown"),
        left=640,
    )
    told.aside("ideal", (0.0, 0.0), (1.0, 1.0))
    for number, (name, judged) in enumerate(sets.items()):
        colour = COLOURS[number % len(COLOURS)]
        told.line(name, colour, reliability(judged))
        kept.line(name, colour, trade(judged)[::-1], dots=False)
        shown = [good for confidence, good in judged if confidence >= threshold]
        if shown:
            right = sum(good for _, good in judged)
            kept.mark("", colour, (sum(shown) / right, sum(shown) / len(shown)))
    return picture(1230, 400, "Reliability of the confidence, and its thresholds", told.svg(), kept.svg())


def _share(label: str) -> Axis:
    return Axis(label=label, low=0.0, high=1.0, ticks=SHARES)
