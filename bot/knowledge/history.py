"""The versions of documents as people see them, out of the database."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from bot.knowledge.entries import Audience
from bot.knowledge.tables import documents, entries, version_entries, versions
from bot.knowledge.versions import Status, Version

_OF_THE_DOCUMENT = {"document": documents.c.id, "tenant": documents.c.tenant}
_OF_THE_DOCUMENT |= {"collection": documents.c.collection, "source": documents.c.source}


def find_versions(connection: Connection, *conditions: ColumnElement[bool]) -> list[Version]:
    """The versions that fulfil ``conditions`` on documents and versions, by source and number."""
    found = select(versions.c.id).join_from(versions, documents).where(*conditions)
    ends = (
        select(version_entries.c.version_id, func.max(entries.c.valid_to).label("valid_to"))
        .join(entries, entries.c.id == version_entries.c.entry_id)
        .where(version_entries.c.version_id.in_(found))
        .group_by(version_entries.c.version_id)
        .subquery()
    )
    columns: dict[str, ColumnElement[Any]] = {**versions.c, **_OF_THE_DOCUMENT}
    columns["valid_to"] = func.coalesce(ends.c.valid_to, 0.0)
    query = (
        select(*(columns[name].label(name) for name in Version.__slots__))
        .join_from(versions, documents)
        .outerjoin(ends, ends.c.version_id == versions.c.id)
        .where(*conditions)
        .order_by(documents.c.source, documents.c.id, versions.c.number)
    )
    return [_version(dict(row._mapping)) for row in connection.execute(query)]


def _version(fields: dict[str, Any]) -> Version:
    fields["status"], fields["audience"] = Status(fields["status"]), Audience(fields["audience"])
    return Version(**{**fields, "bots": tuple(fields["bots"])})
