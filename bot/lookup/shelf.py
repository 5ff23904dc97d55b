"""The look-up tables of the knowledge, read again whenever something was approved or withdrawn."""

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from bot.bots_file import BotConfig
from bot.knowledge.entries import Audience, Entry
from bot.knowledge.lookup_table import LookupTable, tables_of


class Rows(Protocol):
    """Where rows are kept: :class:`~bot.knowledge.store.KnowledgeStore`."""

    def changes(self, tenant: str, collections: Collection[str]) -> Mapping[str, int]:
        """How often something was approved or withdrawn, by collection."""

    def approved_rows(self, tenant: str, collection: str) -> list[Entry]:
        """The entries of look-up tables that may answer, whatever their dates."""


@dataclass(frozen=True, slots=True)
class _Kept:
    changes: int
    tables: tuple[LookupTable, ...]


class Shelf:
    """The tables of ``rows``. Thread-safe. Raises :class:`~bot.errors.Unavailable` where the database is away."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._lock = threading.Lock()

    def tables(self, bot: BotConfig, reader: Audience, now: float) -> list[LookupTable]:
        """What ``bot`` may look up for ``reader`` at ``now``, epoch seconds: each table with the rows that they may
        read."""
        changes = self._rows.changes(bot.tenant, bot.knowledge)
        found = []
        for collection in bot.knowledge:
            for table in self._collection(bot.tenant, collection, changes.get(collection, 0)):
                rows = tuple(row for row in table.rows if _readable(row.entry, bot.id, reader, now))
                if rows:
                    found.append(replace(table, rows=rows))
        return found

    def _collection(self, tenant: str, collection: str, changes: int) -> tuple[LookupTable, ...]:
        with self._lock:
            kept = self._kept.get((tenant, collection))
            if kept is None or kept.changes != changes:
                tables = tuple(tables_of(self._rows.approved_rows(tenant, collection)))
                kept = self._kept[tenant, collection] = _Kept(changes, tables)
            return kept.tables


def _readable(entry: Entry, bot: str, reader: Audience, now: float) -> bool:
    in_time = entry.valid_from <= now < entry.valid_to
    return in_time and entry.audience in reader.readable and entry.is_for(bot)
