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
_SPREAD = 3.0
"""Standard deviations that the highest code stands for."""
_SCALE = np.dtype("<f2")
MOST_PIECES = 64
"""Pieces of a question that are compared, the rarest ones: bounds the work on a long story."""


def kept(states: Floats) -> bytes:
    """``states``, (pieces, dimension) as :class:`~bot.knowledge.token_states.Encoded` has them, at 4 bits."""
    units = _centred(states)
    steps = (_SPREAD / _LEVELS * units.std(axis=1, keepdims=True)).astype(_SCALE)
    codes = np.clip(np.rint(units / np.maximum(steps.astype(np.float32), 1e-9)), -_LEVELS, _LEVELS) + _LEVELS + 1
    nibbles = codes.astype(np.uint8)
    packed: npt.NDArray[np.uint8] = nibbles[:, ::2] | nibbles[:, 1::2] << 4
    return bytes(steps.tobytes() + packed.tobytes())


class AskedPieces:
    """A question's pieces, ready to be compared. ``weights`` says how much each counts, (pieces)."""

    def __init__(self, encoded: Encoded, weights: Floats) -> None:
        chosen = np.argsort(-weights, kind="stable")[:MOST_PIECES]
        self._units = _centred(encoded.states[chosen])
        self._weights = weights[chosen] / max(float(weights[chosen].sum()), 1e-9)
        self._dimension = encoded.states.shape[1]

    def met_by(self, texts: Sequence[bytes]) -> tuple[Floats, Floats]:
        """For each of ``texts`` (what :func:`kept` made) the weighted mean over the question's pieces of the best
        cosine with any of the text's, and the plain mean over the text's pieces of the best with any of the question's.
        """
        lengths = np.array([len(text) // _bytes_a_piece(self._dimension) for text in texts])
        met, meeting = np.zeros(len(texts), dtype=np.float32), np.zeros(len(texts), dtype=np.float32)
        some = np.flatnonzero(lengths)
        if not some.size or not len(self._units):
            return met, meeting
        rows = np.concatenate([self._rows(texts[at], int(lengths[at])) for at in some.tolist()])
        cosines = self._units @ rows.T
        starts = np.concatenate(([0], np.cumsum(lengths[some])[:-1]))
        met[some] = self._weights @ np.maximum.reduceat(cosines, starts, axis=1)
        meeting[some] = np.add.reduceat(cosines.max(axis=0), starts) / lengths[some]
        return met, meeting

    def _rows(self, text: bytes, pieces: int) -> Floats:
        steps = np.frombuffer(text, dtype=_SCALE, count=pieces).astype(np.float32)
        codes = np.frombuffer(text, dtype=np.uint8, offset=pieces * _SCALE.itemsize)
        rows: Floats = _pairs()[codes].view(np.float32).reshape(pieces, self._dimension) * steps[:, None]
        return rows


def _bytes_a_piece(dimension: int) -> int:
    return _SCALE.itemsize + dimension // 2


@cache
def _pairs() -> npt.NDArray[np.float64]:
    """For each byte its two codes as numbers, side by side in the room of one."""
    low, high = np.arange(256) & 15, np.arange(256) >> 4
    both = np.stack([low, high], axis=1).astype(np.float32) - (_LEVELS + 1)
    return np.ascontiguousarray(both).view(np.float64).reshape(256)


@cache
def _mean() -> Floats:
    """The mean last state of ordinary texts."""
    raw = files("bot.knowledge").joinpath("mean_state.f32").read_bytes()
    return np.frombuffer(raw, dtype="<f4")


def _centred(states: Floats) -> Floats:
    centred = states - _mean()
    units: Floats = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    return units
