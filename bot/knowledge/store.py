"""The truth about knowledge, in SQL: documents, their versions with approvals, and the entries of each version.

A document is known by tenant, collection and source name. Each change of its content is a new version: a **draft**
until somebody approves it, **approved** while it answers, **withdrawn** afterwards. A document has at most one draft
and one approved version, so a draft never takes the approved version out of service. Entries never change; versions
share those that are equal, and nothing is deleted, so that the sources of an old answer can still be shown.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from bot.audit.entries import Action, AuditEvent
from bot.audit.log import AuditLog
from bot.errors import Unavailable
from bot.knowledge.entries import Audience, Entry, EntryKind
from bot.knowledge.origin import Origin
from bot.knowledge.tables import documents, entries, version_entries, versions
from bot.records.database import Database

_PAGE = 500
"""Rows a statement: below every database's limit on bound values, and one short transaction."""


class Status(StrEnum):
    """Where a version stands: waiting for approval, answering, or out of service."""

    DRAFT = "draft"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"


class Change(StrEnum):
    """What storing a document did. ``APPROVED``: its waiting draft, unchanged, was approved."""

    ADDED = "added"
    CHANGED = "changed"
    APPROVED = "approved"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """A document as it was read: where from, its title, the SHA-256 of its file and its entries in order."""

    origin: Origin
    title: str
    content_hash: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """What storing a document came to.

    ``status`` is that of the version that holds this content now; ``entries`` how many it has, of which ``added`` were
    not in the version before, which had ``removed`` others.
    """

    change: Change
    status: Status
    entries: int
    added: int
    removed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """One version of a document, for people: what it is, who brought, approved and withdrew it, and when.

    Times are epoch seconds; a time and its actor are ``None`` where that has not happened.
    """

    source: str
    number: int
    status: Status
    audience: Audience
    title: str
    content_hash: str
    entries: int
    ingested_at: float
    ingested_by: str
    approved_at: float | None
    approved_by: str | None
    withdrawn_at: float | None
    withdrawn_by: str | None


class KnowledgeStore:
    """Documents and entries in the database. Every method is one or more short transactions.

    What :meth:`put` and :meth:`withdraw` change is written into ``audit`` in the same transaction; who only reads needs
    none. Raises :class:`~bot.errors.Unavailable` when the database does not answer.
    """

    def __init__(self, database: Database, audit: AuditLog | None = None) -> None:
        self._database = database
        self._audit = audit

    def put(self, submission: Submission, *, approve: bool, actor: str, now: float) -> Stored:
        """Store a document: nothing when it is unchanged, else a new version. ``now`` is epoch seconds.

        With ``approve`` the version answers from now on in place of the one before, otherwise it waits as a draft in
        place of an earlier draft. A document that is equal to its approved version is unchanged either way.
        """
        wanted = {entry.id: entry for entry in submission.entries}
        origin = submission.origin
        name = (origin.tenant, origin.collection, origin.source)
        with self._database.write() as connection:
            ledger = _Ledger(connection, _lock_document(connection, origin), actor, now)
            live, draft = ledger.held(Status.APPROVED), ledger.held(Status.DRAFT)
            same = next((held for held in (live, draft) if held and held.entry_ids == list(wanted)), None)
            newest = same or draft or live
            before = set(newest.entry_ids) if newest else set()
            counts = {
                "entries": len(wanted),
                "added": len(wanted.keys() - before),
                "removed": len(before - wanted.keys()),
            }
            if same and same is live:
                ledger.withdraw(draft)
                if draft:
                    self._report(connection, _event(Action.WITHDRAWAL, name, actor, {"draft": True}))
                return Stored(change=Change.UNCHANGED, status=Status.APPROVED, **counts)
            if same and not approve:
                return Stored(change=Change.UNCHANGED, status=Status.DRAFT, **counts)
            if not same:
                ledger.withdraw(draft)
                same = ledger.add(submission, wanted)
                change = Change.CHANGED if newest else Change.ADDED
            else:
                change = Change.APPROVED
            if approve:
                ledger.withdraw(live)
                ledger.approve(same)
            action = Action.APPROVAL if approve else Action.DRAFT
            details = {"change": change, "content": submission.content_hash, "audience": origin.audience, **counts}
            self._report(connection, _event(action, name, actor, details))
        return Stored(change=change, status=Status.APPROVED if approve else Status.DRAFT, **counts)

    def approve(self, tenant: str, collection: str, source: str, *, version: int, actor: str, now: float) -> bool:
        """Let a document's waiting draft answer in place of the version before; ``False`` when the draft that waits, if
        any, is not that ``version``."""
        with self._database.write() as connection:
            document = _find_document(connection, tenant, collection, source)
            ledger = None if document is None else _Ledger(connection, document, actor, now)
            draft = ledger.held(Status.DRAFT) if ledger else None
            if ledger is None or draft is None or draft.id != version:
                return False
            ledger.withdraw(ledger.held(Status.APPROVED))
            ledger.approve(draft)
            details = {"change": Change.APPROVED, "entries": len(draft.entry_ids)}
            self._report(connection, _event(Action.APPROVAL, (tenant, collection, source), actor, details))
        return True

    def withdraw(self, tenant: str, collection: str, source: str, *, actor: str, now: float) -> bool:
        """Take a document out of service, its draft too; ``False`` when there was nothing to take."""
        with self._database.write() as connection:
            document = _find_document(connection, tenant, collection, source)
            if document is None:
                return False
            ledger = _Ledger(connection, document, actor, now)
            held = [ledger.held(status) for status in (Status.APPROVED, Status.DRAFT)]
            for version in held:
                ledger.withdraw(version)
            if any(held):
                name = (tenant, collection, source)
                self._report(connection, _event(Action.WITHDRAWAL, name, actor, {"draft": not held[0]}))
        return any(held)

    def collections(self) -> list[tuple[str, str]]:
        """Every (tenant, collection) that has or had a document."""
        query = select(documents.c.tenant, documents.c.collection).distinct().order_by("tenant", "collection")
        with self._database.read() as connection:
            return [(row.tenant, row.collection) for row in connection.execute(query)]

    def versions(self, tenant: str, collection: str) -> list[Version]:
        """Every version of every document of a collection, by source and number: its history."""
        fields = [documents.c.source, *(versions.c[name] for name in Version.__slots__ if name != "source")]
        query = (
            select(*fields)
            .join_from(versions, documents)
            .where(documents.c.tenant == tenant, documents.c.collection == collection)
            .order_by(documents.c.source, versions.c.number)
        )
        with self._database.read() as connection:
            return [
                Version(**{**row._mapping, "status": Status(row.status), "audience": Audience(row.audience)})
                for row in connection.execute(query)
            ]

    def approved_ids(self, tenant: str, collection: str) -> set[str]:
        """The ids of all entries that may answer, whatever their dates."""
        with self._database.read() as connection:
            return set(connection.scalars(_approved(select(entries.c.id), tenant, collection)))

    def changes(self, tenant: str, collections: Collection[str]) -> dict[str, int]:
        """How often something was approved or withdrawn in each of ``collections``; one without documents is left out.

        The number only grows, in the transaction of the change itself: while it stays, what may answer stays.
        """
        made = (func.count(versions.c.approved_at) + func.count(versions.c.withdrawn_at)).label("made")
        query = (
            select(documents.c.collection, made)
            .join_from(versions, documents)
            .where(documents.c.tenant == tenant, documents.c.collection.in_(collections))
            .group_by(documents.c.collection)
        )
        with self._database.read() as connection:
            return {row.collection: row.made for row in connection.execute(query)}

    def approved_numbers(self, tenant: str, collection: str) -> list[tuple[str, str, str]]:
        """Of what may answer, whatever its dates, every source with each audience and approval number in it."""
        columns = (documents.c.source, entries.c.audience, entries.c.approval_number)
        query = _approved(select(*columns).select_from(entries), tenant, collection).distinct().order_by(*columns)
        with self._database.read() as connection:
            return [(row.source, row.audience, row.approval_number) for row in connection.execute(query)]

    def approved_times(self, tenant: str, collection: str) -> dict[str, tuple[float, float]]:
        """Of all entries that may answer the id, and from when and until when they do."""
        query = _approved(select(entries.c.id, entries.c.valid_from, entries.c.valid_to), tenant, collection)
        with self._database.read() as connection:
            return {id_: (valid_from, valid_to) for id_, valid_from, valid_to in connection.execute(query)}

    def approved_entries(self, tenant: str, collection: str, ids: Collection[str] | None = None) -> Iterator[Entry]:
        """The entries that may answer, whatever their dates, in the order of their ids; only those of ``ids`` if given.

        Read page by page, so that no transaction is open while the caller works on an entry.
        """
        query = _approved(select(entries), tenant, collection)
        if ids is not None:
            wanted = sorted(ids)
            for start in range(0, len(wanted), _PAGE):
                yield from self._page(query.where(entries.c.id.in_(wanted[start : start + _PAGE])))
            return
        last = ""
        while page := self._page(query.where(entries.c.id > last).limit(_PAGE)):
            yield from page
            last = page[-1].id

    def _report(self, connection: Connection, event: AuditEvent) -> None:
        if self._audit:
            self._audit.append_within(connection, [event])

    def _page(self, query: Select[Any]) -> list[Entry]:
        with self._database.read() as connection:
            return [_entry(row) for row in connection.execute(query.order_by(entries.c.id))]


def _event(action: Action, document: tuple[str, str, str], actor: str, details: Mapping[str, Any]) -> AuditEvent:
    """Something done to the document of that tenant, collection and source."""
    tenant, collection, source = document
    subject = f"document:{collection}/{source}"
    return AuditEvent(action=action, subject=subject, actor=actor, tenant=tenant, details=details)


def _approved(query: Select[Any], tenant: str, collection: str) -> Select[Any]:
    return (
        query.join(version_entries, version_entries.c.entry_id == entries.c.id)
        .join(versions, versions.c.id == version_entries.c.version_id)
        .join(documents, documents.c.id == versions.c.document_id)
        .where(
            versions.c.status == Status.APPROVED,
            documents.c.tenant == tenant,
            documents.c.collection == collection,
        )
    )


def _find_document(connection: Connection, tenant: str, collection: str, source: str) -> int | None:
    """The document's id; its row stays locked until the transaction ends, so that two ingests take turns."""
    query = select(documents.c.id).where(
        documents.c.tenant == tenant, documents.c.collection == collection, documents.c.source == source
    )
    return connection.scalar(query.with_for_update())


def _lock_document(connection: Connection, origin: Origin) -> int:
    """The same, adding the document when it is new."""
    name = (origin.tenant, origin.collection, origin.source)
    found = _find_document(connection, *name)
    if found is None:
        # Another process may add it in this very moment (not on SQLite, which has one writer): then that one counts.
        with suppress(IntegrityError), connection.begin_nested():
            connection.execute(insert(documents).values(tenant=name[0], collection=name[1], source=name[2]))
        found = _find_document(connection, *name)
    if found is None:
        raise Unavailable(f"the database did not take the document {origin.source}")
    return found


@dataclass(frozen=True, slots=True)
class _Held:
    """A version that is a draft or approved, with its entries in order."""

    id: int
    entry_ids: list[str]


class _Ledger:
    """The versions of one document, written by one actor inside one transaction."""

    def __init__(self, connection: Connection, document: int, actor: str, now: float) -> None:
        self._connection = connection
        self._document = document
        self._actor = actor
        self._now = now

    def held(self, status: Status) -> _Held | None:
        """The document's version in this status."""
        query = select(versions.c.id).where(versions.c.document_id == self._document, versions.c.status == status)
        version = self._connection.scalar(query)
        if version is None:
            return None
        members = select(version_entries.c.entry_id).where(version_entries.c.version_id == version)
        return _Held(version, list(self._connection.scalars(members.order_by(version_entries.c.position))))

    def withdraw(self, held: _Held | None) -> None:
        """Take a version out of service, where there is one."""
        if held:
            self._update(held, status=Status.WITHDRAWN, withdrawn_at=self._now, withdrawn_by=self._actor)

    def approve(self, held: _Held) -> None:
        """Put a version into service; the one before must be withdrawn already."""
        self._update(held, status=Status.APPROVED, approved_at=self._now, approved_by=self._actor)

    def add(self, submission: Submission, wanted: dict[str, Entry]) -> _Held:
        """A new draft with the entries ``wanted``, those that other versions have already shared with them."""
        of_document = versions.c.document_id == self._document
        last = self._connection.scalar(select(func.max(versions.c.number)).where(of_document)) or 0
        new = insert(versions).values(
            document_id=self._document,
            number=last + 1,
            status=Status.DRAFT,
            audience=submission.origin.audience,
            title=submission.title,
            content_hash=submission.content_hash,
            entries=len(wanted),
            ingested_at=self._now,
            ingested_by=self._actor,
        )
        version = self._connection.execute(new.returning(versions.c.id)).scalar_one()
        ids = list(wanted)
        for start in range(0, len(ids), _PAGE):
            page = ids[start : start + _PAGE]
            known = set(self._connection.scalars(select(entries.c.id).where(entries.c.id.in_(page))))
            fresh = [_row(wanted[entry_id]) for entry_id in page if entry_id not in known]
            if fresh:
                self._connection.execute(insert(entries), fresh)
            places = enumerate(page, start=start)
            members = [{"version_id": version, "entry_id": entry_id, "position": n} for n, entry_id in places]
            self._connection.execute(insert(version_entries), members)
        return _Held(version, ids)

    def _update(self, held: _Held, **values: object) -> None:
        self._connection.execute(update(versions).where(versions.c.id == held.id).values(**values))


def _row(entry: Entry) -> dict[str, object]:
    return {**asdict(entry), "questions": list(entry.questions)}


def _entry(row: Row[Any]) -> Entry:
    fields = dict(row._mapping)
    fields["kind"] = EntryKind(fields["kind"])
    fields["audience"] = Audience(fields["audience"])
    fields["questions"] = tuple(fields["questions"])
    return Entry(**fields)
