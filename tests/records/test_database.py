"""A database that does not answer is said to be unavailable, wherever in a transaction that shows."""

from pathlib import Path

import pytest

from bot.errors import Unavailable
from bot.records.database import Database


def test_a_database_that_another_writes_to(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/bot.sqlite"
    writer, waiting = Database(url), Database(url)
    writer.upgrade()
    with waiting.read() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 1")  # of the one connection in its pool
    with writer.write():
        with pytest.raises(Unavailable, match="the database does not answer: database is locked"), waiting.write():
            pytest.fail("two write at once")
        with waiting.read() as connection:
            assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    with waiting.write() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    for database in (writer, waiting):
        database.dispose()
