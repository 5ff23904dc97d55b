"""Who agreed to what: the separate consents of people to have data of their health processed."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Column, Double, String, Table, select

from bot.audit.entries import Action, AuditEvent
from bot.audit.log import AuditLog
from bot.records.database import metadata, upserting

consents = Table(
    "consents",
    metadata,
    Column("bot", String(64), primary_key=True),
    Column("person", String(128), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("version", String(32), nullable=False),
    Column("at", Double, nullable=False, index=True),
    Column("turn_id", String(64), nullable=False),
)


class ConsentState(StrEnum):
    """What somebody said to the text that they were shown; ``ASKED``: nothing yet."""

    ASKED = "asked"
    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, kw_only=True, slots=True)
class Consent:
    """What ``person`` said to ``bot`` about the text of ``version``, in the turn
    ``turn_id``, at ``at`` (epoch seconds)."""

    bot: str
    person: str
    state: ConsentState
    version: str
    at: float
    turn_id: str


class Consents:
    """The last word of each person to each bot; the audit log keeps those before, under pseudonyms.

    Methods raise :class:`~bot.errors.Unavailable` when the database does not answer.
    """

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit

    def of(self, bot: str, person: str) -> Consent | None:
        """What ``person`` said last, or was asked."""
        query = select(consents).where(consents.c.bot == bot, consents.c.person == person.casefold())
        with self._audit.database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Consent(**{**row._mapping, "state": ConsentState(row.state)})

    def save(self, consent: Consent, tenant: str) -> None:
        """Keep ``consent`` in place of what was said before, and write it into the audit log with it."""
        event = AuditEvent(
            action=Action.CONSENT,
            subject=f"turn:{consent.turn_id}",
            person=consent.person,
            tenant=tenant,
            bot=consent.bot,
            details={"state": consent.state, "version": consent.version},
        )
        row = {name: getattr(consent, name) for name in Consent.__slots__} | {"person": consent.person.casefold()}
        with self._audit.database.write() as connection:
            connection.execute(upserting(connection.dialect.name, consents), [row])
            self._audit.append_within(connection, [event])
