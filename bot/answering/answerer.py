"""From evidence to an answer: a curated FAQ word for word, an answer composed from passages, passages quoted, or a
refusal.

The order is the dual library's: an approved FAQ that surely answers is never rephrased. Otherwise a language model,
where there is one, composes from numbered passages, and every sentence is checked against them before anybody reads
it (:mod:`bot.answering.grounded`). Without one, or when it fails in any way, the FAQ or the best passages are shown
word for word: as the answer where they surely are, as what may be one where that is more likely than not; and where it
is not, the bot says that the knowledge does not carry the answer.
"""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import structlog

from bot import telemetry
from bot.answering.asking import Asking
from bot.answering.differences import Difference, differences
from bot.answering.evidence import Evidence, Passages, Retriever
from bot.answering.grounded import Composer, Composition
from bot.answering.offering import nearest
from bot.answering.premises import Premise, misses_time, unmet
from bot.knowledge.entries import Audience, Entry
from bot.knowledge.search import Hit
from bot.messages import Citation, ReplyKind
from bot.safety.injection import Origin, inspect

log = structlog.get_logger()

QUOTED_PASSAGES = 2
SECOND_PASSAGE_SHARE = 0.85
"""A second passage is quoted when its score is at least this share of the first one's."""
COMPOSED_FROM = 6
"""Passages and FAQs a language model reads."""
LOOK_S = 0.5
"""Seconds between two looks whether what a model reads still stands, while it writes."""
WORTH_READING = 0.2
"""The confidence from which a language model is asked to read what was found: it checks before it answers, so it may
look at what would be too unsure to quote, but a search that found nothing is refused without the cost."""
_SENTENCE = re.compile(r"[^。！？!?\n]*[。！？!?\n]+|[^。！？!?\n]+")
_ADDRESS = re.compile(r"[<‹]/?\w[^<>‹›]{0,300}[>›]|\] ?\([^()\s]{0,300}\)|https?(?:://|：//)\S{1,300}")
"""Markup and links, also as :mod:`bot.media.harmless` leaves them. They make an ordinary sentence look like an attack,
and nobody can follow them."""
QUOTE_CHARACTERS = 160
"""How much of a passage a citation's ``quote`` repeats."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What is said to a question and what it rests on.

    ``text`` is the answer without its list of sources; empty for a refusal, whose words depend on the language.
    ``cited`` are the entries behind ``citations``, in the same order. ``near`` are the FAQ questions closest to a
    refused question, ``offered`` the passages that are named beside it (:mod:`bot.answering.offering`). ``passages``
    are all that was found, for the record; ``timings_ms`` is keyed by step; ``generation`` tells
    what a language model did, if one was asked. ``premises`` are what the question takes for granted and the sources
    tell otherwise, ``differences`` where approved sources do not agree; both stand before the text. ``tentative`` is an
    answer that may not be to what was asked, and says so.
    """

    kind: ReplyKind
    text: str
    cited: tuple[Entry, ...] = ()
    confidence: float
    near: tuple[str, ...] = ()
    offered: tuple[Entry, ...] = ()
    premises: tuple[Premise, ...] = ()
    differences: tuple[Difference, ...] = ()
    tentative: bool = False
    passages: Passages = ()
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    generation: Mapping[str, Any] = field(default_factory=dict)

    @property
    def citations(self) -> tuple[Citation, ...]:
        """The sources as they are shown, numbered from 1."""
        return tuple(_citation(n, entry) for n, entry in enumerate(self.cited, 1))

    @property
    def figures(self) -> dict[str, Any]:
        """What was decided, for the notes of the turn; JSON-ready."""
        facts: dict[str, Any] = {"kind": self.kind.value, "cited": [entry.id for entry in self.cited]}
        if self.premises:
            facts["premises"] = [premise.kind.value for premise in self.premises]
        if self.differences:
            facts["sources_differ"] = [[each.first.id, each.second.id] for each in self.differences]
        if self.tentative:
            facts["tentative"] = True
        return facts

    def withheld(self) -> "Answer":
        """The refusal that is said in its place where only a sure answer may be."""
        return replace(self, kind=ReplyKind.REFUSAL, text="", cited=(), premises=(), differences=(), tentative=False)


class Answerer:
    """Answers questions from the knowledge; ``composer`` is ``None`` where no language model is configured."""

    def __init__(self, retriever: Retriever, composer: Composer | None) -> None:
        self.retriever = retriever
        self._composer = composer

    def answer(self, questions: Sequence[str], asking: Asking, reader: Audience, now: float) -> Answer:
        """Retrieve and compose in one call; see :meth:`.Retriever.retrieve` and :meth:`compose`."""
        started = time.perf_counter()
        answer = self.compose(self.retriever.retrieve(questions, asking.bot, reader, now), asking)
        total = round((time.perf_counter() - started) * 1000, 2)
        return replace(answer, timings_ms={**answer.timings_ms, "total": total})

    def compose(self, evidence: Evidence, asking: Asking) -> Answer:
        """The answer that ``evidence`` carries. Whatever becomes of the language model, there is one.

        A model takes seconds: what it rested on may have been withdrawn before it ended, and then it is asked again.
        """
        if asking.own:
            return self._compose(evidence, asking)
        watched = _WhileSound(self.retriever, evidence, asking.show)
        answer = self._compose(evidence, replace(asking, show=watched.show))
        if answer.generation and answer.cited and (sound := self.retriever.sound(evidence)) is not evidence:
            return self._compose(sound, asking)
        return answer

    def _compose(self, evidence: Evidence, asking: Asking) -> Answer:
        return _noticing(self._composed(evidence, asking), evidence, asking)

    def _composed(self, evidence: Evidence, asking: Asking) -> Answer:
        sure_faq = evidence.faq is not None and evidence.sure
        if sure_faq or self._composer is None or evidence.confidence < WORTH_READING:
            return _without_model(evidence, {}, asking)
        entries = tuple(hit.entry for hit in _harmless(evidence.both.hits[:COMPOSED_FROM], asking))
        composition = self._composer.compose(evidence.question, entries, asking)
        return _from_model(evidence, entries, composition, asking)


class _WhileSound:
    """Shows what a model has written so far, as long as nothing that it reads is withdrawn."""

    def __init__(self, retriever: Retriever, evidence: Evidence, show: Callable[[str], None]) -> None:
        self._retriever = retriever
        self._evidence = evidence
        self._show = show
        self._sound = True
        self._looked_at = time.monotonic()

    def show(self, text: str) -> None:
        """Let the person read ``text``, or go on reading what they read before."""
        if self._sound and time.monotonic() - self._looked_at >= LOOK_S:
            self._sound = self._retriever.sound(self._evidence) is self._evidence
            self._looked_at = time.monotonic()
        if self._sound:
            self._show(text)


def _from_model(evidence: Evidence, entries: Sequence[Entry], composition: Composition, asking: Asking) -> Answer:
    generation = composition.to_json()
    if composition.answered:
        cited = tuple(entries[index] for index in composition.cited)
        return _answer(evidence, ReplyKind.GROUNDED, composition.text, cited, generation)
    if composition.declined:
        return _refusal(evidence, generation, asking)
    telemetry.count("degraded", what="answer_without_model")
    log.warning("answer_without_model", outcome=composition.outcome.value, error=composition.error)
    return _without_model(evidence, generation, asking)


def _without_model(evidence: Evidence, generation: Mapping[str, Any], asking: Asking) -> Answer:
    faq = evidence.faq
    if faq is not None:
        return _answer(evidence, ReplyKind.FAQ, faq.entry.text, (faq.entry,), generation)
    if not evidence.documents_answer:
        return _refusal(evidence, generation, asking)
    least = SECOND_PASSAGE_SHARE * evidence.documents.hits[0].score
    near = [hit for hit in evidence.documents.hits if hit.score >= least]
    quoted = _harmless(near, asking)[:QUOTED_PASSAGES]
    if not quoted or _only_on_the_subject(evidence, [hit.entry for hit in quoted]):
        return _refusal(evidence, generation, asking)
    text = "\n\n".join(f"{hit.entry.text} [{n}]" for n, hit in enumerate(quoted, 1))
    return _answer(evidence, ReplyKind.EXTRACTIVE, text, tuple(hit.entry for hit in quoted), generation)


def _only_on_the_subject(evidence: Evidence, quoted: Sequence[Entry]) -> bool:
    """Whether passages speak of the subject of a question and not of what it asks: of another year, product or person,
    or of no time where it asks when."""
    missing = [premise.kind for premise in unmet(evidence.question, quoted, _found(evidence)) if not premise.told]
    kinds = [kind.value for kind in missing]
    if misses_time(evidence.question, "\n".join(entry.text for entry in quoted)):
        kinds.append("time")
    for kind in kinds:
        telemetry.count("premise_unmet", kind=kind, outcome="refused")
    if kinds:
        log.info("quote_withheld", entries=[entry.id for entry in quoted], kinds=kinds)
    return bool(kinds)


def _noticing(answer: Answer, evidence: Evidence, asking: Asking) -> Answer:
    """``answer`` with what its sources tell otherwise than the question takes for granted, and with the sources that
    say something else, which are cited too."""
    if not answer.cited or asking.own:
        return answer
    premises, unlike = _noticed(evidence.question, answer.cited, tuple(_found(evidence)))
    differ = tuple(
        each for each in unlike if [hit.entry for hit in _harmless([Hit(each.second, 0.0)], asking)] == [each.second]
    )
    for premise in premises:
        telemetry.count("premise_unmet", kind=premise.kind.value, outcome="told")
    if differ:
        telemetry.count("sources_differ")
        log.warning("sources_differ", entries=[(each.first.id, each.second.id) for each in differ])
    known = {entry.id for entry in answer.cited}
    more = {each.second.id: each.second for each in differ if each.second.id not in known}
    return replace(answer, cited=(*answer.cited, *more.values()), premises=premises, differences=differ)


@lru_cache(maxsize=512)  # of questions that are asked often, as the evidence itself is kept
def _noticed(
    question: str, cited: tuple[Entry, ...], found: tuple[Entry, ...]
) -> tuple[tuple[Premise, ...], tuple[Difference, ...]]:
    premises = tuple(each for each in unmet(question, cited, found) if each.told)
    return premises, differences(question, cited, found)


def _found(evidence: Evidence) -> list[Entry]:
    """All entries that were found, each once."""
    return list({hit.entry.id: hit.entry for hit in (*evidence.documents.hits, *evidence.both.hits)}.values())


def _harmless(hits: Sequence[Hit], asking: Asking) -> list[Hit]:
    """``hits`` without what would have a language model do something: a sentence, so that the rest answers as if it had
    never stood there, or where that is not enough the whole passage."""
    clean = _clean_own if asking.own else _clean_approved
    harmless = []
    for hit in hits:
        text = clean(hit.entry.text)
        if text != hit.entry.text:
            telemetry.count("degraded", what="attacking_passage")
            place = {"source": hit.entry.source, "location": hit.entry.location}
            log.warning("attacking_passage", entry=hit.entry.id, **place, dropped=not text)
        if text:
            harmless.append(replace(hit, entry=replace(hit.entry, text=text)))
    return harmless


def _clean_own(text: str) -> str:
    return _without_attacks(text, lambda part: inspect(_ADDRESS.sub(" ", part), Origin.MATERIAL).attack)


@lru_cache(maxsize=8192)
def _clean_approved(text: str) -> str:
    """Remembered, as each passage costs a few milliseconds; what people sent is not kept."""
    return _without_attacks(text, _approved_attacks)


def _approved_attacks(text: str) -> bool:
    """Whether a passage that a human approved attacks its reader by a rule that can be named: a mere likeness does not
    take back an approval."""
    found = inspect(text, Origin.MATERIAL)
    return found.attack and any(match.words for match in found.matches)


def _without_attacks(text: str, attacks: Callable[[str], bool]) -> str:
    """``text`` without the sentences that attack; nothing where what is left attacks still."""
    if not attacks(text):
        return text
    left = "".join(sentence for sentence in _SENTENCE.findall(text) if not attacks(sentence)).strip()
    return "" if attacks(left) else left


def _refusal(evidence: Evidence, generation: Mapping[str, Any], asking: Asking) -> Answer:
    """Of what the person sent, nothing is named: they know it."""
    return Answer(
        kind=ReplyKind.REFUSAL,
        text="",
        confidence=evidence.confidence,
        near=evidence.near_questions,
        offered=() if asking.own else nearest(evidence, lambda hits: _harmless(hits, asking)),
        passages=evidence.passages,
        timings_ms=evidence.timings_ms,
        generation=generation,
    )


def _answer(
    evidence: Evidence,
    kind: ReplyKind,
    text: str,
    cited: tuple[Entry, ...],
    generation: Mapping[str, Any],
) -> Answer:
    return Answer(
        kind=kind,
        text=text,
        cited=cited,
        confidence=evidence.confidence,
        tentative=kind is not ReplyKind.GROUNDED and not evidence.sure,
        passages=evidence.passages,
        timings_ms=evidence.timings_ms,
        generation=generation,
    )


def _citation(n: int, entry: Entry) -> Citation:
    quote = entry.text if len(entry.text) <= QUOTE_CHARACTERS else entry.text[: QUOTE_CHARACTERS - 1] + "…"
    return Citation(
        n=n,
        title=entry.title,
        source=entry.source,
        location=entry.place,
        quote=quote,
        approval_number=entry.approval_number,
    )
