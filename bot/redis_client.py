"""Connections to Redis with time-outs that suit a webhook: fail in a second or two, never hang."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from bot.errors import Unavailable

CONNECT_TIMEOUT_S = 1.0
SOCKET_TIMEOUT_S = 3.0
MOST_CONNECTIONS = 1000
"""Of one client: each thread needs one at a time, and the library's own limit of 100 would refuse the others."""


def connect(url: str, *, socket_timeout_s: float | None = SOCKET_TIMEOUT_S) -> "redis.Redis":
    """A thread-safe client with a pool of its own for ``url`` (``redis://``, ``rediss://`` or ``unix://``).

    A command is repeated once on a fresh connection, because an idle one may have been closed; every script of ours
    may be repeated. ``socket_timeout_s`` is ``None`` for clients that block on a list.
    """
    client: redis.Redis = redis.Redis.from_url(
        url,
        socket_timeout=socket_timeout_s,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        retry=Retry(NoBackoff(), 1),
        health_check_interval=30,
        max_connections=MOST_CONNECTIONS,
    )
    return client


@contextmanager
def redis_answers() -> Iterator[None]:
    """Raise :class:`~bot.errors.Unavailable` where Redis does not answer within the block, or refuses."""
    try:
        yield
    except redis.RedisError as error:
        raise Unavailable(f"Redis did not answer: {type(error).__name__}") from error
