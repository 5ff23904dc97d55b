"""What an administrator says to many: written down with its recipients, and put into their outboxes a few at a time.

A recipient's outbox takes the words once, under the broadcast's own key, so that a crash between that and the note that
it was done repeats nothing. From there on they go the way of every reply, at the platform's pace.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import structlog
from sqlalchemy import (
    Column,
    ColumnElement,
    Double,
    ForeignKey,
    Integer,
    String,
    Table,
    Text,
    and_,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from bot import parts, telemetry
from bot.errors import InputError
from bot.messages import ConversationId
from bot.records.database import Database, metadata
from bot.records.turns import turns
from bot.replies import OutboxReply

log = structlog.get_logger()

BROADCAST_KEY = "broadcast"
"""Begins the keys of all replies that are said to many."""
BATCH = 50
"""Recipients a round of upkeep, every ten seconds: far below what the platform takes from one corp a minute."""
LATEST_S = 36 * 3600.0
"""What a bot that stood still could not say for so long, quiet hours among it, would be wrong by then, as is a reminder
of yesterday's course; it ends unsaid."""
_PAGE = 500

broadcasts = Table(
    "broadcasts",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("turn_id", String(64), nullable=False, unique=True),
    Column("bot", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("by", String(128), nullable=False),
    Column("at", Double, nullable=False),
    Column("ended_at", Double),
)
recipients = Table(
    "broadcast_recipients",
    metadata,
    Column("broadcast", ForeignKey("broadcasts.number"), primary_key=True),
    Column("conversation", String(512), primary_key=True),
    Column("posted_at", Double),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Broadcast:
    """A broadcast and how far it is: ``posted`` of ``recipients`` have it in their outbox. It begins ``at``, epoch
    seconds, which may lie ahead; ``ended_at`` is ``None`` until it has ended."""

    number: int
    bot: str
    text: str
    at: float
    recipients: int
    posted: int
    ended_at: float | None


class Broadcasts:
    """The broadcasts. Methods raise :class:`~bot.errors.Unavailable` when the database does not answer.

    ``quiet(bot, now)`` tells whether a bot says nothing to many now; what falls into that time waits.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[], float] = time.time,
        quiet: Callable[[str, float], bool] = lambda _bot, _now: False,
    ) -> None:
        self._database = database
        self._clock = clock
        self._quiet = quiet

    def reached(self, bot: str, channels: Iterable[str], since: float) -> list[ConversationId]:
        """The single chats over ``channels`` of ``bot`` in which somebody wrote from ``since`` on, epoch seconds; each
        person once, in the channel named first."""
        found: dict[str, ConversationId] = {}
        for channel in channels:
            prefix = ConversationId(bot=bot, channel=channel, person="").key
            query = select(turns.c.conversation).distinct().order_by(turns.c.conversation)
            query = query.where(turns.c.conversation.startswith(prefix, autoescape=True), turns.c.asked_at >= since)
            with self._database.read() as connection:
                for key in connection.scalars(query):
                    conversation = ConversationId.from_key(key)
                    found.setdefault(conversation.person.casefold(), conversation)
        return list(found.values())

    def start(
        self, bot: str, text: str, to: Sequence[ConversationId], *, turn_id: str, by: str, at: float = 0.0
    ) -> Broadcast:
        """Begin to say ``text``, now or ``at`` an epoch second; a turn that runs again finds what it began."""
        try:
            with self._database.write() as connection:
                values = {"turn_id": turn_id, "bot": bot, "text": text, "by": by, "at": max(at, self._clock())}
                number = connection.execute(
                    insert(broadcasts).values(values).returning(broadcasts.c.number)
                ).scalar_one()
                rows = [{"broadcast": number, "conversation": conversation.key} for conversation in to]
                for start in range(0, len(rows), _PAGE):
                    connection.execute(insert(recipients), rows[start : start + _PAGE])
        except IntegrityError:  # it has begun already
            return self._one(broadcasts.c.turn_id == turn_id)
        return self._one(broadcasts.c.number == number)

    def newest(self, bot: str) -> Broadcast | None:
        """The last broadcast of ``bot``."""
        found = self._all(broadcasts.c.bot == bot)
        return found[-1] if found else None

    def ahead(self, bot: str) -> list[Broadcast]:
        """The broadcasts of ``bot`` that have not begun, the next one first."""
        found = self._all(and_(broadcasts.c.bot == bot, broadcasts.c.ended_at.is_(None)))
        return sorted((one for one in found if one.at > self._clock()), key=lambda one: (one.at, one.number))

    def stop(self, bot: str, number: int = 0) -> Broadcast:
        """Say the broadcast ``number`` of ``bot``, or the last one that goes on or will, to nobody else.

        Raises :class:`~bot.errors.InputError` when there is none.
        """
        going = [
            one for one in self._all(broadcasts.c.bot == bot) if one.ended_at is None and number in (0, one.number)
        ]
        if not going:
            raise InputError("broadcast_none")
        self._end(going[-1].number)
        return self._one(broadcasts.c.number == going[-1].number)

    def go_on(self, post: Callable[[ConversationId, OutboxReply], bool], held: Callable[[ConversationId], bool]) -> int:
        """Put the next words into outboxes with ``post``; returns how many. Who is ``held``, because the bot stands
        still there, hears them later, and so does everybody where it is quiet now."""
        said = 0
        for broadcast, conversation in self._due(held):
            reply = OutboxReply(
                key=f"{BROADCAST_KEY}:{broadcast.number}", parts=(parts.Text(broadcast.text),), created_at=self._clock()
            )
            post(conversation, reply)
            self._posted(broadcast, conversation)
            said += 1
        return said

    def _due(self, held: Callable[[ConversationId], bool]) -> list[tuple[Broadcast, ConversationId]]:
        """Who is next and not ``held``: at most :data:`BATCH`, in turn of each broadcast that goes on, so that a long
        one keeps none waiting. One that was said to all ends here."""
        now = self._clock()
        going = self._all(and_(broadcasts.c.ended_at.is_(None), broadcasts.c.at <= now))
        rows: list[list[tuple[Broadcast, ConversationId]]] = []
        for broadcast in going:
            if self._quiet(broadcast.bot, now):
                continue
            waiting = self._waiting(broadcast.number)
            if waiting and now - broadcast.at > LATEST_S:
                log.error(
                    "broadcast_too_late",
                    number=broadcast.number,
                    bot=broadcast.bot,
                    unsaid=broadcast.recipients - broadcast.posted,
                )
                telemetry.count("degraded", what="broadcast_too_late")
                waiting = []
            if not waiting:
                self._end(broadcast.number)
            rows.append([(broadcast, conversation) for conversation in waiting if not held(conversation)])
        in_turn = [pair for pairs in zip_longest(*rows) for pair in pairs if pair is not None]
        return in_turn[:BATCH]

    def _waiting(self, number: int) -> list[ConversationId]:
        """The next :data:`BATCH` who have not heard the broadcast ``number``."""
        query = select(recipients.c.conversation).order_by(recipients.c.conversation).limit(BATCH)
        query = query.where(recipients.c.broadcast == number, recipients.c.posted_at.is_(None))
        with self._database.read() as connection:
            return [ConversationId.from_key(key) for key in connection.scalars(query)]

    def _posted(self, broadcast: Broadcast, conversation: ConversationId) -> None:
        """The words lie in the outbox of ``conversation``."""
        one = (recipients.c.broadcast == broadcast.number, recipients.c.conversation == conversation.key)
        with self._database.write() as connection:
            connection.execute(update(recipients).where(*one).values(posted_at=self._clock()))

    def _end(self, number: int) -> None:
        still = (broadcasts.c.number == number, broadcasts.c.ended_at.is_(None))
        with self._database.write() as connection:
            connection.execute(update(broadcasts).where(*still).values(ended_at=self._clock()))

    def _one(self, condition: ColumnElement[bool]) -> Broadcast:
        (found,) = self._all(condition)
        return found

    def _all(self, condition: ColumnElement[bool]) -> list[Broadcast]:
        counts = (
            select(
                recipients.c.broadcast,
                func.count().label("recipients"),
                func.count(recipients.c.posted_at).label("posted"),
            )
            .where(recipients.c.broadcast.in_(select(broadcasts.c.number).where(condition)))
            .group_by(recipients.c.broadcast)
            .subquery()
        )
        query = select(broadcasts, counts.c.recipients, counts.c.posted).outerjoin(
            counts, counts.c.broadcast == broadcasts.c.number
        )
        query = query.where(condition).order_by(broadcasts.c.number)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [
            Broadcast(
                number=row.number,
                bot=row.bot,
                text=row.text,
                at=row.at,
                recipients=row.recipients or 0,
                posted=row.posted or 0,
                ended_at=row.ended_at,
            )
            for row in rows
        ]
