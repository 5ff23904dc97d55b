"""The knowledge of one installation in one process: store, embedder, index and answers, and what others may ask.

Whoever builds this owns the embedded index; every other process asks it through :mod:`bot.knowledge.remote`.
"""

import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import structlog

from bot import telemetry
from bot.answering.answerer import Answer, Answerer
from bot.answering.evidence import Retriever
from bot.answering.evidence_cache import EvidenceCache
from bot.answering.grounded import Composer
from bot.answering.replay import replay
from bot.audit.log import AuditLog
from bot.audit.turns import audit_of_turns
from bot.bots_file import BotConfig
from bot.errors import BotError, KnowledgeError, Unavailable, UsageError
from bot.evaluation.confidences import ConfidenceMeter
from bot.golden.candidate import answer_parts
from bot.golden.gate import ApprovalGate
from bot.golden.running import reply_to
from bot.golden.store import GoldenStore
from bot.knowledge.approvals import Approvals
from bot.knowledge.calibration import ANSWER_THRESHOLD, Calibration
from bot.knowledge.entries import Audience, Entry, Scope
from bot.knowledge.following import Following
from bot.knowledge.index import BELIEVED_S, IndexMissing, IndexState
from bot.knowledge.opening import open_index
from bot.knowledge.points import warm
from bot.knowledge.reading import Reading
from bot.knowledge.remote import Handler
from bot.knowledge.revisions import Revisions
from bot.knowledge.search import Hit, Searcher
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.sync import SyncReport, batches, drop_withdrawn, reindex, sync_all, sync_collection
from bot.knowledge.warming import SHARE
from bot.lookup.shelf import Shelf
from bot.records.database import Database
from bot.records.turns import TurnRecords
from bot.settings import Settings
from bot.single_question import SingleQuestions, turn_of
from bot.turn import turn_record

log = structlog.get_logger()

FIRST_WAIT_S, LONGEST_WAIT_S = 2.0, 60.0
"""Seconds between two tries to bring the index up to date while something it needs is away; doubled each time."""


class KnowledgeService:
    """Store, index and answers over ``database``; ``clock`` gives monotonic seconds. Raises ``KnowledgeError`` when
    another process owns the index."""

    def __init__(
        self,
        settings: Settings,
        bots: Mapping[str, BotConfig],
        database: Database,
        composer: Composer | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bots = bots
        self._store = KnowledgeStore(database)
        self._reading = Reading(database)
        self._records = TurnRecords(database, audit_of_turns(AuditLog.from_settings(settings, database)))
        self._parts = parts = answer_parts(settings, composer)
        self.embedder, self.tokenizer = parts.embedder, parts.tokenizer
        self._index = open_index(settings, parts.passages, parts.tokenizer)
        self._searcher = Searcher(self._index, parts.embedder, Calibration.shipped(), parts.check)
        approvals = Approvals(self._store)
        self._cache = EvidenceCache(Revisions(self._store, approvals, self._index), settings.evidence_cache)
        kept = self._cache if settings.evidence_cache else None
        self.standing = approvals.standing
        self.shelf = Shelf(self._store)
        self.answerer = Answerer(Retriever(self._searcher, ANSWER_THRESHOLD, kept, self.standing), composer)
        self._anew = Answerer(Retriever(self._searcher, ANSWER_THRESHOLD, standing=self.standing), composer)
        self._single = SingleQuestions(self.answerer, self.shelf, self.has_any)
        self.versions = {"embedder": parts.passages.name, "threshold": str(ANSWER_THRESHOLD)}
        self._writing = threading.Lock()
        self._following = Following(self._store, self._index, clock)
        self._started = False
        self._catching_up: threading.Thread | None = None
        self._closed = threading.Event()

    def start(self) -> None:
        """Bring the index to what SQL has approved, built anew where it is missing or another's.

        While something that takes is away, such as a Qdrant server, a thread goes on trying and this returns.
        """
        self._started = True
        try:
            self.sync_everything(rebuild=True)
            self._index.drop_unused_states()
        except BotError as error:
            self._postpone(error)

    def sync_everything(self, *, rebuild: bool = False) -> SyncReport:
        """Bring the index to what SQL has approved: after a start, and after a crash between the two.

        One that another version or embedder made is left alone unless ``rebuild``: others may be using it.
        """
        with self._writing:
            state = self._index.state()
            if state is IndexState.READY:
                return sync_all(self._store, self._index, self._answered_from())
            if state is IndexState.MISSING or rebuild:
                log.warning("index_built_anew", state=state.value)
                return self._reindex()
        log.warning("index_foreign", cure="use the settings the worker has, or run `reindex`")
        return SyncReport(upserted=0, deleted=0)

    def has_any(self, bot: BotConfig) -> bool:
        """True when anything is indexed for ``bot``, whoever may read it."""
        return any(self._index.ids(bot.tenant, collection) for collection in bot.knowledge)

    def health(self) -> dict[str, Any]:
        """``{"state": "ok", "entries": n}``, or the error.

        After :meth:`start` an index that somebody dropped is built anew, and one that nobody brought up to date is.
        """
        try:
            entries = self._index.count()
        except BotError as error:
            if self._started and isinstance(error, IndexMissing):
                self._postpone(error, BELIEVED_S + 1.0)  # or another process would read it half filled, by its name
            return {"state": "down", "error": str(error)}
        if self._started:
            self._follow()
        return {"state": "ok", "entries": entries}

    def operations(self) -> dict[str, Handler]:
        """What other processes may ask for, by name; see :class:`bot.knowledge.remote.IndexServer`."""
        return {
            "ask": self.ask,
            "golden": self.golden,
            "confidences": self.confidences,
            "examine": self.examine,
            "read": self._reading.read,
            "replay": self.replay,
            "sync": self.sync,
            "drop": self.drop,
            "reindex": self.reindex,
        }

    def ask(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Answer ``question`` as ``bot`` to a public reader, for ``actor``; recorded like a turn.

        Gives the object that ``ask --json`` prints.
        """
        bot = self._bot(arguments["bot"])
        turn = turn_of(bot, arguments["actor"], arguments["question"], Audience.PUBLIC, time.time())
        said = self._single.said(turn)
        record = replace(turn_record(turn, "ask", said, self.versions), **_figures(said.answer))
        self._records.save(record)
        return {
            "answer": record.answer,
            "kind": record.kind,
            "citations": list(record.citations),
            "confidence": round(record.confidence or 0.0, 4),
            "timings_ms": {name: round(value, 2) for name, value in record.timings_ms.items()},
            "turn_id": record.id,
        }

    def golden(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Answer ``question`` as ``bot`` to a reader of ``audience``, for ``actor``, without a trace in the records.

        Gives what :func:`bot.golden.running.reply_to` does.
        """
        bot, reader = self._bot(arguments["bot"]), Audience(arguments["audience"])
        turn = turn_of(bot, arguments["actor"], arguments["question"], reader, time.time())
        return reply_to(self._single, turn, self.versions, self._index.entries)

    def confidences(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """How sure ``bot`` is of ``question`` from a reader of ``audience``, for ``actor``: ``{"confidence", "masked",
        "first"}`` as :class:`~bot.evaluation.confidences.Confidences` has them, ``first`` as ``golden`` gives it; an
        empty object where another thing than the search decides what is said. Leaves no trace in the records."""
        bot, reader = self._bot(arguments["bot"]), Audience(arguments["audience"])
        turn = turn_of(bot, arguments["actor"], arguments["question"], reader, time.time())
        if not self._single.rests_on_knowledge(turn):
            return {}
        found = self._meter.of(turn.text, bot, reader, turn.now)
        first = found.first
        return {
            "confidence": found.confidence,
            "masked": found.masked,
            "first": {"title": first.title, "source": first.source, "text": first.text} if first else None,
        }

    def find(self, question: str, bot: BotConfig) -> tuple[Hit, ...]:
        """What the knowledge of ``bot`` holds for ``question``, with the eyes of its staff."""
        return self.answerer.retriever.retrieve((question,), bot, Audience.STAFF, time.time()).both.hits

    def warm(self, entries: Iterable[Entry], tell: Callable[[int], object]) -> None:
        """Make the vectors of a few ``entries``, behind everybody's questions; as :data:`bot.knowledge.approval.Warm`,
        but with the model that is there."""
        for share in batches(entries, SHARE):
            warm(self._parts.passages, self._index.states, share)
            tell(len(share))

    def gate(self, audit: AuditLog) -> ApprovalGate:
        """What stands before an approval in this process."""
        return ApprovalGate(self._bots, self._store, GoldenStore(audit), lambda: self._parts)

    def replay(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Answer turn ``turn_id`` again, searched anew, as of its own time; see :func:`bot.answering.replay.replay`."""
        return replay(self._records, self._anew, self._bots, self.versions, arguments["turn_id"])

    @cached_property
    def _meter(self) -> ConfidenceMeter:
        return ConfidenceMeter(self._index, self.embedder, self._parts.check, self.standing)

    def sync(self, arguments: Mapping[str, Any]) -> dict[str, int]:
        """Bring one collection of the index to the truth: ``tenant``, ``collection``."""
        with self._writing:
            report = sync_collection(self._store, self._index, arguments["tenant"], arguments["collection"])
        return {"upserted": report.upserted, "deleted": report.deleted}

    def drop(self, arguments: Mapping[str, Any]) -> dict[str, int]:
        """Take what is out of service out of one collection of the index, ``tenant``, ``collection``, at once: behind
        nobody who brings much into it."""
        place = arguments["tenant"], arguments["collection"]
        stale = drop_withdrawn(self._store, self._index, *place)
        if stale & self._store.approved_ids(*place):  # approved again meanwhile, by somebody who found it still there
            return self.sync(arguments)
        return {"upserted": 0, "deleted": len(stale)}

    def reindex(self, _arguments: Mapping[str, Any]) -> dict[str, int]:
        """Write every approved entry into the index again."""
        with self._writing:
            report = self._reindex()
        return {"upserted": report.upserted, "deleted": report.deleted}

    def examine(self, _arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Whether a question could be answered, tried without a trace in the records.

        ``{"embedder", "dimension", "embed_ms", "search_ms", "collections": [{"bot", "tenant", "collection", "indexed",
        "missing"}]}``: milliseconds of one question, entries of the index, and approved entries it does not have.
        """
        probe = uuid.uuid4().hex  # unlike any question whose vector is kept
        readers = [bot for bot in self._bots.values() if bot.knowledge]
        timings: Mapping[str, float] = {}
        if readers:
            first = readers[0]
            seen = Scope(tenant=first.tenant, collections=first.knowledge, reader=Audience.PUBLIC, now=time.time())
            timings = self._searcher.search(probe, seen).timings_ms
        collections = []
        for bot in readers:
            for collection in bot.knowledge:
                indexed = self._index.ids(bot.tenant, collection)
                missing = self._store.approved_ids(bot.tenant, collection) - indexed
                place = {"bot": bot.id, "tenant": bot.tenant, "collection": collection}
                collections.append({**place, "indexed": len(indexed), "missing": len(missing)})
        return {
            "embedder": self.embedder.name,
            "dimension": self.embedder.dimension,
            "embed_ms": round(timings.get("embed", 0.0), 1),
            "search_ms": round(sum(timings.values()), 1),
            "collections": collections,
        }

    def close(self) -> None:
        """Release the index for another process."""
        self._closed.set()
        self._index.close()

    def _bot(self, id_: str) -> BotConfig:
        bot = self._bots.get(id_)
        if bot is None:
            raise UsageError(f"there is no bot {id_!r}; there are: {', '.join(self._bots)}")
        return bot

    def _reindex(self) -> SyncReport:
        try:
            return reindex(self._store, self._index, self._answered_from())
        finally:
            self._cache.forget()  # what was there before is not trusted, even where the ids are the same

    def _follow(self) -> None:
        """Bring the index up to date where whoever changed something did not live to ask for that."""
        try:
            behind = self._following.is_behind()
        except BotError as error:  # of what is away its own health tells
            log.info("index_not_compared", error=str(error))
            return
        if behind:
            self._postpone(KnowledgeError("something was approved or withdrawn, and the index was not told"))

    def _catch_up(self, wait_s: float) -> None:
        while not self._closed.wait(wait_s):
            try:
                self.sync_everything(rebuild=True)
                return
            except BotError as error:
                _tell_postponed(error)
                wait_s = min(LONGEST_WAIT_S, 2 * wait_s)

    def _postpone(self, error: BotError, wait_s: float = FIRST_WAIT_S) -> None:
        """Let a thread bring the index up to date after ``wait_s`` seconds, unless one is at it."""
        if self._catching_up is None or not self._catching_up.is_alive():
            _tell_postponed(error)
            catch_up = threading.Thread(target=self._catch_up, args=(wait_s,), name="index-catch-up", daemon=True)
            self._catching_up = catch_up
            catch_up.start()

    def _answered_from(self) -> list[tuple[str, str]]:
        return [(bot.tenant, collection) for bot in self._bots.values() for collection in bot.knowledge]


def _tell_postponed(error: BotError) -> None:
    telemetry.count("degraded", what="index_not_up_to_date")
    tell = log.warning if isinstance(error, Unavailable) else log.error
    tell("index_sync_postponed", error=str(error))


def _figures(answer: Answer | None) -> dict[str, Any]:
    """What the record has beside the words; no confidence where no knowledge was asked."""
    figures: dict[str, Any] = {"message_ids": (), "answered_at": time.time()}
    return figures | ({"passages": answer.passages, "confidence": answer.confidence} if answer else {})
