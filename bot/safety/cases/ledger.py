"""What everything that writes cases shares: one transaction for a case, its history, its notices and the audit log."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from bot.audit.entries import Action, AuditEvent
from bot.bots_file import BotConfig
from bot.errors import UsageError
from bot.records.database import Database
from bot.safety.adverse_events import Kind
from bot.safety.cases.case import Case
from bot.safety.cases.config import SafetyConfig
from bot.safety.cases.deadlines import due_at
from bot.safety.cases.notices import Medium, write_notices
from bot.safety.cases.rows import case_of, row_of
from bot.safety.cases.sealing import CaseKey
from bot.safety.cases.tables import case_history, cases

WORKER = "system:worker"
"""Who does what nobody asked for."""
DESK = "desk:"
"""What stands before the user id of somebody at the desk who acts in a chat."""

Audit = Callable[[Connection, Sequence[AuditEvent]], object]
"""Writes events into the audit log, in a transaction (:meth:`bot.audit.log.AuditLog.append_within`)."""


@dataclass(frozen=True, slots=True)
class Writing:
    """A writing transaction, and what the audit log is told at its end."""

    connection: Connection
    events: list[AuditEvent] = field(default_factory=list)


class Ledger:
    """Cases in SQL and what stands around them. ``zone`` is where days end, ``clock`` gives epoch seconds.

    Methods raise :class:`~bot.errors.Unavailable` when the database does not answer.
    """

    def __init__(
        self,
        *,
        database: Database,
        key: CaseKey,
        bots: Mapping[str, BotConfig],
        zone: ZoneInfo,
        audit: Audit,
        clock: Callable[[], float],
    ) -> None:
        self.database = database
        self.key = key
        self.bots = bots
        self.zone = zone
        self.clock = clock
        self._audit = audit

    @contextmanager
    def write(self) -> Iterator[Writing]:
        """A transaction for cases; the audit log comes last, as everybody else who appends waits for it."""
        with self.database.write() as connection:
            writing = Writing(connection)
            yield writing
            self._audit(connection, writing.events)

    def case(self, connection: Connection, number: int) -> Case | None:
        """The case with this number."""
        row = connection.execute(select(cases).where(cases.c.number == number)).one_or_none()
        return None if row is None else case_of(row)

    def existing(self, connection: Connection, number: int) -> Case:
        """The same. Raises :class:`~bot.errors.UsageError` where there is none."""
        case = self.case(connection, number)
        if case is None:
            raise UsageError(f"there is no case {number}; `python -m bot case list` lists them")
        return case

    def change(
        self,
        writing: Writing,
        before: Case,
        after: Case,
        what: str,
        *,
        actor: str,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Write ``after`` over ``before``, with what happened."""
        if after != before:
            writing.connection.execute(cases.update().where(cases.c.number == before.number).values(row_of(after)))
        self.note(writing, after, what, actor, details or {})

    def note(self, writing: Writing, case: Case, what: str, actor: str, details: Mapping[str, Any]) -> None:
        """Add to the history that ``actor`` did ``what``."""
        values = {"case_number": case.number, "at": self.clock(), "what": what, "actor": actor}
        writing.connection.execute(case_history.insert().values(values | {"details": dict(details)}))
        writing.events.append(case_event(case, Action.CASE, actor, {"what": what, **details}))

    def tell_desk(self, writing: Writing, case: Case, reason: str) -> None:
        """Everybody at the desk has to hear of ``case`` for ``reason``, once."""
        if (bot := self.bot_of(case)) is not None:
            write_notices(writing.connection, case.number, reason, self.recipients(bot, case), self.clock())

    def recipients(self, bot: BotConfig, case: Case) -> list[tuple[Medium, str]]:
        """Everybody who has to hear of ``case`` of ``bot``."""
        desk, boxes = desk_for(bot, case), list(bot.safety.email)
        if Kind.QUALITY_COMPLAINT in case.kinds:
            quality = list(bot.safety.quality_email)
            boxes = quality if quality and _is_of_quality_alone(case) else [*boxes, *quality]
        return [(Medium.CHAT, person) for person in desk] + [(Medium.MAIL, box) for box in dict.fromkeys(boxes)]

    def due(self, case: Case, day0_at: float | None) -> float | None:
        """By when ``case`` has to be reported, were its day 0 that of ``day0_at``."""
        return due_at(
            day0_at,
            regimes=case.regimes,
            serious=case.serious,
            judged_serious=case.judged_serious,
            group_event=case.group_event,
            config=self.config(case),
            zone=self.zone,
        )

    def config(self, case: Case) -> SafetyConfig:
        """What holds for the bot of ``case``; the defaults where it is configured no more."""
        bot = self.bot_of(case)
        return bot.safety if bot else SafetyConfig()

    def bot_of(self, case: Case) -> BotConfig | None:
        """The bot of ``case``; ``None`` where it is gone, or its id is another tenant's by now: that one's desk hears
        nothing of it."""
        bot = self.bots.get(case.bot)
        return bot if bot is not None and bot.tenant == case.tenant else None


def desk_for(bot: BotConfig, case: Case) -> tuple[str, ...]:
    """The user ids of those who hear of ``case``: a complaint about quality goes to the quality desk where there is
    one, and to the safety desk too when harm or another kind is told (guidance 1.1)."""
    quality = bot.safety.quality_desk
    if not quality or Kind.QUALITY_COMPLAINT not in case.kinds:
        return desk_of(bot)
    return quality if _is_of_quality_alone(case) else tuple(dict.fromkeys((*desk_of(bot), *quality)))


def _is_of_quality_alone(case: Case) -> bool:
    return set(case.kinds) == {Kind.QUALITY_COMPLAINT} and not case.serious


def desk_of(bot: BotConfig) -> tuple[str, ...]:
    """The user ids of those who hear of the cases of ``bot``."""
    return bot.safety.desk or bot.servicers or bot.admins


def case_event(case: Case, action: Action, actor: str, details: Mapping[str, Any]) -> AuditEvent:
    """What the audit log keeps of something that ``actor`` did with ``case``; of a person at the desk the pseudonym."""
    person = actor.removeprefix(DESK)
    who: dict[str, str] = {"actor": actor} if person == actor else {"person": person}
    subject = f"case:{case.number}"
    return AuditEvent(action=action, subject=subject, **who, tenant=case.tenant, bot=case.bot, details=details)
