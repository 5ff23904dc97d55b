"""One read of the database for all who ask the same at the moment.

Whoever asks while a read is under way waits for the next one, and so do all who ask until it begins. What anybody gets
was read after they asked: nobody is told less than their own read would have told.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

Found = TypeVar("Found")


class SharedRead(Generic[Found]):
    """``read()`` is asked by one of those who wait; what it finds is shared, so nobody may change it."""

    def __init__(self, read: Callable[[], Found]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._reading = threading.Lock()
        self._next: Future[Found] | None = None

    def __call__(self) -> Found:
        """What ``read`` finds; raises what it raises."""
        with self._lock:
            mine = self._next = self._next or Future()
        with self._reading:
            if not mine.done():
                with self._lock:
                    self._next = None  # who comes from here on comes too late for it
                try:
                    mine.set_result(self._read())
                except BaseException as error:  # noqa: BLE001 - raised where each of them waits, here too
                    mine.set_exception(error)
        return mine.result()
