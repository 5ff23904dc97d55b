"""The record of every turn: what was asked, what each step decided, what it rested on and what became of the reply."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Double,
    ForeignKey,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
)

from bot.records.database import Database, metadata, upserting
from bot.records.group_commit import GroupCommit
from bot.shallow import shallow

turns = Table(
    "turns",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("bot", String(64), nullable=False),
    Column("tenant", String(64), nullable=False),
    Column("conversation", String(512), nullable=False),
    Column("person", String(128), nullable=False),
    Column("reader", String(16), nullable=False, server_default="public"),
    Column("asked_at", Double, nullable=False, index=True),
    Column("answered_at", Double, nullable=False),
    Column("message_ids", JSON, nullable=False),
    Column("question", Text, nullable=False),
    Column("quoted", Text, nullable=False, server_default=""),
    Column("step", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("answer", Text, nullable=False),
    Column("citations", JSON, nullable=False),
    Column("cited", JSON, nullable=False, server_default="[]"),
    Column("passages", JSON, nullable=False),
    Column("confidence", Double),
    Column("timings_ms", JSON, nullable=False),
    Column("steps", JSON, nullable=False, server_default="[]"),
    Column("generation", JSON, nullable=False, server_default="{}"),
    Column("versions", JSON, nullable=False),
    Column("parts_sent", Integer, nullable=False),
    Column("parts", Integer, nullable=False),
    Column("platform_ids", JSON, nullable=False),
    Column("unknown_sends", Integer, nullable=False),
    Column("failure", String(64), nullable=False),
    Column("worker", String(128), nullable=False, server_default=""),
    Column("sent_at", JSON, nullable=False, server_default="[]"),
    Column("concluded_at", Double),
    Index("ix_turns_conversation", "conversation", "asked_at"),
)
turn_entries = Table(
    "turn_entries",
    metadata,
    Column("turn_id", ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True),
    Column("entry_id", String(36), primary_key=True, index=True),
)
"""``cited`` of every turn, a row an entry: which answers rested on an entry. Gone with the turn."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TurnRecord:
    """One turn.

    ``asked_at`` is when the first message reached us, ``answered_at`` when the reply was decided (epoch seconds).
    ``reader`` is the audience it was answered for, ``quoted`` what the person quoted. ``step`` is the step of the
    pipeline that decided; ``steps`` what each found, in order, with its milliseconds. ``cited`` are the ids of the
    entries that the answer rests on. ``passages`` are (entry id, score, kind) as found, best first. ``generation`` is
    what a language model did (model, prompt version, tokens, sentences dropped), empty where none was asked;
    ``versions`` names what else took part (embedder, threshold); ``worker`` is ``<host>:<pid>`` of the process that
    answered. The other fields tell the reply's fate: ``failure`` is the code that ended it, empty when the platform
    took all; ``sent_at`` when it took each part, and ``concluded_at`` when that was recorded, in epoch seconds.
    """

    id: str
    bot: str
    tenant: str
    conversation: str
    person: str
    asked_at: float
    answered_at: float
    message_ids: tuple[str, ...]
    question: str
    step: str
    kind: str
    answer: str
    reader: str = "public"
    quoted: str = ""
    citations: tuple[Mapping[str, Any], ...] = ()
    cited: tuple[str, ...] = ()
    passages: tuple[tuple[str, float, str], ...] = ()
    confidence: float | None = None
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    steps: tuple[Mapping[str, Any], ...] = ()
    generation: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    parts_sent: int = 0
    parts: int = 0
    platform_ids: tuple[str, ...] = ()
    unknown_sends: int = 0
    failure: str = ""
    worker: str = ""
    sent_at: tuple[float, ...] = ()
    concluded_at: float | None = None

    def encode(self) -> str:
        """JSON, as it travels with the reply through the outbox."""
        return json.dumps(self.fields(), ensure_ascii=False, separators=(",", ":"))

    def fields(self) -> dict[str, Any]:
        """Its values by name, JSON-ready."""
        return shallow(self)

    @classmethod
    def decode(cls, text: str) -> "TurnRecord":
        """The inverse of :meth:`encode`."""
        return _record(json.loads(text))


Audit = Callable[[Connection, Sequence[TurnRecord]], None]


class TurnRecords:
    """The turns in SQL, and in the audit log where ``audit`` writes them into it, in the same transaction.

    Methods raise :class:`~bot.errors.Unavailable` when the database does not answer.
    """

    def __init__(self, database: Database, audit: Audit | None = None) -> None:
        self._database = database
        self._audit = audit
        self._commits = GroupCommit(self._save_all)

    def save(self, record: TurnRecord) -> None:
        """Store ``record``, over an earlier version of the same turn: saving it twice changes nothing. Threads that
        save at the same time share a transaction."""
        self._commits.save(record)

    def get(self, turn_id: str) -> TurnRecord | None:
        """The turn called ``turn_id``."""
        with self._database.read() as connection:
            row = connection.execute(select(turns).where(turns.c.id == turn_id)).one_or_none()
        return None if row is None else from_row(row)

    def of_message(self, message_id: str) -> TurnRecord | None:
        """The newest turn that answered the message with this platform id. Reads the whole table: for people who look,
        not for answering."""
        mentioned = turns.c.message_ids.cast(String).contains(json.dumps(message_id), autoescape=True)
        query = select(turns).where(mentioned).order_by(turns.c.asked_at.desc()).limit(1)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else from_row(row)

    def recent(self, conversation: str, limit: int) -> list[TurnRecord]:
        """The last turns of the conversation with this key, oldest first."""
        query = select(turns).where(turns.c.conversation == conversation).order_by(turns.c.asked_at.desc())
        with self._database.read() as connection:
            rows = connection.execute(query.limit(limit)).all()
        return [from_row(row) for row in reversed(rows)]

    def _save_all(self, records: Sequence[TurnRecord]) -> None:
        with self._database.write() as connection:
            connection.execute(upserting(connection.dialect.name, turns), [record.fields() for record in records])
            _note_cited(connection, records)
            if self._audit is not None:
                self._audit(connection, records)


def _note_cited(connection: Connection, records: Sequence[TurnRecord]) -> None:
    cited = {record.id: dict.fromkeys(record.cited) for record in records if record.cited}
    if cited:
        connection.execute(delete(turn_entries).where(turn_entries.c.turn_id.in_(cited)))  # of a record saved before
        rows = [{"turn_id": turn, "entry_id": entry} for turn, ids in cited.items() for entry in ids]
        connection.execute(insert(turn_entries), rows)


def from_row(row: Row[Any]) -> TurnRecord:
    """The turn in a row of :data:`turns`."""
    return _record(dict(row._mapping))


def _record(fields: dict[str, Any]) -> TurnRecord:
    for name in ("message_ids", "citations", "cited", "steps", "platform_ids", "sent_at"):
        fields[name] = tuple(fields.get(name, ()))
    fields["passages"] = tuple((str(a), float(b), str(c)) for a, b, c in fields["passages"])
    return TurnRecord(**fields)
