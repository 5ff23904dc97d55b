"""Questions of one subject brought together, whatever their words: average linkage over vectors and words."""

import math
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bot.answering.quantities import fold

Floats = npt.NDArray[np.float32]

ALIKE = 0.45
"""The mean likeness, 0 to 1, down to which two groups are one; measured (``docs/mining.md``)."""
_COSINE_FLOOR = 0.8
"""Where the cosines of this embedder begin: those of unrelated questions lie there."""
_NEVER = -1.0
_LETTERS = re.compile(r"\W+")


def grouped(alike: Floats, least: float = ALIKE) -> list[list[int]]:
    """Places 0 to n-1 in groups whose mean likeness in ``alike``, (n, n), is at least ``least``, each in rising order.

    Takes n² memory and, at worst, n³ steps of a few nanoseconds: meant for a thousand.
    """
    left = alike.astype(np.float32).copy()
    np.fill_diagonal(left, _NEVER)
    groups: list[list[int]] = [[at] for at in range(len(left))]
    while len(left) > 1:
        one, other = divmod(int(np.argmax(left)), len(left))
        if left[one, other] < least:
            break
        sizes = len(groups[one]), len(groups[other])
        row = (left[one] * sizes[0] + left[other] * sizes[1]) / sum(sizes)
        row[left[one] == _NEVER], row[one], row[other] = _NEVER, _NEVER, _NEVER
        left[one], left[:, one] = row, row
        left[other], left[:, other] = _NEVER, _NEVER
        groups[one], groups[other] = groups[one] + groups[other], []
    return [sorted(group) for group in groups if group]


def likenesses(questions: Sequence[str], vectors: Floats) -> Floats:
    """How alike each two of ``questions`` are, 0 to 1: half by their ``vectors``, half by their characters and pairs of
    characters, the rarer the weightier."""
    cosines = np.clip((vectors @ vectors.T - _COSINE_FLOOR) / (1 - _COSINE_FLOOR), 0.0, 1.0)
    pieces = [_pieces(question) for question in questions]
    frequency = Counter(piece for each in pieces for piece in each)
    places = {piece: at for at, piece in enumerate(frequency)}
    weights = np.zeros((len(questions), len(places)), dtype=np.float32)
    for at, each in enumerate(pieces):
        for piece in each:
            weights[at, places[piece]] = math.log(1 + len(questions) / frequency[piece])
    weights /= np.maximum(np.linalg.norm(weights, axis=1, keepdims=True), 1e-9)
    alike: Floats = ((cosines + weights @ weights.T) / 2).astype(np.float32)
    return alike


def _pieces(question: str) -> set[str]:
    letters = _LETTERS.sub("", fold(question))
    return set(letters) | {letters[at : at + 2] for at in range(len(letters) - 1)}
