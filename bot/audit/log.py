"""The log itself: entries are appended by one transaction at a time, whoever writes, and read in order.

Each entry holds the hash of the one before. The next entry therefore needs the last one, and two writers must not see
the same: on SQLite a writing transaction has the only write lock, on PostgreSQL an advisory lock, held to the end of
the transaction, takes its place. Numbers are given inside the lock, so that a transaction that is rolled back leaves
no gap.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, text

from bot.audit.anchors import Anchors
from bot.audit.entries import GENESIS, AuditEntry, AuditEvent, canonical_details, digest, storable, utc_text
from bot.audit.key import AuditKey
from bot.audit.table import audit_entries
from bot.records.database import Database
from bot.settings import Settings

_LOCK = 0x6175646974
"""Any number that nobody else locks in our database."""
_PAGE = 2000
_TAKE_TURNS = text(f"SELECT pg_advisory_xact_lock({_LOCK})")
_LAST = select(audit_entries.c.seq, audit_entries.c.hash).order_by(audit_entries.c.seq.desc()).limit(1)
_ADD = insert(audit_entries)


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """The last entry: its number and hash; 0 and :data:`~bot.audit.entries.GENESIS` while there is none."""

    seq: int
    hash: str


class AuditLog:
    """The audit log in SQL. Methods raise :class:`~bot.errors.Unavailable` when the database does not answer."""

    def __init__(
        self, database: Database, key: AuditKey, anchors: Anchors, clock: Callable[[], float] = time.time
    ) -> None:
        self.key = key
        self.anchors = anchors
        self.database = database
        self._clock = clock

    @classmethod
    def from_settings(cls, settings: Settings, database: Database) -> "AuditLog":
        """The log of this installation. Raises :class:`~bot.errors.ConfigError` when it has no usable key."""
        return cls(database, AuditKey.from_settings(settings), Anchors(settings.audit_anchors_path))

    def append(self, event: AuditEvent) -> AuditEntry:
        """Write ``event`` down; it is there when this returns."""
        return self.append_many([event])[0]

    def append_many(self, events: Sequence[AuditEvent]) -> list[AuditEntry]:
        """Write ``events`` down, in order and together."""
        with self.database.write() as connection:
            return self.append_within(connection, events)

    def append_within(self, connection: Connection, events: Sequence[AuditEvent]) -> list[AuditEntry]:
        """Write ``events`` down with what else the transaction of ``connection`` does: both are there, or neither.

        ``connection`` is one of :meth:`Database.write() <bot.records.database.Database.write>`. Call this last in the
        transaction: everybody else who appends waits until it ends.
        """
        if not events:
            return []
        if connection.dialect.name == "postgresql":
            connection.execute(_TAKE_TURNS)
        head, at = self.head_within(connection), utc_text(self._clock())
        entries: list[AuditEntry] = []
        for event in events:
            head, entry = self._entry(head, at, event)
            entries.append(entry)
        connection.execute(_ADD, [entry.to_row() for entry in entries])
        return entries

    def _entry(self, head: Head, at: str, event: AuditEvent) -> tuple[Head, AuditEntry]:
        actor = self.key.pseudonym(event.tenant, event.person) if event.person is not None else storable(event.actor)
        seq, subject, details = head.seq + 1, storable(event.subject), canonical_details(event.details)
        action = event.action.value
        new_hash = digest((seq, at, actor, event.tenant, event.bot, action, subject, details), head.hash)
        entry = AuditEntry(
            seq=seq,
            at=at,
            actor=actor,
            tenant=event.tenant,
            bot=event.bot,
            action=action,
            subject=subject,
            details=details,
            previous=head.hash,
            hash=new_hash,
            seal=self.key.seal(new_hash),
        )
        return Head(seq=seq, hash=new_hash), entry

    def head(self) -> Head:
        """The last entry."""
        with self.database.read() as connection:
            return self.head_within(connection)

    def head_within(self, connection: Connection) -> Head:
        """The last entry as the transaction of ``connection`` sees it."""
        row = connection.execute(_LAST).one_or_none()
        return Head(seq=0, hash=GENESIS) if row is None else Head(seq=row.seq, hash=row.hash)

    def entries(self, first: int = 1, last: int | None = None) -> Iterator[AuditEntry]:
        """The entries from number ``first`` to ``last``, both included, in order; to the end when ``last`` is ``None``.

        Read page by page, so that no transaction is open while the caller works.
        """
        seq = audit_entries.c.seq
        while True:
            query = select(audit_entries).where(seq >= first).order_by(seq).limit(_PAGE)
            if last is not None:
                query = query.where(seq <= last)
            with self.database.read() as connection:
                page = [AuditEntry(**row._mapping) for row in connection.execute(query)]
            yield from page
            if len(page) < _PAGE:
                return
            first = page[-1].seq + 1

    def newest(self, limit: int, *, action: str = "", actor: str = "") -> list[AuditEntry]:
        """The last ``limit`` entries, oldest first; only those of ``action`` and of ``actor`` where they are given."""
        query = select(audit_entries).order_by(audit_entries.c.seq.desc()).limit(limit)
        if action:
            query = query.where(audit_entries.c.action == action)
        if actor:
            query = query.where(audit_entries.c.actor == actor)
        with self.database.read() as connection:
            return [AuditEntry(**row._mapping) for row in connection.execute(query)][::-1]

    def between(self, begin: str, end: str) -> tuple[int, int]:
        """The numbers of the first and the last entry from the time ``begin`` on and before ``end``, as
        :attr:`AuditEntry.at`; the first is greater than the last when there are none.

        Clocks are set back sometimes: all entries between the two belong to it.
        """
        at, seq = audit_entries.c.at, audit_entries.c.seq
        query = select(func.min(seq), func.max(seq)).where(at >= begin, at < end)
        with self.database.read() as connection:
            first, last = connection.execute(query).one()
        return (first, last) if first else (1, 0)

    def last_before(self, end: str) -> int:
        """The number up to which every entry is older than the time ``end``; that before the first when none is."""
        seq = audit_entries.c.seq
        with self.database.read() as connection:
            younger = connection.scalar(select(func.min(seq)).where(audit_entries.c.at >= end))
            return self.head_within(connection).seq if younger is None else int(younger) - 1

    def anchor(self) -> None:
        """Write the head down outside the database, unless the last anchor says the same."""
        head = self.head()
        if head.seq:
            _reach_disk(self.database)
            self.anchors.write(head.seq, head.hash)

    def anchor_if_due(self) -> None:
        """The same, no more often than :data:`~bot.audit.anchors.ANCHOR_EVERY_S`."""
        if self.anchors.due():
            self.anchor()


def _reach_disk(database: Database) -> None:
    """What is committed survives a power cut from now on. SQLite otherwise sees to that only when it empties its
    write-ahead log; an anchor of entries that are gone after a power cut would look like a crime."""
    if database.engine.dialect.name != "sqlite":
        return
    try:
        descriptor = os.open(f"{database.engine.url.database}-wal", os.O_RDONLY)
    except FileNotFoundError:  # emptied and removed
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
