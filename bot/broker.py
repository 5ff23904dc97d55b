"""The broker's connections: kombu's transport for Redis, without what it does again for every command.

kombu makes a new ``redis.Redis`` around its pool for each publish, delivery and acknowledgement, and redis-py builds a
table of some 300 response callbacks for each: a tenth of the worker's time in a profile of answering frequent
questions. A client that holds no connection of its own may be used by every thread, so one a channel does.
"""

from typing import Any

from kombu.transport import TRANSPORT_ALIASES
from kombu.transport import redis as kombu_redis


class _OneClient:
    """Of a kombu channel: its client for commands is made once. Clients that wait for messages are made each time, as
    each holds a connection."""

    _for_commands: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        if asynchronous:
            return super()._create_client(asynchronous=True)  # type: ignore[misc]  # kombu's
        client = self._for_commands
        if client is None or client.connection_pool is not self.pool:  # type: ignore[attr-defined]  # kombu's
            client = self._for_commands = super()._create_client()  # type: ignore[misc]
        return client


class Channel(_OneClient, kombu_redis.Channel):
    """A channel to one Redis."""


class SentinelChannel(_OneClient, kombu_redis.SentinelChannel):
    """A channel to whichever Redis is the master."""


class Transport(kombu_redis.Transport):
    """``redis://``, ``rediss://`` and ``redis+socket://``."""

    Channel = Channel


class SentinelTransport(kombu_redis.SentinelTransport):
    """``sentinel://``."""

    Channel = SentinelChannel


def use_one_client() -> None:
    """Have kombu take these transports for their schemes, in this process."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:Transport"
    TRANSPORT_ALIASES["sentinel"] = f"{__name__}:SentinelTransport"
