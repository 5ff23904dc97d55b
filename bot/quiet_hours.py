"""The hours in which a bot says nothing to many; what falls into them waits."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.bots_file import BotConfig


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Whether a bot is quiet, by its ``quiet_hours`` in ``bots.yaml``, read as the clock of ``timezone`` shows."""

    bots: Mapping[str, BotConfig]
    timezone: ZoneInfo

    def hold(self, bot: str, now: float) -> bool:
        """Whether it is quiet for ``bot`` at ``now``, epoch seconds; a bot that is not configured has no such hours."""
        hours = self._of(bot)
        if hours is None:
            return False
        first, last = hours
        clock = datetime.fromtimestamp(now, self.timezone).time()
        if first <= last:
            return first <= clock < last
        return clock >= first or clock < last  # through midnight

    def over(self, bot: str, at: float) -> float:
        """``at``, or, where it is quiet for ``bot`` then, when that is over; epoch seconds."""
        hours = self._of(bot)
        if hours is None or not self.hold(bot, at):
            return at
        quiet = datetime.fromtimestamp(at, self.timezone)
        end = datetime.combine(quiet.date(), hours[1], self.timezone)
        if hours[1] <= quiet.time():
            end = datetime.combine(quiet.date() + timedelta(days=1), hours[1], self.timezone)
        return end.timestamp()

    def _of(self, bot: str) -> tuple[time, time] | None:
        hours = self.bots[bot].quiet_hours if bot in self.bots else ""
        if not hours:
            return None
        begin, _, end = hours.partition("-")
        return time.fromisoformat(begin), time.fromisoformat(end)
