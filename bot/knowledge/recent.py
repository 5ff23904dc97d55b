"""What was read from an index lately and will be asked for again: kept until something in the index changes."""

import threading
from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """At most ``most`` values by key; beyond that the oldest go. What is read while something changes is not kept.

    Safe for threads.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: dict[Key, Value] = {}
        self._era = 0
        self._lock = threading.Lock()

    def find(self, keys: Iterable[Key]) -> tuple[dict[Key, Value], int]:
        """The values of those of ``keys`` that are kept, and the era: what is read from now on belongs to it."""
        with self._lock:
            return {key: self._values[key] for key in keys if key in self._values}, self._era

    def keep(self, read: Mapping[Key, Value], era: int) -> None:
        """Keep what was read in ``era``, unless something changed since."""
        with self._lock:
            if era == self._era:
                self._values |= read
                while len(self._values) > self._most:
                    del self._values[next(iter(self._values))]

    def forget(self) -> None:
        """Begin a new era: something changed."""
        with self._lock:
            self._values.clear()
            self._era += 1
