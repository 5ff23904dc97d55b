"""What is held of a person, store by store: the one place that knows them all, so that a person can see it and be
forgotten.

A new store of what people wrote, or of who they are, is named in :meth:`PersonalRecords.held` and
:meth:`PersonalRecords.forget`, and its end in :mod:`bot.retention`; ``docs/privacy.md`` says what stays and why: the
audit log, which names people by pseudonyms; cases of drug safety, which the law keeps; and what ends by itself within
hours (bubbles, claims of message ids, pacing).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import redis
from sqlalchemy import ColumnElement, Row, Select, and_, delete, func, or_, select, update

from bot import keys
from bot.broadcasts import recipients
from bot.dead_letters import KEPT, DeadLetters
from bot.errors import LeaseLost
from bot.feedback.records import feedback
from bot.handoff.tickets import tickets
from bot.identity.tables import bindings, bindings_at, bound_records
from bot.lease import Leases
from bot.lease_scripts import LUA_OWNED
from bot.media.store import MediaStore, owner_of
from bot.messages import ConversationId, ReplyKind
from bot.records.database import Database
from bot.records.turns import turns
from bot.redis_client import redis_answers
from bot.safety.consent.records import consents
from bot.shallow import shallow

_EMPTY = (
    LUA_OWNED
    + """
if redis.call('EXISTS', KEYS[2]) == 1 then return -2 end
local gone = redis.call('LLEN', KEYS[3])
redis.call('DEL', unpack(KEYS, 3))
return gone
"""
)
_WAITING = -2
MOST_SHOWN = 2000
"""Turns that somebody is shown of themselves at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Forgotten:
    """How much was removed: recorded turns, verdicts, tickets, media, consents, bindings to a professional's record,
    and what was in flight. ``busy`` conversations must be tried again: a worker had them, or a message waits that
    nobody has screened for adverse events yet."""

    turns: int
    feedback: int
    tickets: int
    media: int
    consents: int
    bindings: int
    in_flight: int
    busy: int

    def counts(self) -> dict[str, int]:
        """By name."""
        return shallow(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """What is held of a person: rows as they are stored, and the names of media. Of ``turns_in_all`` recorded turns
    ``turns`` are the newest."""

    turns_in_all: int
    turns: tuple[Mapping[str, Any], ...]
    feedback: tuple[Mapping[str, Any], ...]
    tickets: tuple[Mapping[str, Any], ...]
    broadcasts: tuple[Mapping[str, Any], ...]
    consents: tuple[Mapping[str, Any], ...]
    bindings: tuple[Mapping[str, Any], ...]
    media: tuple[str, ...]

    def counts(self) -> dict[str, int]:
        """How many, by name."""
        kinds = ("feedback", "tickets", "broadcasts", "consents", "bindings", "media")
        return {"turns": self.turns_in_all} | {kind: len(getattr(self, kind)) for kind in kinds}

    def to_json(self) -> dict[str, Any]:
        """All of it by name, JSON-ready."""
        kinds = ("turns", "feedback", "tickets", "broadcasts", "consents", "bindings", "media")
        return {kind: list(getattr(self, kind)) for kind in kinds}


class PersonalRecords:
    """Everything that is held of people, by bot."""

    def __init__(self, client: "redis.Redis", database: Database, media: MediaStore, leases: Leases) -> None:
        self._redis = client
        self._database = database
        self._media = media
        self._leases = leases

    def forget(self, bot: str, person: str, *, but: ConversationId) -> Forgotten:
        """Remove what ``bot`` holds of ``person``; in flight, what does not belong to the conversation ``but``, in
        which that was asked. Doing it again removes what has come since.

        Raises :class:`~bot.errors.Unavailable` when Redis, the database or the media folder does not answer.
        """
        theirs = self._conversations(bot, person)
        emptied = [self._empty(conversation) for conversation in theirs if conversation != but]
        in_flight = sum(count for count in emptied if count is not None)
        self._forget_masks({*theirs, but})
        if but.bot == bot and but.person.casefold() == person.casefold():
            self._forget_heard(but)
        in_flight += self._forget_letters(bot, person) + self._forget_refused(theirs)
        media = sum(self._media.forget_all_of(owner_of(conversation)) for conversation in theirs)
        removed = self._delete(bot, person, theirs)
        return Forgotten(media=media, in_flight=in_flight, busy=emptied.count(None), **removed)

    def held(self, bot: str, person: str) -> "Held":
        """What ``bot`` holds of ``person``, for themselves to read. Raises as :meth:`forget` does."""
        theirs = self._conversations(bot, person)
        names = [conversation.key for conversation in theirs]
        rated = and_(feedback.c.bot == bot, func.lower(feedback.c.person) == person.casefold())
        asked = and_(tickets.c.bot == bot, tickets.c.conversation.in_(names))
        newest = select(turns).where(_turns_of(bot, person))
        with self._database.read() as connection:

            def rows(query: Select[Any]) -> tuple[Mapping[str, Any], ...]:
                return tuple(dict(row._mapping) for row in connection.execute(query))

            return Held(
                turns_in_all=connection.scalar(select(func.count()).where(_turns_of(bot, person))) or 0,
                turns=rows(newest.order_by(turns.c.asked_at.desc()).limit(MOST_SHOWN)),
                feedback=rows(select(feedback).where(rated)),
                tickets=rows(select(tickets).where(asked)),
                broadcasts=rows(select(recipients).where(recipients.c.conversation.in_(names))),
                consents=rows(select(consents).where(_consent_of(bot, person))),
                bindings=rows(bound_records(bot, person)),
                media=tuple(name for one in theirs for name in self._media.names_of(owner_of(one))),
            )

    def knows(self, bot: str, person: str) -> int:
        """How many turns of ``person`` with ``bot`` are recorded."""
        with self._database.read() as connection:
            return connection.scalar(select(func.count()).where(_turns_of(bot, person))) or 0

    def _conversations(self, bot: str, person: str) -> set[ConversationId]:
        """Those that are recorded, and those with work left."""
        recorded = select(turns.c.conversation).where(_turns_of(bot, person)).distinct()
        opened = select(tickets.c.conversation).where(tickets.c.bot == bot)
        with self._database.read() as connection:
            found = {*connection.scalars(recorded), *connection.scalars(opened)}
        pipe: Any = self._redis.pipeline(transaction=False)
        for due in keys.ALL_DUE:
            pipe.zrange(due, 0, -1)
        with redis_answers():
            found |= {raw.decode(errors="replace") for members in pipe.execute() for raw in members}
        named = [ConversationId.from_key(key) for key in found if key.count("/") == 3]
        return {one for one in named if one.bot == bot and one.person.casefold() == person.casefold()}

    def _empty(self, conversation: ConversationId) -> int | None:
        """Remove what is in flight in ``conversation``, as its owner, lest somebody send what is not there any more;
        ``None`` while a worker has it or a message waits."""
        lease = self._leases.acquire(conversation)
        if lease is None:
            return None
        try:
            with redis_answers():
                shown: Any = self._redis.hkeys(keys.late_replies(conversation))
            bubbles = [keys.stream(conversation, bubble.decode()) for bubble in shown]
            parts = (keys.queue, keys.outbox, keys.progress, keys.late_replies, keys.parked, keys.heard, keys.fault)
            gone = int(lease.run(_EMPTY, [*(part(conversation) for part in parts), *bubbles]))
            lease.release()
        except LeaseLost:
            return None
        finally:
            self._leases.forget(lease)
        return None if gone == _WAITING else gone

    def _forget_masks(self, conversations: Iterable[ConversationId]) -> None:
        with redis_answers():
            for conversation in conversations:
                self._redis.delete(keys.masks(conversation), keys.lookup(conversation))

    def _forget_heard(self, conversation: ConversationId) -> None:
        """What the person wrote before they asked to be forgotten. It was screened; what is in flight there goes on."""
        with redis_answers():
            self._redis.delete(keys.heard(conversation), keys.fault(conversation))

    def _forget_letters(self, bot: str, person: str) -> int:
        letters = DeadLetters(self._redis)
        theirs = [one for one in letters.newest(bot, KEPT) if one.conversation.person.casefold() == person.casefold()]
        return sum(letters.remove(letter) for letter in theirs)

    def _forget_refused(self, conversations: Iterable[ConversationId]) -> int:
        """Those that were screened; the others go within a day."""
        gone = 0
        for conversation in conversations:
            name = keys.refused(conversation)
            with redis_answers():
                screened: Any = self._redis.hget(keys.REFUSED_READ, conversation.tag)
                entries: Any = self._redis.xrange(name, max=screened) if screened else []
                ids = [entry for entry, fields in entries if fields[b"conversation"].decode() == conversation.key]
                gone += int(self._redis.xdel(name, *ids)) if ids else 0
        return gone

    def _delete(self, bot: str, person: str, conversations: Iterable[ConversationId]) -> dict[str, int]:
        """What SQL holds. Commands of others that name the person keep nothing but that they were given."""
        names = [conversation.key for conversation in conversations]
        id_ = person.casefold()
        rated = and_(feedback.c.bot == bot, func.lower(feedback.c.person) == id_)
        asked = and_(tickets.c.bot == bot, tickets.c.conversation.in_(names))
        with self._database.write() as connection:
            removed = {
                "turns": connection.execute(delete(turns).where(_turns_of(bot, person))).rowcount,
                "feedback": connection.execute(delete(feedback).where(rated)).rowcount,
                "tickets": connection.execute(delete(tickets).where(asked)).rowcount,
                "consents": connection.execute(delete(consents).where(_consent_of(bot, person))).rowcount,
                "bindings": connection.execute(delete(bindings).where(bindings_at(bot, person))).rowcount,
            }
            connection.execute(delete(recipients).where(recipients.c.conversation.in_(names)))
            named = [row.id for row in connection.execute(_commands_with(bot, person)) if _names(row, person)]
            connection.execute(update(turns).where(turns.c.id.in_(named)).values(question="/…", answer="…"))
        return removed


def _turns_of(bot: str, person: str) -> ColumnElement[bool]:
    return and_(turns.c.bot == bot, func.lower(turns.c.person) == person.casefold())


def _consent_of(bot: str, person: str) -> ColumnElement[bool]:
    return and_(consents.c.bot == bot, consents.c.person == person.casefold())


def _commands_with(bot: str, person: str) -> Select[Any]:
    written = or_(
        turns.c.question.icontains(person, autoescape=True), turns.c.answer.icontains(person, autoescape=True)
    )
    query = select(turns.c.id, turns.c.question, turns.c.answer)
    return query.where(turns.c.bot == bot, turns.c.kind == ReplyKind.COMMAND, written)


def _names(row: Row[Any], person: str) -> bool:
    """Whether the user id stands in a command by itself, and not within another word."""
    alone = re.compile(rf"(?<![\w.@-]){re.escape(person)}(?![\w.@-])", re.IGNORECASE)
    return alone.search(f"{row.question}\n{row.answer}") is not None
