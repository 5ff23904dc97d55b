"""Things to do later, on a few threads of their own."""

import heapq
import threading
import time
from collections.abc import Callable
from itertools import count

_CLOSING_S = 1.0


class Timers:
    """Runs work after a pause, earliest first. Work must not raise."""

    def __init__(self, threads: int) -> None:
        self._changed = threading.Condition()
        self._closing = False
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]

    def start(self) -> None:
        """Begin to work."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Begin nothing more, and wait a moment for what is under way; later ones die with the process."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        ends = time.monotonic() + _CLOSING_S
        for thread in self._threads:
            thread.join(max(0.0, ends - time.monotonic()))

    def after(self, seconds: float, work: Callable[[], None]) -> None:
        """Run ``work`` in ``seconds`` from now."""
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + seconds, next(self._order), work))
            self._changed.notify()

    def clear(self) -> None:
        """Forget what has not begun."""
        with self._changed:
            self._due.clear()

    def _work(self) -> None:
        while (work := self._next()) is not None:
            work()

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            while not self._closing:
                left = self._due[0][0] - time.monotonic() if self._due else None
                if left is not None and left <= 0:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(left)
            return None
