"""Reading what an answer cites: the passage where it stands in its document, for a reader who may see it.

An entry is shown in the version that answers now, else in the newest that did: what was never approved is never shown.
What is absent, of another tenant or above the reader's audience is the same to the reader: nothing.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, literal, select

from bot.knowledge.entries import Audience, EntryKind
from bot.knowledge.excerpt import Excerpt, Passage, Standing
from bot.knowledge.tables import documents, entries, version_entries, versions
from bot.knowledge.versions import Status
from bot.links import tenant_tag
from bot.records.database import Database

WINDOW = 40
"""Passages shown at once: a dozen screens of a phone."""

_MARKDOWN = (".md", ".markdown")
_SAME_WORDS = ("kind", "audience", "title", "text", "valid_to")


class Reading:
    """Excerpts out of the database. ``clock`` gives epoch seconds."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def read(self, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
        """The excerpt around ``entry`` as JSON, for a reader of the audience ``reader`` in the tenant whose tag is
        ``tenant`` (see :func:`bot.links.tenant_tag`); ``None`` when there is nothing they may see.

        Raises :class:`~bot.errors.Unavailable` when the database does not answer.
        """
        readable = Audience(arguments["reader"]).readable
        with self._database.read() as connection:
            entry = connection.execute(select(entries).where(entries.c.id == arguments["entry"])).first()
            if entry is None or tenant_tag(entry.tenant) != arguments["tenant"] or entry.audience not in readable:
                return None
            newest = _newest_version(connection, entry)
            if newest is None or newest.audience not in readable:  # the document may have been restricted since
                return None
            if newest.bots and newest.bots != entry.bots:  # the same: a link does not say whose answer it was below
                return None
            place = _place(connection, entry, newest)
            excerpt = _excerpt(connection, entry, place, self._clock()) if place else None
        return excerpt.to_json() if excerpt else None


def _newest_version(connection: Connection, entry: Row[Any]) -> Row[Any] | None:
    """The last version of the entry's document that was approved; in service or not."""
    query: Select[Any] = (
        select(versions.c.document_id, versions.c.id, versions.c.status, versions.c.audience, versions.c.bots)
        .join(documents, documents.c.id == versions.c.document_id)
        .where(
            documents.c.tenant == entry.tenant,
            documents.c.collection == entry.collection,
            documents.c.source == entry.source,
            versions.c.approved_at.is_not(None),
        )
        .order_by(versions.c.number.desc())
    )
    return connection.execute(query.limit(1)).first()


def _place(connection: Connection, entry: Row[Any], newest: Row[Any]) -> Row[Any] | None:
    """The version to show ``entry`` in, its position there, and whether its document is in service at all.

    ``entry_id`` may be another entry with the same words: a row that moved in its table is the same FAQ.
    """
    held: Select[Any] = (
        select(versions, version_entries.c.entry_id, version_entries.c.position)
        .add_columns(literal(newest.status == Status.APPROVED).label("in_service"))
        .join(version_entries, version_entries.c.version_id == versions.c.id)
        .join(entries, entries.c.id == version_entries.c.entry_id)
        .where(versions.c.document_id == newest.document_id, versions.c.approved_at.is_not(None))
    )
    same_entry = entries.c.id == entry.id
    same_words = and_(*(entries.c[name] == getattr(entry, name) for name in _SAME_WORDS))
    for query in (
        held.where(versions.c.id == newest.id, same_entry),
        held.where(versions.c.id == newest.id, same_words).order_by(version_entries.c.position),
        held.where(same_entry).order_by(versions.c.number.desc()),
    ):
        if found := connection.execute(query.limit(1)).first():
            return found
    return None


def _excerpt(connection: Connection, entry: Row[Any], place: Row[Any], now: float) -> Excerpt:
    kind = EntryKind(entry.kind)
    alone = kind is EntryKind.FAQ  # the other rows of its table answer other questions
    first, last = (place.position, place.position) if alone else _window(place.position, place.entries)
    position = version_entries.c.position
    passages = (
        select(entries.c.id, entries.c.location, entries.c.text, entries.c.approval_number)
        .add_columns(entries.c.page, entries.c.figures)
        .join(version_entries, version_entries.c.entry_id == entries.c.id)
        .where(
            version_entries.c.version_id == place.id,
            position.between(first, last),
            entries.c.kind == kind,
            entries.c.audience == entry.audience,
        )
        .order_by(position)
    )
    standing, since = _standing(entry, place, now)
    rows = connection.execute(passages).all()
    return Excerpt(
        kind=kind,
        title=entry.title,
        source=entry.source,
        markdown=not alone and PurePath(entry.source).suffix.lower() in _MARKDOWN,
        version=place.number,
        approved_at=place.approved_at,
        standing=standing,
        since=since,
        earlier=0 if alone else first,
        later=0 if alone else place.entries - 1 - last,
        passages=tuple(_passage(row, cited=row.id == place.entry_id) for row in rows),
        approval_number=next((row.approval_number for row in rows if row.id == place.entry_id), ""),
    )


def _passage(row: Row[Any], *, cited: bool) -> Passage:
    figures = tuple(row.figures) if cited else ()
    return Passage(location=row.location, text=row.text, cited=cited, page=row.page, figures=figures)


def _window(position: int, total: int) -> tuple[int, int]:
    """The first and last position of :data:`WINDOW` entries around ``position`` of ``total``."""
    first = max(0, min(position - WINDOW // 2, total - WINDOW))
    return first, min(first + WINDOW, total) - 1


def _standing(entry: Row[Any], place: Row[Any], now: float) -> tuple[Standing, float | None]:
    if place.status == Status.APPROVED:
        return (Standing.EXPIRED, entry.valid_to) if now >= entry.valid_to else (Standing.CURRENT, None)
    return (Standing.REPLACED if place.in_service else Standing.WITHDRAWN), place.withdrawn_at
