"""What a bot has done in a time: figures for those who run it, and the turns for those who take them along."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, select

from bot.events import Verdict
from bot.feedback.records import feedback
from bot.handoff.tickets import tickets
from bot.messages import ConversationId, ReplyKind
from bot.records.database import Database
from bot.records.turns import TurnRecord, from_row, turns

_PAGE = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """Figures of one bot: ``turns`` by kind of reply, without commands and without what the command line asked; how
    many ``people`` asked; how many replies ``failed``; seconds from the message to the decision, on average and at
    most; verdicts; tickets opened, and what people thought of the humans, 1 to 3."""

    turns: Mapping[ReplyKind, int]
    people: int
    failed: int
    mean_s: float
    longest_s: float
    useful: int
    useless: int
    tickets: int
    satisfaction: float | None


class Reports:
    """Looks at the records. Methods raise :class:`~bot.errors.Unavailable` when the database does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, bot: str, begin: float, end: float) -> Report:
        """The figures of ``bot`` from ``begin`` on and before ``end``, epoch seconds."""
        asked = and_(_within(bot, begin, end), turns.c.kind != ReplyKind.COMMAND)
        wait_s = turns.c.answered_at - turns.c.asked_at
        totals = select(
            func.count(func.distinct(turns.c.person)),
            func.coalesce(func.avg(wait_s), 0),
            func.coalesce(func.max(wait_s), 0),
        ).where(asked)
        given = select(feedback.c.verdict, func.count()).where(
            feedback.c.bot == bot, feedback.c.given_at >= begin, feedback.c.given_at < end
        )
        opened = select(func.count(), func.avg(tickets.c.satisfaction)).where(
            tickets.c.bot == bot, tickets.c.opened_at >= begin, tickets.c.opened_at < end
        )
        with self._database.read() as connection:
            kinds = connection.execute(select(turns.c.kind, func.count()).where(asked).group_by(turns.c.kind)).all()
            failed = connection.scalar(select(func.count()).where(asked, turns.c.failure != ""))
            people, mean_s, longest_s = connection.execute(totals).one()
            verdicts = {row[0]: row[1] for row in connection.execute(given.group_by(feedback.c.verdict))}
            number, satisfaction = connection.execute(opened).one()
        return Report(
            turns={ReplyKind(kind): n for kind, n in kinds},
            people=people,
            failed=failed or 0,
            mean_s=float(mean_s),
            longest_s=float(longest_s),
            useful=verdicts.get(Verdict.USEFUL, 0),
            useless=verdicts.get(Verdict.USELESS, 0),
            tickets=number,
            satisfaction=None if satisfaction is None else float(satisfaction),
        )

    def newest(self, bot: str, begin: float, end: float, most: int) -> Iterator[TurnRecord]:
        """At most ``most`` turns of ``bot`` in that time, commands too, the newest first.

        Read page by page, so that no transaction is open while the caller works.
        """
        query = select(turns).where(_within(bot, begin, end)).order_by(turns.c.asked_at.desc(), turns.c.id)
        for start in range(0, most, _PAGE):
            with self._database.read() as connection:
                rows = connection.execute(query.offset(start).limit(min(_PAGE, most - start))).all()
            yield from map(from_row, rows)
            if len(rows) < _PAGE:
                return

    def in_chat(self, conversation: ConversationId, most: int) -> list[TurnRecord]:
        """The newest turns in the chat of ``conversation``: in a group everybody's, else the person's own."""
        key = conversation.key
        chat = turns.c.conversation.startswith(key.rpartition("/")[0] + "/", autoescape=True)
        here = chat if conversation.chat else turns.c.conversation == key
        query = select(turns).where(here).order_by(turns.c.asked_at.desc()).limit(most)
        with self._database.read() as connection:
            return [from_row(row) for row in connection.execute(query)]


def _within(bot: str, begin: float, end: float) -> ColumnElement[bool]:
    return and_(turns.c.bot == bot, turns.c.step != "ask", turns.c.asked_at >= begin, turns.c.asked_at < end)
