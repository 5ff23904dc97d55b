"""Mined pairs as drafts: each a document of its own, so that people approve, change or withdraw one by one.

A draft is never searched, and nothing here approves one. What people withdrew is not proposed again in the same words.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, select

from bot.knowledge.entries import Entry, EntryKind
from bot.knowledge.origin import make_entry
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.tables import mined_spans
from bot.knowledge.versions import WAITING, Submission, Version
from bot.mining.pairs import Pair, Rule, Span
from bot.records.database import Database, upsert


@dataclass(frozen=True, slots=True)
class Draft:
    """A mined FAQ that waits for people: its version, its entry, how it was found, and where its answer stands."""

    version: Version
    entry: Entry
    rule: Rule
    span: Span


class Drafts:
    """Methods raise :class:`~bot.errors.Unavailable` when the database does not answer."""

    def __init__(self, database: Database, store: KnowledgeStore) -> None:
        self._database = database
        self._store = store

    def put(self, pair: Pair, *, actor: str, now: float) -> bool:
        """Keep ``pair`` as a draft; ``False`` where it was one before, whatever became of it."""
        submission = _submission(pair)
        origin, entry = submission.origin, submission.entries[0]
        before = self._store.versions(origin.tenant, origin.collection, origin.source)
        if any(version.content_hash == submission.content_hash for version in before):
            return False
        row = {"entry_id": entry.id, "rule": pair.rule.value, "document": pair.span.document, "mined_at": now}
        row |= {"location": pair.span.location, "page": pair.span.page, "words": pair.span.text}
        with self._database.write() as connection:  # before the draft: one without its span could not be reviewed
            connection.execute(upsert(connection, mined_spans, row))
        self._store.put(submission, approve=False, actor=actor, now=now)
        return True

    def waiting(self, tenant: str, collections: Sequence[str]) -> list[Draft]:
        """The drafts of ``collections`` that nobody has approved yet, by document."""
        found: list[Draft] = []
        for collection in collections:
            for version in self._store.versions(tenant, collection):
                if version.status in WAITING:
                    found += self._of(version)
        return found

    def _of(self, version: Version) -> list[Draft]:
        contents = self._store.contents(version.id) if "#" in version.source else []
        query = select(mined_spans).where(mined_spans.c.entry_id.in_([entry.id for entry in contents]))
        with self._database.read() as connection:
            rows = {row.entry_id: row for row in connection.execute(query)}
        return [
            Draft(version, entry, Rule(row.rule), _span(row))
            for entry in contents
            if (row := rows.get(entry.id)) is not None
        ]


def _span(row: Row[Any]) -> Span:
    return Span(document=row.document, location=row.location, page=row.page, text=row.words)


def _submission(pair: Pair) -> Submission:
    origin = replace(pair.origin, source=f"{pair.span.document}#{pair.key}", approval_number="")
    entry = make_entry(
        origin,
        kind=EntryKind.FAQ,
        title=pair.question,
        questions=pair.questions,
        text=pair.answer,
        location=pair.span.location,
        page=pair.span.page,
        valid_from=pair.valid_from,
        valid_to=pair.valid_to,
    )
    content = "\0".join((*pair.questions, pair.answer, pair.span.text))
    hashed = hashlib.sha256(content.encode(errors="backslashreplace")).hexdigest()
    return Submission(origin=origin, title=pair.question, content_hash=hashed, entries=(entry,))
