"""What late interaction needs beside a text's vector: the last state of each of its pieces."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Encoded:
    """One text in full.

    ``vector`` is its unit vector, (dimension). ``pieces`` are the ids of the text's own pieces in their order,
    (pieces): the marks of begin and end and the prefix are left out, as they say nothing about the text. ``texts`` are
    the characters that each stands for, as the tokenizer folds them. ``states`` has a row for each piece, (pieces,
    dimension), as the model's last layer leaves it; :mod:`bot.knowledge.late_interaction` compares them.
    """

    vector: npt.NDArray[np.float32]
    pieces: npt.NDArray[np.int32]
    texts: tuple[str, ...]
    states: npt.NDArray[np.float32]


class TokenStates(Protocol):
    """The ability of an embedder to show token states; see :attr:`bot.knowledge.embedder.Embedder.tokens`."""

    def encode(self, texts: Sequence[str], kind: str) -> list[Encoded]:
        """Each of ``texts`` in full; ``kind`` is ``query`` or ``passage``.

        The vectors are those of ``queries`` and ``passages``, from the same single run of the model.
        """
        ...
