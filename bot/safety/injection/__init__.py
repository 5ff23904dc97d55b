"""Attacks on the language model: text that would have it drop its rules, tell its prompt, or act for a stranger.

How it is meant to be used: :func:`inspect` reads every message of a person before the language model does, and with
``Origin.MATERIAL`` every text that reaches the prompt from elsewhere: a file or picture somebody sent, words a picture
was read into, a passage of a document (there once, when it is ingested). An attacking message is not answered by the
model but with a fixed sentence; of an attacking passage only the sentences that do not attack are a source.
``Inspection.matches`` is for the log and the safety officer: rules are named and worded in ``rules.yaml``, which they
may read and extend.

It is the first of several walls, never the only one: what a reply may do is decided in code, and what it may say is
checked against its sources. A text counts as a whole, so that a long harmless one with one attack in it is an attack.
"""

from bot.safety.injection.inspection import Inspection, Match, Origin, inspect

__all__ = ["Inspection", "Match", "Origin", "inspect"]
