"""Late interaction: how well each piece of a question is met by some piece of a text (MaxSim).

The states of both sides lose the mean state of ordinary texts, without which all their cosines lie close together, and
become unit length. A text's states are kept at 4 bits: one scale a piece, its step three standard deviations / 7, which
costs nothing on the public sets. A question's states stay as they are.
"""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from bot.knowledge.token_states import Encoded

Floats = npt.NDArray[np.float32]

_LEVELS = 7
"""Codes go from -7 to 7, kept as 1 to 15."""
_ZERO = _LEVELS + 1
"""How the code 0 is kept."""
_LOW = 15
"""The bits of a byte's first code."""
_SPREAD = 3.0
"""Standard deviations that the highest code stands for."""
_SCALE = np.dtype("<f2")
MOST_PIECES = 64
"""Pieces of a question that are compared, the rarest ones: bounds the work on a long story."""


def kept(states: Floats) -> bytes:
    """``states``, (pieces, dimension) as :class:`~bot.knowledge.token_states.Encoded` has them, at 4 bits."""
    units = _centred(states)
    steps = (_SPREAD / _LEVELS * units.std(axis=1, keepdims=True)).astype(_SCALE)
    codes = np.clip(np.rint(units / np.maximum(steps.astype(np.float32), 1e-9)), -_LEVELS, _LEVELS) + _ZERO
    nibbles = codes.astype(np.uint8)
    packed: npt.NDArray[np.uint8] = nibbles[:, ::2] | nibbles[:, 1::2] << 4
    return bytes(steps.tobytes() + packed.tobytes())


class AskedPieces:
    """A question's pieces, ready to be compared. ``weights`` says how much each counts, (pieces)."""

    def __init__(self, encoded: Encoded, weights: Floats) -> None:
        chosen = np.argsort(-weights, kind="stable")[:MOST_PIECES]
        units = _centred(encoded.states[chosen])
        # the two codes of a byte are compared one after the other, so that no text is laid out as numbers in full
        self._low, self._high = np.ascontiguousarray(units[:, ::2]), np.ascontiguousarray(units[:, 1::2])
        self._of_zero = _ZERO * units.sum(axis=1, keepdims=True)
        self._weights = weights[chosen] / max(float(weights[chosen].sum()), 1e-9)

    def met_by(self, texts: Sequence[bytes]) -> tuple[Floats, Floats]:
        """For each of ``texts`` (what :func:`kept` made) the weighted mean over the question's pieces of the best
        cosine with any of the text's, and the plain mean over the text's pieces of the best with any of the question's.
        """
        width = self._low.shape[1]
        lengths = np.array([len(text) // (_SCALE.itemsize + width) for text in texts])
        met, meeting = np.zeros(len(texts), dtype=np.float32), np.zeros(len(texts), dtype=np.float32)
        some = np.flatnonzero(lengths)
        if not some.size or not len(self._weights):
            return met, meeting
        pieces = [(texts[at], int(lengths[at])) for at in some.tolist()]
        steps = np.concatenate([np.frombuffer(text, _SCALE, count) for text, count in pieces]).astype(np.float32)
        packed = np.concatenate(
            [np.frombuffer(text, np.uint8, offset=count * _SCALE.itemsize) for text, count in pieces]
        )
        codes = packed.reshape(-1, width)
        cosines = self._low @ (codes & _LOW).astype(np.float32).T + self._high @ (codes >> 4).astype(np.float32).T
        cosines = (cosines - self._of_zero) * steps
        starts = np.concatenate(([0], np.cumsum(lengths[some])[:-1]))
        met[some] = self._weights @ np.maximum.reduceat(cosines, starts, axis=1)
        meeting[some] = np.add.reduceat(cosines.max(axis=0), starts) / lengths[some]
        return met, meeting


@cache
def _mean() -> Floats:
    """The mean last state of ordinary texts."""
    raw = files("bot.knowledge").joinpath("mean_state.f32").read_bytes()
    return np.frombuffer(raw, dtype="<f4")


def _centred(states: Floats) -> Floats:
    centred = states - _mean()
    units: Floats = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    return units
