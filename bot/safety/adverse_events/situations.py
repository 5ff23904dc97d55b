"""Special situations and quality complaints: the pattern rules of ``terms/rules.yaml``, applied."""

from collections.abc import Iterator, Sequence

from bot.safety.adverse_events.lexicon import Lexicon, PatternRule
from bot.safety.adverse_events.reading import Span, read
from bot.safety.adverse_events.window import Turn, Window, read_turn

_FOUND = "found"
_LACK_OF_EFFECT = "lack_of_effect"


def find_situations(window: Window) -> Iterator[tuple[Turn, PatternRule, Span]]:
    """Every match of every pattern rule in each message, and across the last two."""
    for turn in window.turns:
        for rule, span in _of_turn(turn, window.lexicon):
            yield turn, rule, span
    if window.earlier:
        yield from _across_turns(window)


def _of_turn(turn: Turn, lexicon: Lexicon) -> Sequence[tuple[PatternRule, Span]]:
    if _FOUND not in turn.situations:
        turn.situations[_FOUND] = [(rule, span) for rule in lexicon.rules for span in _matches(turn, rule)]
    return turn.situations[_FOUND]


def _across_turns(window: Window) -> Iterator[tuple[Turn, PatternRule, Span]]:
    """Matches that begin in the message before and end in the last: 上周打的优维显 — 今天才知道怀孕了."""
    before, last = window.earlier[-1].reading, window.latest[0].reading
    if not (before.is_whole and last.is_whole):
        return
    joined = [
        read_turn(reading) for reading in read(f"{before.original}，{last.original}", last.number, window.lexicon)
    ]
    if len(joined) > 1:
        return
    seam = len(joined[0].reading.text) - len(last.text)
    for rule in window.lexicon.rules:
        for span in _matches(joined[0], rule):
            if span.start < seam < span.end:
                yield window.latest[0], rule, Span(0, span.end - seam)
            elif rule.with_exposure:
                yield window.latest[0], rule, Span(max(0, span.start - seam), max(1, span.end - seam))


def _matches(turn: Turn, rule: PatternRule) -> Iterator[Span]:
    reading = turn.reading
    if rule.with_exposure and not any(exposure.certain for exposure in turn.exposures):
        return
    if rule.needs is not None and rule.needs.search(reading.text) is None:
        return
    for found in (found for pattern in rule.patterns for found in pattern.finditer(reading.text)):
        sentence = reading.sentence(found.start())
        if rule.unless is not None and rule.unless.search(reading.text, sentence.start, sentence.end):
            continue
        if rule.kind == _LACK_OF_EFFECT and _of_an_illness(turn, sentence):
            continue
        supposed = reading.first("hypothesis", sentence)
        if not 0 <= supposed < found.end():
            yield Span(*found.span())


def _of_an_illness(turn: Turn, sentence: Span) -> bool:
    """Whether somebody tells that an illness was treated in vain, with no product to suspect: 吃了许多药也不见好."""
    specific = ("contrast", "vaccine", "named_medicine", "ours")
    if not (turn.consults or turn.reading.has("illness_question")):
        return False
    return not any(turn.reading.has(name, sentence) for name in specific)
