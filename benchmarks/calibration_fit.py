"""Curves of a logistic regression from examples, for :mod:`benchmarks.train_calibration`."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SHARES = {"asked": 2 / 3, "masked": 2 / 9, "foreign": 1 / 9}
"""How much of a set's weight each sort of example has."""
KNOTS = (0.2, 0.5, 0.8)
"""Quantiles of a feature at which its curve may bend."""
FARTHEST = 3.0
"""Standard deviations from the mean beyond which a curve is level."""
CURVE_RIDGE = 100.0
RIDGE = 1.0
"""Penalties on the weight of a standardised feature, of a curve and alone, against examples of a weight of 1,000."""


@dataclass
class Examples:
    """Of one variant by sort the feature rows, whether the first hit is right, and the question with its text."""

    rows: dict[str, list[tuple[float, ...]]] = field(default_factory=dict)
    right: dict[str, list[bool]] = field(default_factory=dict)
    pairs: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def add(self, sort: str, row: tuple[float, ...], *, right: bool, pair: tuple[str, str]) -> None:
        self.rows.setdefault(sort, []).append(row)
        self.right.setdefault(sort, []).append(right)
        self.pairs.setdefault(sort, []).append(pair)


@dataclass(frozen=True)
class Model:
    """``curves`` of the features, in their order: the values of each curve's points, and what they add."""

    curves: list[tuple[Floats, Floats]]
    bias: float

    def logits(self, rows: Sequence[tuple[float, ...]]) -> Floats:
        """The logit of each row's chance."""
        columns = zip(np.array(rows).T, self.curves, strict=True)
        added = [np.interp(column, values, heights) for column, (values, heights) in columns]
        logits: Floats = np.sum(added, axis=0) + self.bias
        return logits


def train(variants: dict[str, Examples], groups: dict[str, str]) -> Model:
    """The curves and the bias. What the first fit finds, the second scales to a chance."""
    rows, labels, weights, wrong = _weighted(variants, groups)
    mean, deviation = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    points = np.vstack([mean - FARTHEST * deviation, *np.quantile(rows, KNOTS, axis=0), mean + FARTHEST * deviation])
    points = np.sort(points, axis=0)

    def bent(values: Floats) -> Floats:
        """Each feature as it is and once more above each of its knots, in standard deviations."""
        inside = np.clip(values, points[0], points[-1])
        return np.hstack(
            [(inside - mean) / deviation, *(np.maximum(0.0, inside - knot) / deviation for knot in points[1:-1])]
        )

    clear = ~wrong
    slopes, _ = fit(bent(rows[clear]), labels[clear], weights[clear], CURVE_RIDGE, standardised=False)
    scale, bias = fit((bent(rows) @ slopes)[:, None], labels, weights)
    heights = [(bent(each) * slopes).reshape(1 + len(KNOTS), -1).sum(axis=0) * scale[0] for each in points]
    return Model([(points[:, at], np.array(heights)[:, at]) for at in range(rows.shape[1])], bias)


def _weighted(
    variants: dict[str, Examples], groups: dict[str, str]
) -> tuple[Floats, Floats, Floats, npt.NDArray[np.bool_]]:
    """(rows, labels, weights, whether the first hit is wrong though the knowledge has an answer).

    Every group weighs the same.
    """
    rows: list[tuple[float, ...]] = []
    labels: list[bool] = []
    weights: list[float] = []
    wrong: list[bool] = []
    for name, examples in variants.items():
        siblings = sum(groups[other] == groups[name] for other in variants)
        for sort, share in SHARES.items():
            weight = share / siblings / len(examples.rows[sort])
            rows += examples.rows[sort]
            labels += examples.right[sort]
            wrong += [sort == "asked" and not right for right in examples.right[sort]]
            weights += [weight] * len(examples.rows[sort])
    scaled = np.array(weights)
    return np.array(rows), np.array(labels, dtype=np.float64), scaled * 1000 / scaled.sum(), np.array(wrong)


def fit(
    rows: Floats, labels: Floats, weights: Floats, ridge: float = RIDGE, *, standardised: bool = True
) -> tuple[Floats, float]:
    """Weighted ridge logistic regression by Newton's method; weights and bias for the features as they are.

    Without ``standardised`` the penalty is on the weights of the features as they are.
    """
    mean, deviation = np.zeros(rows.shape[1]), np.ones(rows.shape[1])
    if standardised:
        mean = np.average(rows, axis=0, weights=weights)
        deviation = np.sqrt(np.average((rows - mean) ** 2, axis=0, weights=weights)) + 1e-9
    design = np.hstack([(rows - mean) / deviation, np.ones((len(rows), 1))])
    penalty = np.diag([ridge] * rows.shape[1] + [0.0])
    solution = np.zeros(design.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-design @ solution))
        gradient = design.T @ (weights * (chance - labels)) + penalty @ solution
        curvature = (design * (weights * chance * (1 - chance))[:, None]).T @ design + penalty
        step = np.linalg.solve(curvature, gradient)
        solution -= step
        if np.abs(step).max() < 1e-9:
            break
    slopes = solution[:-1] / deviation
    return slopes, float(solution[-1] - slopes @ mean)


def predict(rows: Sequence[tuple[float, ...]], model: Model) -> list[float]:
    """Probabilities of ``rows``."""
    if not rows:
        return []
    chances: list[float] = (1 / (1 + np.exp(-model.logits(rows)))).tolist()
    return chances
