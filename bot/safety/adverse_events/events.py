"""What a message says happened to a body, and whether it says so."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from bot.safety.adverse_events.lexicon import Lexicon
from bot.safety.adverse_events.reading import Reading, Span

_REACH_OF_DENIAL = 10
"""Characters between a negation and the event that it takes back."""
_REACH_OF_FEAR = 12
_REACH_OF_IMPROVEMENT = 12
_HIDDEN = "〇"
"""Stands for the characters of a product's name, so that 肝 in 肝免疫球蛋白 is no liver."""


class Status(StrEnum):
    """How an event stands in its sentence."""

    TOLD = "told"
    DENIED = "denied"
    ASKED = "asked"
    SUPPOSED = "supposed"
    """Under a hypothesis, or feared."""
    GENERAL = "general"
    """About medicines or people in general: literature, procedure, a remedy's name."""
    INDICATION = "indication"
    """Why the product was or will be given."""
    IMPROVED = "improved"
    PRE_EXISTING = "pre_existing"


@dataclass(frozen=True, slots=True)
class Event:
    """A mention of something that can happen to a body."""

    span: Span
    status: Status
    clause: int
    """Number of the clause in its reading."""


def find_events(reading: Reading) -> list[Event]:
    """Every event that ``reading`` mentions, in order, each with its status."""
    return list(_events(reading))


def _events(reading: Reading) -> Iterator[Event]:
    before: Event | None = None
    for span in reading.spans("event", _without_products(reading)):
        if (before is not None and span.start < before.span.end) or _is_inside_a_word(reading, span):
            continue
        status = _status(reading, span)
        clause = reading.clause_number(span.start)
        if status is Status.TOLD and before is not None and before.clause == clause:
            gap = reading.text[before.span.end : span.start]
            if before.status in (Status.DENIED, Status.ASKED, Status.SUPPOSED) and reading.lexicon["list"].match(gap):
                status = before.status
        before = Event(span, status, clause)
        yield before


def _is_inside_a_word(reading: Reading, span: Span) -> bool:
    """rash in crash; but itis in phlebitis is an ending."""
    letters = reading.text[max(0, span.start - 1) : span.start + 1]
    if len(letters) < 2 or not letters.isascii() or not letters.isalpha():
        return False
    return reading.lexicon["english_ending"].match(reading.part(span)) is None


def _without_products(reading: Reading) -> str:
    letters = list(reading.text)
    for name in ("contrast", "vaccine", "medicine"):
        for span in reading.spans(name):
            letters[span.start : span.end] = _HIDDEN * (span.end - span.start)
    return "".join(letters)


def _status(reading: Reading, span: Span) -> Status:
    clause, sentence = reading.clause(span.start), reading.sentence(span.start)
    lead = reading.text[clause.start : span.start]
    near = Span(max(clause.start, span.start - 3), min(len(reading.text), clause.end + 14))
    checks: tuple[tuple[Status, Callable[[], bool]], ...] = (
        (Status.GENERAL, lambda: _names_a_remedy_or_group(reading, span, clause)),
        (Status.GENERAL, lambda: _allergy_history(reading, span, lead)),
        (Status.GENERAL, lambda: reading.has_before("published", span.start)),
        (Status.PRE_EXISTING, lambda: reading.has_before("long_ago", span.start)),
        (Status.PRE_EXISTING, lambda: _pre_existing(reading, span, sentence)),
        (Status.DENIED, lambda: _denied(lead, reading.lexicon)),
        (Status.SUPPOSED, lambda: reading.has_before("hypothesis", span.start)),
        (Status.SUPPOSED, lambda: reading.lexicon["fear"].search(lead[-_REACH_OF_FEAR:]) is not None),
        (Status.ASKED, lambda: _asked(reading, span, sentence, lead)),
        (Status.IMPROVED, lambda: _improved(reading, span, clause)),
        (Status.INDICATION, lambda: reading.has("indication", near)),
        (Status.GENERAL, lambda: _is_general(reading, sentence) or _is_topic(reading, clause, span)),
    )
    return next((status for status, holds in checks if holds()), Status.TOLD)


def _names_a_remedy_or_group(reading: Reading, span: Span, clause: Span) -> bool:
    lead = reading.text[max(clause.start, span.start - 4) : span.start]
    if reading.lexicon["prefix_of_remedy"].search(lead):
        return True
    return reading.lexicon["attributive"].match(reading.text, span.end, clause.end) is not None


def _allergy_history(reading: Reading, span: Span, lead: str) -> bool:
    """对青霉素过敏 says what somebody must not be given; 对青霉素过敏了 says what happened."""
    if reading.text[span.start : span.end] != "过敏" or reading.text[span.end : span.end + 1] in ("了", "反"):
        return False
    return reading.lexicon["allergy_history"].search(lead) is not None


def _pre_existing(reading: Reading, span: Span, sentence: Span) -> bool:
    later = reading.lexicon["pre_existing"].search(reading.text, span.start, sentence.end)
    return later is not None and not reading.has("worse", sentence)


def _denied(lead: str, lexicon: Lexicon) -> bool:
    """A negation shortly before, with nothing between them but what a denial is made of."""
    tail = lead[-_REACH_OF_DENIAL:]
    if lexicon["no_denial"].search(tail):
        return False
    return any(lexicon["negation_fillers"].fullmatch(tail, found.end()) for found in lexicon["negation"].finditer(tail))


def _asked(reading: Reading, span: Span, sentence: Span, lead: str) -> bool:
    """Whether the sentence asks if the event occurs, as 会引起肝损伤吗 does and 为什么会便秘 does not."""
    if not reading.has("asks_occurrence", sentence) or reading.lexicon["too_late_to_ask"].match(
        reading.text[span.end :]
    ):
        return False
    if reading.lexicon["as_result"].search(lead):
        return False
    return any(
        reading.lexicon["habitual"].search(lead[: found.start()]) is None
        for found in reading.lexicon["modal"].finditer(lead)
    )


def _improved(reading: Reading, span: Span, clause: Span) -> bool:
    """It is told to have got better at once, or with what was taken for it: 头痛好多了, 咳嗽吃了药已经好了."""
    near = reading.text[span.end : min(clause.end, span.end + _REACH_OF_IMPROVEMENT)]
    found = reading.lexicon["improved"].search(near)
    if found is None or reading.lexicon["lasted"].search(near[: found.start()]):
        return False
    return found.start() <= 4 or reading.lexicon["taking"].search(near[: found.start()]) is not None


def _is_general(reading: Reading, sentence: Span) -> bool:
    """Literature and procedure, unless the sentence speaks of somebody or of a time."""
    if not (reading.has("literature", sentence) or reading.has("how", sentence)):
        return False
    return not (reading.has("person", sentence) or reading.has("time", sentence))


def _is_topic(reading: Reading, clause: Span, span: Span) -> bool:
    """Whether the clause introduces what is asked about, and the event is that: 想问一下癫痫复发怎么办."""
    topics = [found.end() for found in reading.lexicon["topic"].finditer(reading.text, clause.start, span.start)]
    if not topics:
        return False
    behind = Span(topics[-1], span.start)
    return not (reading.has("certain", behind) or reading.has("possible", behind))
