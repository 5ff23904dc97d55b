"""Leaving the platform alone while an error stands that only an operator can mend."""

import redis
from redis.client import Pipeline

from channels.wecom.api import retry

CIRCUIT_S = 60
"""How long an app is left alone; a change in the WeCom console takes up to a minute to apply (60020, page 90313)."""


class Circuit:
    """Stops an app's sends for a minute after an error that concerns the app and not the message.

    The message that met the error is refused; those behind it wait instead of dying one by one, and the platform is
    asked once a minute instead of once a message.
    """

    def __init__(self, store: "redis.Redis", app: str) -> None:
        self._redis = store
        self._name = f"wecom:{{{app}}}:circuit"

    def check(self) -> None:
        """Raise :class:`~bot.channel.Retry` ``circuit_open`` while the app is stopped."""
        self.told(self._redis.pttl(self._name))

    def ask(self, pipe: Pipeline) -> None:
        """Put into ``pipe`` the question whose answer :meth:`told` takes."""
        pipe.pttl(self._name)

    def told(self, left_ms: int) -> None:
        """Raise as :meth:`check` does."""
        if left_ms > 0:
            raise retry(left_ms / 1000, "circuit_open")

    def open(self, code: str) -> None:
        """Stop the app for :data:`CIRCUIT_S`."""
        self._redis.set(self._name, code, ex=CIRCUIT_S)
