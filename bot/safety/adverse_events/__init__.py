"""Adverse events, special situations and quality complaints, noticed in what people write.

How it is meant to be used: on **every** inbound message (voice transcripts, the text of pictures and messages that a
human took over included), before the language model and without it. The caller hands over the last five messages of
one person in one conversation, oldest first, never the bot's own::

    screening = screen(["昨天打了碘海醇", "今天身上起疹子了"])
    screening.suspected          # True: the last message has to reach the safety desk
    screening.new_grounds        # why: rule, kind, and the words as they were written
    screening.missing            # which of the four elements to ask for

Recall comes first: suspicion is enough, nobody judges causality here. The words and patterns are data
(``terms/*.yaml``), the rules are the functions of ``adverse`` and the lines of ``terms/rules.yaml``;
``docs/adverse-events.md`` tells how to read and change them. Everything is a pure function of its arguments, in time
linear in the length of the messages.
"""

from bot.safety.adverse_events.labels import Label, predict
from bot.safety.adverse_events.lexicon import Lexicon, default_lexicon
from bot.safety.adverse_events.screening import (
    WINDOW,
    Element,
    Ground,
    Kind,
    Quote,
    Regime,
    Screening,
    Seriousness,
    screen,
)

__all__ = [
    "WINDOW",
    "Element",
    "Ground",
    "Kind",
    "Label",
    "Lexicon",
    "Quote",
    "Regime",
    "Screening",
    "Seriousness",
    "default_lexicon",
    "predict",
    "screen",
]
