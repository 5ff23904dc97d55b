"""The versions of one document, written inside one transaction that holds the document.

Whoever changes a version locks the row of its document first (:func:`lock_document`, :func:`find_document`), so that
two who bring, approve or withdraw the same document take turns, and each sees what the other has done.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, insert, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from bot.errors import Unavailable
from bot.knowledge.entries import Audience, Entry, EntryKind
from bot.knowledge.origin import Origin
from bot.knowledge.tables import changes, documents, entries, version_entries, versions
from bot.knowledge.versions import Status, Submission

PAGE = 500
"""Rows a statement: below every database's limit on bound values."""


def find_document(connection: Connection, tenant: str, collection: str, source: str) -> int | None:
    """The document's number; its row stays locked until the transaction ends."""
    query = select(documents.c.id).where(
        documents.c.tenant == tenant, documents.c.collection == collection, documents.c.source == source
    )
    return connection.scalar(query.with_for_update())


def lock_document(connection: Connection, origin: Origin) -> int:
    """The same, adding the document when it is new."""
    name = (origin.tenant, origin.collection, origin.source)
    found = find_document(connection, *name)
    if found is None:
        # Another process may add it in this very moment (not on SQLite, which has one writer): then that one counts.
        with suppress(IntegrityError), connection.begin_nested():
            connection.execute(insert(documents).values(tenant=name[0], collection=name[1], source=name[2]))
        found = find_document(connection, *name)
    if found is None:
        raise Unavailable(f"the database did not take the document {origin.source}")
    return found


@dataclass(frozen=True, slots=True)
class Held:
    """A version that waits or answers, who brought it, the bots that alone may answer from it, and its entries in
    order."""

    id: int
    number: int
    status: Status
    brought_by: str
    bots: tuple[str, ...]
    entry_ids: list[str]

    def is_for(self, bot: str) -> bool:
        """Whether the bot with this id may answer from it."""
        return not self.bots or bot in self.bots


class Ledger:
    """The versions of one document, whose row is locked, written by one actor. ``now`` is epoch seconds."""

    def __init__(self, connection: Connection, document: int, actor: str, now: float) -> None:
        self.document = document
        self._connection = connection
        self._actor = actor
        self._now = now

    def held(self, *statuses: Status) -> Held | None:
        """The document's version in one of these statuses, of which it has at most one."""
        query = select(versions).where(versions.c.document_id == self.document, versions.c.status.in_(statuses))
        row = self._connection.execute(query).one_or_none()
        if row is None:
            return None
        entry_ids = self._members(row.id)
        return Held(row.id, row.number, Status(row.status), row.ingested_by, tuple(row.bots), entry_ids)

    def submit(self, held: Held) -> None:
        """Offer a version for approval."""
        self._update(held, status=Status.IN_REVIEW, submitted_at=self._now, submitted_by=self._actor)

    def send_back(self, held: Held, because: str) -> None:
        """Give a version back to its author."""
        values = {"returned_at": self._now, "returned_by": self._actor, "returned_because": because}
        self._update(held, status=Status.DRAFT, **values)

    def approve(self, held: Held) -> None:
        """Put a version into service; the one before must be withdrawn already."""
        self._update(held, status=Status.APPROVED, approved_at=self._now, approved_by=self._actor)
        self._count_change()

    def withdraw(self, held: Held | None) -> None:
        """Take a version out of service, where there is one."""
        if held:
            self._update(held, status=Status.WITHDRAWN, withdrawn_at=self._now, withdrawn_by=self._actor)
            self._count_change()

    def taken_out(self, submission: Submission) -> int | None:
        """The id of a withdrawn version that was made of the same bytes, or holds the same entries."""
        mine = (versions.c.document_id == self.document) & (versions.c.status == Status.WITHDRAWN)
        found = select(versions.c.id, versions.c.content_hash).where(mine).order_by(versions.c.number.desc())
        rows = self._connection.execute(found).all()
        same = next((row.id for row in rows if row.content_hash == submission.content_hash), None)
        if same is None and rows and self._members(rows[0].id) == [entry.id for entry in submission.entries]:
            same = rows[0].id
        return same

    def made_of(self, held: Held, submission: Submission) -> None:
        """Remember that a version came out of this file too, so that it need not be read again."""
        self._update(held, content_hash=submission.content_hash, made_with=submission.made_with)

    def add(self, submission: Submission, wanted: Mapping[str, Entry]) -> Held:
        """A new draft with the entries ``wanted``, those that other versions have already shared with them."""
        of_document = versions.c.document_id == self.document
        last = self._connection.scalar(select(func.max(versions.c.number)).where(of_document)) or 0
        new = insert(versions).values(
            document_id=self.document,
            number=last + 1,
            status=Status.DRAFT,
            audience=submission.origin.audience,
            bots=list(submission.origin.bots),
            title=submission.title,
            content_hash=submission.content_hash,
            made_with=submission.made_with,
            entries=len(wanted),
            ingested_at=self._now,
            ingested_by=self._actor,
        )
        version = self._connection.execute(new.returning(versions.c.id)).scalar_one()
        ids = list(wanted)
        for start in range(0, len(ids), PAGE):
            self._add_entries(version, ids[start : start + PAGE], wanted, start)
        return Held(version, last + 1, Status.DRAFT, self._actor, submission.origin.bots, ids)

    def _add_entries(self, version: int, ids: list[str], wanted: Mapping[str, Entry], start: int) -> None:
        known = set(self._connection.scalars(select(entries.c.id).where(entries.c.id.in_(ids))))
        fresh = [_row(wanted[entry_id]) for entry_id in ids if entry_id not in known]
        if fresh:
            self._connection.execute(insert(entries), fresh)
        places = enumerate(ids, start=start)
        members = [{"version_id": version, "entry_id": entry_id, "position": n} for n, entry_id in places]
        self._connection.execute(insert(version_entries), members)

    def _members(self, version: int) -> list[str]:
        """The ids of a version's entries in their order."""
        members = select(version_entries.c.entry_id).where(version_entries.c.version_id == version)
        return list(self._connection.scalars(members.order_by(version_entries.c.position)))

    def _count_change(self) -> None:
        """In the transaction of the change itself, so that nobody sees the one without the other."""
        upsert = postgresql.insert if self._connection.dialect.name == "postgresql" else sqlite.insert
        place = select(documents.c.tenant, documents.c.collection, literal(1)).where(documents.c.id == self.document)
        more = upsert(changes).from_select(["tenant", "collection", "made"], place)
        key = ["tenant", "collection"]
        self._connection.execute(more.on_conflict_do_update(index_elements=key, set_={"made": changes.c.made + 1}))

    def _update(self, held: Held, **values: object) -> None:
        self._connection.execute(update(versions).where(versions.c.id == held.id).values(**values))


def entries_of(rows: Iterable[Row[Any]]) -> list[Entry]:
    """The entries in rows of the table."""
    return [_entry(dict(row._mapping)) for row in rows]


def _row(entry: Entry) -> dict[str, object]:
    return {
        **asdict(entry),
        "questions": list(entry.questions),
        "bots": list(entry.bots),
        "figures": list(entry.figures),
    }


def _entry(fields: dict[str, Any]) -> Entry:
    fields["kind"] = EntryKind(fields["kind"])
    fields["audience"] = Audience(fields["audience"])
    fields["questions"] = tuple(fields["questions"])
    fields["bots"] = tuple(fields["bots"])
    fields["figures"] = tuple(fields["figures"])
    return Entry(**fields)
