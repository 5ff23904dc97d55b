"""Which answers rested on a version, and the word to those people that it has been corrected or withdrawn.

An answer rested on a version when it cited one of its entries while that version was in service. When a later version
takes such an entry away or changes its words, or the document is taken out of service, whoever was given it can be told
so: only when somebody wants that, each person once a version and once for its end, where a channel can write to people
who have just not asked, and not in the bot's quiet hours. A version that is replaced before everybody heard of it is
still told of, unless what they were answered holds again. They are asked to ask again: what holds now goes through
every check that an answer goes through.

A word that was wanted after its version went out of service is about that. Those that had been wanted before, and were
not said by then, are not said any more: whoever wants the end of the version told has them said with it.
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
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    tuple_,
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
_TICK_S = 0.001

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
    """A word that somebody wants to be said: about which answer, by the ``version`` with which id, since when, whether
    that ``holds`` still, whether the document is ``in_service``, and when the person ``wrote_at`` last in that
    conversation; times are epoch seconds."""

    use: Use
    version: int
    wanted_at: float
    holds: bool
    in_service: bool
    wrote_at: float


class Outcome(StrEnum):
    """What became of the word to a person. ``SAID``: their outbox has it. ``SUPERSEDED``: the document was out of
    service before, or had come to say again what they were answered."""

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

    def misled(self, version: Version, entries: Collection[str], now: float) -> list[Use]:
        """The last answer to each person that rested on one of ``entries``, which ``version`` has not any more or took
        with it, was delivered, is not too old to be corrected, and of which no other word has told them."""
        wanted, found = sorted(entries), dict[ConversationId, Use]()
        told = select(corrections.c.turn_id).where(~_of(version), _told_or_waiting(version))
        may = and_(_correctable(now), turns.c.tenant == version.tenant, turns.c.id.not_in(told))
        for start in range(0, len(wanted), PAGE):
            cited = turn_entries.c.entry_id.in_(wanted[start : start + PAGE])
            rested = turns.c.id.in_(select(turn_entries.c.turn_id).where(cited))
            with self._database.read() as connection:
                rows = connection.execute(_last_to_each(_uses().where(rested, may))).all()
            for use in map(_use, rows):
                if use.conversation not in found or found[use.conversation].asked_at < use.asked_at:
                    found[use.conversation] = use
        return sorted(found.values(), key=lambda use: (use.asked_at, use.turn))

    def told_of(self, candidates: Collection[int], *, waiting: bool) -> set[int]:
        """The ids of those of the versions ``candidates`` of which everybody was told or cannot be, or, where those who
        are ``waiting`` will be, is about to be."""
        asked = select(corrections.c.version_id).where(corrections.c.version_id.in_(candidates))
        unsaid = corrections.c.outcome == Outcome.SUPERSEDED
        if not waiting:
            unsaid = or_(unsaid, corrections.c.outcome.is_(None))
        with self._database.read() as connection:
            missed = set(connection.scalars(asked.where(unsaid)))
            return set(connection.scalars(asked.distinct())) - missed

    def answer(self, turn: str, tenant: str, now: float) -> list[Use]:
        """The answer of ``turn``, where it rested on knowledge, was delivered and is not too old to be corrected."""
        rested = select(turn_entries.c.turn_id).where(turn_entries.c.turn_id == turn)
        query = _uses().where(turns.c.id.in_(rested), turns.c.tenant == tenant, _correctable(now))
        with self._database.read() as connection:
            return [_use(row) for row in connection.execute(query)]

    def want(self, version: Version, uses: Iterable[Use], now: float) -> int:
        """Let the people of ``uses`` hear that ``version`` corrects what they were told or, where it was withdrawn,
        that it is gone; returns how many had not been named for that before. Who was told of it once is not told again,
        whatever else they asked."""
        ended = version.withdrawn_at
        at = now if ended is None else max(now, ended + _TICK_S)  # another clock may have set the end
        with self._database.write() as connection:
            # Two who want it at once take turns, and the second finds what the first has written down.
            connection.execute(select(versions.c.id).where(versions.c.id == version.id).with_for_update())
            known = select(turns.c.conversation).join(corrections, corrections.c.turn_id == turns.c.id)
            told = set(connection.scalars(known.where(_of(version))))
            fresh = [use for use in uses if use.conversation.key not in told]
            rows = [{"version_id": version.id, "turn_id": use.turn, "wanted_at": at} for use in fresh]
            if rows and ended is not None:  # what was to be said of the same answer before is not
                ids = [row["turn_id"] for row in rows]
                for start in range(0, len(ids), PAGE):
                    same = corrections.c.turn_id.in_(ids[start : start + PAGE])
                    connection.execute(delete(corrections).where(corrections.c.version_id == version.id, same))
            if rows:
                connection.execute(insert(corrections), rows)
        return len(rows)

    def told(self, version: Version) -> Told:
        """How far that is: its end being told, where it was withdrawn, and else its corrections."""
        query = select(corrections.c.outcome, func.count()).where(_of(version)).group_by(corrections.c.outcome)
        with self._database.read() as connection:
            counts = {row[0]: row[1] for row in connection.execute(query)}
        return Told(wanted=sum(counts.values()), **{outcome.value: counts.get(outcome, 0) for outcome in Outcome})

    def due(self, quiet: Collection[str], after: Owed | None = None) -> list[Owed]:
        """Who is next to be told, but by the bots called ``quiet``; at most :data:`BATCH`, those first who have waited
        longest, and of these the ones that follow ``after``."""
        later = turns.alias("later")
        wrote_at = select(func.max(later.c.asked_at)).where(later.c.conversation == turns.c.conversation)
        order = (corrections.c.wanted_at, turns.c.id, corrections.c.version_id)
        query = (
            _uses()
            .add_columns(corrections.c.version_id, corrections.c.wanted_at, _holds().label("holds"))
            .add_columns(_in_service().label("in_service"))
            .add_columns(wrote_at.scalar_subquery().label("wrote_at"))
            .join(corrections, corrections.c.turn_id == turns.c.id)
            .join(versions, versions.c.id == corrections.c.version_id)
            .where(corrections.c.settled_at.is_(None), turns.c.bot.not_in(quiet))
            .order_by(*order)
        )
        if after is not None:
            query = query.where(tuple_(*order) > (after.wanted_at, after.use.turn, after.version))
        with self._database.read() as connection:
            rows = connection.execute(query.limit(BATCH)).all()
        return [
            Owed(
                use=_use(row),
                version=row.version_id,
                wanted_at=row.wanted_at,
                holds=bool(row.holds),
                in_service=bool(row.in_service),
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


def _of(version: Version) -> ColumnElement[bool]:
    """The words about ``version``; where it was withdrawn those about that, and not what it had corrected before."""
    its = corrections.c.version_id == version.id
    return its if version.withdrawn_at is None else and_(its, corrections.c.wanted_at > version.withdrawn_at)


def _told_or_waiting(version: Version) -> ColumnElement[bool]:
    """Said, or to be said yet: with a document that was withdrawn goes what was to be said of it."""
    waiting: ColumnElement[bool] = corrections.c.outcome.is_(None)
    if version.withdrawn_at is not None:
        gone = select(versions.c.id).where(versions.c.document_id == version.document)
        waiting = and_(waiting, corrections.c.version_id.not_in(gone))
    return or_(waiting, corrections.c.outcome == Outcome.SAID)


def _in_service() -> ColumnElement[bool]:
    """Whether the document of ``versions`` answers."""
    serving = versions.alias("serving")
    return exists().where(serving.c.document_id == versions.c.document_id, serving.c.status == Status.APPROVED)


def _holds() -> ColumnElement[bool]:
    """Whether ``versions`` answers, or what the turn rested on does not: for a later version of the document lacks it,
    or because the word is that ``versions`` was withdrawn."""
    holding = versions.alias("holding")
    about_the_end = corrections.c.wanted_at > versions.c.withdrawn_at
    answers_again = exists().where(
        version_entries.c.entry_id == turn_entries.c.entry_id,
        version_entries.c.version_id == holding.c.id,
        holding.c.status == Status.APPROVED,
    )
    outdated = exists().where(turn_entries.c.turn_id == turns.c.id, ~answers_again)
    return or_(versions.c.status == Status.APPROVED, and_(or_(_in_service(), about_the_end), outdated))


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
