"""What is kept of professionals and of who is bound to which record. No names: the record's number is the operator's
own, and whoever needs the name looks there."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Double,
    Select,
    String,
    Table,
    UniqueConstraint,
    and_,
    select,
    text,
)

from bot.messages import ConversationId
from bot.records.database import metadata

_LOCK = 0x686370
"""Any number that nobody else locks in our database."""
_TAKE_TURNS = text(f"SELECT pg_advisory_xact_lock({_LOCK})")

professionals = Table(
    "professionals",
    metadata,
    Column("tenant", String(64), primary_key=True),
    Column("record", String(64), primary_key=True),
    Column("licence", String(32), nullable=False),
    Column("hospital", String(128), nullable=False),
    Column("department", String(128), nullable=False),
    Column("title", String(128), nullable=False),
    Column("valid_until", Double, nullable=False, index=True),
    Column("source", String(128), nullable=False),
    Column("imported_at", Double, nullable=False),
)
bindings = Table(
    "professional_bindings",
    metadata,
    Column("tenant", String(64), primary_key=True),
    Column("bot", String(64), primary_key=True),
    Column("channel", String(64), primary_key=True),
    Column("person", String(128), primary_key=True),
    Column("record", String(64), nullable=False),
    Column("source", String(16), nullable=False),
    Column("bound_at", Double, nullable=False),
    UniqueConstraint("record", "tenant", "bot", "channel"),
)
codes = Table(
    "professional_codes",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("record", String(64), nullable=False),
    Column("expires_at", Double, nullable=False, index=True),
    Column("used_at", Double),
)


class BoundBy(StrEnum):
    """How somebody was bound: by a column of an import, by an admin's command, by a one-time code."""

    IMPORT = "import"
    COMMAND = "command"
    CODE = "code"


@dataclass(frozen=True, kw_only=True, slots=True)
class Professional:
    """A record. ``record`` is the operator's own number of it, ``licence`` a keyed digest, empty where none was given;
    it proves something before ``valid_until`` (epoch seconds). ``source`` is the file it came from."""

    tenant: str
    record: str
    licence: str
    hospital: str
    department: str
    title: str
    valid_until: float
    source: str
    imported_at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """One person where a bot knows them: ``person`` is the platform's id, a userid or an external_userid."""

    bot: str
    channel: str
    person: str

    @classmethod
    def of(cls, conversation: ConversationId) -> "Account":
        """Whoever writes in ``conversation``."""
        return cls(bot=conversation.bot, channel=conversation.channel, person=conversation.person)


@dataclass(frozen=True, kw_only=True, slots=True)
class Author:
    """Who did something, for the audit log: an ``actor`` such as ``cli:<os user>``, or a ``person`` of the platform."""

    actor: str = ""
    person: str | None = None


def binding_of(tenant: str, account: Account) -> ColumnElement[bool]:
    """The binding of ``account``; platform ids do not tell case apart (page 90196)."""
    return and_(
        bindings.c.tenant == tenant,
        bindings.c.bot == account.bot,
        bindings.c.channel == account.channel,
        bindings.c.person == account.person.casefold(),
    )


def bindings_at(bot: str, person: str) -> ColumnElement[bool]:
    """All bindings of ``person`` at ``bot``, whatever the channel."""
    return and_(bindings.c.bot == bot, bindings.c.person == person.casefold())


def bound_records(bot: str, person: str) -> Select[Any]:
    """All bindings of ``person`` at ``bot``, each with what the record says of them."""
    of = ("hospital", "department", "title", "valid_until")
    joined = bindings.outerjoin(professionals, same_record())
    shown = (*bindings.columns, *(professionals.c[name] for name in of))
    return select(*shown).select_from(joined).where(bindings_at(bot, person))


def take_turns(connection: Connection) -> None:
    """Let nobody else change records, bindings or codes until the transaction of ``connection`` ends.

    Each change looks at what is there before it writes, and two that looked at once would find nothing in their way.
    On SQLite a writing transaction has the only write lock.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_TAKE_TURNS)


def same_record() -> ColumnElement[bool]:
    """That a binding is one to a record."""
    return and_(professionals.c.tenant == bindings.c.tenant, professionals.c.record == bindings.c.record)
