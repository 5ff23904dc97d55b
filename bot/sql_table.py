"""A table straight out of the operator's own database: one query, read-only, within bounds of rows, words and time.

Rosters come this way, and knowledge. The address holds a password: nothing here says or logs it.
"""

import math
import re
import sqlite3
import time
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from sqlalchemy import URL, CursorResult, Engine, NullPool, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from bot.errors import UsageError
from bot.settings import read_environment

WITHIN_S = 60.0
"""Seconds that the database may work on the query."""
MOST_ROWS = 50_000
MOST_CHARACTERS = 32 * 1024 * 1024
"""Of all cells together."""
_CONNECT_S = 10
_AT_ONCE = 1000
_STEPS = 10_000  # of SQLite's machine between two looks at the clock
_CURE = "export a CSV with the database's own client, or correct --sql"


def address_of(sql: str) -> str:
    """The address of a database, looked up where ``sql`` only names it (``${NAME}``): others on the machine can read a
    command line. Raises :class:`~bot.errors.UsageError` where nothing has that name."""
    named = re.fullmatch(r"\$\{(\w+)\}", sql)
    if named is None:
        return sql
    try:
        return read_environment()[named[1]]
    except KeyError:
        raise UsageError(f"{named[1]} is set neither in the environment nor in .env") from None


def query_table(url: str, query: str, *, timezone: ZoneInfo, within_s: float = WITHIN_S) -> list[list[str]]:
    """What ``query`` gives in the database at ``url``: the names of its columns, then its rows, as text. A moment is
    its day in ``timezone``.

    Raises :class:`~bot.errors.UsageError` when the address is none of SQLite's or PostgreSQL's, when the database does
    not answer or refuses, and beyond the bounds.
    """
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):  # whose text may hold a piece of the password
        raise UsageError("--sql is no address of a database, such as postgresql://user:password@host/name") from None
    engine = _engine(address, within_s)
    piecemeal = {"stream_results": True, "max_row_buffer": _AT_ONCE, "no_parameters": True}  # a % is a %
    try:
        with (
            engine.connect().execution_options(**piecemeal) as connection,
            connection.exec_driver_sql(query) as result,
        ):
            table = _table(result, timezone)
    except SQLAlchemyError as error:
        raise UsageError(f"the database refuses: {_told(error, address)}") from None
    finally:
        engine.dispose()
    return table


def _table(result: CursorResult[Any], timezone: ZoneInfo) -> list[list[str]]:
    if not result.returns_rows:
        raise UsageError("the query gives no columns: it must be a SELECT")
    table, characters = [list(result.keys())], 0
    while rows := result.fetchmany(_AT_ONCE):
        for row in rows:
            cells = [_cell(value, name, timezone) for value, name in zip(row, table[0], strict=True)]
            characters += sum(map(len, cells))
            table.append(cells)
        if len(table) > MOST_ROWS + 1 or characters > MOST_CHARACTERS:
            most = f"{MOST_ROWS} rows or {MOST_CHARACTERS // 1024**2} million characters"
            raise UsageError(f"the query gives more than {most}: divide it")
    return table


def _cell(value: object, name: str, timezone: ZoneInfo) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return (value.astimezone(timezone) if value.tzinfo else value).date().isoformat()
        case date():
            return value.isoformat()
        case float() | Decimal() if math.isfinite(value) and value == int(value):
            return str(int(value))  # a number that a NUMERIC column holds
        case str() | int() | float() | Decimal():
            return str(value)
    raise UsageError(f"the column {name} holds {type(value).__name__}: make text of it in the query")


def _engine(address: URL, within_s: float) -> Engine:
    """An engine whose connections change nothing and give up in time."""
    backend = address.get_backend_name()
    if backend == "sqlite" and address.database:
        path = Path(address.database)
        return create_engine("sqlite://", creator=lambda: _open_sqlite(path, within_s), poolclass=NullPool)
    if backend != "postgresql":
        raise UsageError(f"--sql reads SQLite and PostgreSQL; {_CURE}")
    options = f"-c default_transaction_read_only=on -c statement_timeout={within_s * 1000:.0f}"
    try:
        return create_engine(
            address.set(drivername="postgresql+psycopg"),
            connect_args={"connect_timeout": _CONNECT_S, "options": options},
            poolclass=NullPool,
            hide_parameters=True,
        )
    except (SQLAlchemyError, ImportError, ValueError, TypeError):
        raise UsageError("--sql has an option that the driver does not know") from None


def _open_sqlite(path: Path, within_s: float) -> sqlite3.Connection:
    """``path`` to be read: one that is not there is not made."""
    connection = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, timeout=_CONNECT_S)
    connection.execute("PRAGMA query_only = ON")
    ends = time.monotonic() + within_s
    connection.set_progress_handler(lambda: time.monotonic() > ends, _STEPS)
    return connection


def _told(error: SQLAlchemyError, address: URL) -> str:
    """What the driver says, in one line, without what the address keeps secret."""
    said = " ".join(str(error.orig if isinstance(error, DBAPIError) else type(error).__name__).split())
    for secret in filter(None, (address.password, *map(str, address.query.values()))):
        said = said.replace(str(secret), "***")
    return said[:300]
