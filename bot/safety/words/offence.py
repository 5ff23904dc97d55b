"""Abuse and hate in a message: plain insults by name, the rest by a small trained model."""

from typing import Final

from bot.safety.characters import canonical, without_chinese_spaces
from bot.safety.linear import load_model
from bot.safety.rules import load_rules

OFFENSIVE_CHANCE: Final = 0.5
"""From here on a text counts as offensive: the chance with the most right decisions.

What follows from it should be mild, a calm tone or a human's look: of posts about region, race and gender one harmless
one in five is taken for offensive. Of what customers ask it is almost none.
"""

_PACKAGE: Final = "bot.safety.words"


def offensive_chance(text: str) -> float:
    """The chance (0 to 1) that ``text`` abuses a person or a group; 1 for a plain insult."""
    plain = without_chinese_spaces(canonical(text))
    if any(rule.find(plain) is not None for rule in load_rules(_PACKAGE, "insults.yaml")):
        return 1.0
    return load_model(_PACKAGE, "offensive").chances(text)["offensive"]


def is_offensive(text: str) -> bool:
    """Whether ``text`` abuses a person or a group."""
    return offensive_chance(text) >= OFFENSIVE_CHANCE
