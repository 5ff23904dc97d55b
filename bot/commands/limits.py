"""What a bot may use up, for those who ask."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class UsageLimits:
    """The limits of the installation: messages a person may send in a minute and messages of a bot that may wait;
    ``daily_tokens`` of the language model a bot, ``None`` for no limit, of which ``tokens_used(bot id)`` were used
    today."""

    person_per_minute: int
    bot_waiting: int
    daily_tokens: int | None
    tokens_used: Callable[[str], int]
