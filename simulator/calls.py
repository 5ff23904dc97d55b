"""How often, and how often at the same time, each API may be called (rule 19, §2.10)."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from simulator.errcodes import ApiError
from simulator.limits import ApiRate
from simulator.rules import Rules

_WITH_OWN_LIMITS = ("message/send",)
"""Message sends do not count against the calls of one API; they have limits per seat and per member instead."""


class Calls:
    """The calls under way and lately made, by API; thread-safe."""

    def __init__(self, rules: Rules, clock: Callable[[], float]) -> None:
        self._rules = rules
        self._clock = clock
        self._lock = threading.Lock()
        self._under_way: Counter[str] = Counter()
        self._rates: dict[str, ApiRate] = {}

    @contextmanager
    def counted(self, api: str) -> Iterator[None]:
        """One call of ``api``, from begin to end. Raises :class:`ApiError`: 45009 too often, 45033 too many at once."""
        with self._lock:
            rate = self._rates.setdefault(api, ApiRate())
            if api not in _WITH_OWN_LIMITS and not rate.take(
                self._clock(), per_minute=self._rules.calls_per_minute, per_hour=self._rules.calls_per_hour
            ):
                raise ApiError(45009, 19)
            if self._under_way[api] >= self._rules.concurrent_calls:
                raise ApiError(45033, 19)
            self._under_way[api] += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way[api] -= 1

    def clear(self) -> None:
        """Forget what was called lately."""
        with self._lock:
            self._rates.clear()
