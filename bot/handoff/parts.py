"""The desk of an installation, put together."""

import time
from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

from bot.audit.log import AuditLog
from bot.bots_file import BotConfig
from bot.channel import Channel
from bot.handoff.background import background_of
from bot.handoff.desk import Desk
from bot.handoff.hours import service_hours
from bot.handoff.reach import Reach
from bot.handoff.sessions import Sessions
from bot.handoff.tickets import Tickets
from bot.records.turns import TurnRecords
from bot.settings import Settings
from bot.texts import Texts


def build_desk(
    settings: Settings,
    audit: AuditLog,
    records: TurnRecords,
    texts: Texts,
    *,
    bots: Mapping[str, BotConfig],
    channels: Mapping[tuple[str, str], Channel],
    clock: Callable[[], float] = time.time,
) -> Desk:
    """The desk over the database of ``audit``; ``channels`` is keyed by (bot id, channel id). Raises
    :class:`~bot.errors.ConfigError` as :func:`.background_of` does."""
    return Desk(
        Tickets(audit.database, settings.handoff_wait_s, clock),
        records,
        texts,
        bots=bots,
        reach=Reach(bots, channels),
        sessions=Sessions(channels, clock),
        background=background_of(settings, audit, bots, texts, clock),
        hours=service_hours(texts, ZoneInfo(settings.timezone), clock),
    )
