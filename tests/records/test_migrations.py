"""What the migrations build is what the code believes to be there."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import bot.worker_assembly  # noqa: F401 - with the worker come all tables
from bot.records.database import Database, metadata


def test_the_migrations_build_the_tables_of_the_code(database_url: str) -> None:
    database = Database(database_url)
    database.upgrade()
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.dispose()


def test_there_are_tables_to_compare() -> None:
    assert {"turns", "tickets", "feedback", "knowledge_entries"} <= set(metadata.tables)
