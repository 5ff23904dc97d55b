"""The last net: messages that are worded like reports, whatever their words.

No list of words is complete, and people tell of harm in words that no list foresees (半边脸不听指挥). A small linear
model over pieces of up to three characters (:mod:`bot.safety.linear`) has read reports, questions and everyday texts.
It is asked only about a message in which no rule has found anything. ``benchmarks/train_adverse_events.py`` makes its
weights and says how well it does on messages that it has not read.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from bot.safety.adverse_events.reading import Span
from bot.safety.adverse_events.window import LONGEST_STORY, REMEMBERED, Turn, Window
from bot.safety.linear import load_model

ENOUGH: Final = 0.4
"""The chance from which a message is suspected. Recall comes first: of messages it has not read it finds three in four
that the rules miss (docs/adverse-events.md)."""
_SOMETHING: Final = 2
"""Characters left of a message when all that belongs to a taking is left out; with fewer, nothing happened yet."""
REPORT: Final = "report"
"""The only head of the model that says whether a message is a report."""
LIKENESS: Final = "likeness"
KINDS: Final = "kinds"
"""Names of the two models; the second has a head for each kind, and is asked only about what reads like a report."""

_PACKAGE: Final = "bot.safety.adverse_events"


def reads_like_a_report(window: Window) -> Iterator[tuple[Turn, str, Span]]:
    """The last message and its likeliest kind, where it reads like a report: alone, or completing those before it."""
    if len(window.latest) > 1:
        return
    (last,) = window.latest
    if _is_left_to_the_rules(last):
        return
    earlier = "，".join(turn.reading.text for turn in window.earlier)
    texts = [last.reading.text]
    if earlier and len(earlier) <= LONGEST_STORY and _chance(earlier) < ENOUGH:
        texts.append(f"{earlier}，{last.reading.text}")
    for text in texts:
        if _chance(text) >= ENOUGH:
            kinds = load_model(_PACKAGE, KINDS).chances(text)
            yield last, max(kinds, key=kinds.__getitem__), Span(0, len(last.reading.text))
            return


def _is_left_to_the_rules(turn: Turn) -> bool:
    """Stories of illnesses, which have many words of harm and seldom a medicine's; and that something was taken, when
    nothing else is told."""
    reading = turn.reading
    return turn.consults or len(reading.lexicon["said_with_a_taking"].sub("", reading.text)) < _SOMETHING


@lru_cache(maxsize=REMEMBERED)
def _chance(text: str) -> float:
    return load_model(_PACKAGE, LIKENESS).chances(text)[REPORT]
