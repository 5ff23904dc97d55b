"""The channels that the platform lets do nothing more until an operator acts: a refused token, a robot that was removed
from its group, an application that was disabled (:attr:`.Refused.alert`)."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import redis

from bot import keys
from bot.redis_client import redis_answers

REMEMBERED_S = 24 * 3600


class StoppedChannels:
    """What each channel met last. Methods raise :class:`~bot.errors.Unavailable` when Redis does not answer."""

    def __init__(self, client: "redis.Redis", clock: Callable[[], float] = time.time) -> None:
        self._redis = client
        self._clock = clock

    def note(self, bot: str, channel: str, code: str) -> None:
        """The platform refused ``channel`` of ``bot`` with ``code``; called again for the same refusal it says the
        same."""
        name = keys.stopped_channels(bot)
        with redis_answers():
            pipe = self._redis.pipeline(transaction=False)
            pipe.hset(name, channel, f"{self._clock()} {code}")
            pipe.expire(name, REMEMBERED_S)
            pipe.execute()

    def met(self, bot: str) -> Mapping[str, tuple[float, str]]:
        """By channel of ``bot``: when it was refused last, epoch seconds, and the code."""
        with redis_answers():
            found: Any = self._redis.hgetall(keys.stopped_channels(bot))
        pairs = ((channel.decode(), raw.decode(errors="replace").split(" ", 1)) for channel, raw in found.items())
        return {channel: (float(at), code) for channel, (at, code) in sorted(pairs)}
