"""A second look: a random share of what was not suspected goes to a human (compliance guidance 1.6).

The screen misses something, and only people who read what it let pass can say how much. Whether a turn is drawn hangs
on its id, which is made from the id of its first message, and on the installation's key: it can be repeated and not be
guessed. Nothing new is kept but the verdicts, which stand in the history of cases (``case_number`` 0 where none was
opened); the words come from the record of the turn, and end with it (``KEEP_WORDS_DAYS``).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from math import sqrt
from typing import Any, Final

from sqlalchemy import Connection, select

from bot.audit.entries import Action, AuditEvent
from bot.errors import UsageError
from bot.messages import ConversationId
from bot.records.turns import TurnRecord, from_row, turns
from bot.safety.adverse_events import Element, Ground, Kind, Quote, Screening, default_lexicon, screen
from bot.safety.cases.case import Case, Report
from bot.safety.cases.intake import Intake
from bot.safety.cases.ledger import Ledger, Writing
from bot.safety.cases.tables import case_history

SECOND_LOOK: Final = "second_look"
"""What the history says of a verdict, and the rule of what a human found."""
_STRETCH: Final = 1.96
"""Standard deviations of a 95 % interval."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """A turn for a second look. ``words`` are masked, ``asked_at`` is epoch seconds, ``missed`` what was judged
    (``None``: nobody has looked yet)."""

    turn: str
    bot: str
    asked_at: float
    words: str
    missed: bool | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """How many of the ``judged`` turns were ``missed`` reports, and between which shares (0 to 1) the true one lies
    with 95 % confidence (Wilson's interval, which holds for few and for none)."""

    judged: int
    missed: int

    @property
    def interval(self) -> tuple[float, float]:
        """Least and greatest share; all of it while nobody has judged anything."""
        if not self.judged:
            return 0.0, 1.0
        n, share, square = self.judged, self.missed / self.judged, _STRETCH**2
        middle = (share + square / (2 * n)) / (1 + square / n)
        half = _STRETCH * sqrt(share * (1 - share) / n + square / (4 * n * n)) / (1 + square / n)
        return max(0.0, middle - half), min(1.0, middle + half)


class SecondLook:
    """Methods raise :class:`~bot.errors.Unavailable` when the database does not answer."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def of_day(self, day: date) -> list[Drawn]:
        """What was drawn of the turns of ``day`` (in the ledger's time zone), in order."""
        first = datetime(day.year, day.month, day.day, tzinfo=self._ledger.zone)
        start, end = first.timestamp(), (first + timedelta(days=1)).timestamp()
        query = select(turns).where(turns.c.asked_at >= start, turns.c.asked_at < end).order_by(turns.c.asked_at)
        with self._ledger.database.read() as connection:
            found = [record for record in map(from_row, connection.execute(query)) if self._is_drawn(record)]
            verdicts = dict(_verdicts(connection))
        mask = self._ledger.key.masker({}).mask
        return [
            Drawn(
                turn=record.id,
                bot=record.bot,
                asked_at=record.asked_at,
                words=mask(record.question),
                missed=verdicts.get(record.id),
            )
            for record in found
        ]

    def judge(self, turn_id: str, *, missed: bool, actor: str, kind: Kind = Kind.ADVERSE_EVENT) -> Case | None:
        """Keep what a human says of a drawn turn; a ``missed`` report opens a case, whose clock runs from its message.

        Raises :class:`~bot.errors.UsageError` for a turn that was not drawn or was judged before.
        """
        with self._ledger.database.read() as connection:
            row = connection.execute(select(turns).where(turns.c.id == turn_id)).one_or_none()
            judged = turn_id in dict(_verdicts(connection))
        record = None if row is None else from_row(row)
        if record is None or not self._is_drawn(record):
            raise UsageError(f"turn {turn_id} was not drawn; `python -m bot case sample` lists those that were")
        if judged:
            raise UsageError(f"turn {turn_id} was judged before")
        products = self._ledger.bots[record.bot].safety.products
        taken = Intake(self._ledger).take(_report(record, kind, products)) if missed else None
        case = taken.case if taken else None
        with self._ledger.write() as writing:
            self._write(writing, record, case, actor, missed=missed)
        return case

    def estimate(self) -> Estimate:
        """What all verdicts say together."""
        with self._ledger.database.read() as connection:
            verdicts = [missed for _, missed in _verdicts(connection)]
        return Estimate(judged=len(verdicts), missed=sum(verdicts))

    def _is_drawn(self, record: TurnRecord) -> bool:
        bot = self._ledger.bots.get(record.bot)
        if bot is None or bot.tenant != record.tenant or bot.safety.off or not _has_words(record):
            return False
        suspected = any("case" in step for step in record.steps)
        return not suspected and self._ledger.key.lot(record.id) * 100 < bot.safety.second_look_percent

    def _write(self, writing: Writing, record: TurnRecord, case: Case | None, actor: str, *, missed: bool) -> None:
        number = case.number if case else 0
        details: dict[str, Any] = {"turn": record.id, "missed": missed}
        values = {"case_number": number, "at": self._ledger.clock(), "what": SECOND_LOOK, "actor": actor}
        writing.connection.execute(case_history.insert().values({**values, "details": details}))
        writing.events.append(
            AuditEvent(
                action=Action.CASE,
                subject=f"turn:{record.id}",
                actor=actor,
                tenant=record.tenant,
                bot=record.bot,
                details={"what": SECOND_LOOK, "missed": missed, "case": number},
            )
        )


def _has_words(record: TurnRecord) -> bool:
    """Whether somebody wrote something that may be read: not a command, and not hidden for want of consent."""
    return len(record.question.strip(" …")) > 1 and not record.question.lstrip().startswith(("/", "／"))


def _verdicts(connection: Connection) -> Iterator[tuple[str, bool]]:
    """(turn, whether it was a missed report) of every verdict."""
    query = select(case_history.c.details).where(case_history.c.what == SECOND_LOOK)
    for (details,) in connection.execute(query):
        yield str(details["turn"]), bool(details["missed"])


def _report(record: TurnRecord, kind: Kind, products: Sequence[str]) -> Report:
    """The turn as the report that a human found in it."""
    return Report(
        id=record.id,
        conversation=ConversationId.from_key(record.conversation),
        tenant=record.tenant,
        sender_name="",
        sent_at=record.asked_at,
        received_at=record.asked_at,
        words=record.question,
        medium="text",
        screening=_found_by_hand(record.question, kind, products),
        context=(),
        most_questions=0,
    )


def _found_by_hand(words: str, kind: Kind, products: Sequence[str]) -> Screening:
    """What the screen sees in ``words``, and that they tell of ``kind``."""
    quote = Quote(message=0, start=0, end=len(words), text=words)
    grounds = (Ground(rule=SECOND_LOOK, kind=kind, quote=quote),)
    seen = screen([words], lexicon=default_lexicon().with_products(products))
    elements = tuple(found for found in seen.elements if found[0] is not Element.EVENT)
    return replace(seen, grounds=grounds, new_grounds=grounds, elements=(*elements, (Element.EVENT, quote)))
