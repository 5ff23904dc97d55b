"""The end of what is recorded: each kind of record is kept as long as its setting says, and no longer.

Once a day, after :data:`NIGHT` in the installation's time zone, personal data in the words of old turns is masked, and
what is older still is removed. It is done in small batches with pauses as long as the work, a slice at a time, and
whatever was left goes on at the next slice: people who ask at night notice nothing. Doing it again does nothing.

Pictures of documents that nobody can be shown any more go with it. What else lies outside SQL ends by itself: media
(:mod:`bot.media.store`), dead letters, refused messages and everything else in Redis have an expiry of their own.
:data:`HELD` stays whatever its age.
"""

import json
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from zoneinfo import ZoneInfo

import redis
import structlog
from sqlalchemy import Connection, and_, bindparam, delete, exists, func, select, tuple_, update

from bot import telemetry
from bot.audit.entries import Action, AuditEvent, utc_text
from bot.audit.log import AuditLog
from bot.broadcasts import broadcasts, recipients
from bot.feedback.records import feedback
from bot.handoff.tickets import TicketState, tickets
from bot.identity.register import remove_ended, remove_old_codes
from bot.knowledge.figures import FigureStore
from bot.knowledge.unused_figures import UnusedFigures
from bot.links import DAY_S
from bot.records.turns import turns
from bot.redis_client import redis_answers
from bot.safety.consent.records import consents
from bot.safety.personal_data import Masker
from bot.settings import Settings

log = structlog.get_logger()

HELD: Mapping[str, str] = {
    "audit_entries": "who did what, under pseudonyms; moved to a file by `audit take-out` alone, after AUDIT_KEEP_DAYS",
    "cases": "reports for drug safety, which the law keeps for ten years after a drug's registration has ended",
    "case_messages": "what they rest on, people's names sealed",
    "case_history": "what became of them",
    "case_notices": "that the safety desk was told",
    "switches": "who is blocked and what stands still, until somebody lifts it",
}
"""Tables with something of people in them that are kept whatever their age, and why."""
NIGHT = 3
"""The hour from which a day's work is done."""
SLICE_S = 20.0
"""Seconds of one slice, pauses included; beat asks for one every ten minutes."""
REMOVED_AT_ONCE = 500
MASKED_AT_ONCE = 50
"""Turns; looking for personal data in one takes some milliseconds."""
_DONE, _RUNNING, _MASKED = "retention:done", "retention:running", "retention:masked"
"""Strings: the day whose work is done; that somebody is at it; the last turn that was masked."""
_NAMELESS = "…"
_SERVED = (TicketState.WAITING, TicketState.SERVED)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeepDays:
    """Days that each kind of record is kept; ``words`` how long those of a turn are kept as they were written."""

    words: int
    turns: int
    tickets: int
    broadcasts: int

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Those that are set."""
        return cls(
            words=settings.keep_words_days,
            turns=settings.keep_turns_days,
            tickets=settings.keep_tickets_days,
            broadcasts=settings.keep_broadcasts_days,
        )


class Retention:
    """Ends what is over, ``figures`` too. ``pause(seconds)`` lets others work; ``clock`` gives epoch seconds.

    Methods raise :class:`~bot.errors.Unavailable` when Redis or the database does not answer.
    """

    def __init__(
        self,
        client: "redis.Redis",
        audit: AuditLog,
        keep: KeepDays,
        timezone: ZoneInfo,
        figures: UnusedFigures,
        *,
        clock: Callable[[], float] = time.time,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._redis = client
        self._audit = audit
        self._keep = keep
        self._timezone = timezone
        self._figures = figures
        self._clock = clock
        self._pause = pause

    @classmethod
    def from_settings(cls, settings: Settings, client: "redis.Redis", audit: AuditLog) -> Self:
        """The one of an installation."""
        linked_s = settings.citation_link_days * DAY_S
        figures = UnusedFigures(audit.database, FigureStore(settings.data_dir / "figures"), linked_s)
        return cls(client, audit, KeepDays.from_settings(settings), ZoneInfo(settings.timezone), figures)

    def work(self) -> bool:
        """One slice of the day's work; False when it is done, not due yet, or somebody else is at it."""
        now = self._clock()
        local = datetime.fromtimestamp(now, self._timezone)
        day = local.date().isoformat()
        if local.hour < NIGHT or not self._begin(day):
            return False
        counts: dict[str, int] = {}
        ended = self._slice(now, counts)
        with redis_answers():
            if ended:
                self._redis.set(_DONE, day)
            self._redis.delete(_RUNNING)
        log.info("retention", day=day, ended=ended, held=sorted(HELD), **counts)
        return not ended

    def _begin(self, day: str) -> bool:
        with redis_answers():
            done: Any = self._redis.get(_DONE)
            if done is not None and done.decode() == day:
                return False
            return bool(self._redis.set(_RUNNING, "1", nx=True, ex=int(10 * SLICE_S)))

    def _slice(self, now: float, counts: dict[str, int]) -> bool:
        """Work until nothing is left, or the slice is over; False then. ``counts`` is filled with what was done."""
        give_up_at = time.monotonic() + SLICE_S
        for kind, done, batch in self._batches(now):
            more = True
            while more:
                if time.monotonic() > give_up_at:
                    return False
                began = time.monotonic()
                number, more = batch()
                if number:
                    counts[f"{kind}_{done}"] = counts.get(f"{kind}_{done}", 0) + number
                    telemetry.add("retention", number, kind=kind, done=done)
                if more:
                    self._pause(time.monotonic() - began)
        return True

    def _batches(self, now: float) -> Iterator[tuple[str, str, Callable[[], tuple[int, bool]]]]:
        """What is to be done: kind, ``masked`` or ``removed``, and what does some of it, giving how much that was and
        whether there may be more. What is removed need not be masked before."""
        removed: tuple[tuple[str, int, Callable[[Connection, float], int]], ...] = (
            ("turns", self._keep.turns, _remove_turns),
            ("feedback", self._keep.turns, _remove_feedback),
            ("tickets", self._keep.tickets, _remove_tickets),
            ("broadcasts", self._keep.broadcasts, _remove_broadcast),
            ("consents", self._keep.turns, _remove_consents),
            ("professionals", 0, lambda connection, before: remove_ended(connection, before, REMOVED_AT_ONCE)),
            ("codes", 0, lambda connection, before: remove_old_codes(connection, before, REMOVED_AT_ONCE)),
        )
        for kind, days, remove in removed:
            yield kind, "removed", self._remover(kind, now - days * DAY_S, remove)
        yield "figures", "removed", lambda: self._remove_figures(now)
        yield "turns", "masked", lambda: self._mask(now - self._keep.words * DAY_S)

    def _remover(
        self, kind: str, before: float, remove: Callable[[Connection, float], int]
    ) -> Callable[[], tuple[int, bool]]:
        def batch() -> tuple[int, bool]:
            with self._audit.database.write() as connection:
                number = remove(connection, before)
                self._report(connection, kind, number, before)
            return number, number > 0

        return batch

    def _remove_figures(self, now: float) -> tuple[int, bool]:
        number = self._figures.remove(now, REMOVED_AT_ONCE)
        with self._audit.database.write() as connection:
            self._report(connection, "figures", number, now)
        return number, number > 0

    def _report(self, connection: Connection, kind: str, number: int, before: float) -> None:
        details = {"removed": number, "before": utc_text(before)}
        event = AuditEvent(action=Action.DELETION, subject=f"records:{kind}", actor="system:worker", details=details)
        self._audit.append_within(connection, [event] if number else [])

    def _mask(self, before: float) -> tuple[int, bool]:
        """Mask the words of the next turns that were asked ``before``."""
        with redis_answers():
            raw: Any = self._redis.get(_MASKED)
        asked_at, turn_id = json.loads(raw) if raw else (0.0, "")
        query = (
            select(turns.c.id, turns.c.asked_at, turns.c.question, turns.c.quoted, turns.c.answer, turns.c.steps)
            .where(tuple_(turns.c.asked_at, turns.c.id) > tuple_(asked_at, turn_id), turns.c.asked_at < before)
            .order_by(turns.c.asked_at, turns.c.id)
            .limit(MASKED_AT_ONCE)
        )
        with self._audit.database.read() as connection:
            rows = connection.execute(query).all()
        if not rows:
            return 0, False
        changed = [{"of": row.id, **words} for row in rows if (words := _masked(dict(row._mapping)))]
        if changed:
            with self._audit.database.write() as connection:
                connection.execute(update(turns).where(turns.c.id == bindparam("of")), changed)
        with redis_answers():
            self._redis.set(_MASKED, json.dumps([rows[-1].asked_at, rows[-1].id]))
        return len(changed), True


def _masked(row: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a turn as they are without personal data; nothing when they hold none. Names of files go whole:
    half of them are people's (张三-体检报告.pdf)."""
    masker = Masker(secrets.token_bytes(32))
    steps, names = _without_file_names(row["steps"])
    kept: dict[str, Any] = {name: row[name] for name in ("question", "quoted", "answer")}
    words = {column: masker.mask(_without(names, text)) for column, text in kept.items()} | {"steps": steps}
    return {} if words == kept | {"steps": row["steps"]} else words


def _without_file_names(steps: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], set[str]]:
    """What each step found, without the names of the media that it fetched, and those names."""
    names = {note["name"] for step in steps for note in step.get("media", ()) if note["name"]}
    kept = [
        {**step, "media": [{**note, "name": ""} for note in step["media"]]} if "media" in step else dict(step)
        for step in steps
    ]
    return kept, names


def _without(names: Iterable[str], text: str) -> str:
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, _NAMELESS)
    return text


def _remove_turns(connection: Connection, before: float) -> int:
    old = select(turns.c.id).where(turns.c.asked_at < before).order_by(turns.c.asked_at).limit(REMOVED_AT_ONCE)
    return connection.execute(delete(turns).where(turns.c.id.in_(old))).rowcount


def _remove_feedback(connection: Connection, before: float) -> int:
    old = select(feedback.c.turn_id).where(feedback.c.given_at < before).limit(REMOVED_AT_ONCE)
    over = delete(feedback).where(feedback.c.turn_id.in_(old), feedback.c.given_at < before)
    return connection.execute(over).rowcount


def _remove_tickets(connection: Connection, before: float) -> int:
    """But for those at which a human is at work, or is waited for."""
    over = (tickets.c.opened_at < before, tickets.c.state.not_in(_SERVED))
    old = select(tickets.c.number).where(*over).limit(REMOVED_AT_ONCE)
    return connection.execute(delete(tickets).where(tickets.c.number.in_(old))).rowcount


def _remove_consents(connection: Connection, before: float) -> int:
    """Those of people of whom no turn is recorded any more: while somebody writes, their word holds."""
    theirs = and_(turns.c.bot == consents.c.bot, func.lower(turns.c.person) == consents.c.person)
    over = and_(consents.c.at < before, ~exists().where(theirs))
    old = select(consents.c.bot, consents.c.person).where(over).limit(REMOVED_AT_ONCE)
    gone = tuple_(consents.c.bot, consents.c.person).in_(old)
    return connection.execute(delete(consents).where(gone)).rowcount


def _remove_broadcast(connection: Connection, before: float) -> int:
    """One of them with its recipients, of which there may be thousands."""
    number = connection.scalar(select(func.min(broadcasts.c.number)).where(broadcasts.c.at < before))
    if number is None:
        return 0
    connection.execute(delete(recipients).where(recipients.c.broadcast == number))
    return connection.execute(delete(broadcasts).where(broadcasts.c.number == number)).rowcount
