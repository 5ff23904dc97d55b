"""The truth about knowledge, in SQL: documents, their versions with approvals, and the entries of each version.

A document is known by tenant, collection and source name. Each change of its content is a new version: a **draft**,
**in review** once it is offered, **approved** while it answers, **withdrawn** afterwards
(:class:`~bot.knowledge.versions.Status`). A document has at most one version that waits and one that answers, so a
draft never takes the approved version out of service. Entries never change; versions share those that are equal, and
nothing is deleted, so that the sources of an old answer can still be shown.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Select, select

from bot.audit.entries import Action, AuditEvent
from bot.audit.log import AuditLog
from bot.errors import InputError
from bot.knowledge.entries import Entry, EntryKind
from bot.knowledge.history import find_versions
from bot.knowledge.ledger import PAGE, Held, Ledger, entries_of, find_document, lock_document
from bot.knowledge.origin import Origin
from bot.knowledge.tables import changes, documents, entries, version_entries, versions
from bot.knowledge.versions import (
    WAITING,
    Change,
    FourEyes,
    OnePerson,
    Status,
    Stored,
    Submission,
    Version,
    one_name,
    two_eyes,
)
from bot.records.database import Database

Name = tuple[str, str, str]
"""A document's tenant, collection and source."""


class KnowledgeStore:
    """Documents and entries in the database. Every method is one or more short transactions.

    What is changed is written into ``audit`` in the same transaction; who only reads needs none. Where ``four_eyes``
    says so, nobody approves what they brought themselves, whichever way they come and, as far as ``one_person`` knows,
    under whichever name. Raises
    :class:`~bot.errors.Unavailable` when the database does not answer.
    """

    def __init__(
        self,
        database: Database,
        audit: AuditLog | None = None,
        four_eyes: FourEyes = two_eyes,
        one_person: OnePerson = one_name,
    ) -> None:
        self._database = database
        self._audit = audit
        self._four_eyes = four_eyes
        self._one_person = one_person

    def put(
        self,
        submission: Submission,
        *,
        approve: bool,
        actor: str,
        now: float,
        submit: bool = False,
        restore: bool = True,
    ) -> Stored:
        """Store a document: nothing when it is unchanged, else a new version. ``now`` is epoch seconds.

        With ``approve`` the version answers from now on in place of the one before; where that takes another person
        than ``actor`` it is in review instead. Otherwise it waits in place of an earlier one that waited: in review
        with ``submit``, else as a draft. A document that is equal to its approved version is unchanged either way.
        Without ``restore`` nothing is stored where the document was taken out of service and these are bytes of it.
        """
        wanted = {entry.id: entry for entry in submission.entries}
        origin = submission.origin
        name = (origin.tenant, origin.collection, origin.source)
        with self._database.write() as connection:
            ledger = Ledger(connection, lock_document(connection, origin), actor, now)
            live, waiting = ledger.held(Status.APPROVED), ledger.held(*WAITING)
            same = next((held for held in (live, waiting) if held and held.entry_ids == list(wanted)), None)
            newest = same or waiting or live
            counts = _counts(wanted, newest)
            if not restore and newest is None and (gone := ledger.taken_out(submission)) is not None:
                withdrawn = {"entries": len(wanted), "added": 0, "removed": 0}
                return Stored(change=Change.WITHDRAWN, version=gone, status=Status.WITHDRAWN, **withdrawn)
            if same:
                ledger.made_of(same, submission)
            if same and same is live:
                ledger.withdraw(waiting)
                if waiting:
                    self._report(connection, Action.WITHDRAWAL, name, actor, {"draft": True})
                return Stored(change=Change.UNCHANGED, version=same.id, status=Status.APPROVED, **counts)
            change = Change.UNCHANGED
            if not same:
                ledger.withdraw(waiting)
                same = ledger.add(submission, wanted)
                change = Change.CHANGED if newest else Change.ADDED
            status = self._moved(ledger, name, same, live, approve=approve, submit=submit, actor=actor)
            if status is Status.APPROVED and change is Change.UNCHANGED:
                change = Change.APPROVED
            if change is not Change.UNCHANGED or status is not same.status:
                details = {"change": change, "content": submission.content_hash, "audience": origin.audience, **counts}
                self._report(connection, _ACTIONS[status], name, actor, details)
        return Stored(change=change, version=same.id, status=status, **counts)

    def submit(self, tenant: str, collection: str, source: str, *, version: int, actor: str, now: float) -> bool:
        """Offer the draft with the id ``version`` for approval; ``False`` when it is no draft, or another one is."""
        name = (tenant, collection, source)
        with self._database.write() as connection:
            ledger, held = _held(connection, name, actor, now, Status.DRAFT)
            if ledger is None or held is None or held.id != version:
                return False
            ledger.submit(held)
            self._report(connection, Action.REVIEW, name, actor, {"status": Status.IN_REVIEW, "version": held.number})
        return True

    def send_back(
        self, tenant: str, collection: str, source: str, *, version: int, because: str, actor: str, now: float
    ) -> bool:
        """Give the version with the id ``version``, which is in review, back to its author; ``False`` when it is not in
        review, or another one is."""
        name = (tenant, collection, source)
        with self._database.write() as connection:
            ledger, held = _held(connection, name, actor, now, Status.IN_REVIEW)
            if ledger is None or held is None or held.id != version:
                return False
            ledger.send_back(held, because)
            self._report(connection, Action.REVIEW, name, actor, {"status": Status.DRAFT, "version": held.number})
        return True

    def approve(
        self, tenant: str, collection: str, source: str, *, version: int, status: Status, actor: str, now: float
    ) -> bool:
        """Let the version with the id ``version``, which waits as ``status``, answer in place of the one before;
        ``False`` when what waits, if anything, is not that.

        Raises :class:`~bot.errors.InputError` when it takes another person than ``actor``, or has not been offered for
        approval where that must be somebody else's.
        """
        name = (tenant, collection, source)
        with self._database.write() as connection:
            ledger, held = _held(connection, name, actor, now, status)
            if ledger is None or held is None or held.id != version:
                return False
            if self._four_eyes(tenant, collection):
                if self._one_person(tenant, held.brought_by, actor):
                    raise InputError("kb_four_eyes", number=ledger.document)
                if held.status is Status.DRAFT:
                    raise InputError("kb_not_submitted", number=ledger.document)
            ledger.withdraw(ledger.held(Status.APPROVED))
            ledger.approve(held)
            details = {"change": Change.APPROVED, "entries": len(held.entry_ids)}
            self._report(connection, Action.APPROVAL, name, actor, details)
        return True

    def withdraw(
        self,
        tenant: str,
        collection: str,
        source: str,
        *,
        actor: str,
        now: float,
        shown: Collection[int] | None = None,
        bot: str | None = None,
    ) -> bool:
        """Take a document out of service, what waits of it too; where ``bot`` is given, as far as that bot may answer
        from it. ``False`` when there was nothing to take, or other versions than those with the ids ``shown``, where
        these are given."""
        name = (tenant, collection, source)
        with self._database.write() as connection:
            ledger, live = _held(connection, name, actor, now, Status.APPROVED)
            if ledger is None:
                return False
            held = filter(None, (live, ledger.held(*WAITING)))
            taken = [one for one in held if bot is None or one.is_for(bot)]
            if shown is not None and {one.id for one in taken} != set(shown):
                return False
            for one in taken:
                ledger.withdraw(one)
            if taken:
                self._report(connection, Action.WITHDRAWAL, name, actor, {"draft": live not in taken})
        return bool(taken)

    def collections(self) -> list[tuple[str, str]]:
        """Every (tenant, collection) that has or had a document."""
        query = select(documents.c.tenant, documents.c.collection).distinct().order_by("tenant", "collection")
        with self._database.read() as connection:
            return [(row.tenant, row.collection) for row in connection.execute(query)]

    def versions(self, tenant: str, collection: str, source: str | None = None) -> list[Version]:
        """Every version of every document of a collection, or of the one called ``source``, by source and number: its
        history."""
        place = [documents.c.tenant == tenant, documents.c.collection == collection]
        if source is not None:
            place.append(documents.c.source == source)
        with self._database.read() as connection:
            return find_versions(connection, *place)

    def answers(self, origin: Origin) -> bool:
        """Whether a version of the document of ``origin`` answers."""
        name = (origin.tenant, origin.collection, origin.source)
        columns = (documents.c.tenant, documents.c.collection, documents.c.source)
        of_it = (column == value for column, value in zip(columns, name, strict=True))
        query = select(versions.c.id).join(documents, documents.c.id == versions.c.document_id)
        with self._database.read() as connection:
            return connection.execute(query.where(*of_it, versions.c.status == Status.APPROVED)).first() is not None

    def same_file(self, origin: Origin, content_hash: str, made_with: str) -> Submission | None:
        """What was made of the same bytes of the same document with the same; the newest, if anything."""
        query = (
            select(versions.c.id, versions.c.title)
            .join(documents, documents.c.id == versions.c.document_id)
            .where(
                documents.c.tenant == origin.tenant,
                documents.c.collection == origin.collection,
                documents.c.source == origin.source,
                versions.c.content_hash == content_hash,
                versions.c.made_with == made_with,
            )
            .order_by(versions.c.number.desc())
        )
        with self._database.read() as connection:
            found = connection.execute(query.limit(1)).first()
        if found is None:
            return None
        made = tuple(self.contents(found.id))
        return Submission(
            origin=origin, title=found.title, content_hash=content_hash, entries=made, made_with=made_with
        )

    def contents(self, version: int) -> list[Entry]:
        """The entries of the version with the id ``version``, in their order."""
        query = (
            select(entries)
            .join(version_entries, version_entries.c.entry_id == entries.c.id)
            .where(version_entries.c.version_id == version)
            .order_by(version_entries.c.position)
        )
        with self._database.read() as connection:
            return entries_of(connection.execute(query))

    def approved_ids(self, tenant: str, collection: str) -> set[str]:
        """The ids of all entries that may answer, whatever their dates."""
        with self._database.read() as connection:
            return set(connection.scalars(_approved(select(entries.c.id), tenant, collection)))

    def standing(self, ids: Collection[str], now: float | None = None) -> set[str]:
        """Those of ``ids`` that are approved and, where ``now`` is given, valid at that epoch second."""
        query = _serving(select(entries.c.id)).where(entries.c.id.in_(ids))
        if now is not None:
            query = query.where(entries.c.valid_from <= now, entries.c.valid_to > now)
        with self._database.read() as connection:
            return set(connection.scalars(query))

    def spans(self, ids: Collection[str]) -> dict[str, tuple[float, float]]:
        """Of those of ``ids`` that are approved, from when and until when they may answer."""
        query = select(entries.c.id, entries.c.valid_from, entries.c.valid_to)
        with self._database.read() as connection:
            rows = connection.execute(_serving(query).where(entries.c.id.in_(ids)))
            return {id_: (valid_from, valid_to) for id_, valid_from, valid_to in rows}

    def changes(self, tenant: str, collections: Collection[str]) -> dict[str, int]:
        """How often something was approved or withdrawn in each of ``collections``; one where nothing ever was is left
        out.

        The number only grows, in the transaction of the change itself: while it stays, what may answer stays.
        """
        counted = self.all_changes()
        return {name: counted[tenant, name] for name in collections if (tenant, name) in counted}

    def all_changes(self) -> dict[tuple[str, str], int]:
        """The same of all tenants and collections."""
        with self._database.read() as connection:
            rows = connection.execute(select(changes.c.tenant, changes.c.collection, changes.c.made))
            return {(tenant, collection): made for tenant, collection, made in rows}

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

    def approved_rows(self, tenant: str, collection: str) -> list[Entry]:
        """The entries of look-up tables that may answer, whatever their dates."""
        return self._page(_approved(select(entries), tenant, collection).where(entries.c.kind == EntryKind.ROW))

    def approved_entries(self, tenant: str, collection: str, ids: Collection[str] | None = None) -> Iterator[Entry]:
        """The entries that may answer, whatever their dates, in the order of their ids; only those of ``ids`` if given.

        Read page by page, so that no transaction is open while the caller works on an entry.
        """
        query = _approved(select(entries), tenant, collection)
        if ids is not None:
            wanted = sorted(ids)
            for start in range(0, len(wanted), PAGE):
                yield from self._page(query.where(entries.c.id.in_(wanted[start : start + PAGE])))
            return
        last = ""
        while page := self._page(query.where(entries.c.id > last).limit(PAGE)):
            yield from page
            last = page[-1].id

    def _moved(
        self,
        ledger: Ledger,
        name: Name,
        version: Held,
        live: Held | None,
        *,
        approve: bool,
        submit: bool,
        actor: str,
    ) -> Status:
        """Move a version that waits as far as is wished and ``actor`` may; where it stands then."""
        own = self._one_person(name[0], version.brought_by, actor)
        if approve and not (own and self._four_eyes(*name[:2])):
            ledger.withdraw(live)
            ledger.approve(version)
            return Status.APPROVED
        if (approve or submit) and version.status is Status.DRAFT:
            ledger.submit(version)
            return Status.IN_REVIEW
        return version.status

    def _report(
        self, connection: Connection, action: Action, name: Name, actor: str, details: Mapping[str, Any]
    ) -> None:
        """Write down what was done to a document."""
        if self._audit:
            tenant, collection, source = name
            subject = f"document:{collection}/{source}"
            event = AuditEvent(action=action, subject=subject, actor=actor, tenant=tenant, details=details)
            self._audit.append_within(connection, [event])

    def _page(self, query: Select[Any]) -> list[Entry]:
        with self._database.read() as connection:
            return entries_of(connection.execute(query.order_by(entries.c.id)))


_ACTIONS = {Status.DRAFT: Action.DRAFT, Status.IN_REVIEW: Action.REVIEW, Status.APPROVED: Action.APPROVAL}


def _counts(wanted: Collection[str], newest: Held | None) -> dict[str, int]:
    """How many entries there are, and how many are new and gone."""
    before = set(newest.entry_ids) if newest else set()
    now = set(wanted)
    return {"entries": len(now), "added": len(now - before), "removed": len(before - now)}


def _held(
    connection: Connection, name: Name, actor: str, now: float, status: Status
) -> tuple[Ledger | None, Held | None]:
    """The document's ledger, where there is the document, and its version in ``status``."""
    document = find_document(connection, *name)
    if document is None:
        return None, None
    ledger = Ledger(connection, document, actor, now)
    return ledger, ledger.held(status)


def _serving(query: Select[Any]) -> Select[Any]:
    """``query`` over entries, of those alone that approved versions hold."""
    return (
        query.join(version_entries, version_entries.c.entry_id == entries.c.id)
        .join(versions, versions.c.id == version_entries.c.version_id)
        .where(versions.c.status == Status.APPROVED)
    )


def _approved(query: Select[Any], tenant: str, collection: str) -> Select[Any]:
    return (
        _serving(query)
        .join(documents, documents.c.id == versions.c.document_id)
        .where(documents.c.tenant == tenant, documents.c.collection == collection)
    )
