"""The dual library: a curated FAQ answers first and word for word; documents are quoted; otherwise the bot refuses.

How sure the bot is of a FAQ is judged beside the documents: among FAQs alone, "what is X" seems to answer every
question about X. Only where no FAQ stands first, or not surely, do the documents answer by themselves.

No sentence here is composed by a machine: what a person reads is an approved FAQ answer, an approved passage, or a
fixed text that says that the knowledge does not carry the answer.
"""

import time
from dataclasses import dataclass, field

from bot.bots_file import BotConfig
from bot.knowledge.entries import Audience, EntryKind, Scope
from bot.knowledge.search import Hit, Searcher, SearchResult
from bot.messages import Citation, ReplyKind

DEPTH_OF_BOTH = 20
"""Entries looked at when FAQs and passages are searched together; refusals offer the nearest FAQs among them."""
NEAR_QUESTIONS = 3
QUOTED_PASSAGES = 2
SECOND_PASSAGE_SHARE = 0.85
"""A second passage is quoted when its score is at least this share of the first one's."""
QUOTE_CHARACTERS = 160
"""How much of a passage a citation's ``quote`` repeats."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What is said to a question and what it rests on.

    ``text`` is the answer without its list of sources; empty for a refusal, whose words depend on the language.
    ``near`` are the FAQ questions closest to a refused question. ``passages`` are (entry id, score, kind) of all
    that was found, best first, for the record. ``timings_ms`` is keyed by step.
    """

    kind: ReplyKind
    text: str
    citations: tuple[Citation, ...]
    confidence: float
    near: tuple[str, ...] = ()
    passages: tuple[tuple[str, float, str], ...] = ()
    timings_ms: dict[str, float] = field(default_factory=dict)


class Answerer:
    """Answers questions from the index. ``threshold`` is the confidence below which it refuses, 0 to 1."""

    def __init__(self, searcher: Searcher, threshold: float) -> None:
        self._searcher = searcher
        self._threshold = threshold

    def answer(self, question: str, bot: BotConfig, reader: Audience, now: float) -> Answer:
        """The answer ``bot`` gives to a reader of audience ``reader`` at epoch second ``now``.

        Raises :class:`~bot.errors.Unavailable` or :class:`~bot.errors.KnowledgeError` when the search cannot run.
        """
        started = time.perf_counter()
        scope = Scope(tenant=bot.tenant, collections=tuple(bot.knowledge), reader=reader, now=now)
        threshold = self._threshold if bot.answer_threshold is None else bot.answer_threshold
        both = self._searcher.search(question, scope, limit=DEPTH_OF_BOTH)
        timings = {f"both_{name}": value for name, value in both.timings_ms.items()}
        if both.hits and both.hits[0].entry.kind is EntryKind.FAQ and both.confidence >= threshold:
            answer = _from_faq(both, timings)
        else:
            documents = self._searcher.search(question, scope, EntryKind.PASSAGE)
            timings |= {f"documents_{name}": value for name, value in documents.timings_ms.items()}
            if documents.hits and documents.confidence >= threshold:
                answer = _from_documents(documents, timings)
            else:
                answer = _refusal(documents, both, timings)
        timings["total"] = round((time.perf_counter() - started) * 1000, 2)
        return answer


def _from_faq(both: SearchResult, timings: dict[str, float]) -> Answer:
    first = both.hits[0]
    return Answer(
        kind=ReplyKind.FAQ,
        text=first.entry.text,
        citations=(_citation(1, first),),
        confidence=both.confidence,
        passages=_passages(both),
        timings_ms=timings,
    )


def _from_documents(documents: SearchResult, timings: dict[str, float]) -> Answer:
    first = documents.hits[0]
    quoted = [first, *(hit for hit in documents.hits[1:] if hit.score >= SECOND_PASSAGE_SHARE * first.score)]
    citations = tuple(_citation(n, hit) for n, hit in enumerate(quoted[:QUOTED_PASSAGES], 1))
    text = "\n\n".join(f"{hit.entry.text} [{n}]" for n, hit in enumerate(quoted[:QUOTED_PASSAGES], 1))
    return Answer(
        kind=ReplyKind.EXTRACTIVE,
        text=text,
        citations=citations,
        confidence=documents.confidence,
        passages=_passages(documents),
        timings_ms=timings,
    )


def _refusal(documents: SearchResult, both: SearchResult, timings: dict[str, float]) -> Answer:
    return Answer(
        kind=ReplyKind.REFUSAL,
        text="",
        citations=(),
        confidence=max(documents.confidence, both.confidence),
        near=tuple(hit.entry.title for hit in both.hits if hit.entry.kind is EntryKind.FAQ)[:NEAR_QUESTIONS],
        passages=_passages(both),
        timings_ms=timings,
    )


def _citation(n: int, hit: Hit) -> Citation:
    entry = hit.entry
    quote = entry.text if len(entry.text) <= QUOTE_CHARACTERS else entry.text[: QUOTE_CHARACTERS - 1] + "…"
    return Citation(n=n, title=entry.title, source=entry.source, location=entry.location, quote=quote)


def _passages(result: SearchResult) -> tuple[tuple[str, float, str], ...]:
    return tuple((hit.entry.id, round(hit.score, 4), hit.entry.kind.value) for hit in result.hits)
