"""Who is bound to which record of a professional, how that comes and ends, and what it proves."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy import Connection, and_, delete, exists, insert, select, update

from bot import telemetry
from bot.audit.entries import Action, AuditEvent
from bot.audit.log import AuditLog
from bot.bots_file import BotConfig
from bot.errors import InputError, Unavailable
from bot.identity.codes import CODE_LIFE_S, digest_of, new_code
from bot.identity.tables import (
    Account,
    Author,
    BoundBy,
    Professional,
    binding_of,
    bindings,
    codes,
    professionals,
    same_record,
    take_turns,
)
from bot.knowledge.entries import Audience
from bot.messages import ConversationId

log = structlog.get_logger()


class Bindings:
    """The bindings of an installation; each change is an entry of the audit log, in the same transaction.

    Methods raise :class:`~bot.errors.Unavailable` when the database does not answer, but for :meth:`audience_of`.
    """

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit

    def audience_of(self, bot: BotConfig, conversation: ConversationId, now: float) -> Audience:
        """Who may read what ``bot`` says in ``conversation`` at ``now``: at most what the channel or the listed group
        allows, and where the channel asks for a binding, what that proves. What cannot be known now proves nothing."""
        channel = bot.channels[conversation.channel]
        most = channel.reader(conversation.chat)
        if conversation.chat or not channel.bound_only or most is Audience.PUBLIC:
            return most
        try:
            bound = self.professional_of(bot.tenant, Account.of(conversation), now)
        except Unavailable as error:
            telemetry.count("degraded", what="identity_unknown")
            log.warning("identity_unknown", bot=bot.id, channel=conversation.channel, error=str(error))
            return Audience.PUBLIC
        return Audience.PUBLIC if bound is None else min(most, Audience.HCP, key=list(Audience).index)

    def professional_of(self, tenant: str, account: Account, now: float) -> Professional | None:
        """The record that ``account`` is bound to, while it is valid."""
        query = (
            select(professionals)
            .join(bindings, same_record())
            .where(binding_of(tenant, account), professionals.c.valid_until > now)
        )
        with self._audit.database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Professional(**row._mapping)

    def bind(self, tenant: str, account: Account, record: str, by: Author, now: float) -> Professional:
        """Bind ``account`` to ``record``; again for the same two changes nothing.

        Raises :class:`~bot.errors.InputError` when there is no such valid record, or one of the two is bound already.
        """
        with changing(self._audit) as connection:
            professional = _valid(connection, tenant, record, now)
            if _bind(connection, tenant, account, record, source=BoundBy.COMMAND, now=now):
                self._audit.append_within(connection, [self._event("bound", tenant, account, record, by)])
        return professional

    def unbind(self, tenant: str, account: Account, by: Author) -> None:
        """End the binding of ``account``. Raises :class:`~bot.errors.InputError` when there is none."""
        with changing(self._audit) as connection:
            record = connection.scalar(select(bindings.c.record).where(binding_of(tenant, account)))
            if record is None:
                raise InputError("hcp_not_bound", person=account.person)
            connection.execute(delete(bindings).where(binding_of(tenant, account)))
            self._audit.append_within(connection, [self._event("unbound", tenant, account, record, by)])

    def issue(self, tenant: str, record: str, by: Author, now: float, life_s: float = CODE_LIFE_S) -> str:
        """A new code that binds whoever sends it first to ``record``, for ``life_s`` seconds. It takes the place of an
        earlier one that nobody has used.

        Raises :class:`~bot.errors.InputError` when there is no such valid record.
        """
        code = new_code()
        row = {"digest": digest_of(code), "tenant": tenant, "record": record, "expires_at": now + life_s}
        with changing(self._audit) as connection:
            _valid(connection, tenant, record, now)
            unused = and_(codes.c.tenant == tenant, codes.c.record == record, codes.c.used_at.is_(None))
            connection.execute(delete(codes).where(unused))
            connection.execute(insert(codes).values(row))
            self._audit.append_within(connection, [self._event("code_made", tenant, None, record, by)])
        return code

    def redeem(self, tenant: str, account: Account, code: str, now: float) -> Professional:
        """Bind ``account`` to the record that ``code`` was made for, and use the code up; the same account may send it
        again, as a turn that runs again does.

        Raises :class:`~bot.errors.InputError`: in one and the same sentence for a code that is wrong, used, over or of
        another tenant, or whose record is; and when one of the two is bound already, which leaves the code as it was.
        Neither tells the record's number, for nobody knows who has got hold of the code.
        """
        this = and_(codes.c.digest == digest_of(code), codes.c.tenant == tenant)
        fresh = and_(this, codes.c.used_at.is_(None), codes.c.expires_at > now)
        by = Author(person=account.person)
        with changing(self._audit) as connection:
            taken = connection.execute(update(codes).where(fresh).values(used_at=now)).rowcount
            record = connection.scalar(select(codes.c.record).where(this))
            theirs = connection.scalar(select(bindings.c.record).where(binding_of(tenant, account)))
            if record is None or not (taken or theirs == record):
                raise InputError("hcp_code_wrong")
            professional = _find_valid(connection, tenant, record, now)
            if professional is None:
                raise InputError("hcp_code_wrong")
            if _bind(connection, tenant, account, record, source=BoundBy.CODE, now=now):
                self._audit.append_within(connection, [self._event("bound_by_code", tenant, account, record, by)])
        return professional

    def void(self, tenant: str, code: str, by: Author) -> bool:
        """Make ``code`` worthless, which others than the one it is for may have read; whether it was of any worth."""
        unused = and_(codes.c.digest == digest_of(code), codes.c.tenant == tenant, codes.c.used_at.is_(None))
        with changing(self._audit) as connection:
            record = connection.scalar(select(codes.c.record).where(unused))
            if record is None:
                return False
            connection.execute(delete(codes).where(unused))
            self._audit.append_within(connection, [self._event("code_voided", tenant, None, record, by)])
        return True

    def _event(self, change: str, tenant: str, account: Account | None, record: str, by: Author) -> AuditEvent:
        key = self._audit.key
        details = {"change": change} | ({"of": key.pseudonym(tenant, account.person)} if account else {})
        return AuditEvent(
            action=Action.IDENTITY,
            subject=record_subject(self._audit, tenant, record),
            actor=by.actor,
            person=by.person,
            tenant=tenant,
            bot=account.bot if account else "",
            details=details,
        )


@contextmanager
def changing(audit: AuditLog) -> Iterator[Connection]:
    """A writing transaction in which nobody else changes who is registered or bound."""
    with audit.database.write() as connection:
        take_turns(connection)
        yield connection


def record_subject(audit: AuditLog, tenant: str, record: str) -> str:
    """How the audit log calls a record: by a digest, as the number leads to a name in the operator's own register."""
    return f"professional:{keyed_digest(audit, tenant, 'record', record)}"


def keyed_digest(audit: AuditLog, tenant: str, kind: str, value: str) -> str:
    """32 hexadecimal digits that stand for ``value``, which only who has the audit key can try."""
    return audit.key.pseudonym(tenant, f"{kind}\0{value}").partition(":")[2]


def _valid(connection: Connection, tenant: str, record: str, now: float) -> Professional:
    found = _find_valid(connection, tenant, record, now)
    if found is None:
        raise InputError("hcp_no_record", record=record)
    return found


def _find_valid(connection: Connection, tenant: str, record: str, now: float) -> Professional | None:
    query = select(professionals).where(
        professionals.c.tenant == tenant, professionals.c.record == record, professionals.c.valid_until > now
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else Professional(**row._mapping)


def _bind(connection: Connection, tenant: str, account: Account, record: str, *, source: BoundBy, now: float) -> bool:
    """Whether something changed. What a record that is over or gone has left behind is in nobody's way."""
    mine = binding_of(tenant, account)
    alive = exists().where(same_record(), professionals.c.valid_until > now)
    connection.execute(delete(bindings).where(mine, ~alive))
    bound_to = connection.scalar(select(bindings.c.record).where(mine))
    if bound_to == record:
        return False
    if bound_to is not None:
        raise InputError("hcp_person_bound")
    there = (bindings.c.tenant == tenant, bindings.c.bot == account.bot, bindings.c.channel == account.channel)
    if connection.scalar(select(bindings.c.person).where(*there, bindings.c.record == record)) is not None:
        raise InputError("hcp_code_taken") if source is BoundBy.CODE else InputError("hcp_record_taken", record=record)
    row = {
        "tenant": tenant,
        "bot": account.bot,
        "channel": account.channel,
        "person": account.person.casefold(),
        "record": record,
        "source": source,
        "bound_at": now,
    }
    connection.execute(insert(bindings).values(row))
    return True
