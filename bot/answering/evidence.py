"""What the knowledge holds for a question, and how sure we are of it: the ground every answer stands on.

FAQs and passages are searched together first, as a FAQ is only surely the answer beside the documents: among FAQs
alone, "what is X" seems to answer every question about X. Unless a FAQ certainly answers, the passages are then ranked
among themselves, and one that answers more surely than the FAQ is preferred to it.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from bot import telemetry
from bot.answering.evidence_cache import EvidenceCache
from bot.bots_file import BotConfig
from bot.knowledge.calibration import SURE
from bot.knowledge.entries import Audience, EntryKind, Scope
from bot.knowledge.search import Hit, Searcher, SearchResult

log = structlog.get_logger()

DEPTH_OF_BOTH = 20
"""Entries looked at when FAQs and passages are searched together; refusals offer the nearest FAQs among them."""
DEPTH_OF_PASSAGES = 10
"""Entries looked at when the passages are ranked among themselves."""
NEAR_QUESTIONS = 3
NEAR_FROM = 0.03
"""The confidence from which a refusal offers FAQ questions: of the lists below it 1 in 100 names the right one
(docs/decisions/0003-refusal-threshold.md)."""
CERTAIN = 0.9
"""The confidence from which a FAQ answers without a look at the passages alone."""
_NOTHING = SearchResult((), 0.0, {})

Standing = Callable[[Collection[str], float | None], Collection[str]]
"""(ids of entries, epoch seconds) to those of them that may answer then, or without a time to those that are approved.
"""
Passages = tuple[tuple[str, float, str], ...]
"""(entry id, score, kind), best first, as the record keeps them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What was found for ``question``.

    ``both`` ranks FAQs and passages together, ``documents`` the passages alone (empty when a FAQ certainly answers);
    ``threshold`` is the confidence from which a first hit is shown. ``timings_ms`` is keyed by step. ``cached`` says
    that it was found for somebody else before.
    """

    question: str
    both: SearchResult
    documents: SearchResult
    threshold: float
    timings_ms: Mapping[str, float]
    cached: bool = False

    @property
    def faq(self) -> Hit | None:
        """The FAQ that answers."""
        first = self.both.hits[0] if self.both.hits else None
        if first is None or first.entry.kind is not EntryKind.FAQ:
            return None
        answers = self.both.confidence >= max(self.threshold, self.documents.confidence)
        return first if answers else None

    @property
    def certain(self) -> bool:
        """Whether a FAQ answers that certainly that nothing else is asked."""
        return self.faq is not None and self.both.confidence >= CERTAIN

    @property
    def documents_answer(self) -> bool:
        """Whether the first passage answers."""
        return bool(self.documents.hits) and self.documents.confidence >= self.threshold

    @property
    def answers(self) -> bool:
        """Whether anything answers, without a language model's help."""
        return self.faq is not None or self.documents_answer

    @property
    def sure(self) -> bool:
        """Whether what answers needs no words that it may not be what was asked."""
        return self.answers and self.confidence >= SURE

    @property
    def confidence(self) -> float:
        """The calibrated chance, 0 to 1, that what stands first answers."""
        return self.both.confidence if self.faq else max(self.documents.confidence, self.both.confidence)

    @property
    def near_questions(self) -> tuple[str, ...]:
        """The FAQ questions closest to the question; none where nothing comes near it."""
        if self.both.confidence < NEAR_FROM:
            return ()
        near = [hit.entry.title for hit in self.both.hits if hit.entry.kind is EntryKind.FAQ]
        return tuple(near[:NEAR_QUESTIONS])

    def figures(self, questions: Sequence[str]) -> dict[str, Any]:
        """What was found for which of ``questions``, for the notes of the turn; JSON-ready."""
        return {
            "reading": questions.index(self.question),
            "both": round(self.both.confidence, 4),
            "documents": round(self.documents.confidence, 4),
            "threshold": self.threshold,
            "answers": "faq" if self.faq else "documents" if self.documents_answer else "nothing",
            "sure": self.sure,
            "cached": self.cached,
        }

    @property
    def passages(self) -> Passages:
        """All that was found, for the record: the ranking that decided first."""
        found: dict[str, tuple[str, float, str]] = {}
        for result in (self.documents, self.both) if self.documents_answer else (self.both, self.documents):
            for hit in result.hits:
                found.setdefault(hit.entry.id, (hit.entry.id, round(hit.score, 4), hit.entry.kind.value))
        return tuple(found.values())


class Retriever:
    """Finds evidence. ``threshold`` is the confidence, 0 to 1, below which a bot without its own refuses.

    What was found is asked for once more with ``standing``, for the index only follows the database: what was withdrawn
    before a question came is no evidence, however far the index has got. Without ``cache`` every question is searched.
    """

    def __init__(
        self, searcher: Searcher, threshold: float, cache: EvidenceCache | None = None, standing: Standing | None = None
    ) -> None:
        self._searcher = searcher
        self._threshold = threshold
        self._cache = cache
        self._standing = standing

    def retrieve(self, questions: Sequence[str], bot: BotConfig, reader: Audience, now: float) -> Evidence:
        """The evidence for the first of ``questions`` that the knowledge surely answers, else the most promising.

        Several are readings of one message, the most literal first. ``reader`` and ``now`` (epoch seconds) are part of
        the search filter. Raises :class:`~bot.errors.Unavailable` or :class:`~bot.errors.KnowledgeError`.
        """
        readings = [self._evidence(questions[0], bot, reader, now)]
        for question in questions[1:]:
            if readings[-1].sure:
                break
            readings.append(self._evidence(question, bot, reader, now))
        return readings[-1] if readings[-1].sure else max(readings, key=lambda one: one.confidence)

    def _evidence(self, question: str, bot: BotConfig, reader: Audience, now: float) -> Evidence:
        scope = Scope(tenant=bot.tenant, collections=tuple(bot.knowledge), reader=reader, now=now, bot=bot.id)
        threshold = self._threshold if bot.answer_threshold is None else bot.answer_threshold
        if self._cache is None:
            return self._sound(question, scope, threshold)
        return self._cache.find(question, scope, threshold, lambda: self._sound(question, scope, threshold))

    def _sound(self, question: str, scope: Scope, threshold: float) -> Evidence:
        """What is found and may answer."""
        found = self._search(question, scope, threshold)
        sound = self.sound(found, scope.now)
        if sound is not found:
            telemetry.count("degraded", what="index_behind_withdrawal")
        return sound

    def sound(self, evidence: Evidence, now: float | None = None) -> Evidence:
        """``evidence`` without what was withdrawn, and with ``now``, epoch seconds, without what is not valid then; the
        same object where nothing was. Raises :class:`~bot.errors.Unavailable`."""
        ids = {hit.entry.id for hit in (*evidence.both.hits, *evidence.documents.hits)}
        gone = ids - set(self._standing(ids, now)) if self._standing and ids else set()
        if not gone:
            return evidence
        log.info("evidence_withdrawn", entries=len(gone))
        return replace(evidence, both=_without(evidence.both, gone), documents=_without(evidence.documents, gone))

    def _search(self, question: str, scope: Scope, threshold: float) -> Evidence:
        timings: dict[str, float] = {}

        def timed(name: str, search: Callable[[], SearchResult]) -> SearchResult:
            started = time.perf_counter()
            result = search()
            timings[name] = round((time.perf_counter() - started) * 1000, 2)
            timings.update({f"{name}_{step}": round(value, 2) for step, value in result.timings_ms.items()})
            return result

        both = timed("both", lambda: self._searcher.search(question, scope, limit=DEPTH_OF_BOTH))
        first = Evidence(question=question, both=both, documents=_NOTHING, threshold=threshold, timings_ms=timings)
        if first.certain:
            return first
        if both.passages_only:
            return replace(first, documents=replace(both, hits=both.hits[:DEPTH_OF_PASSAGES]))
        passages = timed(
            "documents", lambda: self._searcher.search(question, scope, EntryKind.PASSAGE, DEPTH_OF_PASSAGES)
        )
        return replace(first, documents=passages)


def _without(result: SearchResult, gone: Collection[str]) -> SearchResult:
    """``result`` without the entries ``gone``. How sure we were was said of the first: of another nothing is known."""
    hits = tuple(hit for hit in result.hits if hit.entry.id not in gone)
    return replace(result, hits=hits, confidence=result.confidence if hits[:1] == result.hits[:1] else 0.0)


def readings(question: str, quoted: str) -> tuple[str, ...]:
    """A message as questions that stand alone, the most literal first: as it is, and together with what it quotes."""
    if question and quoted:
        return question, f"{quoted}\n{question}"
    return (question or quoted,)
