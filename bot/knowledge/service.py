"""The knowledge of one installation in one process: store, embedder, index and answers, and what others may ask.

Whoever builds this owns the embedded index; every other process asks it through :mod:`bot.knowledge.remote`.
"""

import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import requests
import structlog

from bot.answering.answerer import Answer, Answerer, Asking
from bot.answering.evidence import Retriever
from bot.answering.grounded import Composer
from bot.answering.render import refusal_text
from bot.answering.replay import replay
from bot.bots_file import BotConfig
from bot.errors import BotError, ConfigError, UsageError
from bot.knowledge.calibration import ANSWER_THRESHOLD, Calibration
from bot.knowledge.edge_index import EdgeIndex
from bot.knowledge.embedder import CachedEmbedder, E5Embedder, Embedder
from bot.knowledge.embedding_server import EmbeddingServer
from bot.knowledge.entries import Audience
from bot.knowledge.reading import Reading
from bot.knowledge.remote import Handler
from bot.knowledge.search import Searcher
from bot.knowledge.segment import Segmenter, jieba_dictionary
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.sync import SyncReport, reindex, sync_all, sync_collection
from bot.knowledge.tokens import Tokenizer
from bot.knowledge.vector_cache import VectorCache
from bot.messages import ConversationId, ReplyKind
from bot.records.database import Database
from bot.records.turns import TurnRecord, TurnRecords
from bot.settings import Settings
from bot.texts import Texts, language_of

log = structlog.get_logger()


def make_embedder(settings: Settings) -> Embedder:
    """The embedder the settings name."""
    if settings.embedding_base_url is None:
        return E5Embedder(settings.cache_dir)
    if settings.embedding_model is None:
        raise ConfigError(["EMBEDDING_MODEL is not set; EMBEDDING_BASE_URL needs the name of its model"])
    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else ""
    return EmbeddingServer(requests.Session(), settings.embedding_base_url, settings.embedding_model, key)


def make_tokenizer() -> Tokenizer:
    """The tokenizer of the lexical routes."""
    return Tokenizer(Segmenter(jieba_dictionary()))


def vector_cache(settings: Settings) -> VectorCache:
    """The vectors of passages by content, under ``DATA_DIR/cache``."""
    return VectorCache(settings.cache_dir / "vectors.sqlite")


class KnowledgeService:
    """Store, index and answers over ``database``. Raises ``KnowledgeError`` when another process owns the index."""

    def __init__(
        self, settings: Settings, bots: Mapping[str, BotConfig], database: Database, composer: Composer | None = None
    ) -> None:
        if settings.qdrant_url:
            raise ConfigError(["QDRANT_URL is set, and this version has only the embedded index; leave it unset"])
        self._bots = bots
        self._store = KnowledgeStore(database)
        self._reading = Reading(database)
        self._records = TurnRecords(database)
        self._texts = Texts()
        embedder = make_embedder(settings)
        cached = CachedEmbedder(embedder, vector_cache(settings))
        self._index = EdgeIndex(settings.index_dir, cached, make_tokenizer())
        retriever = Retriever(Searcher(self._index, embedder, Calibration.shipped()), ANSWER_THRESHOLD)
        self.answerer = Answerer(retriever, composer)
        self.versions = {"embedder": embedder.name, "threshold": str(ANSWER_THRESHOLD)}
        self._writing = threading.Lock()

    def sync_everything(self) -> SyncReport:
        """Bring the index to what SQL has approved: after a start, and after a crash between the two."""
        with self._writing:
            return sync_all(self._store, self._index, self._answered_from())

    def has_any(self, bot: BotConfig) -> bool:
        """True when anything is indexed for ``bot``, whoever may read it."""
        return any(self._index.ids(bot.tenant, collection) for collection in bot.knowledge)

    def health(self) -> dict[str, Any]:
        """``{"state": "ok", "entries": n}``, or the error."""
        try:
            return {"state": "ok", "entries": self._index.count()}
        except BotError as error:
            return {"state": "down", "error": str(error)}

    def operations(self) -> dict[str, Handler]:
        """What other processes may ask for, by name; see :class:`bot.knowledge.remote.IndexServer`."""
        return {
            "ask": self.ask,
            "read": self._reading.read,
            "replay": self.replay,
            "sync": self.sync,
            "reindex": self.reindex,
        }

    def ask(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Answer ``question`` as ``bot`` to a public reader, for ``actor``; recorded like a turn.

        Gives the object that ``ask --json`` prints.
        """
        bot = self._bots.get(arguments["bot"])
        if bot is None:
            raise UsageError(f"there is no bot {arguments['bot']!r}; there are: {', '.join(self._bots)}")
        question, now = arguments["question"], time.time()
        asking = Asking(bot=bot, language=language_of(question, bot.language))
        answer = self.answerer.answer((question,), asking, Audience.PUBLIC, now)
        text = self._words(answer, question, bot)
        record = _record(bot, arguments["actor"], question, answer, now, text=text, versions=self.versions)
        self._records.save(record)
        return {
            "answer": text,
            "kind": answer.kind.value,
            "citations": [asdict(citation) for citation in answer.citations],
            "confidence": round(answer.confidence, 4),
            "timings_ms": {name: round(value, 2) for name, value in answer.timings_ms.items()},
            "turn_id": record.id,
        }

    def replay(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Answer turn ``turn_id`` again, as of its own time; see :func:`bot.answering.replay.replay`."""
        return replay(self._records, self.answerer, self._bots, self.versions, arguments["turn_id"])

    def sync(self, arguments: Mapping[str, Any]) -> dict[str, int]:
        """Bring one collection of the index to the truth: ``tenant``, ``collection``."""
        with self._writing:
            report = sync_collection(self._store, self._index, arguments["tenant"], arguments["collection"])
        return {"upserted": report.upserted, "deleted": report.deleted}

    def reindex(self, _arguments: Mapping[str, Any]) -> dict[str, int]:
        """Write every approved entry into the index again."""
        with self._writing:
            report = reindex(self._store, self._index, self._answered_from())
        return {"upserted": report.upserted, "deleted": report.deleted}

    def close(self) -> None:
        """Release the index for another process."""
        self._index.close()

    def _answered_from(self) -> list[tuple[str, str]]:
        return [(bot.tenant, collection) for bot in self._bots.values() for collection in bot.knowledge]

    def _words(self, answer: Answer, question: str, bot: BotConfig) -> str:
        if answer.kind is not ReplyKind.REFUSAL:
            return answer.text
        language = language_of(question, bot.language)
        if not answer.passages and not self.has_any(bot):
            return self._texts.say("empty_knowledge", language)
        return refusal_text(answer.near, self._texts, language)


def _record(
    bot: BotConfig,
    actor: str,
    question: str,
    answer: Answer,
    now: float,
    *,
    text: str,
    versions: Mapping[str, str],
) -> TurnRecord:
    return TurnRecord(
        id=uuid.uuid4().hex[:20],
        bot=bot.id,
        tenant=bot.tenant,
        conversation=ConversationId(bot=bot.id, channel="cli", person=actor).key,
        person=actor,
        asked_at=now,
        answered_at=time.time(),
        message_ids=(),
        question=question,
        step="ask",
        kind=answer.kind.value,
        answer=text,
        citations=tuple(asdict(citation) for citation in answer.citations),
        passages=answer.passages,
        confidence=answer.confidence,
        timings_ms=answer.timings_ms,
        generation=answer.generation,
        versions=versions,
    )
