"""Entries that were read from an index lately, ready made: many questions have the same answers."""

import threading
from collections.abc import Mapping, Sequence

from bot.knowledge.entries import Entry

_RECENT_ENTRIES = 2_000
"""Entries kept, some 2 MB."""


class RecentEntries:
    """Entries by id. What is read while something changes is not kept. Safe for threads."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._era = 0
        self._lock = threading.Lock()

    def find(self, ids: Sequence[str]) -> tuple[dict[str, Entry], int]:
        """Those of ``ids`` that are kept, and the era: what is read from the index from now on belongs to it."""
        with self._lock:
            return {id_: self._entries[id_] for id_ in ids if id_ in self._entries}, self._era

    def keep(self, read: Mapping[str, Entry], era: int) -> None:
        """Keep what was read in ``era``, unless something changed since."""
        with self._lock:
            if era == self._era:
                self._entries |= read
                while len(self._entries) > _RECENT_ENTRIES:
                    del self._entries[next(iter(self._entries))]

    def forget(self) -> None:
        """Begin a new era: something changed."""
        with self._lock:
            self._entries.clear()
            self._era += 1
