"""How a command reaches the knowledge: through the worker while the system runs, by itself while it does not."""

import os
import pwd
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import redis

from bot.assembly import Configuration, build_knowledge, language_model
from bot.audit.entries import Action, AuditEvent
from bot.audit.log import AuditLog
from bot.bots_file import BotConfig
from bot.errors import Unavailable, UsageError
from bot.knowledge.index import IndexInUse
from bot.knowledge.opening import index_in_use
from bot.knowledge.remote import IndexClient
from bot.records.database import Database
from bot.redis_client import connect

if TYPE_CHECKING:
    from bot.knowledge_service import KnowledgeService

Ask = Callable[[str, Mapping[str, Any], float], Any]
"""(operation, arguments, seconds to wait) to the operation's result."""


def actor() -> str:
    """Who is responsible for what this command does: the operating system's user, whatever the environment says; by
    number where the system knows no name, as in a container that runs under any."""
    number = os.getuid()
    try:
        return f"cli:{pwd.getpwuid(number).pw_name}"
    except KeyError:
        return f"cli:{number}"


def choose_bot(bots: Mapping[str, BotConfig], wanted: str | None) -> BotConfig:
    """The bot called ``wanted``, or the only one. Raises :class:`~bot.errors.UsageError`."""
    if wanted is not None and wanted not in bots:
        raise UsageError(f"there is no bot {wanted!r}; there are: {', '.join(bots)}")
    if wanted is None and len(bots) > 1:
        raise UsageError(f"say which bot with --bot; there are: {', '.join(bots)}")
    return bots[wanted] if wanted is not None else next(iter(bots.values()))


@contextmanager
def open_redis(configuration: Configuration) -> Iterator["redis.Redis"]:
    """A connection to Redis. Raises :class:`~bot.errors.UsageError` when Redis does not answer in time."""
    with connect(configuration.settings.redis_url) as client:
        try:
            yield client
        except Unavailable as error:
            raise UsageError(f"{error}; start the system (make run), or correct REDIS_URL") from error


@contextmanager
def open_database(configuration: Configuration) -> Iterator[Database]:
    """The database with its newest schema."""
    database = Database(configuration.settings.database_url)
    configuration.settings.data_dir.mkdir(parents=True, exist_ok=True)
    database.upgrade()
    try:
        yield database
    finally:
        database.dispose()


@contextmanager
def open_audit(configuration: Configuration, database: Database) -> Iterator[AuditLog]:
    """The audit log; what was written into it is anchored afterwards."""
    audit = AuditLog.from_settings(configuration.settings, database)
    try:
        yield audit
    finally:
        audit.anchor()


def audit_reading(configuration: Configuration, database: Database, turn_id: str) -> None:
    """Write down that an operator is about to see what a person wrote in the turn ``turn_id``."""
    with open_audit(configuration, database) as audit:
        audit.append(AuditEvent(action=Action.READ, subject=f"turn:{turn_id}", actor=actor()))


@contextmanager
def knowledge(configuration: Configuration, database: Database) -> Iterator[Ask]:
    """A way to ask the knowledge, wherever its index is open."""
    service = None if index_in_use(configuration.settings) else _own_knowledge(configuration, database)
    if service is None:
        client = connect(configuration.settings.redis_url, socket_timeout_s=None)
        yield IndexClient(client).call
        return
    operations = service.operations()
    try:
        service.sync_everything()
        yield lambda operation, arguments, _deadline_s: operations[operation](dict(arguments))
    finally:
        service.close()


def _own_knowledge(configuration: Configuration, database: Database) -> "KnowledgeService | None":
    """The knowledge in this process; ``None`` where another has opened its index just now."""
    model = language_model(configuration.settings, connect(configuration.settings.redis_url))
    try:
        return build_knowledge(configuration, database, model)
    except IndexInUse:
        return None
