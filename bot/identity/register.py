"""The register of professionals: what a roster brings is added, changed and removed here, tenant by tenant."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, and_, delete, func, insert, select, update

from bot.audit.entries import Action, AuditEvent
from bot.audit.log import AuditLog
from bot.errors import InputError
from bot.identity.bindings import keyed_digest, record_subject
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
)
from bot.shallow import shallow


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """What an import did, or would do: records by what became of them, and accounts that were newly bound."""

    added: int
    changed: int
    unchanged: int
    removed: int
    bound: int

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
        removes them with their bindings. What a row says of an account replaces what was bound before. Raises
        :class:`~bot.errors.InputError` where a licence is another record's.
        """
        with self._audit.database.write() as connection:
            loaded = self._load(connection, tenant, rows, source, now, replace_all=replace_all)
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
        with self._audit.database.write() as connection:
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
        with self._audit.database.write() as connection:
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
        _remove(connection, tenant, gone)
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
        return Loaded(
            added=len(new),
            changed=len(changed),
            unchanged=len(wanted) - len(new) - len(changed),
            removed=len(gone),
            bound=_bind_all(connection, tenant, rows, now),
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


def _bind_all(connection: Connection, tenant: str, rows: Sequence[Row], now: float) -> int:
    """Bind the accounts that rows name, the operator's word over any earlier one; how many are new. First all that is
    in the way goes, so that two rows may change places."""
    wanted = [(row.record, row.account) for row in rows if row.account is not None]
    new = [(record, account) for record, account in wanted if not _is_bound(connection, tenant, account, record)]
    for record, account in new:
        there = and_(bindings.c.tenant == tenant, bindings.c.bot == account.bot, bindings.c.channel == account.channel)
        connection.execute(delete(bindings).where(there, bindings.c.record == record))
        connection.execute(delete(bindings).where(binding_of(tenant, account)))
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
    return len(new)


def _is_bound(connection: Connection, tenant: str, account: Account, record: str) -> bool:
    return connection.scalar(select(bindings.c.record).where(binding_of(tenant, account))) == record


def _remove(connection: Connection, tenant: str, records: Sequence[str]) -> tuple[int, int]:
    """How many records went, and how many bindings with them."""
    removed = bound = 0
    for record in records:
        for table in (codes, bindings, professionals):
            of = (table.c.tenant == tenant, table.c.record == record)
            number = connection.execute(delete(table).where(*of)).rowcount
            removed += number if table is professionals else 0
            bound += number if table is bindings else 0
    return removed, bound


def remove_ended(connection: Connection, before: float, most: int) -> int:
    """Remove at most ``most`` records whose validity ended ``before``, with their bindings and codes; how many."""
    over = select(professionals.c.tenant, professionals.c.record).where(professionals.c.valid_until < before)
    rows = connection.execute(over.order_by(professionals.c.valid_until).limit(most)).all()
    return sum(_remove(connection, row.tenant, [row.record])[0] for row in rows)


def remove_old_codes(connection: Connection, before: float, most: int) -> int:
    """Remove at most ``most`` codes that could be used until ``before``; how many."""
    old = select(codes.c.digest).where(codes.c.expires_at < before).limit(most)
    return connection.execute(delete(codes).where(codes.c.digest.in_(old))).rowcount
