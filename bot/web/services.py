"""What the web process needs; built by :mod:`bot.assembly`."""

from collections.abc import Mapping
from dataclasses import dataclass

import redis

from bot.bots_file import BotConfig
from bot.channel import Channel
from bot.inbox import Inbox
from bot.texts import Texts


@dataclass(frozen=True, kw_only=True, slots=True)
class WebServices:
    """``channels`` is keyed by (bot id, channel id)."""

    redis: "redis.Redis"
    inbox: Inbox
    bots: Mapping[str, BotConfig]
    channels: Mapping[tuple[str, str], Channel]
    texts: Texts
    llm_configured: bool
