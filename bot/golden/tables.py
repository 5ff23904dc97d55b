"""The tables of :mod:`bot.golden.store`."""

from sqlalchemy import JSON, Boolean, Column, Double, Integer, String, Table, Text

from bot.records.database import metadata

golden_questions = Table(
    "golden_questions",
    metadata,
    Column("bot", String(32), primary_key=True),
    Column("id", String(12), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("question", Text, nullable=False),
    Column("sources", JSON, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("must_refuse", Boolean, nullable=False),
    Column("audience", String(16), nullable=False),
    Column("note", Text, nullable=False),
)

golden_runs = Table(
    "golden_runs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("bot", String(32), nullable=False, index=True),
    Column("tenant", String(64), nullable=False),
    Column("at", Double, nullable=False),
    Column("actor", Text, nullable=False),
    Column("occasion", String(16), nullable=False),
    Column("ran_on", JSON, nullable=False),
    Column("outcomes", JSON, nullable=False),
    Column("accepted_at", Double),
    Column("accepted_by", Text),
    Column("reason", Text, nullable=False),
)
