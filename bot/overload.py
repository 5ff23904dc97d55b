"""Overload: more messages of a bot than it has room or time for.

What an overloaded bot did to people is counted in one Redis hash a bot, which ends with the overload: ``since`` and
``last`` (epoch seconds), ``refused`` (messages that were refused because too many were waiting; their senders heard at
once) and ``late`` (messages that were apologised for because their useful time was over).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import redis

from bot import keys
from bot.redis_client import redis_answers

RECENT_S = 60
"""A bot is overloaded until nothing has happened for so long."""
EPISODE_S = 1800
"""What happens within this time of the last is the same overload, of which admins hear once in so many seconds."""

NOTE_OVERLOAD = """
local now = redis.call('TIME')[1]
redis.call('HSETNX', KEYS[1], 'since', now)
redis.call('HSET', KEYS[1], 'last', now)
redis.call('EXPIRE', KEYS[1], ARGV[3])
return redis.call('HINCRBY', KEYS[1], ARGV[1], ARGV[2])
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Episode:
    """An overload of one bot: when it began and last showed (epoch seconds of Redis), and the messages it cost."""

    since: int
    last: int
    refused: int
    late: int


class Overload:
    """The overloads of all bots. Methods raise :class:`~bot.errors.Unavailable` when Redis does not answer."""

    def __init__(self, client: "redis.Redis") -> None:
        self._redis = client

    def note(self, bot: str, what: Literal["refused", "late"], messages: int) -> int:
        """``messages`` of ``bot`` met that fate; returns how many have in this overload."""
        with redis_answers():
            return int(self._redis.eval(NOTE_OVERLOAD, 1, keys.overload(bot), what, messages, EPISODE_S))

    def now(self, bots: Iterable[str]) -> dict[str, Episode]:
        """The bots among ``bots`` that are overloaded at the moment."""
        names = list(bots)
        with redis_answers():
            pipe: Any = self._redis.pipeline(transaction=False)
            pipe.time()
            for bot in names:
                pipe.hgetall(keys.overload(bot))
            (now, _), *found = pipe.execute()
        episodes = {bot: _episode(fields) for bot, fields in zip(names, found, strict=True) if fields}
        return {bot: episode for bot, episode in episodes.items() if now - episode.last <= RECENT_S}


def _episode(fields: Mapping[bytes, bytes]) -> Episode:
    numbers = {name.decode(): int(value) for name, value in fields.items()}
    return Episode(
        since=numbers["since"], last=numbers["last"], refused=numbers.get("refused", 0), late=numbers.get("late", 0)
    )
