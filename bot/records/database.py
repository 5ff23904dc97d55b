"""One SQL database for everything that is true: SQLite beside the data by default, PostgreSQL by URL.

SQLite runs in WAL mode, and every writing transaction begins IMMEDIATE: a deferred BEGIN that upgrades to a write
lock fails at once when another process writes, whatever the busy time-out says. Keep network calls out of
transactions.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, Insert, MetaData, Table, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError

from bot.errors import Unavailable

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Every table of the product; modules define theirs on it with SQLAlchemy Core."""

BUSY_TIMEOUT_MS = 10_000
_AWAY = (OperationalError, sqlite3.OperationalError)
"""The second comes from where SQLAlchemy is left out: :func:`_begin_sqlite`."""


class Database:
    """An engine with this product's rules for transactions.

    ``read()`` and ``write()`` give a connection inside a transaction that commits at the end of the block and rolls
    back on an exception. Both raise :class:`~bot.errors.Unavailable` when the database does not answer.
    """

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A read-only view."""
        with self._transaction(writing=False) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A writing transaction; on SQLite it takes the write lock at once."""
        with self._transaction(writing=True) as connection:
            yield connection

    @contextmanager
    def _transaction(self, *, writing: bool) -> Iterator[Connection]:
        try:
            with self.engine.connect().execution_options(writing=writing) as connection, connection.begin():
                yield connection
        except _AWAY as error:
            raise _unavailable(error) from error

    def upgrade(self, revision: str = "head") -> None:
        """Bring the schema to the newest revision (Alembic), or to ``revision``. Safe to call from several processes
        in turn.

        Raises :class:`~bot.errors.Unavailable` when the database does not answer.
        """
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.attributes["engine"] = self.engine
        try:
            command.upgrade(config, revision)
        except _AWAY as error:
            raise _unavailable(error) from error

    def health(self) -> dict[str, Any]:
        """``{"state": "ok"}``, or the error, for the heartbeat."""
        try:
            with self.read() as connection:
                connection.execute(text("SELECT 1"))
        except Unavailable as error:
            return {"state": "down", "error": str(error)}
        return {"state": "ok"}

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def upsert(connection: Connection, table: Table, values: Mapping[str, Any]) -> Insert:
    """What puts the row ``values`` into ``table``, over an earlier one with the same primary key."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    key = [column.name for column in table.primary_key]
    return insert(table).values(values).on_conflict_do_update(index_elements=key, set_=values)


@cache
def upserting(dialect: str, table: Table) -> Insert:
    """Like :func:`upsert`, for rows that are given with the execution, many at once; every column must be there."""
    insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)
    key = [column.name for column in table.primary_key]
    values = {column.name: insert.excluded[column.name] for column in table.columns if column.name not in key}
    return insert.on_conflict_do_update(index_elements=key, set_=values)


def _engine(url: str) -> Engine:
    engine = create_engine(
        _with_driver(url),
        pool_pre_ping=not url.startswith("sqlite"),
        hide_parameters=True,  # an error's text would carry what people wrote into logs
    )
    event.listen(engine, "before_cursor_execute", _without_nul, retval=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _unavailable(error: Exception) -> Unavailable:
    return Unavailable(f"the database does not answer: {error.orig if isinstance(error, OperationalError) else error}")


def _without_nul(
    _connection: Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
) -> tuple[str, Any]:
    """PostgreSQL keeps no text with NUL in it, and a single one, sent by a stranger, would keep a record from being
    written for ever."""
    return statement, _cleaned(parameters)


def _cleaned(value: Any) -> Any:
    match value:
        case str():
            return value.replace("\0", "")
        case dict():
            return {name: _cleaned(inner) for name, inner in value.items()}
        case list() | tuple():
            return type(value)(_cleaned(inner) for inner in value)
        case _:
            return value


def _with_driver(url: str) -> str:
    """``url`` with the driver that we install, where it names none."""
    return f"postgresql+psycopg:{url.removeprefix('postgresql:')}" if url.startswith("postgresql:") else url


def _configure_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver would otherwise begin deferred transactions by itself
    for pragma in ("journal_mode=WAL", f"busy_timeout={BUSY_TIMEOUT_MS}", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """Said to the driver itself: SQLAlchemy takes as long over a statement without parameters as over any other."""
    driver: Any = connection.connection.driver_connection
    driver.execute("BEGIN IMMEDIATE" if connection.get_execution_options().get("writing", True) else "BEGIN")
