"""What may answer, asked of the database anew each time, and cheaply: one small read for all who ask at the moment.

The database counts approvals and withdrawals by collection, in the transaction of each. What was read of an entry holds
while no number has changed.
"""

import threading
from collections.abc import Collection, Mapping

from bot.knowledge.store import KnowledgeStore
from bot.records.shared_read import SharedRead

MAX_KNOWN = 50_000
"""Entries whose times are remembered: 10 MB or so."""

Span = tuple[float, float]
"""From when and until when an entry may answer, in epoch seconds."""


class Approvals:
    """Reads ``store``. Thread-safe. Methods raise what :class:`~bot.knowledge.store.KnowledgeStore` raises."""

    def __init__(self, store: KnowledgeStore) -> None:
        self._store = store
        self._count = SharedRead(store.all_changes)
        self._lock = threading.Lock()
        self._counted: Mapping[tuple[str, str], int] = {}
        self._known: dict[str, Span | None] = {}

    def changes(self, tenant: str, collections: Collection[str]) -> dict[str, int]:
        """As :meth:`bot.knowledge.store.KnowledgeStore.changes`."""
        counted = self._count()
        return {name: counted[tenant, name] for name in collections if (tenant, name) in counted}

    def standing(self, ids: Collection[str], now: float | None = None) -> set[str]:
        """As :meth:`bot.knowledge.store.KnowledgeStore.standing`."""
        spans = self._spans(ids)
        return {entry_id for entry_id in ids if _holds(spans[entry_id], now)}

    def _spans(self, ids: Collection[str]) -> Mapping[str, Span | None]:
        counted = self._count()
        with self._lock:
            if counted != self._counted or len(self._known) > MAX_KNOWN:
                self._counted, self._known = counted, {}
            known = self._known
        missing = [entry_id for entry_id in ids if entry_id not in known]
        if missing:  # read after the count: as new as it, or newer
            found = self._store.spans(missing)
            with self._lock:
                known.update((entry_id, found.get(entry_id)) for entry_id in missing)
        return known


def _holds(span: Span | None, now: float | None) -> bool:
    return span is not None and (now is None or span[0] <= now < span[1])
