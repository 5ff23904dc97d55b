"""Channels that speak in a group of the simulated platform."""

from dataclasses import dataclass, field
from typing import Any

import redis

from bot.channel import ChannelKit, MediaSource
from bot.connections import Connections
from bot.streams import Streams
from tests.media_sources import NO_MEDIA
from tests.simulator.parties import Simulator


@dataclass
class Installation:
    """Our side: what it lends to a channel, and what the channel counted; ``platform`` is theirs."""

    platform: Simulator
    redis: "redis.Redis"
    clock: Any
    media: MediaSource = NO_MEDIA
    counted: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def kit(self) -> ChannelKit:
        return ChannelKit(
            redis=self.redis,
            http=Connections(environment=False),
            api_base={"wecom": self.platform.url},
            callback_max_skew_s=3600,
            pace_per_minute=30,
            pace_per_hour=1000,
            bubbles=Streams(self.redis, self.clock),
            media=self.media,
            count=lambda event, **labels: self.counted.append((event, labels)),
            clock=self.clock,
        )
