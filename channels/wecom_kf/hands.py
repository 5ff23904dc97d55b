"""Whose chat a human had when we last heard of it. The platform tells of a session that a servicer ends, and of none
that ends by itself: only who remembers can tell such a one from one that never began."""

from typing import Any

import redis

REMEMBERED_S = 3 * 86400
"""A session lasts 48 hours."""


class Hands:
    """Those of one account; ``account`` begins the Redis keys about it. Methods raise ``redis.RedisError``."""

    def __init__(self, store: "redis.Redis", account: str) -> None:
        self._redis = store
        self._account = account

    def taken(self, person: str) -> None:
        """A human has the chat of ``person``, or it waits for one."""
        self._redis.set(self._name(person), 1, ex=REMEMBERED_S)

    def given_back(self, person: str) -> None:
        """It is known to have ended."""
        self._redis.delete(self._name(person))

    def had(self, person: str) -> bool:
        """Whether a human had it last."""
        found: Any = self._redis.exists(self._name(person))
        return bool(found)

    def _name(self, person: str) -> str:
        return f"wecom:{{{self._account}}}:with_human:{person}"
