"""SQL: reachable, at the newest schema, writable."""

import sqlite3
from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

import bot.records
from bot.doctor.check import one_line
from bot.errors import Unavailable
from bot.finding import Finding, State
from bot.records.database import Database
from bot.settings import Settings

DATABASE, SCHEMA, WRITING = "database", "database schema", "database writing"


def database(settings: Settings) -> list[Finding]:
    """The database of ``settings``. A SQLite file that is not there yet is not made."""
    if not is_there(settings):
        detail = f"{make_url(settings.database_url).database} is not there yet; the first start makes it"
        return [Finding(name=DATABASE, state=State.SKIPPED, detail=detail, cure="make run")]
    try:
        opened = Database(settings.database_url)
    except ImportError as error:
        detail, cure = f"its driver is not installed: {one_line(error)}", "install the driver that DATABASE_URL names"
        return [Finding(name=DATABASE, state=State.BROKEN, detail=detail, cure=cure)]
    except SQLAlchemyError as error:
        detail = f"cannot be opened: {one_line(error)}"
        return [Finding(name=DATABASE, state=State.BROKEN, detail=detail, cure="correct DATABASE_URL")]
    try:
        return _look(opened)
    finally:
        opened.dispose()


def is_there(settings: Settings) -> bool:
    """False for a SQLite file that opening would make."""
    url = make_url(settings.database_url)
    return url.get_backend_name() != "sqlite" or not url.database or Path(url.database).exists()


def _look(opened: Database) -> list[Finding]:
    try:
        with opened.read() as connection:
            reached = _reached(connection)
            current = MigrationContext.configure(connection).get_current_revision()
    except (Unavailable, SQLAlchemyError) as error:
        cure = "start it, or correct DATABASE_URL; a damaged SQLite file: restore the backup"
        return [Finding(name=DATABASE, state=State.BROKEN, detail=one_line(error), cure=cure)]
    schema = _schema(current)
    if schema.state is not State.OK:
        return [reached, schema]
    return [reached, schema, _writing(opened)]


def _reached(connection: Connection) -> Finding:
    dialect = connection.dialect
    version = ".".join(map(str, dialect.server_version_info or ()))
    if dialect.name != "sqlite":
        return Finding(name=DATABASE, state=State.OK, detail=f"{dialect.name} {version}")
    journal = connection.execute(text("PRAGMA journal_mode")).scalar_one()
    detail = f"SQLite {version}, journal {journal}"
    if journal == "wal":
        return Finding(name=DATABASE, state=State.OK, detail=detail)
    cure = "move DATA_DIR to a local disk: without WAL (network file systems) readers and writers block each other"
    return Finding(name=DATABASE, state=State.WARNING, detail=detail, cure=cure)


def _schema(current: str | None) -> Finding:
    config = Config()
    config.set_main_option("script_location", str(Path(bot.records.__file__).parent / "migrations"))
    script = ScriptDirectory.from_config(config)
    head = script.get_current_head()
    if current == head:
        return Finding(name=SCHEMA, state=State.OK, detail=f"revision {head}, the newest")
    if current is not None and current not in {revision.revision for revision in script.walk_revisions()}:
        detail = f"revision {current} was made by a newer release; this one knows up to {head}"
        return Finding(name=SCHEMA, state=State.BROKEN, detail=detail, cure="run the newer release")
    detail = f"revision {current or 'none'}, the newest is {head}"
    return Finding(
        name=SCHEMA, state=State.BROKEN, detail=detail, cure="start the worker again: it upgrades the schema"
    )


def _writing(opened: Database) -> Finding:
    """A row is written and taken back."""
    try:
        with opened.engine.connect().execution_options(writing=True) as connection, connection.begin() as transaction:
            connection.execute(text("UPDATE alembic_version SET version_num = version_num"))
            transaction.rollback()
    except (DBAPIError, sqlite3.Error) as error:
        detail = f"cannot be written: {one_line(error.orig if isinstance(error, DBAPIError) else error)}"
        cure = "give the database's user the right to write; SQLite: see who owns the file, and the disk"
        return Finding(name=WRITING, state=State.BROKEN, detail=detail, cure=cure)
    return Finding(name=WRITING, state=State.OK, detail="a write was tried and taken back")
