"""SQL, found as it is and left as it was."""

import sqlite3
from pathlib import Path

import pytest

from bot.doctor.database import database
from bot.finding import State
from bot.records.database import Database
from bot.settings import Settings
from tests.doctor.conftest import MakeSettings, named


@pytest.fixture
def settings(make_settings: MakeSettings) -> Settings:
    """Over a database with the newest schema."""
    made = make_settings()
    made.data_dir.mkdir()
    opened = Database(made.database_url)
    opened.upgrade()
    opened.dispose()
    return made


def _revise(settings: Settings, revision: str) -> None:
    connection = sqlite3.connect(settings.data_dir / "bot.sqlite")
    connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    connection.commit()
    connection.close()


def _content(settings: Settings) -> str:
    connection = sqlite3.connect(settings.data_dir / "bot.sqlite")
    dump = "\n".join(connection.iterdump())
    connection.close()
    return dump


def test_a_database_at_the_newest_schema_is_written_to_without_a_trace(settings: Settings) -> None:
    before = _content(settings)
    found = database(settings)
    assert [finding.state for finding in found] == [State.OK] * 3
    assert "journal wal" in named(found, "database").detail
    assert _content(settings) == before


def test_a_file_that_is_not_there_is_not_made(make_settings: MakeSettings) -> None:
    settings = make_settings()
    (found,) = database(settings)
    assert found.state is State.SKIPPED
    assert not settings.data_dir.exists()


@pytest.mark.parametrize(("revision", "said"), [("0001", "the newest is"), ("9999", "newer release")])
def test_a_schema_of_another_release_is_broken(settings: Settings, revision: str, said: str) -> None:
    _revise(settings, revision)
    found = named(database(settings), "database schema")
    assert found.state is State.BROKEN
    assert said in found.detail


def test_a_file_that_is_no_database_is_broken(make_settings: MakeSettings, tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    path.write_bytes(b"not a database, but long enough to be looked at" * 100)
    (found,) = database(make_settings(database_url=f"sqlite:///{path}"))
    assert found.state is State.BROKEN


def test_a_server_that_cannot_be_opened_is_broken_and_its_password_unsaid(make_settings: MakeSettings) -> None:
    (found,) = database(make_settings(database_url="postgresql://u:secret-pw@127.0.0.1:9/x"))
    assert found.state is State.BROKEN
    assert "secret-pw" not in found.detail
