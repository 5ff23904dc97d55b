"""One question to the entries that may answer it, with how sure we are of the first.

The routes are fused (:mod:`bot.knowledge.fusion`), and the first entries ranked once more by late interaction
(:mod:`bot.knowledge.reranking`) where the index keeps what that needs.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import structlog

from bot import telemetry
from bot.knowledge.calibration import Calibration
from bot.knowledge.embedder import Embedder
from bot.knowledge.entries import Entry, EntryKind, Scope
from bot.knowledge.fusion import DEPTH, fuse
from bot.knowledge.index import Candidates, Floats, Route, Searchable
from bot.knowledge.points import body
from bot.knowledge.reading_check import ReadingCheck
from bot.knowledge.reranking import RERANKED, closeness, rerank
from bot.knowledge.state_filling import StateFiller
from bot.knowledge.token_states import Encoded

log = structlog.get_logger()

RECENT_QUESTIONS = 64
"""Vectors kept for the next search: a turn asks for FAQs and then for passages with the same question."""


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry and its fused score: the sum of its routes' votes, comparable within one question only."""

    entry: Entry
    score: float


@dataclass(frozen=True, slots=True)
class SearchResult:
    """``hits`` best first; ``confidence`` is the calibrated chance, 0 to 1, that the first answers the question.

    ``timings_ms`` has the milliseconds of each step: ``embed``, ``index``, ``fuse``, ``check``. ``passages_only`` says
    that the reader sees no FAQ, so that a search of the passages alone would find the same.
    """

    hits: tuple[Hit, ...]
    confidence: float
    timings_ms: Mapping[str, float]
    passages_only: bool = False


class Searcher:
    """Searches one index. Thread-safe. ``embedder`` must be of the model that the index was made with; ``check`` looks
    at a first hit once more where its chance is unsure."""

    def __init__(
        self, index: Searchable, embedder: Embedder, calibration: Calibration, check: ReadingCheck | None = None
    ) -> None:
        self._index = index
        self._embedder = embedder
        self._calibration = calibration
        self._check = check
        self._asked = lru_cache(maxsize=RECENT_QUESTIONS)(self._read)
        self._states = index.states if embedder.tokens is not None else None
        if embedder.tokens is not None and self._states is None:
            telemetry.count("degraded", what="late_interaction")
            log.warning("late_interaction_off", reason="this index keeps no token states")
        self._filler = StateFiller(embedder, self._states) if self._states is not None else None
        if embedder.name != calibration.embedder:
            log.warning("confidence_uncalibrated", embedder=embedder.name, calibrated_for=calibration.embedder)

    def search(self, question: str, scope: Scope, kind: EntryKind | None = None, limit: int = 10) -> SearchResult:
        """The best ``limit`` entries of ``scope`` (and of ``kind``, when given) for ``question``.

        A blank question finds nothing. Raises what :class:`~bot.knowledge.index.Index` and
        :class:`~bot.knowledge.embedder.Embedder` raise.
        """
        if not question.strip():
            return SearchResult((), 0.0, {})
        started = time.perf_counter()
        asked = self._asked(question)
        embedded = time.perf_counter()
        candidates = self._index.candidates(question, asked.vector, scope, kind, DEPTH)
        found = time.perf_counter()
        ranking = fuse(candidates)
        fused = time.perf_counter()
        head = self._index.entries([id_ for id_, _ in ranking[: max(limit, RERANKED)]])
        ranking = self._reranked(asked, candidates, ranking, head)
        entries = {entry.id: entry for entry in head}
        chosen = ranking[:limit]
        hits = tuple(Hit(entries[id_], score) for id_, score in chosen if id_ in entries)
        confidence = self._calibration.confidence(candidates, ranking, question, head) if hits else 0.0
        reranked = time.perf_counter()
        if hits and self._check:
            confidence = self._check.chance(question, body(hits[0].entry), confidence)
        marks = {"embed": embedded - started, "index": found - embedded, "fuse": fused - found}
        marks |= {"rerank": reranked - fused, "check": time.perf_counter() - reranked}
        return SearchResult(
            hits,
            confidence,
            {step: seconds * 1000 for step, seconds in marks.items()},
            passages_only=not candidates.routes[Route.QUESTION_DENSE],  # it has every FAQ in sight, near or far
        )

    def _reranked(
        self, asked: "_Asked", candidates: Candidates, ranking: list[tuple[str, float]], head: Sequence[Entry]
    ) -> list[tuple[str, float]]:
        """``ranking``, of which ``head`` are the first, with :data:`RERANKED` of them in a better order."""
        first = head[:RERANKED]
        if self._states is None or asked.encoded is None or not first:
            return ranking
        close = closeness(asked.encoded, candidates, first, self._states)
        if close is not None:
            return rerank(candidates, ranking, close, len(asked.encoded.texts))
        if self._filler is not None:
            self._filler.want(first)
        return ranking

    def _read(self, question: str) -> "_Asked":
        if self._states is not None and self._embedder.tokens is not None:
            (encoded,) = self._embedder.tokens.encode([question], "query")
            vector = encoded.vector
        else:
            encoded, (vector,) = None, self._embedder.queries([question])
        vector.flags.writeable = False
        return _Asked(vector, encoded)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question as the model reads it; ``encoded`` where its token states are wanted."""

    vector: Floats
    encoded: Encoded | None
