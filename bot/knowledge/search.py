"""One question to the entries that may answer it, with how sure we are of the first.

Routes are fused by their scores, each scaled over its own best :data:`DEPTH` (best 1, last 0), as ranks carry no "I
know nothing". Half the vote is lexical and half dense. The lexical half is gated: where no visible entry holds a fair
share of the question's words (by idf), as with a question in another language, it has no vote. An entry that is a FAQ
also scores by its question, in both ways; that is known by its kind, not guessed. The constants hold for every data
set (docs/retrieval.md has the measurements).
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import structlog

from bot.knowledge.calibration import Calibration, features
from bot.knowledge.embedder import Embedder
from bot.knowledge.entries import Entry, EntryKind, Scope
from bot.knowledge.index import Candidates, Floats, Index, Route
from bot.knowledge.points import body
from bot.knowledge.reading_check import ReadingCheck

log = structlog.get_logger()

DEPTH = 100
"""Entries a route brings, and the population its scores are scaled over."""
FULL_COVERAGE = 0.25
"""Share of the question's idf mass in one entry from which the lexical routes have their whole vote."""
WEIGHTS = {
    Route.LEXICAL: 0.5,
    Route.DENSE: 0.5,
    Route.QUESTION_LEXICAL: 0.3,
    Route.QUESTION_DENSE: 0.3,
}
RECENT_QUESTIONS = 64
"""Vectors kept for the next search: a turn asks for FAQs and then for passages with the same question."""
LEXICAL_ROUTES = (Route.LEXICAL, Route.QUESTION_LEXICAL)


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
        self, index: Index, embedder: Embedder, calibration: Calibration, check: ReadingCheck | None = None
    ) -> None:
        self._index = index
        self._embedder = embedder
        self._calibration = calibration
        self._check = check
        self._vector = lru_cache(maxsize=RECENT_QUESTIONS)(self._embed)
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
        vector = self._vector(question)
        embedded = time.perf_counter()
        candidates = self._index.candidates(question, vector, scope, kind, DEPTH)
        found = time.perf_counter()
        ranking = fuse(candidates)
        chosen = ranking[:limit]
        entries = {entry.id: entry for entry in self._index.entries([id_ for id_, _ in chosen])}
        hits = tuple(Hit(entries[id_], score) for id_, score in chosen if id_ in entries)
        confidence = self._calibration.probability(features(candidates, ranking)) if hits else 0.0
        fused = time.perf_counter()
        if hits and self._check:
            confidence = self._check.chance(question, body(hits[0].entry), confidence)
        marks = {"embed": embedded - started, "index": found - embedded, "fuse": fused - found}
        marks["check"] = time.perf_counter() - fused
        return SearchResult(
            hits,
            confidence,
            {step: seconds * 1000 for step, seconds in marks.items()},
            passages_only=not candidates.routes[Route.QUESTION_DENSE],  # it has every FAQ in sight, near or far
        )

    def _embed(self, question: str) -> Floats:
        vectors = self._embedder.queries([question])
        vectors.flags.writeable = False
        vector: Floats = vectors[0]
        return vector


def gate(candidates: Candidates) -> float:
    """The lexical routes' share, 0 to 1, of their vote."""
    return min(1.0, max(candidates.routes[Route.WORDS].values(), default=0.0) / FULL_COVERAGE)


def fuse(candidates: Candidates) -> list[tuple[str, float]]:
    """(entry id, fused score), best first; equal scores in the order of their ids."""
    allowed = gate(candidates)
    scores: dict[str, float] = {}
    for route, weight in WEIGHTS.items():
        vote = weight * allowed if route in LEXICAL_ROUTES else weight
        for id_, scaled in _scale(candidates.routes[route], lexical=route in LEXICAL_ROUTES).items():
            scores[id_] = scores.get(id_, 0.0) + vote * scaled
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


def _scale(scores: Mapping[str, float], *, lexical: bool) -> dict[str, float]:
    """Scores scaled to 1 for the best and 0 for the worst of a full pool.

    A lexical pool that is not full ends at 0, the score of every entry outside it.
    """
    if not scores:
        return {}
    best, worst = max(scores.values()), min(scores.values())
    if lexical and len(scores) < DEPTH:
        worst = 0.0
    if best <= worst:
        return dict.fromkeys(scores, 1.0)
    return {id_: (score - worst) / (best - worst) for id_, score in scores.items()}
