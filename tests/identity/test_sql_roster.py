"""A roster out of the operator's own database: read and never written, within bounds, its password told to nobody."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from bot.errors import UsageError
from bot.sql_table import query_table
from tests.identity.conftest import SHANGHAI

DOCTORS = """
CREATE TABLE doctors (no NUMERIC, name TEXT, licence TEXT, until DATE, seen {moment}, photo {bytes});
INSERT INTO doctors VALUES (815, '王芳', '110-1', '2027-12-31', '2027-12-31 20:00:00+00', NULL);
INSERT INTO doctors VALUES (816, '李%娜', NULL, '2028-01-31', NULL, {picture});
"""
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {most}) SELECT i AS record FROM n"

COUNTLESS = ENDLESS.format(most=10**9).replace("SELECT i AS", "SELECT count(*) AS")


def query(url: str, words: str, within_s: float = 60.0) -> list[list[str]]:
    return query_table(url, words, timezone=SHANGHAI, within_s=within_s)


@pytest.fixture
def hospital(database_url: str, tmp_path: Path) -> str:
    """The address of a database with two doctors, of each kind that is read."""
    if database_url.startswith("sqlite"):
        with closing(sqlite3.connect(tmp_path / "bot.sqlite")) as connection:
            connection.executescript(DOCTORS.format(moment="TEXT", bytes="BLOB", picture="x'ff'"))
    else:
        with psycopg.connect(database_url, autocommit=True) as server:
            server.execute(DOCTORS.format(moment="TIMESTAMPTZ", bytes="BYTEA", picture="'\\xff'"))
            server.execute("CREATE FUNCTION wipe() RETURNS int LANGUAGE sql AS 'DELETE FROM doctors RETURNING 1'")
    return database_url


def test_rows_come_as_text_under_the_names_of_the_query(hospital: str) -> None:
    asked = "SELECT no AS record, licence, until AS valid_until FROM doctors ORDER BY no"
    assert query(hospital, asked) == [
        ["record", "licence", "valid_until"],
        ["815", "110-1", "2027-12-31"],
        ["816", "", "2028-01-31"],
    ]
    assert query(hospital, "SELECT no AS 编号 FROM doctors WHERE name LIKE '%\\%%' ESCAPE '\\'") == [["编号"], ["816"]]


@pytest.mark.parametrize(
    "words",
    [
        "DELETE FROM doctors",
        "UPDATE doctors SET until = '2099-12-31' RETURNING no",
        "DROP TABLE doctors",
        "SELECT 1; DELETE FROM doctors",
        "COMMIT; DELETE FROM doctors",
        "SELECT 1; SET default_transaction_read_only = off; COMMIT; DELETE FROM doctors",
        "SELECT 1; COMMIT; BEGIN READ WRITE; DELETE FROM doctors; COMMIT",
        "SELECT set_config('transaction_read_only', 'off', false), wipe()",
        "PRAGMA query_only = OFF",
        "SELECT wipe()",
    ],
)
def test_nothing_is_changed(hospital: str, words: str) -> None:
    with pytest.raises(UsageError):
        query(hospital, words)
    assert query(hospital, "SELECT count(*) AS n FROM doctors") == [["n"], ["2"]]


def test_more_rows_than_a_register_holds_and_what_never_ends_are_given_up(hospital: str) -> None:
    with pytest.raises(UsageError, match="more than 50000 rows"):
        query(hospital, ENDLESS.format(most=10**9))
    with pytest.raises(UsageError, match="the database refuses"):
        query(hospital, COUNTLESS, within_s=0.2)
    long = ENDLESS.format(most=1000).replace("i AS record", f"'{'x' * 40_000}' AS record")
    with pytest.raises(UsageError, match="or 32 million characters"):
        query(hospital, long)


def test_what_is_no_text_is_told_with_its_column(hospital: str) -> None:
    with pytest.raises(UsageError, match="the column photo holds bytes"):
        query(hospital, "SELECT photo FROM doctors")


def test_a_moment_is_its_day_where_we_are(postgresql: Callable[[str], str]) -> None:
    asked = "SELECT TIMESTAMPTZ '2027-12-31 20:00:00+00' AS a, TIMESTAMP '2027-12-31 20:00:00' AS b, 1.5 AS c"
    assert query(postgresql("postgres"), asked) == [["a", "b", "c"], ["2028-01-01", "2027-12-31", "1.5"]]


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unable to open database file"):
        query(f"sqlite:///{tmp_path}/none.sqlite", "SELECT 1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://crm:Se3cret!@127.0.0.1:1/crm",
        "postgresql://crm@127.0.0.1:1/crm?password=Se3cret!",
        "postgresql://crm:Se3cret!@127.0.0.1:Se3cret!/crm",
        "postgresql://crm@127.0.0.1:1/crm?connect_timeout=Se3cret!",
        "postgresql://crm@127.0.0.1:1/crm?nonsense=Se3cret!",
        "postgresql://crm@127.0.0.1:1/crm?sslmode=Se3cret!",
        "mysql://crm:Se3cret!@127.0.0.1/crm",
        "oracle+Se3cret!://crm",
        "crm:Se3cret!",
        "sqlite://",
    ],
)
def test_no_password_is_told_whatever_is_wrong(url: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError) as refused:
        query(url, "SELECT 1")
    said = "".join([str(refused.value), *capfd.readouterr()])
    assert "Se3cret" not in said
    assert refused.value.__cause__ is None
