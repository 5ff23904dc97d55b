"""Codes that came with events: each lets one message be sent that uses no allowance up (page 96428).

A code is kept under the key of the reply that uses it, which for an event is the turn that answers it; a sent one is
kept until it ends, for a resend must say the same in the same way.
"""

from collections.abc import Callable

import redis

from bot.channel import ChannelAddress
from bot.messages import turn_id_of

PART_OF_CODE = 0
"""One message a code: the first part of the reply."""


class Codes:
    """The codes of one account; ``account`` begins the Redis keys about it. Methods raise ``redis.RedisError``."""

    def __init__(self, store: "redis.Redis", account: str, address: ChannelAddress, clock: Callable[[], float]) -> None:
        self._redis = store
        self._account = account
        self._address = address
        self._clock = clock

    def keep_for_event(self, message_id: str, code: str, until: float) -> None:
        """The event ``message_id`` may be answered by ``code`` until epoch second ``until``."""
        self.keep(turn_id_of(self._address.bot, self._address.channel, message_id), code, until)

    def keep(self, reply_key: str, code: str, until: float) -> None:
        """The first part of the reply called ``reply_key`` may be said by ``code`` until epoch second ``until``."""
        life_ms = int((until - self._clock()) * 1000)
        if life_ms > 0:
            self._redis.set(self._name(reply_key), f"{until!r} {code}", px=life_ms)

    def find(self, key: str) -> str:
        """The code that the part called ``key`` may use, empty where there is none, or none any more."""
        reply_key, _, part = key.rpartition(":")
        if part != str(PART_OF_CODE):
            return ""
        kept = self._redis.get(self._name(reply_key))
        until, _, code = kept.decode().partition(" ") if isinstance(kept, bytes) else ("0", "", "")
        return code if self._clock() < float(until) else ""

    def _name(self, reply_key: str) -> str:
        return f"wecom:{{{self._account}}}:code:{reply_key}"
