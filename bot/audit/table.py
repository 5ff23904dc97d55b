"""The table of the audit log. Its triggers, which refuse every change, stand in the migration that makes it."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from bot.records.database import metadata

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("at", String(27), nullable=False),
    Column("actor", String(128), nullable=False),
    Column("tenant", String(64), nullable=False),
    Column("bot", String(64), nullable=False),
    Column("action", String(32), nullable=False),
    Column("subject", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("seal", String(64), nullable=False),
    Index("ix_audit_entries_at", "at"),
)
"""One row an :class:`~bot.audit.entries.AuditEntry`."""
