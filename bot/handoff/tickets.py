"""Tickets in SQL: one that is not released for a conversation at the most.

::

    waiting ──human writes or takes over──► served ──/release──► released
       │                                      │  ▲
       └── nobody within the wait ──► unanswered ┘ (human comes after all)
    registered (nobody serves this bot, or a failure) ──human comes──► served

The bot is silent in ``waiting`` and ``served``. A served conversation goes to ``unanswered`` too when the person waits
for the human's next word longer than the wait.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Double,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    and_,
    bindparam,
    or_,
    select,
    text,
)
from sqlalchemy.exc import IntegrityError

from bot.errors import InputError
from bot.messages import ConversationId
from bot.records.database import Database, metadata
from bot.records.shared_read import SharedRead

tickets = Table(
    "tickets",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("bot", String(64), nullable=False),
    Column("tenant", String(64), nullable=False),
    Column("conversation", String(512), nullable=False, index=True),
    Column("state", String(16), nullable=False, index=True),
    Column("servicer", String(128), nullable=False),
    Column("summary", Text, nullable=False),
    Column("opened_at", Double, nullable=False),
    Column("opened_by", String(64), nullable=False),
    Column("deadline", Double),
    Column("released_by", String(64), nullable=False),
    Column("satisfaction", Integer),
    Index(
        "uq_tickets_one_open",
        "conversation",
        unique=True,
        sqlite_where=text("state <> 'released'"),
        postgresql_where=text("state <> 'released'"),
    ),
)


class TicketState(StrEnum):
    """Where a ticket stands; see the module's picture."""

    WAITING = "waiting"
    SERVED = "served"
    UNANSWERED = "unanswered"
    REGISTERED = "registered"
    RELEASED = "released"


_SILENT = (TicketState.WAITING, TicketState.SERVED)
_OPEN = tickets.c.state != TicketState.RELEASED
_SILENT_OF_BOT = select(tickets).where(tickets.c.bot == bindparam("of"), tickets.c.state.in_(_SILENT))
"""Those of humans at work at the moment, and so never many."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ticket:
    """One request for a human.

    ``servicer`` is the user id of who took it, empty before; ``opened_by`` and ``released_by`` are turn ids, so that
    a turn that runs again finds its own work; ``deadline`` is the epoch second by which a human must have written.
    ``satisfaction`` is what the person said of the service afterwards, from 1 (bad) to 3 (good).
    """

    number: int
    bot: str
    tenant: str
    conversation: ConversationId
    state: TicketState
    servicer: str
    summary: str
    opened_at: float
    opened_by: str
    deadline: float | None
    released_by: str
    satisfaction: int | None = None

    @property
    def silences(self) -> bool:
        """Whether the bot holds its tongue because of it."""
        return self.state in _SILENT


class Tickets:
    """The tickets. ``wait_s`` is how long a person waits for a human before being told.

    Methods raise :class:`~bot.errors.Unavailable` when the database does not answer. What a human does to a ticket
    raises :class:`~bot.errors.InputError` when somebody has released it in the meantime.
    """

    def __init__(self, database: Database, wait_s: float, clock: Callable[[], float]) -> None:
        self._database = database
        self._wait_s = wait_s
        self._clock = clock
        self._lock = threading.Lock()
        self._silent: dict[str, SharedRead[Sequence[Row[Any]]]] = {}

    @property
    def wait_s(self) -> float:
        """Seconds a person waits for a human before being told."""
        return self._wait_s

    @property
    def wait_began(self) -> float:
        """The epoch second since which people have waited who have now waited for so long."""
        return self._clock() - self._wait_s

    def open(
        self, conversation: ConversationId, tenant: str, turn_id: str, summary: str, *, silent: bool
    ) -> tuple[Ticket, bool]:
        """The ticket of ``conversation``, new or reopened; and whether this turn opened it.

        With ``silent`` the bot holds its tongue until a human comes or the wait is over.
        """
        try:
            return self._open(conversation, tenant, turn_id, summary, silent=silent)
        except IntegrityError:  # on PostgreSQL another process may have opened one between our look and our write
            return self._open(conversation, tenant, turn_id, summary, silent=silent)

    def _open(
        self, conversation: ConversationId, tenant: str, turn_id: str, summary: str, *, silent: bool
    ) -> tuple[Ticket, bool]:
        state = TicketState.WAITING if silent else TicketState.REGISTERED
        now = self._clock()
        deadline = now + self._wait_s if silent else None
        with self._database.write() as connection:
            # Locked: on PostgreSQL a human could take or release it between our look and our write.
            query = select(tickets).where(tickets.c.conversation == conversation.key, _OPEN).with_for_update()
            row = connection.execute(query).first()
            found = None if row is None else _from_row(row)
            if found and (found.state in _SILENT or found.opened_by == turn_id or not silent):
                return found, found.opened_by == turn_id
            values: dict[str, Any] = {"state": state, "deadline": deadline, "summary": summary, "opened_by": turn_id}
            if found:
                changed = tickets.update().where(tickets.c.number == found.number).values(values)
                connection.execute(changed)
                number = found.number
            else:
                values |= {"bot": conversation.bot, "tenant": tenant, "conversation": conversation.key}
                values |= {"servicer": "", "opened_at": now, "released_by": ""}
                number = connection.execute(tickets.insert().values(values).returning(tickets.c.number)).scalar_one()
            return _from_row(connection.execute(select(tickets).where(tickets.c.number == number)).one()), True

    def silencing(self, conversation: ConversationId) -> list[Ticket]:
        """The tickets that may silence the bot in ``conversation``: its own first, then those a human serves for
        whoever bears this person's id with this bot, wherever they began."""
        with self._lock:
            silent = self._silent.setdefault(conversation.bot, SharedRead(partial(self._silent_of, conversation.bot)))
        key, person = conversation.key, conversation.key.rpartition("/")[2]
        rows = [row for row in silent() if row.conversation == key or _serves(row, person)]
        return sorted(map(_from_row, rows), key=lambda ticket: ticket.conversation != conversation)

    def _silent_of(self, bot: str) -> Sequence[Row[Any]]:
        with self._database.read() as connection:
            return connection.execute(_SILENT_OF_BOT, {"of": bot}).all()

    def get(self, bot: str, number: int) -> Ticket | None:
        """Ticket ``number`` of ``bot``; ``None`` for another bot's ticket as for one that does not exist."""
        query = select(tickets).where(tickets.c.number == number, tickets.c.bot == bot)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return None if row is None else _from_row(row)

    def released(self, conversation: ConversationId, turn_id: str) -> Ticket | None:
        """The ticket of ``conversation`` that the turn ``turn_id`` has ended, for a turn that runs again."""
        query = select(tickets).where(tickets.c.conversation == conversation.key, tickets.c.released_by == turn_id)
        with self._database.read() as connection:
            row = connection.execute(query.order_by(tickets.c.number.desc())).first()
        return None if row is None else _from_row(row)

    def person_wrote(self, ticket: Ticket, *, left: bool = False) -> None:
        """The person wrote to a human who is serving: from now on a word is owed. Of one who has ``left`` none can be
        waited for."""
        owing_nothing = and_(tickets.c.state == TicketState.SERVED, tickets.c.deadline.is_(None))
        self._update(ticket.number, owing_nothing, deadline=self._clock() + (0.0 if left else self._wait_s))

    def human_wrote(self, ticket: Ticket, servicer: str) -> None:
        """``servicer`` has the conversation and owes nothing at the moment."""
        self._act(ticket, _OPEN, state=TicketState.SERVED, servicer=servicer, deadline=None)

    def taken_over(self, ticket: Ticket, servicer: str) -> None:
        """``servicer`` has the conversation and owes the person a first word."""
        deadline = self._clock() + self._wait_s
        self._act(ticket, _OPEN, state=TicketState.SERVED, servicer=servicer, deadline=deadline)

    def release(self, ticket: Ticket, turn_id: str) -> None:
        """End the ticket; a turn that runs again may do so again."""
        mine = or_(_OPEN, tickets.c.released_by == turn_id)
        self._act(ticket, mine, state=TicketState.RELEASED, deadline=None, released_by=turn_id)

    def rate(self, conversation: ConversationId, number: int, satisfaction: int) -> None:
        """The person of ticket ``number`` says what the service was like, from 1 to 3; the last word counts.

        Raises :class:`~bot.errors.InputError` when it is not that person's ticket, or no such number.
        """
        if not 1 <= satisfaction <= 3:
            raise InputError("satisfaction_unclear")
        ticket = self.get(conversation.bot, number)
        if ticket is None or ticket.conversation.person != conversation.person:
            raise InputError("ticket_not_found", number=number)
        self._update(number, tickets.c.state == TicketState.RELEASED, satisfaction=satisfaction)

    def rated(self, bot: str, satisfaction: int, since: float) -> Sequence[Ticket]:
        """The tickets of ``bot``, opened at the epoch second ``since`` or later, whose person said ``satisfaction`` of
        the service; by number."""
        query = select(tickets).where(tickets.c.bot == bot, tickets.c.satisfaction == satisfaction)
        with self._database.read() as connection:
            rows = connection.execute(query.where(tickets.c.opened_at >= since).order_by(tickets.c.number)).all()
        return [_from_row(row) for row in rows]

    def overdue(self) -> Sequence[Ticket]:
        """Tickets whose deadline has passed and whose person has not been told."""
        query = select(tickets).where(tickets.c.state.in_(_SILENT), tickets.c.deadline <= self._clock())
        with self._database.read() as connection:
            return [_from_row(row) for row in connection.execute(query).all()]

    def unanswered(self, ticket: Ticket) -> None:
        """The person was told that nobody came: the bot answers again, the ticket stays open."""
        still_overdue = and_(tickets.c.state.in_(_SILENT), tickets.c.deadline == ticket.deadline)
        self._update(ticket.number, still_overdue, state=TicketState.UNANSWERED, deadline=None)

    def _act(self, ticket: Ticket, condition: ColumnElement[bool], **values: object) -> None:
        if not self._update(ticket.number, condition, **values):
            raise InputError("ticket_closed", number=ticket.number)

    def _update(self, number: int, condition: ColumnElement[bool], **values: object) -> bool:
        """Change the ticket if ``condition`` holds at that moment; whether it did."""
        with self._database.write() as connection:
            changed = connection.execute(tickets.update().where(tickets.c.number == number, condition).values(values))
        return changed.rowcount == 1


def _serves(row: Row[Any], person: str) -> bool:
    """Whether a human serves whoever bears the id ``person``, encoded as in a key."""
    return row.state == TicketState.SERVED and str(row.conversation).endswith(f"/{person}")


def _from_row(row: Row[Any]) -> Ticket:
    fields = dict(row._mapping)
    fields["conversation"] = ConversationId.from_key(fields["conversation"])
    fields["state"] = TicketState(fields["state"])
    return Ticket(**fields)
