"""The groups in which a bot speaks without being asked: which there are, and what fits in all of them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Literal
from zoneinfo import ZoneInfo

from bot.bots_file import BotConfig
from bot.channel import Channel
from bot.errors import InputError
from bot.messages import ConversationId

Use = Literal["announcements", "alerts"]


def groups(bot: BotConfig, use: Use) -> list[ConversationId]:
    """The groups of ``bot`` that carry ``use``, in the order of ``bots.yaml``: each is its channel's one conversation,
    which has no person."""
    return [
        ConversationId(bot=bot.id, channel=name, person="")
        for name, channel in bot.channels.items()
        if use in channel.carries
    ]


def moment_of(written: str, timezone: ZoneInfo) -> float:
    """The epoch second of ``2026-12-01 09:00``, or with a ``T`` between, in ``timezone``, or in the zone that stands
    behind it, such as ``Z`` or ``+08:00``. Raises ``ValueError``."""
    day, clock = written.replace("T", " ").replace("：", ":").split()
    at = time.fromisoformat(clock.zfill(5))
    return datetime.combine(date.fromisoformat(day), at, at.tzinfo or timezone).timestamp()


def room(channels: Mapping[tuple[str, str], Channel], to: Sequence[ConversationId]) -> int:
    """The bytes that fit into one message of every channel in ``to``."""
    return min(channels[one.bot, one.channel].limits.text_bytes for one in to)


def check_length(text: str, channels: Mapping[tuple[str, str], Channel], to: Sequence[ConversationId]) -> None:
    """Raises :class:`~bot.errors.InputError` ``broadcast_too_long`` where ``text`` is more than one message of any
    channel in ``to``."""
    length, limit = len(text.encode(errors="replace")), room(channels, to)
    if length > limit:
        raise InputError("broadcast_too_long", length=length, limit=limit)
