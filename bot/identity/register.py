"""The register of professionals: what a roster brings is added, changed and removed here, tenant by tenant."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update

from bot.audit.entries import Action, AuditEvent
from bot.audit.log import AuditLog
from bot.errors import InputError
from bot.identity.bindings import changing, keyed_digest, record_subject
from bot.identity.roster import Row
from bot.identity.tables import (
    Account,
    Author,
    BoundBy,
    Professional,
    binding_of,
    bindings,
    codes,
    professionals,
    take_turns,
)
from bot.shallow import shallow

_LONGEST_SOURCE = 128
"""Characters of a file's name that are kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """What an import did, or would do: records by what became of them, accounts that were newly bound, and bindings
    that ended."""

    added: int
    changed: int
    unchanged: int
    removed: int
    bound: int
    unbound: int

    def counts(self) -> dict[str, int]:
        """By name."""
        return shallow(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """A record and how many accounts are bound to it."""

    professional: Professional
    bound: int


class Register:
    """The records of all tenants; each change is an entry of the audit log, in the same transaction.

    Methods raise :class:`~bot.errors.Unavailable` when the database does not answer.
    """

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit

    def load(
        self,
        tenant: str,
        rows: Sequence[Row],
        *,
        source: str,
        by: Author,
        now: float,
        replace_all: bool = False,
        dry_run: bool = False,
    ) -> Loaded:
        """Bring ``rows`` of the file ``source`` into the register: all of them, or nothing.

        A record of the same number is overwritten. Those that the file does not name stay, unless ``replace_all``
        removes them with their bindings. What a row says of an account replaces what was bound before. A number whose
        licence is another one now is another person's: who was bound to it is no more, and its codes are worth nothing.
        Raises :class:`~bot.errors.InputError` where a licence is another record's.
        """
        with changing(self._audit) as connection:
            loaded = self._load(connection, tenant, rows, source[:_LONGEST_SOURCE], now, replace_all=replace_all)
            if dry_run:
                connection.rollback()
                return loaded
            details = {"change": "imported", **loaded.counts()}
            self._audit.append_within(connection, [_event("tenant:" + tenant, tenant, by, details)])
        return loaded

    def newest(self, tenant: str, most: int) -> tuple[Listed, ...]:
        """At most ``most`` records, by number."""
        bound = (
            select(func.count())
            .where(bindings.c.tenant == professionals.c.tenant, bindings.c.record == professionals.c.record)
            .scalar_subquery()
        )
        query = select(professionals, bound.label("bound")).where(professionals.c.tenant == tenant)
        with self._audit.database.read() as connection:
            rows = [dict(row._mapping) for row in connection.execute(query.order_by("record").limit(most))]
        return tuple(Listed(bound=row.pop("bound"), professional=Professional(**row)) for row in rows)

    def get(self, tenant: str, record: str, by: Author) -> tuple[Professional, tuple[Account, ...]]:
        """A record and who is bound to it, for an operator, which is written down. Raises
        :class:`~bot.errors.InputError` when there is none."""
        of = (professionals.c.tenant == tenant, professionals.c.record == record)
        bound = select(bindings.c.bot, bindings.c.channel, bindings.c.person).where(
            bindings.c.tenant == tenant, bindings.c.record == record
        )
        with changing(self._audit) as connection:
            row = connection.execute(select(professionals).where(*of)).one_or_none()
            if row is None:
                raise InputError("hcp_no_record", record=record)
            accounts = tuple(Account(**each._mapping) for each in connection.execute(bound.order_by("bot", "channel")))
            event = _event(record_subject(self._audit, tenant, record), tenant, by, {"what": "professional"})
            self._audit.append_within(connection, [replace(event, action=Action.READ)])
        return Professional(**row._mapping), accounts

    def remove(self, tenant: str, record: str, by: Author) -> int:
        """Remove a record, its bindings and its codes; how many accounts were bound. Raises
        :class:`~bot.errors.InputError` when there is none."""
        with changing(self._audit) as connection:
            removed, bound = _remove(connection, tenant, [record])
            if not removed:
                raise InputError("hcp_no_record", record=record)
            details = {"change": "removed", "unbound": bound}
            subject = record_subject(self._audit, tenant, record)
            self._audit.append_within(connection, [_event(subject, tenant, by, details)])
        return bound

    def _load(
        self, connection: Connection, tenant: str, rows: Sequence[Row], source: str, now: float, *, replace_all: bool
    ) -> Loaded:
        mine = select(professionals).where(professionals.c.tenant == tenant)
        before = {row.record: Professional(**row._mapping) for row in connection.execute(mine)}
        named = {row.record for row in rows}
        gone = [record for record in before if record not in named] if replace_all else []
        unbound = _remove(connection, tenant, gone)[1]
        wanted = [self._professional(tenant, row, source, now) for row in rows]
        licences = {one.licence: record for record, one in before.items() if one.licence and record not in named}
        for record in gone:
            licences.pop(before[record].licence, None)
        for one in wanted:
            if one.licence and licences.setdefault(one.licence, one.record) != one.record:
                raise InputError("hcp_licence_taken", record=one.record, other=licences[one.licence])
        new = [one for one in wanted if one.record not in before]
        changed = [one for one in wanted if one.record in before and _differs(one, before[one.record])]
        if new:
            connection.execute(insert(professionals), [shallow(one) for one in new])
        for one in changed:
            here = and_(professionals.c.tenant == tenant, professionals.c.record == one.record)
            connection.execute(update(professionals).where(here).values(shallow(one)))
        others = [one.record for one in changed if _is_another_person(one, before[one.record])]
        unbound += _release(connection, tenant, others)
        bound, replaced = _bind_all(connection, tenant, rows, now)
        return Loaded(
            added=len(new),
            changed=len(changed),
            unchanged=len(wanted) - len(new) - len(changed),
            removed=len(gone),
            bound=bound,
            unbound=unbound + replaced,
        )

    def _professional(self, tenant: str, row: Row, source: str, now: float) -> Professional:
        return Professional(
            tenant=tenant,
            record=row.record,
            licence=keyed_digest(self._audit, tenant, "licence", row.licence) if row.licence else "",
            hospital=row.hospital,
            department=row.department,
            title=row.title,
            valid_until=row.valid_until,
            source=source,
            imported_at=now,
        )


def _event(subject: str, tenant: str, by: Author, details: dict[str, object]) -> AuditEvent:
    return AuditEvent(
        action=Action.IDENTITY, subject=subject, actor=by.actor, person=by.person, tenant=tenant, details=details
    )


def _differs(one: Professional, other: Professional) -> bool:
    """Whether they say something else, whenever they were brought."""
    return replace(one, imported_at=other.imported_at) != other


def _is_another_person(one: Professional, before: Professional) -> bool:
    """Whether a number was given to somebody else, as numbers of rows are when a spreadsheet is sorted anew."""
    return bool(one.licence and before.licence) and one.licence != before.licence


def _bind_all(connection: Connection, tenant: str, rows: Sequence[Row], now: float) -> tuple[int, int]:
    """Bind the accounts that rows name, the operator's word over any earlier one; how many are new, and how many
    bindings ended for them. First all that is in the way goes, so that two rows may change places."""
    replaced = 0
    wanted = [(row.record, row.account) for row in rows if row.account is not None]
    new = [(record, account) for record, account in wanted if not _is_bound(connection, tenant, account, record)]
    for record, account in new:
        there = and_(bindings.c.tenant == tenant, bindings.c.bot == account.bot, bindings.c.channel == account.channel)
        in_the_way = or_(and_(there, bindings.c.record == record), binding_of(tenant, account))
        replaced += connection.execute(delete(bindings).where(in_the_way)).rowcount
    values = [
        {
            "tenant": tenant,
            "bot": account.bot,
            "channel": account.channel,
            "person": account.person.casefold(),
            "record": record,
            "source": BoundBy.IMPORT,
            "bound_at": now,
        }
        for record, account in new
    ]
    if values:
        connection.execute(insert(bindings), values)
    return len(new), replaced


def _is_bound(connection: Connection, tenant: str, account: Account, record: str) -> bool:
    return connection.scalar(select(bindings.c.record).where(binding_of(tenant, account))) == record


def _remove(connection: Connection, tenant: str, records: Sequence[str]) -> tuple[int, int]:
    """How many records went, and how many bindings with them."""
    removed = 0
    for record in records:
        of = (professionals.c.tenant == tenant, professionals.c.record == record)
        removed += connection.execute(delete(professionals).where(*of)).rowcount
    return removed, _release(connection, tenant, records)


def _release(connection: Connection, tenant: str, records: Sequence[str]) -> int:
    """End what binds people to ``records``, and what could; how many were bound."""
    bound = 0
    for record in records:
        connection.execute(delete(codes).where(codes.c.tenant == tenant, codes.c.record == record))
        of = (bindings.c.tenant == tenant, bindings.c.record == record)
        bound += connection.execute(delete(bindings).where(*of)).rowcount
    return bound


def remove_ended(connection: Connection, before: float, most: int) -> int:
    """Remove at most ``most`` records whose validity ended ``before``, with their bindings and codes; how many."""
    take_turns(connection)
    over = select(professionals.c.tenant, professionals.c.record).where(professionals.c.valid_until < before)
    rows = connection.execute(over.order_by(professionals.c.valid_until).limit(most)).all()
    return sum(_remove(connection, row.tenant, [row.record])[0] for row in rows)


def remove_old_codes(connection: Connection, before: float, most: int) -> int:
    """Remove at most ``most`` codes that could be used until ``before``; how many."""
    take_turns(connection)
    old = select(codes.c.digest).where(codes.c.expires_at < before).limit(most)
    return connection.execute(delete(codes).where(codes.c.digest.in_(old))).rowcount
