"""The tables of cases.

What tells who somebody is lies encrypted in ``case_messages.sealed``; every other text is masked, and people and
conversations are named by keyed digests (:mod:`bot.safety.cases.sealing`). The triggers that keep a message as it was
written stand in the migration.
"""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Double, Index, Integer, LargeBinary, String, Table, Text

from bot.records.database import metadata

cases = Table(
    "cases",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("bot", String(64), nullable=False),
    Column("tenant", String(64), nullable=False),
    Column("reporter", String(64), nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("received_at", Double, nullable=False),
    Column("latest_at", Double, nullable=False),
    Column("day0_at", Double),
    Column("due_at", Double),
    Column("follow_up_due_at", Double),
    Column("kinds", JSON, nullable=False),
    Column("regimes", JSON, nullable=False),
    Column("serious", JSON, nullable=False),
    Column("judged_serious", Boolean),
    Column("at_once", Boolean, nullable=False),
    Column("group_event", Boolean, nullable=False),
    Column("other_company", Boolean, nullable=False),
    Column("elements", JSON, nullable=False),
    Column("products", JSON, nullable=False),
    Column("batches", JSON, nullable=False),
    Column("events", JSON, nullable=False),
    Column("patients", JSON, nullable=False),
    Column("asked", JSON, nullable=False),
    Column("declined", Boolean, nullable=False),
    Column("masks", JSON, nullable=False),
    Column("related_to", Integer),
    Column("opened_at", Double, nullable=False),
    Column("acknowledged_at", Double),
    Column("acknowledged_by", String(128), nullable=False),
    Index("ix_cases_reporter", "bot", "reporter"),
    Index("ix_cases_tenant", "tenant", "received_at"),
)
"""One row a :class:`~bot.safety.cases.case.Case`."""

case_messages = Table(
    "case_messages",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("case_number", Integer, nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("sent_at", Double, nullable=False),
    Column("received_at", Double, nullable=False),
    Column("kept_at", Double, nullable=False),
    Column("channel", String(64), nullable=False),
    Column("in_group", Boolean, nullable=False),
    Column("medium", String(16), nullable=False),
    Column("words", Text, nullable=False),
    Column("context", JSON, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("attachments", JSON, nullable=False),
    Column("grounds", JSON, nullable=False),
    Column("asked", JSON, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
"""What people wrote, a row a message; rows are only ever added."""

case_history = Table(
    "case_history",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("case_number", Integer, nullable=False, index=True),
    Column("at", Double, nullable=False),
    Column("what", String(32), nullable=False),
    Column("actor", String(128), nullable=False),
    Column("details", JSON, nullable=False),
)
"""What happened to a case, in order, and what a human said of turns that were drawn for a second look (``case_number``
0 where that opened no case); rows are only ever added."""

case_notices = Table(
    "case_notices",
    metadata,
    Column("id", String(255), primary_key=True),
    Column("case_number", Integer, nullable=False, index=True),
    Column("reason", String(96), nullable=False),
    Column("medium", String(8), nullable=False),
    Column("recipient", String(255), nullable=False),
    Column("state", String(16), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("not_before", Double, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("arrived_at", Double),
    Column("error", String(128), nullable=False),
    Index("ix_case_notices_state", "state", "not_before"),
)
"""What somebody has to hear of a case: the outbox of the safety desk."""
