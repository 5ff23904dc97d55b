"""The tables of :mod:`bot.knowledge.store`."""

from sqlalchemy import JSON, Column, Double, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint, text

from bot.records.database import metadata

documents = Table(
    "knowledge_documents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("collection", String(64), nullable=False),
    Column("source", Text, nullable=False),
    UniqueConstraint("tenant", "collection", "source"),
)

versions = Table(
    "knowledge_versions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("document_id", ForeignKey("knowledge_documents.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("audience", String(16), nullable=False),
    Column("bots", JSON, nullable=False, server_default="[]"),
    Column("title", Text, nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("made_with", String(64), nullable=False, server_default=""),
    Column("entries", Integer, nullable=False),
    Column("ingested_at", Double, nullable=False),
    Column("ingested_by", Text, nullable=False),
    Column("submitted_at", Double),
    Column("submitted_by", Text),
    Column("returned_at", Double),
    Column("returned_by", Text),
    Column("returned_because", Text),
    Column("approved_at", Double),
    Column("approved_by", Text),
    Column("withdrawn_at", Double),
    Column("withdrawn_by", Text),
    UniqueConstraint("document_id", "number"),
    *(
        Index(
            f"uq_knowledge_versions_one_{name}",
            "document_id",
            unique=True,
            sqlite_where=text(condition),
            postgresql_where=text(condition),
        )
        for name, condition in (
            ("waiting", "status IN ('draft', 'in_review')"),
            ("approved", "status = 'approved'"),
        )
    ),
)

changes = Table(
    "knowledge_changes",
    metadata,
    Column("tenant", String(64), primary_key=True),
    Column("collection", String(64), primary_key=True),
    Column("made", Integer, nullable=False),
)
"""How often something was approved or withdrawn; asked for every question, so it is counted as it happens."""

entries = Table(
    "knowledge_entries",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("collection", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("audience", String(16), nullable=False),
    Column("title", Text, nullable=False),
    Column("questions", JSON, nullable=False),
    Column("text", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("valid_from", Double, nullable=False),
    Column("valid_to", Double, nullable=False),
    Column("approval_number", String(64), nullable=False, server_default=""),
    Column("bots", JSON, nullable=False, server_default="[]"),
    Column("page", Integer, nullable=False, server_default="0"),
    Column("figures", JSON, nullable=False, server_default="[]"),
)

version_entries = Table(
    "knowledge_version_entries",
    metadata,
    Column("version_id", ForeignKey("knowledge_versions.id"), primary_key=True),
    Column("entry_id", ForeignKey("knowledge_entries.id"), primary_key=True, index=True),
    Column("position", Integer, nullable=False),
)

mined_spans = Table(
    "mined_spans",
    metadata,
    Column("entry_id", String(36), primary_key=True),
    Column("rule", String(16), nullable=False),
    Column("document", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("page", Integer, nullable=False),
    Column("words", Text, nullable=False),
    Column("mined_at", Double, nullable=False),
)
"""Where the answers of mined drafts (:mod:`bot.mining`) stand: what a reviewer compares a draft with."""
