"""A small linear text classifier: hashed character n-grams, weights of one byte, nothing but numpy.

It catches wordings that no rule foresaw, in microseconds and without a language model. ``benchmarks/train_safety.py``
and ``benchmarks/train_adverse_events.py`` make the weight files; each names the data it was learned from
and their licences.
"""

import json
from functools import cache
from importlib.resources import files
from math import exp
from typing import Any

import numpy as np
import numpy.typing as npt

from bot.safety.characters import canonical

HASH_BITS = 18
"""Number of features: 2 to this power."""
LONGEST = 3
"""Longest n-gram, in characters; all shorter ones count too."""
WINDOW = 600
"""Longer texts are read in windows of so many characters, each half over the one before; the highest score counts, so
that harmless text around an attack does not hide it."""

Indices = npt.NDArray[np.int64]

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_STEP = np.uint64(1_000_003)


def feature_indices(text: str) -> Indices:
    """The distinct features of ``text``, which must be canonical (:func:`~bot.safety.characters.canonical`)."""
    codes = np.frombuffer(f"\x02{text}\x03".encode("utf-32-le", "replace"), dtype=np.uint32).astype(np.uint64)
    rolling = codes
    hashes = []
    for length in range(1, LONGEST + 1):
        if length > 1:
            rolling = rolling[:-1] * _STEP + codes[length - 1 :]
        hashes.append(((rolling + np.uint64(length)) * _MULTIPLIER) >> np.uint64(64 - HASH_BITS))
    return np.unique(np.concatenate(hashes)).astype(np.int64)


class LinearModel:
    """``weights`` (one row a head), the scale of each head's weights and its bias; heads have names."""

    def __init__(
        self, heads: tuple[str, ...], weights: npt.NDArray[np.int8], scales: list[float], biases: list[float]
    ) -> None:
        self._heads = heads
        self._weights = weights
        self._scales = scales
        self._biases = biases

    def chances(self, text: str) -> dict[str, float]:
        """The chance (0 to 1) that each head gives ``text``, as written: of its likeliest window."""
        return self.canonical_chances(canonical(text))

    def canonical_chances(self, canonical_text: str) -> dict[str, float]:
        """The same for a text that is canonical already."""
        step = WINDOW // 2
        starts = range(0, max(len(canonical_text) - step, 1), step)
        found = [feature_indices(canonical_text[start : start + WINDOW]) for start in starts]
        return {
            head: max(self._chance(number, indices) for indices in found) for number, head in enumerate(self._heads)
        }

    def _chance(self, head: int, indices: Indices) -> float:
        total = int(self._weights[head, indices].sum(dtype=np.int64)) * self._scales[head]
        return 1 / (1 + exp(-max(-30.0, total / len(indices) ** 0.5 + self._biases[head])))


@cache
def load_model(package: str, name: str) -> LinearModel:
    """The model shipped as ``name``.npz and ``name``.json in ``package``, read once."""
    folder = files(package)
    about: dict[str, Any] = json.loads(folder.joinpath(f"{name}.json").read_text("utf-8"))
    with folder.joinpath(f"{name}.npz").open("rb") as file, np.load(file) as arrays:
        weights = arrays["weights"]
    return LinearModel(tuple(about["heads"]), weights, about["scales"], about["biases"])
