"""The cases as the desk, the operator and the courier see them: read, confirmed, judged and closed."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from bot.audit.entries import Action
from bot.errors import UsageError
from bot.safety.cases.case import Case, CaseMessage, CaseState, Sealed
from bot.safety.cases.ledger import WORKER, Ledger, Writing, case_event
from bot.safety.cases.notices import CaseNotice, notices_of
from bot.safety.cases.rows import case_of, message_of
from bot.safety.cases.tables import case_history, case_messages, cases


class Cases:
    """Methods raise :class:`~bot.errors.Unavailable` when the database does not answer."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def get(self, number: int) -> Case | None:
        """The case with this number."""
        with self.ledger.database.read() as connection:
            return self.ledger.case(connection, number)

    def newest(
        self, limit: int, *, bot: str = "", still_open: bool = False, reporters: Collection[str] = ()
    ) -> list[Case]:
        """The last ``limit`` cases, the newest first; with ``reporters`` only theirs (:meth:`.CaseKey.reporters`)."""
        query = select(cases).order_by(cases.c.number.desc()).limit(limit)
        if bot:
            query = query.where(cases.c.bot == bot)
        if still_open:
            query = query.where(cases.c.state != CaseState.CLOSED)
        if reporters:
            query = query.where(cases.c.reporter.in_(reporters))
        with self.ledger.database.read() as connection:
            return [case_of(row) for row in connection.execute(query)]

    def unseen(self, before: float) -> list[Case]:
        """The urgent cases opened before that epoch second which nobody at the desk has confirmed, the oldest first."""
        query = select(cases).where(cases.c.state != CaseState.CLOSED, cases.c.acknowledged_at.is_(None))
        query = query.where(cases.c.opened_at < before).order_by(cases.c.number)
        with self.ledger.database.read() as connection:
            return [case for row in connection.execute(query) if (case := case_of(row)).urgent]

    def messages(self, number: int) -> list[CaseMessage]:
        """What people wrote, in order."""
        query = select(case_messages).where(case_messages.c.case_number == number).order_by(case_messages.c.position)
        with self.ledger.database.read() as connection:
            return [message_of(row) for row in connection.execute(query)]

    def history(self, number: int) -> list[dict[str, Any]]:
        """What happened to a case: ``{"at", "what", "actor", "details"}``, in order."""
        query = select(case_history).where(case_history.c.case_number == number).order_by(case_history.c.id)
        with self.ledger.database.read() as connection:
            return [
                {"at": row.at, "what": row.what, "actor": row.actor, "details": row.details}
                for row in connection.execute(query)
            ]

    def notices(self, number: int) -> list[CaseNotice]:
        """What somebody was or is to be told of a case."""
        with self.ledger.database.read() as connection:
            return notices_of(connection, number)

    def unsealed(self, message: CaseMessage) -> Sealed:
        """What is sealed in ``message``. Raises :class:`~bot.errors.UsageError` when the key is another."""
        content = self.ledger.key.open(message.sealed)
        return Sealed(**(content | {"context": tuple(content["context"])}))

    def acknowledge(self, number: int, actor: str) -> Case | None:
        """Somebody at the desk has the case; ``None`` where there is no such one, and the first who says so counts."""
        with self.ledger.write() as writing:
            case = self.ledger.case(writing.connection, number)
            if case is None or case.acknowledged_at is not None:
                return case
            now = self.ledger.clock()
            changed = replace(case, state=CaseState.ACKNOWLEDGED, acknowledged_at=now, acknowledged_by=actor)
            self.ledger.change(writing, case, changed, "acknowledged", actor=actor)
            return changed

    def judge(self, number: int, *, serious: bool, actor: str) -> Case:
        """A human decides whether the case is serious; its date follows. Raises :class:`~bot.errors.UsageError`."""
        with self.ledger.write() as writing:
            case = self.ledger.existing(writing.connection, number)
            judged = replace(case, judged_serious=serious)
            changed = replace(judged, due_at=self.ledger.due(judged, judged.day0_at))
            self.ledger.change(writing, case, changed, "judged", actor=actor, details={"serious": serious})
            return changed

    def close(self, number: int, actor: str) -> Case:
        """The case needs nothing more from us. Raises :class:`~bot.errors.UsageError` unless it is acknowledged."""
        with self.ledger.write() as writing:
            case = self.ledger.existing(writing.connection, number)
            if case.acknowledged_at is None:
                raise UsageError(f"case {number} is not acknowledged; acknowledge it first")
            changed = replace(case, state=CaseState.CLOSED)
            self.ledger.change(writing, case, changed, "closed", actor=actor)
            return changed

    def looked_at(self, number: int, action: Action, actor: str, details: Mapping[str, Any]) -> Case:
        """Write into the audit log that ``actor`` is about to see a case or take it along; returns the case.

        Raises :class:`~bot.errors.UsageError` where there is none.
        """
        with self.ledger.write() as writing:
            case = self.ledger.existing(writing.connection, number)
            writing.events.append(case_event(case, action, actor, details))
            return case

    def arrived(self, writing: Writing, notice: CaseNotice) -> None:
        """``notice`` has arrived at the desk."""
        case = self.ledger.case(writing.connection, notice.case_number)
        if case is not None:
            state = CaseState.DELIVERED if case.state is CaseState.OPEN else case.state
            details = {"reason": notice.reason, "medium": notice.medium.value}
            self.ledger.change(
                writing, case, replace(case, state=state), "notice_arrived", actor=WORKER, details=details
            )
