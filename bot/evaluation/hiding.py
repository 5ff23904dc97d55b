"""An index that does not show everything: what would be found if a document were not there."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from bot.knowledge.entries import Entry, EntryKind, Scope
from bot.knowledge.index import Candidates, Floats, Searchable
from bot.knowledge.state_store import StateStore


class HidingIndex:
    """``index`` for searches, without what is hidden for the time being. For one thread."""

    def __init__(self, index: Searchable) -> None:
        self._index = index
        self._hidden: frozenset[str] = frozenset()

    @property
    def states(self) -> StateStore | None:
        """See :class:`.Searchable`."""
        return self._index.states

    @contextmanager
    def without(self, ids: Collection[str]) -> Iterator[None]:
        """The entries ``ids`` are hidden as long as the block lasts."""
        self._hidden = frozenset(ids)
        try:
            yield
        finally:
            self._hidden = frozenset()

    def candidates(self, question: str, vector: Floats, scope: Scope, kind: EntryKind | None, limit: int) -> Candidates:
        """See :class:`.Searchable`."""
        found = self._index.candidates(question, vector, scope, kind, limit + len(self._hidden))
        return without(found, self._hidden, limit)

    def entries(self, ids: Sequence[str]) -> list[Entry]:
        """See :class:`.Searchable`."""
        return self._index.entries(ids)


def without(found: Candidates, hidden: frozenset[str], limit: int) -> Candidates:
    """``found`` as if the entries ``hidden`` were not there, at most ``limit`` a route."""
    routes = {
        route: dict([(id_, score) for id_, score in scores.items() if id_ not in hidden][:limit])
        for route, scores in found.routes.items()
    }
    return replace(found, routes=routes, visible=found.visible - len(hidden))
