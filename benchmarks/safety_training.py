"""Logistic regression over the features of :mod:`bot.safety.linear`, fitted and packed into bytes with numpy alone."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bot.safety.characters import canonical
from bot.safety.linear import HASH_BITS, WINDOW, feature_indices

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Example:
    """A text, whether it is positive, and how much it counts."""

    text: str
    positive: bool
    weight: float = 1.0


def windows(text: str) -> Iterator[str]:
    """The windows in which the model reads ``text``."""
    text = canonical(text)
    step = WINDOW // 2
    for start in range(0, max(len(text) - step, 1), step):
        yield text[start : start + WINDOW]


def fit(examples: Sequence[Example], *, ridge: float, steps: int = 120, rate: float = 0.4) -> tuple[Floats, float]:
    """Weights and bias of least weighted log loss plus ``ridge`` × half the squared weights (Adam on all rows)."""
    rows = [(feature_indices(part), example) for example in examples for part in windows(example.text)]
    parts = {id(example): sum(1 for _ in windows(example.text)) for example in examples}
    lengths = np.array([len(indices) for indices, _ in rows])
    flat = np.concatenate([indices for indices, _ in rows])
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    scale = (1 / np.sqrt(lengths)).astype(np.float32)
    labels = np.array([example.positive for _, example in rows], dtype=np.float32)
    counts = np.array([example.weight / parts[id(example)] for _, example in rows], dtype=np.float32)
    counts /= counts.sum()
    weights = np.zeros((1 << HASH_BITS) + 1, dtype=np.float32)  # the last one is the bias
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, steps + 1):
        totals = np.add.reduceat(weights[flat], starts) * scale + weights[-1]
        slopes = (1 / (1 + np.exp(-totals)) - labels) * counts
        gradient = np.empty_like(weights)
        gradient[:-1] = np.bincount(flat, np.repeat(slopes * scale, lengths), 1 << HASH_BITS) + ridge * weights[:-1]
        gradient[-1] = slopes.sum()
        first = 0.9 * first + 0.1 * gradient
        second = 0.99 * second + 0.01 * gradient**2
        pace = rate * 0.5 * (1 + np.cos(np.pi * step / steps))
        weights -= pace * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-8)
    return weights[:-1], float(weights[-1])


@dataclass(slots=True)
class Scores:
    """What models scored on examples they were not trained on: (logit, positive) of each."""

    pairs: list[tuple[float, bool]]

    @classmethod
    def of(cls, train: Sequence[Example], test: Sequence[Example], *, ridge: float) -> "Scores":
        """Of one training."""
        scores = cls([])
        scores.add(train, test, ridge=ridge)
        return scores

    def add(self, train: Sequence[Example], test: Sequence[Example], *, ridge: float) -> None:
        """Of one more training."""
        weights, bias = fit(train, ridge=ridge)
        for example in test:
            found = [feature_indices(part) for part in windows(example.text)]
            score = max(float(weights[indices].sum()) / len(indices) ** 0.5 for indices in found) + bias
            self.pairs.append((score, example.positive))

    def summary(self) -> str:
        """Accuracy, and recall and false alarms, at several chances."""
        lines = []
        for chance in (0.2, 0.35, 0.5, 0.65, 0.8, 0.9):
            logit = float(np.log(chance / (1 - chance)))
            right = sum((score > logit) == positive for score, positive in self.pairs) / len(self.pairs)
            positives = [score > logit for score, positive in self.pairs if positive]
            negatives = [score > logit for score, positive in self.pairs if not positive]
            recall, alarms = sum(positives) / len(positives), sum(negatives) / len(negatives)
            lines.append(f"\n  at {chance}: accuracy {right:.3f}, recall {recall:.3f}, false alarms {alarms:.4f}")
        return f"{len(self.pairs)} texts" + "".join(lines)


def write_model(folder: Path, name: str, heads: dict[str, tuple[Floats, float]], about: dict[str, object]) -> None:
    """Pack the heads into ``name``.npz and ``name``.json, one byte a weight; ``about`` names data and licences."""
    scales = {head: float(np.abs(weights).max()) / 127 for head, (weights, _) in heads.items()}
    packed = np.stack([np.rint(weights / scales[head]).astype(np.int8) for head, (weights, _) in heads.items()])
    np.savez_compressed(folder / f"{name}.npz", weights=packed)
    facts = {"heads": list(heads), "scales": list(scales.values()), "biases": [bias for _, bias in heads.values()]}
    text = json.dumps({**about, **facts}, ensure_ascii=False, indent=2)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
