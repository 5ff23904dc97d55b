"""Which state of the knowledge a search stands on: what is found may be used again while that stays the same.

The database says what may answer, and the index follows it. Something was found in a known state only while the two
agree; from an approval or a withdrawal until the index has followed, there is none.
"""

import math
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from bot.knowledge.approvals import Approvals
from bot.knowledge.entries import Scope
from bot.knowledge.index import Index
from bot.knowledge.store import KnowledgeStore

LOOK_AGAIN_S = 1.0
"""Seconds between two looks whether the index has followed: each reads every id of a collection."""


@dataclass(frozen=True, slots=True)
class Revision:
    """A state of the knowledge; equal ones give equal answers.

    ``changes`` are the numbers of approvals and withdrawals in the collections of the scope. ``epoch`` is how many
    times something in them began or ceased to be valid until now. ``approved`` holds the ids of what may answer.
    """

    changes: tuple[int, ...]
    epoch: int
    approved: tuple[Collection[str], ...] = field(compare=False)

    def approves(self, entry_id: str) -> bool:
        """Whether the entry may answer, its dates aside."""
        return any(entry_id in ids for ids in self.approved)


@dataclass(frozen=True, slots=True)
class _Collection:
    """A collection after ``changes`` changes, once the index had followed; ``boundaries`` are sorted epoch seconds."""

    changes: int
    approved: frozenset[str]
    boundaries: tuple[float, ...]


class Revisions:
    """Compares ``store``, whose ``approvals`` are counted, and ``index``. Thread-safe. ``clock`` gives monotonic
    seconds."""

    def __init__(
        self, store: KnowledgeStore, approvals: Approvals, index: Index, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._approvals = approvals
        self._index = index
        self._clock = clock
        self._known: dict[tuple[str, str], _Collection] = {}
        self._looked_at: dict[tuple[str, str], float] = {}
        self._looking = threading.Lock()

    def current(self, scope: Scope) -> Revision | None:
        """The state that a search of ``scope`` beginning now stands on; ``None`` while index and database differ.

        Raises what :class:`~bot.knowledge.store.KnowledgeStore` and :class:`~bot.knowledge.index.Index` raise.
        """
        changes = self._approvals.changes(scope.tenant, scope.collections)
        known = []
        for name in scope.collections:
            collection = self._collection(scope.tenant, name, changes.get(name, 0))
            if collection is None:
                return None
            known.append(collection)
        return Revision(
            changes=tuple(collection.changes for collection in known),
            epoch=sum(bisect_right(collection.boundaries, scope.now) for collection in known),
            approved=tuple(collection.approved for collection in known),
        )

    def _collection(self, tenant: str, name: str, changes: int) -> _Collection | None:
        known = self._known.get((tenant, name))
        if known is not None and known.changes == changes:
            return known
        with self._looking:  # who comes second finds what the first has seen
            known = self._known.get((tenant, name))
            return known if known and known.changes == changes else self._look(tenant, name, changes)

    def _look(self, tenant: str, name: str, changes: int) -> _Collection | None:
        """What holds after ``changes``; or after more, where some came since they were counted, and then nobody who
        counts from now on is given it."""
        place = tenant, name
        if self._clock() < self._looked_at.get(place, -math.inf) + LOOK_AGAIN_S:
            return None
        self._looked_at[place] = self._clock()
        times = self._store.approved_times(tenant, name)
        held = self._index.ids(tenant, name)
        if held != times.keys():
            return None
        boundaries = sorted(moment for pair in times.values() for moment in pair if math.isfinite(moment))
        found = _Collection(changes, frozenset(times), tuple(boundaries))
        self._known[place] = found
        del self._looked_at[place]
        return found
