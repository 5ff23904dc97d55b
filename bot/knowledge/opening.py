"""Which implementation of each part of the knowledge runs, as the settings say."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import TYPE_CHECKING

import requests

from bot.errors import ConfigError
from bot.knowledge.embedder import CachedEmbedder, E5Embedder, Embedder
from bot.knowledge.embedding_server import EmbeddingServer
from bot.knowledge.entries import Entry
from bot.knowledge.figures import FigureStore
from bot.knowledge.index import Index
from bot.knowledge.points import warm
from bot.knowledge.reading_check import ReadingCheck
from bot.knowledge.segment import Segmenter, jieba_dictionary
from bot.knowledge.state_store import STATES_FILE, StateStore
from bot.knowledge.tokens import Tokenizer
from bot.knowledge.vector_cache import VectorCache
from bot.settings import Settings

if TYPE_CHECKING:
    from bot.knowledge.cross_encoder import CrossEncoder


def make_embedder(settings: Settings) -> Embedder:
    """The embedder the settings name."""
    if settings.embedding_base_url is None:
        return E5Embedder(settings.cache_dir)
    if settings.embedding_model is None:
        raise ConfigError(["EMBEDDING_MODEL is not set; EMBEDDING_BASE_URL needs the name of its model"])
    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else ""
    return EmbeddingServer(requests.Session(), settings.embedding_base_url, settings.embedding_model, key)


def make_reading_check(settings: Settings, embedder: Embedder) -> ReadingCheck | None:
    """The second look at a first hit; None where it is not asked for, or the model of its weights does not run here, as
    with an embedding server."""
    weights = embedder.weights if settings.reading_check and isinstance(embedder, E5Embedder) else None
    if weights is None:
        return None

    def load() -> "CrossEncoder":
        from bot.knowledge.cross_encoder import CrossEncoder  # onnxruntime: only where it is needed

        return CrossEncoder(weights, settings.cache_dir)

    return ReadingCheck(load)


@cache
def make_tokenizer() -> Tokenizer:
    """The tokenizer of the lexical routes, made once a process: its dictionary takes half a second."""
    return Tokenizer(Segmenter(jieba_dictionary()))


def vector_cache(settings: Settings) -> VectorCache:
    """The vectors of passages by content, under ``DATA_DIR/cache``."""
    return VectorCache(settings.cache_dir / "vectors.sqlite")


def figure_store(settings: Settings) -> FigureStore:
    """The pictures of documents, under ``DATA_DIR/figures``."""
    return FigureStore(settings.data_dir / "figures")


def warm_vectors(settings: Settings, cores: int = 1) -> Callable[[Sequence[Entry]], None]:
    """What makes sure that the vectors of entries are in the cache, and their token states beside the index.

    A model is loaded for each of ``cores``, and only when something may have to be embedded; a server has its own.
    """
    count = cores if settings.embedding_base_url is None else 1

    @cache
    def parts() -> tuple[list[CachedEmbedder], StateStore | None]:
        vectors = vector_cache(settings)
        embedders = [CachedEmbedder(make_embedder(settings), vectors) for _ in range(count)]
        kept = settings.qdrant_url is None and embedders[0].tokens is not None
        return embedders, StateStore(settings.index_dir / STATES_FILE, embedders[0].name) if kept else None

    def warm_all(entries: Sequence[Entry]) -> None:
        embedders, states = parts()
        by_length = sorted(entries, key=lambda entry: len(entry.text))
        shares = [by_length[at::count] for at in range(count)]
        with ThreadPoolExecutor(count) as pool:  # the model computes without the interpreter's lock
            list(pool.map(partial(_warm, states), embedders, shares))

    return warm_all


def _warm(states: StateStore | None, embedder: CachedEmbedder, entries: Sequence[Entry]) -> None:
    warm(embedder, states, entries)


def open_index(settings: Settings, embedder: Embedder, tokenizer: Tokenizer) -> Index:
    """The index the settings name: on a Qdrant server, or in this process.

    Raises :class:`~bot.knowledge.index.IndexInUse` when another process owns the embedded index.
    """
    if settings.qdrant_url is not None:
        from bot.knowledge.server_index import open_server_index  # only where there is a server: 40 MB

        return open_server_index(settings, embedder, tokenizer)
    from bot.knowledge.edge_index import EdgeIndex  # and its engine only where there is none

    return EdgeIndex(settings.index_dir, embedder, tokenizer)
