"""What the desk hears when it has not confirmed a case, and before a case has to be reported."""

from collections.abc import Iterator

from sqlalchemy import select

from bot import telemetry
from bot.safety.cases.case import Case, CaseState
from bot.safety.cases.deadlines import HOUR_S
from bot.safety.cases.ledger import WORKER, Writing
from bot.safety.cases.notices import Medium, write_notices
from bot.safety.cases.register import Cases
from bot.safety.cases.rows import case_of
from bot.safety.cases.tables import cases

DAY_S = 86400.0
EVERY_S = 60.0
DAYS_BEFORE = (0, 1, 3)
"""Days before a date at which the desk is reminded of it, the last first."""
_SETTLED_S = 3600.0
"""A case younger than this has just been told of."""
_AT_ONCE = 500


class Reminders:
    """Looks at the open cases, at most every :data:`EVERY_S` seconds."""

    def __init__(self, register: Cases) -> None:
        self._ledger = register.ledger
        self._looked_at = 0.0

    def remind(self) -> int:
        """Write down what the desk, and the admins where nobody confirms, must hear now; returns of how many cases.

        Raises :class:`~bot.errors.Unavailable` when the database does not answer.
        """
        now = self._ledger.clock()
        if now - self._looked_at < EVERY_S:
            return 0
        reminded = 0
        for case in self._open_cases():
            reasons = self._reasons(case, now)
            if reasons:
                with self._ledger.write() as writing:
                    told = [self._remind(writing, case, reason, now) for reason in reasons]
                reminded += any(told)
        self._looked_at = now
        return reminded

    def _open_cases(self) -> Iterator[Case]:
        """All that are not closed, however many nobody has closed yet."""
        last = 0
        while True:
            query = select(cases).where(cases.c.state != CaseState.CLOSED, cases.c.number > last)
            with self._ledger.database.read() as connection:
                found = [case_of(row) for row in connection.execute(query.order_by(cases.c.number).limit(_AT_ONCE))]
            yield from found
            if len(found) < _AT_ONCE:
                return
            last = found[-1].number

    def _reasons(self, case: Case, now: float) -> list[str]:
        """Why the desk must hear of ``case``, by the names of :class:`.notices.CaseNotice`."""
        config, reasons = self._ledger.config(case), []
        if case.acknowledged_at is None:
            alarms = int((now - case.opened_at) // (config.alarm_hours * HOUR_S))
            reasons += [f"alarm:{alarms}"] if alarms > 0 else []
            late = now >= case.received_at + config.hand_over_hours * HOUR_S
            reasons += ["late"] if late and now >= case.opened_at + _SETTLED_S else []
        for name, due in (("due", case.due_at), ("follow_up_due", case.follow_up_due_at)):
            if due is not None and now >= case.opened_at + _SETTLED_S:
                near = [days for days in DAYS_BEFORE if now >= due - days * DAY_S]
                reasons += [f"{name}:{near[0]}:{due:.0f}"] if near else []
        return reasons

    def _remind(self, writing: Writing, case: Case, reason: str, now: float) -> bool:
        """Tell them once for each reason; whether that is new."""
        bot = self._ledger.bot_of(case)
        if bot is None:
            return False
        admins = [(Medium.CHAT, admin) for admin in bot.admins] if case.acknowledged_at is None else []
        recipients = dict.fromkeys([*self._ledger.recipients(bot, case), *admins])
        if not write_notices(writing.connection, case.number, reason, recipients, now):
            return False
        self._ledger.note(writing, case, "reminded", WORKER, {"reason": reason})
        telemetry.count("case_reminder", bot=case.bot, reason=reason.partition(":")[0])
        return True
