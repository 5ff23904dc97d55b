"""Which implementation of each part of the knowledge runs, as the settings say."""

import fcntl
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from bot.errors import ConfigError
from bot.knowledge.embedder import E5Embedder, Embedder
from bot.knowledge.embedding_server import EmbeddingServer
from bot.knowledge.figures import FigureStore
from bot.knowledge.index import Index
from bot.knowledge.reading_check import ReadingCheck
from bot.knowledge.segment import jieba_segmenter
from bot.knowledge.tokens import Tokenizer
from bot.knowledge.vector_cache import VectorCache
from bot.settings import Settings

INDEX_LOCK = "lock"
"""The file in the folder of the embedded index that whoever has it open holds locked."""

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
    return Tokenizer(jieba_segmenter())


def vector_cache(settings: Settings) -> VectorCache:
    """The vectors of passages by content, under ``DATA_DIR/cache``."""
    return VectorCache(settings.cache_dir / "vectors.sqlite")


def figure_store(settings: Settings) -> FigureStore:
    """The pictures of documents, under ``DATA_DIR/figures``."""
    return FigureStore(settings.data_dir / "figures")


def index_in_use(settings: Settings) -> bool:
    """Whether somebody has the embedded index open, at this moment: looked up before anything is loaded to open it
    here."""
    return settings.qdrant_url is None and is_locked(settings.index_dir)


def is_locked(folder: Path) -> bool:
    """Whether somebody has the embedded index in ``folder`` open."""
    try:
        with (folder / INDEX_LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # there is none yet; whoever opens it says what is wrong with the folder
        return False
    return False


def open_index(settings: Settings, embedder: Embedder, tokenizer: Tokenizer) -> Index:
    """The index the settings name: on a Qdrant server, or in this process.

    Raises :class:`~bot.knowledge.index.IndexInUse` when another process owns the embedded index.
    """
    if settings.qdrant_url is not None:
        from bot.knowledge.server_index import open_server_index  # only where there is a server: 40 MB

        return open_server_index(settings, embedder, tokenizer)
    from bot.knowledge.edge_index import EdgeIndex  # and its engine only where there is none

    return EdgeIndex(settings.index_dir, embedder, tokenizer)
