"""Anger at the service: words that say that a person should take over. What abuses somebody is :mod:`.offence`'s."""

from typing import Final

from bot.safety.characters import canonical, without_chinese_spaces
from bot.safety.rules import load_rules

_PACKAGE: Final = "bot.safety.words"
_LONGEST: Final = 600
"""Who is angry says so early; longer texts are material that was pasted."""


def is_angry(text: str) -> bool:
    """Whether ``text`` shows anger at the service. Pure, linear time."""
    plain = without_chinese_spaces(canonical(text))[:_LONGEST]
    return any(rule.find(plain) is not None for rule in load_rules(_PACKAGE, "anger.yaml"))
