"""How many tokens a bot may use up in a day (``LLM_DAILY_TOKENS``), counted in Redis for all processes."""

import time
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import redis
import structlog

from bot.errors import BudgetSpent, Unavailable
from bot.telemetry import count

log = structlog.get_logger()

_KEPT_S = 2 * 86400
"""Longer than any day lasts, its change to and from summer time included."""


class TokenBudget:
    """``daily_tokens`` a bot, ``None`` for no limit; the day is that of ``timezone``. Thread-safe.

    What calls under way will use is not known before they end, so a budget may be exceeded by as much as the calls of
    all threads use at once, and not by more.
    """

    def __init__(
        self,
        client: "redis.Redis",
        daily_tokens: int | None,
        timezone: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._daily_tokens = daily_tokens
        self._zone = ZoneInfo(timezone)
        self._clock = clock

    def check(self, bot: str) -> None:
        """Raises :class:`~bot.errors.BudgetSpent`, or :class:`~bot.errors.Unavailable` when Redis cannot tell."""
        if self._daily_tokens is not None and self.used(bot) >= self._daily_tokens:
            raise BudgetSpent("daily_tokens")

    def used(self, bot: str) -> int:
        """The tokens that ``bot`` has used today; 0 where there is no limit, for nobody counts them then.

        Raises :class:`~bot.errors.Unavailable` when Redis cannot tell.
        """
        try:
            return int(self._client.get(self._key(bot)) or 0)
        except redis.RedisError as error:
            raise Unavailable(f"Redis cannot tell the token budget: {type(error).__name__}") from error

    def charge(self, bot: str, tokens: int) -> None:
        """Count ``tokens``. An answer is not lost because they could not be counted: that is logged and counted."""
        if self._daily_tokens is None:
            return
        key = self._key(bot)
        try:
            with self._client.pipeline(transaction=True) as pipeline:
                pipeline.incrby(key, tokens)
                pipeline.expire(key, _KEPT_S)
                pipeline.execute()
        except redis.RedisError as error:
            log.error("llm_budget_not_charged", bot=bot, tokens=tokens, error=type(error).__name__)
            count("degraded", what="llm_budget")

    def _key(self, bot: str) -> str:
        """String, two days: the tokens ``bot`` used today. In a slot of its own: no script touches it with others."""
        day = datetime.fromtimestamp(self._clock(), self._zone).date()
        return f"llm:tokens:{bot}:{day.isoformat()}"
