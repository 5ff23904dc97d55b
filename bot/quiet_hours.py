"""The hours in which a bot says nothing to many; what falls into them waits."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from bot.bots_file import BotConfig


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Whether a bot is quiet, by its ``quiet_hours`` in ``bots.yaml``, read as the clock of ``timezone`` shows."""

    bots: Mapping[str, BotConfig]
    timezone: ZoneInfo

    def hold(self, bot: str, now: float) -> bool:
        """Whether it is quiet for ``bot`` at ``now``, epoch seconds; a bot that is not configured has no such hours."""
        hours = self.bots[bot].quiet_hours if bot in self.bots else ""
        if not hours:
            return False
        begin, _, end = hours.partition("-")
        first, last = time.fromisoformat(begin), time.fromisoformat(end)
        clock = datetime.fromtimestamp(now, self.timezone).time()
        if first <= last:
            return first <= clock < last
        return clock >= first or clock < last  # through midnight
