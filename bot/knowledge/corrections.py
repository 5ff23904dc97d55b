"""Which answers rested on a version, and the word to those people that it has been corrected.

An answer rested on a version when it cited one of its entries while that version was in service. When a later version
takes such an entry away or changes its words, whoever was given it can be told so: only when somebody wants that, each
person once a version, where a channel can write to people who have just not asked, and not in the bot's quiet hours.
They are asked to ask again: what holds now goes through every check that an answer goes through.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import (
    Column,
    ColumnElement,
    Double,
    ForeignKey,
    Row,
    Select,
    String,
    Table,
    and_,
    func,
    insert,
    select,
    update,
)

from bot.knowledge.ledger import PAGE
from bot.knowledge.tables import version_entries, versions
from bot.knowledge.versions import Status, Version
from bot.messages import ConversationId
from bot.records.database import Database, metadata
from bot.records.turns import turn_entries, turns

BATCH = 50
"""People told a round of upkeep, as of broadcasts."""
SINCE_S = 30 * 86_400.0
"""Answers older than this are not corrected: the words of their questions are about to be masked."""

corrections = Table(
    "knowledge_corrections",
    metadata,
    Column("version_id", ForeignKey("knowledge_versions.id"), primary_key=True),
    Column("turn_id", ForeignKey(turns.c.id, ondelete="CASCADE"), primary_key=True, index=True),
    Column("wanted_at", Double, nullable=False),
    Column("settled_at", Double),
    Column("outcome", String(16)),
)
"""The turns whose person shall hear that the version corrects what they were told, and what became of that. Gone with
the turn."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Use:
    """An answer that rested on a version: the turn, by whom it was asked and what; ``asked_at`` is epoch seconds."""

    turn: str
    bot: str
    tenant: str
    conversation: ConversationId
    person: str
    asked_at: float
    kind: str
    question: str
    delivered: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Owed:
    """A word that somebody wants to be said: about which answer, by the ``version`` with which id, whether that is
    ``in_service`` still, and when the person ``wrote_at`` last in that conversation, epoch seconds."""

    use: Use
    version: int
    in_service: bool
    wrote_at: float


class Outcome(StrEnum):
    """What became of the word to a person. ``SAID``: their outbox has it. ``SUPERSEDED``: the version was out of
    service before."""

    SAID = "said"
    UNREACHABLE = "unreachable"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """How many people shall hear of a version, and what became of it so far."""

    wanted: int
    said: int
    unreachable: int
    superseded: int


class Corrections:
    """The answers that rested on knowledge. Methods raise :class:`~bot.errors.Unavailable` when the database does not
    answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def uses(self, version: Version, most: int) -> list[Use]:
        """At most ``most`` answers that rested on ``version``, the newest first; those of the command line too."""
        if version.approved_at is None:
            return []
        members = select(version_entries.c.entry_id).where(version_entries.c.version_id == version.id)
        query = _resting_on(turn_entries.c.entry_id.in_(members), version).order_by(turns.c.asked_at.desc(), turns.c.id)
        with self._database.read() as connection:
            return [_use(row) for row in connection.execute(query.limit(most))]

    def misled(self, before: Version, entries: Collection[str], now: float) -> list[Use]:
        """The last answer to each person that rested on one of ``entries`` of the version ``before``, was delivered and
        is not too old to be corrected."""
        wanted, found = sorted(entries), dict[ConversationId, Use]()
        since = _correctable(now)
        for start in range(0, len(wanted), PAGE):
            cited = turn_entries.c.entry_id.in_(wanted[start : start + PAGE])
            with self._database.read() as connection:
                rows = connection.execute(_last_to_each(_resting_on(cited, before).where(since))).all()
            for use in map(_use, rows):
                if use.conversation not in found or found[use.conversation].asked_at < use.asked_at:
                    found[use.conversation] = use
        return sorted(found.values(), key=lambda use: (use.asked_at, use.turn))

    def answer(self, turn: str, tenant: str, now: float) -> list[Use]:
        """The answer of ``turn``, where it rested on knowledge, was delivered and is not too old to be corrected."""
        rested = select(turn_entries.c.turn_id).where(turn_entries.c.turn_id == turn)
        query = _uses().where(turns.c.id.in_(rested), turns.c.tenant == tenant, _correctable(now))
        with self._database.read() as connection:
            return [_use(row) for row in connection.execute(query)]

    def want(self, version: Version, uses: Iterable[Use], now: float) -> int:
        """Let the people of ``uses`` hear that ``version`` corrects what they were told; returns how many had not been
        named for it before. Who was told of it once is not told again, whatever else they asked."""
        with self._database.write() as connection:
            known = select(turns.c.conversation).join(corrections, corrections.c.turn_id == turns.c.id)
            told = set(connection.scalars(known.where(corrections.c.version_id == version.id)))
            fresh = [use for use in uses if use.conversation.key not in told]
            rows = [{"version_id": version.id, "turn_id": use.turn, "wanted_at": now} for use in fresh]
            if rows:
                connection.execute(insert(corrections), rows)
        return len(rows)

    def told(self, version: Version) -> Told:
        """How far that is."""
        of = corrections.c.version_id == version.id
        query = select(corrections.c.outcome, func.count()).where(of).group_by(corrections.c.outcome)
        with self._database.read() as connection:
            counts = {row[0]: row[1] for row in connection.execute(query)}
        return Told(wanted=sum(counts.values()), **{outcome.value: counts.get(outcome, 0) for outcome in Outcome})

    def due(self, quiet: Collection[str]) -> list[Owed]:
        """Who is next to be told, but by the bots called ``quiet``; at most :data:`BATCH`, those first who have waited
        longest."""
        later = turns.alias("later")
        wrote_at = select(func.max(later.c.asked_at)).where(later.c.conversation == turns.c.conversation)
        query = (
            _uses()
            .add_columns(corrections.c.version_id, versions.c.status, wrote_at.scalar_subquery().label("wrote_at"))
            .join(corrections, corrections.c.turn_id == turns.c.id)
            .join(versions, versions.c.id == corrections.c.version_id)
            .where(corrections.c.settled_at.is_(None), turns.c.bot.not_in(quiet))
            .order_by(corrections.c.wanted_at, turns.c.id)
        )
        with self._database.read() as connection:
            rows = connection.execute(query.limit(BATCH)).all()
        return [
            Owed(
                use=_use(row),
                version=row.version_id,
                in_service=row.status == Status.APPROVED,
                wrote_at=row.wrote_at,
            )
            for row in rows
        ]

    def settle(self, owed: Owed, outcome: Outcome, now: float) -> None:
        """Note what became of it."""
        this = and_(corrections.c.version_id == owed.version, corrections.c.turn_id == owed.use.turn)
        with self._database.write() as connection:
            connection.execute(update(corrections).where(this).values(settled_at=now, outcome=outcome))


def _uses() -> Select[tuple[object, ...]]:
    names = ("id", "bot", "tenant", "conversation", "person", "asked_at", "kind", "question", "parts_sent")
    return select(*(turns.c[name] for name in names))


def _correctable(now: float) -> ColumnElement[bool]:
    """A person's turn, of which they have read something, and not too long ago."""
    return and_(turns.c.asked_at >= now - SINCE_S, turns.c.step != "ask", turns.c.parts_sent > 0)


def _resting_on(cited: ColumnElement[bool], version: Version) -> Select[tuple[object, ...]]:
    """The turns with such entries that were decided while ``version`` was in service."""
    served = turns.c.answered_at >= version.approved_at
    if version.withdrawn_at is not None:
        served = and_(served, turns.c.answered_at <= version.withdrawn_at)
    turn_ids = select(turn_entries.c.turn_id).where(cited)
    return _uses().where(turns.c.id.in_(turn_ids), turns.c.tenant == version.tenant, served)


def _last_to_each(query: Select[tuple[object, ...]]) -> Select[tuple[object, ...]]:
    """Of the turns of ``query`` the last in each conversation."""
    newest_first = (turns.c.asked_at.desc(), turns.c.id)
    place = func.row_number().over(partition_by=turns.c.conversation, order_by=newest_first).label("place")
    ranked = query.add_columns(place).subquery()
    return select(ranked).where(ranked.c.place == 1)


def _use(row: Row[tuple[object, ...]]) -> Use:
    fields = dict(row._mapping)
    return Use(
        turn=fields["id"],
        conversation=ConversationId.from_key(fields["conversation"]),
        delivered=fields["parts_sent"] > 0,
        **{name: fields[name] for name in ("bot", "tenant", "person", "asked_at", "kind", "question")},
    )
