"""Notices an index that nobody brought up to the database.

Whoever approves or withdraws something asks for that afterwards. One who dies in between leaves an index that lacks
what is approved: what was withdrawn is not said all the same, but what took its place is not found either.
"""

import time
from collections.abc import Callable, Mapping

from bot.knowledge.index import Index
from bot.knowledge.store import KnowledgeStore

PATIENCE_S = 900.0
"""From the last change until it is looked whether the index has followed: as long as commands wait for that
(:data:`bot.cli.kb.DEADLINE_S`), since vectors of much that is new are made meanwhile, and not twice."""


class Following:
    """Compares ``store`` and ``index``. ``clock`` gives monotonic seconds."""

    def __init__(self, store: KnowledgeStore, index: Index, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._index = index
        self._clock = clock
        self._counted: Mapping[tuple[str, str], int] | None = None
        self._looked_from = 0.0
        self._followed = False

    def is_behind(self) -> bool:
        """Whether the last approval or withdrawal was :data:`PATIENCE_S` ago, and the index has not followed it.

        Who was told so is told again as long after. Cheap until then, and once it has. Raises what
        :class:`~bot.knowledge.store.KnowledgeStore` and :class:`~bot.knowledge.index.Index` raise.
        """
        counted = self._store.all_changes()
        if counted != self._counted:
            self._counted, self._looked_from, self._followed = counted, self._clock(), False
        if self._followed or self._clock() < self._looked_from + PATIENCE_S:
            return False
        self._looked_from = self._clock()
        self._followed = all(self._index.ids(*place) == self._store.approved_ids(*place) for place in counted)
        return not self._followed
