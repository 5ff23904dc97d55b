"""Knowledge as people look after it from a chat: what waits for approval, what answers, and small additions.

A document is known to people by a number, which stays its own for ever.
"""

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, func, select

from bot.errors import InputError
from bot.knowledge.approval import unfit_numbers
from bot.knowledge.chunk import passages
from bot.knowledge.entries import Audience, Entry, EntryKind
from bot.knowledge.loaders import load_plain_text
from bot.knowledge.origin import Origin, make_entry
from bot.knowledge.store import KnowledgeStore, Status, Submission
from bot.knowledge.tables import documents, entries, version_entries, versions
from bot.records.database import Database
from bot.safety.conduct import ApprovalNumber

MOST_ENTRIES = 200
"""Of a document that may be approved from a chat: embedding takes a fifth of a second an entry, and somebody waits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Paper:
    """A version of a document that waits for approval (``draft``) or answers; ``number`` is the document's, ``version``
    that of the row that holds the version."""

    number: int
    version: int
    collection: str
    source: str
    title: str
    audience: Audience
    entries: int
    draft: bool
    brought_by: str


class Review:
    """The documents of all tenants. ``sync(tenant, collection)`` brings the index to what is approved;
    ``rules(tenant, collection)`` says what is asked of approval numbers there.

    Methods raise :class:`~bot.errors.Unavailable` when the database does not answer.
    """

    def __init__(
        self,
        database: Database,
        store: KnowledgeStore,
        sync: Callable[[str, str], object],
        rules: Callable[[str, str], Collection[ApprovalNumber]],
    ) -> None:
        self._database = database
        self._store = store
        self._sync = sync
        self._rules = rules

    def waiting(self, tenant: str, collections: Collection[str]) -> list[Paper]:
        """The drafts in ``collections``, those that have waited longest first."""
        return self._papers(tenant, collections, versions.c.status == Status.DRAFT)

    def find(self, tenant: str, collections: Collection[str], number: int) -> list[Paper]:
        """The draft and the approved version of document ``number``; nothing for another tenant's or collection's."""
        held = versions.c.status.in_((Status.DRAFT, Status.APPROVED))
        return self._papers(tenant, collections, held & (documents.c.id == number))

    def approved_as(self, tenant: str, collections: Collection[str], number: str) -> list[Paper]:
        """The drafts and approved versions with material of the approval number ``number``, however it is spelt."""
        numbered = (
            select(version_entries.c.version_id)
            .join(entries, version_entries.c.entry_id == entries.c.id)
            .where(func.lower(entries.c.approval_number) == number.lower(), entries.c.approval_number != "")
        )
        return self._papers(tenant, collections, versions.c.id.in_(numbered))

    def approval_numbers(self, paper: Paper) -> tuple[str, ...]:
        """Those of what stands in ``paper``; an empty one where something has none."""
        query = self._entries_of(paper, entries.c.approval_number).distinct().order_by(entries.c.approval_number)
        with self._database.read() as connection:
            return tuple(connection.scalars(query))

    def numbers(self, tenant: str, found: Sequence[Entry]) -> dict[tuple[str, str], int]:
        """The numbers of the documents that ``found`` are of, by collection and source."""
        sources = {entry.source for entry in found}
        query = select(documents).where(documents.c.tenant == tenant, documents.c.source.in_(sources))
        with self._database.read() as connection:
            return {(row.collection, row.source): row.id for row in connection.execute(query)}

    def opening(self, paper: Paper) -> str:
        """The first words of ``paper``."""
        query = self._entries_of(paper, entries.c.text).order_by(version_entries.c.position)
        with self._database.read() as connection:
            return connection.scalar(query.limit(1)) or ""

    def submit_faq(self, origin: Origin, question: str, answer: str, *, actor: str, now: float) -> Paper:
        """Let ``answer`` to ``question`` wait for approval, in a document of its own."""
        title = " ".join(question.split())
        entry = make_entry(origin, kind=EntryKind.FAQ, title=title, questions=(title,), text=answer, location="")
        return self._submit(_submission(origin, title, answer, (entry,)), actor, now)

    def submit_text(self, origin: Origin, title: str, text: str, *, actor: str, now: float) -> Paper:
        """Let a short document wait for approval."""
        document = load_plain_text(text, name=title)
        return self._submit(_submission(origin, title, text, tuple(passages(document, origin))), actor, now)

    def approve(self, tenant: str, paper: Paper, *, actor: str, now: float) -> None:
        """Let ``paper``, a draft, answer from now on.

        Raises :class:`~bot.errors.InputError` when it is too large for that, does not carry the approval number that
        is asked for, or does not wait any more.
        """
        if paper.entries > MOST_ENTRIES:
            raise InputError("kb_too_large", number=paper.number, entries=paper.entries, limit=MOST_ENTRIES)
        material = ((paper.audience, number) for number in self.approval_numbers(paper))
        if unfit := unfit_numbers(material, self._rules(tenant, paper.collection)):
            raise InputError("kb_approval_number", number=paper.number, found="、".join(one or "–" for one in unfit))
        name = (tenant, paper.collection, paper.source)
        if not self._store.approve(*name, version=paper.version, actor=actor, now=now):
            raise InputError("kb_not_waiting", number=paper.number)
        self._sync(tenant, paper.collection)

    def withdraw(self, tenant: str, paper: Paper, *, actor: str, now: float) -> None:
        """Take the document of ``paper`` out of service, its draft too."""
        self._store.withdraw(tenant, paper.collection, paper.source, actor=actor, now=now)
        self._sync(tenant, paper.collection)

    def sync(self, tenant: str, collection: str) -> None:
        """Bring the index to what is approved, for a turn that died between the approval and that."""
        self._sync(tenant, collection)

    @staticmethod
    def _entries_of(paper: Paper, column: Column[Any]) -> Select[Any]:
        status = Status.DRAFT if paper.draft else Status.APPROVED
        return (
            select(column)
            .join(version_entries, version_entries.c.entry_id == entries.c.id)
            .join(versions, versions.c.id == version_entries.c.version_id)
            .where(versions.c.document_id == paper.number, versions.c.status == status)
        )

    def _submit(self, submission: Submission, actor: str, now: float) -> Paper:
        origin = submission.origin
        self._store.put(submission, approve=False, actor=actor, now=now)
        return self._papers(origin.tenant, (origin.collection,), documents.c.source == origin.source)[-1]

    def _papers(self, tenant: str, collections: Collection[str], condition: ColumnElement[bool]) -> list[Paper]:
        fields = (documents.c.id, documents.c.collection, documents.c.source, versions.c.id.label("version"), versions)
        query = (
            select(*fields)
            .join_from(versions, documents)
            .where(documents.c.tenant == tenant, documents.c.collection.in_(collections), condition)
            .where(versions.c.status != Status.WITHDRAWN)
            .order_by(versions.c.ingested_at, versions.c.number)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [
            Paper(
                number=row[0],
                version=row.version,
                collection=row[1],
                source=row[2],
                title=row.title,
                audience=Audience(row.audience),
                entries=row.entries,
                draft=row.status == Status.DRAFT,
                brought_by=row.ingested_by,
            )
            for row in rows
        ]


def _submission(origin: Origin, title: str, text: str, made: tuple[Entry, ...]) -> Submission:
    content = hashlib.sha256(f"{title}\0{text}".encode(errors="backslashreplace")).hexdigest()
    return Submission(origin=origin, title=title, content_hash=content, entries=made)
