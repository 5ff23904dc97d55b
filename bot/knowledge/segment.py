"""Chinese word segmentation: jieba's dictionary and its most probable path, in a few megabytes.

jieba keeps its 350,000 words and all their prefixes in a ``dict`` of 74 MB and 1 s of start. Here the same dictionary
lies in a trie. A run of characters is cut into the words whose product of frequencies is largest, as jieba does
without its hidden Markov model; a character no word covers stands alone, and the character bigrams of
:mod:`bot.knowledge.tokens` cover what that misses.
"""

import math
from array import array
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import marisa_trie  # type: ignore[import-not-found]  # a C extension without stubs
import numpy as np

from bot.errors import KnowledgeError


class Segmenter:
    """``dictionary`` is jieba's ``dict.txt``: one ``word frequency tag`` a line. Thread-safe once made."""

    def __init__(self, dictionary: Path) -> None:
        fields = dictionary.read_text(encoding="utf-8").split()
        words = fields[0::3]
        frequencies = np.maximum(np.array(fields[1::3], dtype=np.float32), 1.0)
        total = math.log(math.fsum(frequencies.tolist()))
        self._trie = marisa_trie.Trie(words)
        keys = np.fromiter(map(self._trie.__getitem__, words), dtype=np.int64, count=len(words))
        scores = np.empty(len(self._trie), dtype=np.float32)
        scores[keys] = np.log(frequencies.astype(np.float64)) - total
        self._scores = array("f", scores.tobytes())
        self._unknown = -total
        self._longest = max(map(len, words))

    def knows(self, word: str) -> bool:
        """Whether the dictionary has ``word``."""
        return word in self._trie

    def cut(self, run: str) -> list[str]:
        """The words of ``run``, in order; joined they are ``run`` again."""
        end = len(run)
        best = [0.0] * (end + 1)
        stops = [0] * end
        for start in range(end - 1, -1, -1):
            stop, score = start + 1, self._unknown + best[start + 1]
            for word, key in self._trie.iter_prefixes_with_ids(run[start : start + self._longest]):
                other = self._scores[key] + best[start + len(word)]
                if other >= score:
                    stop, score = start + len(word), other
            best[start], stops[start] = score, stop
        words = []
        start = 0
        while start < end:
            words.append(run[start : stops[start]])
            start = stops[start]
        return words


@cache
def jieba_segmenter() -> Segmenter:
    """The segmenter with jieba's dictionary, made once a process. Raises :class:`~bot.errors.KnowledgeError`."""
    return Segmenter(jieba_dictionary())


def jieba_dictionary() -> Path:
    """The dictionary inside the installed jieba, which is not imported for it."""
    spec = find_spec("jieba")
    if spec is None or spec.origin is None:
        raise KnowledgeError("jieba is not installed, and its dictionary is needed; install requirements.txt")
    return Path(spec.origin).parent / "dict.txt"
