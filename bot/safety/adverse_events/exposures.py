"""What a message says somebody was given."""

from dataclasses import dataclass

from bot.safety.adverse_events.reading import Reading, Span

_REACH_OF_FOOD = 8
_MOUTH = frozenset("吃喝含嚼吞咽")


@dataclass(frozen=True, slots=True)
class Exposure:
    """A mention of something given or taken that is not denied, planned or only asked about."""

    span: Span
    clause: int
    """Number of the clause in its reading."""
    certain: bool
    """Whether the words mark it as having happened; otherwise the product is only named."""


def find_exposures(reading: Reading) -> list[Exposure]:
    """Every exposure that ``reading`` mentions, in order."""
    found = [
        Exposure(span, reading.clause_number(span.start), certain)
        for name, certain in (("certain", True), ("possible", False))
        for span in reading.spans(name)
        if _is_real(reading, span, certain=certain)
    ]
    return sorted(found, key=lambda exposure: exposure.span.start)


def _is_real(reading: Reading, span: Span, *, certain: bool) -> bool:
    clause, lexicon = reading.clause(span.start), reading.lexicon
    lead = reading.text[max(clause.start, span.start - 8) : span.start]
    words, rest = reading.part(span), reading.text[span.end : clause.end]
    if lexicon["asked_behind"].match(rest) or lexicon["asked_inside"].search(words):
        return False
    if rest.endswith(("吗", "么", "嘛")) and not lexicon["happened"].search(words):
        return False
    if lexicon["denied_before" if certain else "unreal_before"].search(lead):
        return False
    return not reading.has_before("hypothesis", span.start) and not _is_food(reading, span, clause)


def _is_food(reading: Reading, span: Span, clause: Span) -> bool:
    if not _MOUTH.intersection(reading.part(span)):
        return False
    ahead = Span(span.start, min(clause.end, span.end + _REACH_OF_FOOD))
    return reading.has("food", ahead) and not reading.has("product", ahead)
