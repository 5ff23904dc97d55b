"""Whether a message tells of a person's health: what a separate consent is asked for (PIPL arts. 28 and 29)."""

from typing import Final

from bot.safety.characters import canonical, without_chinese_spaces
from bot.safety.rules import load_rules

_PACKAGE: Final = "bot.safety.consent"


def tells_of_health(text: str) -> bool:
    """Whether ``text`` says something of somebody's health, and does not only ask about diseases or medicines. Pure."""
    plain = without_chinese_spaces(canonical(text))
    return any(rule.find(plain) is not None for rule in load_rules(_PACKAGE, "health.yaml"))
