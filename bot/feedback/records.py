"""What people think of answers, in SQL: the last verdict of each person on each turn."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, Double, Index, Row, String, Table, Text, select

from bot.events import Verdict
from bot.records.database import Database, metadata, upsert

feedback = Table(
    "feedback",
    metadata,
    Column("turn_id", String(64), primary_key=True),
    Column("person", String(128), primary_key=True),
    Column("bot", String(64), nullable=False),
    Column("tenant", String(64), nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("reasons", JSON, nullable=False),
    Column("words", Text, nullable=False),
    Column("source", String(16), nullable=False),
    Column("given_at", Double, nullable=False),
    Index("ix_feedback_bot", "bot", "given_at"),
)


class Source(StrEnum):
    """How a verdict came: the platform's own rating, a card's button, or words written after the answer."""

    RATING = "rating"
    CARD = "card"
    WORDS = "words"


@dataclass(frozen=True, kw_only=True, slots=True)
class Feedback:
    """One person's verdict on the answer of one turn.

    ``reasons`` are the words of :class:`~bot.events.Rating`; ``words`` the person's own. ``given_at`` is epoch
    seconds. ``turn_id`` may name a turn that was never recorded, such as a message answered within another's.
    """

    turn_id: str
    person: str
    bot: str
    tenant: str
    verdict: Verdict
    source: Source
    given_at: float
    reasons: tuple[str, ...] = ()
    words: str = ""


class FeedbackRecords:
    """The feedback in SQL. Methods raise :class:`~bot.errors.Unavailable` when the database does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, given: Feedback) -> None:
        """Keep ``given`` in place of what the person thought of that turn before; saving it twice changes nothing."""
        with self._database.write() as connection:
            connection.execute(upsert(connection, feedback, asdict(given)))

    def of_turn(self, turn_id: str) -> list[Feedback]:
        """What people think of the answer of ``turn_id``, by person."""
        query = select(feedback).where(feedback.c.turn_id == turn_id).order_by(feedback.c.person)
        with self._database.read() as connection:
            return [_from_row(row) for row in connection.execute(query).all()]


def _from_row(row: Row[Any]) -> Feedback:
    fields = dict(row._mapping)
    fields["verdict"], fields["source"] = Verdict(fields["verdict"]), Source(fields["source"])
    fields["reasons"] = tuple(fields["reasons"])
    return Feedback(**fields)
