"""The digest of a week by itself, at the time of :attr:`.BotConfig.digest_at`.

Looked for every ten seconds. It is begun once a day it was due on, by whichever worker comes first: a claim in Redis
keeps the others from the work, and should Redis lose it, the broadcast bears the day in its id, which the database has
once. A system that stood still at the minute begins it when it runs again, for :data:`CATCH_UP_S`.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from datetime import time as wall_clock

import redis
import structlog

from bot import keys
from bot.announcing import groups, room
from bot.audit.entries import Action, AuditEvent
from bot.bots_file import BotConfig
from bot.broadcasts import Broadcasts
from bot.channel import Channel
from bot.digest import BY_ITSELF, Digests
from bot.errors import InputError
from bot.quiet_hours import QuietHours
from bot.redis_client import redis_answers

log = structlog.get_logger()

CATCH_UP_S = 6 * 3600.0
CLAIMED_S = 600
"""A worker that died over it is not waited for longer."""
DONE_S = 8 * 24 * 3600
_SCHEDULE = "system:schedule"
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class WeeklyDigest:
    """``quiet`` knows the bots' quiet hours and the clock by which all of it goes; ``audit(event)`` writes down that a
    digest was begun."""

    def __init__(
        self,
        client: "redis.Redis",
        *,
        channels: Mapping[tuple[str, str], Channel],
        digests: Digests,
        broadcasts: Broadcasts,
        quiet: QuietHours,
        audit: Callable[[AuditEvent], object],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._redis = client
        self._channels = channels
        self._digests = digests
        self._broadcasts = broadcasts
        self._quiet = quiet
        self._audit = audit
        self._clock = clock

    def begin(self) -> int:
        """Begin the digests that are due; returns how many there was something to say in.

        Raises :class:`~bot.errors.Unavailable` when Redis or the database does not answer.
        """
        begun, now = 0, self._clock()
        for bot in self._quiet.bots.values():
            for day in self._due(bot, now):
                name = keys.weekly_digest(bot.id, day)
                with redis_answers():
                    claimed = self._redis.set(name, "claimed", nx=True, ex=CLAIMED_S)
                if claimed:
                    begun += self._begin(bot, day, now)
                    with redis_answers():
                        self._redis.set(name, "done", ex=DONE_S)
        return begun

    def _due(self, bot: BotConfig, now: float) -> Iterator[str]:
        """The day, in ISO 8601, whose digest is due at ``now``; in quiet hours it is due when they end."""
        if not bot.digest_at:
            return
        weekday, _, clock = bot.digest_at.partition(" ")
        today = datetime.fromtimestamp(now, self._quiet.timezone).date()
        for days in range(3):  # quiet hours may last nearly a day, and the catching up begins after them
            day = today - timedelta(days=days)
            if _WEEKDAYS[day.weekday()] != weekday:
                continue
            at = datetime.combine(day, wall_clock.fromisoformat(clock), self._quiet.timezone).timestamp()
            if 0 <= now - self._quiet.over(bot.id, at) < CATCH_UP_S:
                yield day.isoformat()

    def _begin(self, bot: BotConfig, day: str, now: float) -> bool:
        to = groups(bot, "announcements")
        if not to:
            log.warning("digest_without_group", bot=bot.id, cure="let a channel of the bot carry announcements")
            return False
        try:
            text = self._digests.words(bot, bot.language, now, room(self._channels, to), BY_ITSELF)
        except InputError as nothing:
            log.info("digest_not_said", bot=bot.id, day=day, reason=nothing.text_key)
            return False
        begun = self._broadcasts.start(bot.id, text, to, turn_id=f"digest-{bot.id}-{day}", by=_SCHEDULE)
        self._audit(
            AuditEvent(
                action=Action.OPERATION,
                subject=f"broadcast:{begun.number}",
                actor=_SCHEDULE,
                tenant=bot.tenant,
                bot=bot.id,
                details={"what": "digest", "recipients": len(to)},
            )
        )
        return True
