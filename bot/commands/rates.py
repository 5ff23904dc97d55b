"""How often a person may use a command: a window in Redis, in which a turn counts once however often it runs."""

import json

import redis

from bot.commands.declaration import Rate
from bot.redis_client import redis_answers

_DRAW = """
local now = redis.call('TIME')[1]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[3])
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 1 end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""


class Rates:
    """Counts uses. Raises :class:`~bot.errors.Unavailable` when Redis does not answer."""

    def __init__(self, client: "redis.Redis") -> None:
        self._redis = client

    def allow(self, bot: str, person: str, command: str, rate: Rate, turn_id: str) -> bool:
        """Whether the turn ``turn_id`` may use ``command`` now; counts it."""
        name = f"rate:{bot}:{json.dumps(person.casefold())}:{command}"  # sorted set: turns by second
        with redis_answers():
            return bool(self._redis.eval(_DRAW, 1, name, turn_id, rate.times, rate.per_s))
