"""A circuit breaker: a model that keeps failing is left alone, so that people do not wait for its time-outs."""

import threading
import time
from collections.abc import Callable
from typing import Any

from bot.errors import ModelUnavailable

FAILURES_TO_OPEN = 5
"""So many failed calls in a row, none further than WINDOW_S from the one before, open the circuit."""
WINDOW_S = 120.0
OPEN_S = 30.0
"""Seconds until one call may try again."""


class CircuitBreaker:
    """Of one model. Thread-safe. ``clock`` is monotonic seconds.

    Every :meth:`enter` that returns is followed by exactly one of :meth:`succeeded`, :meth:`failed` and
    :meth:`gave_up`. While the circuit is open ``enter`` raises; after OPEN_S it lets one call in, the probe, and that
    call's outcome decides.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._failed_at = 0.0
        self._opened_at: float | None = None
        self._probing = False
        self._last_error = ""

    def enter(self) -> None:
        """Begin a call. Raises :class:`~bot.errors.ModelUnavailable` (``circuit_open``)."""
        with self._lock:
            if self._opened_at is None:
                return
            if self._probing or self._clock() - self._opened_at < OPEN_S:
                raise ModelUnavailable("circuit_open")
            self._probing = True

    def succeeded(self) -> None:
        """The model answered; the circuit is closed."""
        with self._lock:
            self._failures = 0
            self._opened_at = None
            self._probing = False
            self._last_error = ""

    def failed(self, code: str) -> None:
        """The model failed in a way that the next call would feel too."""
        with self._lock:
            now = self._clock()
            stale = now - self._failed_at > WINDOW_S
            self._failures = 1 if stale else self._failures + 1
            self._failed_at = now
            self._last_error = code
            if self._probing or self._failures >= FAILURES_TO_OPEN:
                self._opened_at = now
                self._probing = False

    def gave_up(self) -> None:
        """The call ended in a way that says nothing about the model."""
        with self._lock:
            self._probing = False

    def state(self) -> dict[str, Any]:
        """``{"circuit": "closed" | "open" | "half_open", "failures": …, "last_error": …}``, JSON-ready."""
        with self._lock:
            circuit = "closed"
            if self._opened_at is not None:
                half = self._probing or self._clock() - self._opened_at >= OPEN_S
                circuit = "half_open" if half else "open"
            return {"circuit": circuit, "failures": self._failures, "last_error": self._last_error}
