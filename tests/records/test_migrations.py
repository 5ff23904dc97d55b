"""What the migrations build is what the code believes to be there."""

import json
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, select, text

import bot.worker_assembly  # noqa: F401 - with the worker come all tables
from bot.knowledge.entries import Audience, EntryKind
from bot.knowledge.origin import Origin, make_entry
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.versions import Submission
from bot.records.database import Database, metadata
from bot.records.turns import TurnRecords, turn_entries


def test_the_migrations_build_the_tables_of_the_code(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    database.upgrade()
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.dispose()


def test_there_are_tables_to_compare() -> None:
    assert {"turns", "tickets", "feedback", "knowledge_entries"} <= set(metadata.tables)


def test_what_turns_cited_before_it_was_kept_is_found_in_their_steps(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/bot.sqlite")
    database.upgrade("0010")
    steps = [{"step": "retrieve", "ms": 1.0}, {"step": "compose", "ms": 2.0, "cited": ["e1", "e2", "e1"]}]
    values = {"id": "t", "steps": json.dumps(steps)} | dict.fromkeys(("message_ids", "citations", "passages"), "[]")
    with database.write() as connection:
        columns = {column["name"]: column for column in inspect(connection).get_columns("turns")}
        for name, column in columns.items():
            if not column["nullable"] and column["default"] is None:
                values.setdefault(name, 0 if column["type"].python_type in (int, float) else "{}")
        names = ", ".join(values)
        connection.execute(text(f"INSERT INTO turns ({names}) VALUES (:{', :'.join(values)})"), values)  # noqa: S608
    database.upgrade()
    record = TurnRecords(database).get("t")
    assert record is not None
    assert record.cited == ("e1", "e2")
    with database.read() as connection:
        assert connection.execute(select(turn_entries.c.entry_id)).scalars().all() == ["e1", "e2"]
    database.dispose()


LATER = (("ingest_files", "attempts"), ("ingest_jobs", "publishings"), ("knowledge_versions", "made_with"))
"""Columns that came after."""


def test_changes_of_knowledge_made_before_they_were_counted(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/bot.sqlite")
    database.upgrade()
    store = KnowledgeStore(database)
    origin = Origin(tenant="academy", collection="imaging", audience=Audience.PUBLIC, source="faq.md")
    for words in ("第一版。", "第二版。"):
        entry = make_entry(origin, kind=EntryKind.PASSAGE, title="", text=words, location="")
        submission = Submission(origin=origin, title="", content_hash=words, entries=(entry,))
        store.put(submission, approve=True, actor="cli:li", now=1.0)
    with database.write() as connection:
        connection.execute(text("DROP TABLE knowledge_changes"))
        for table, column in LATER:
            connection.execute(text(f"ALTER TABLE {table} DROP COLUMN {column}"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0013'"))
    database.upgrade()
    assert store.all_changes() == {("academy", "imaging"): 3}
    database.dispose()
