"""Entries are added one after the other, whoever writes, and the database refuses everything else."""

import json
import multiprocessing
import re
import threading
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bot.audit.anchors import Anchors
from bot.audit.entries import GENESIS, Action, AuditEvent, digest
from bot.audit.key import AuditKey
from bot.audit.log import AuditLog
from bot.records.database import Database
from tests.audit.conftest import NOW, SECRET, Books, event

WRITERS, EACH = 4, 15


def test_an_entry_says_what_was_done_and_leads_back_to_the_one_before(books: Books) -> None:
    first = books.log.append(event(1))
    second = books.log.append(event(2, person=None, actor="cli:ops", action=Action.EXPORT, details={"b": 1, "a": "中"}))
    assert list(books.log.entries()) == [first, second]
    assert (first.seq, first.at, first.previous) == (1, "2027-01-15T08:00:00.000000Z", GENESIS)
    assert (first.tenant, first.bot, first.action, first.subject) == ("academy", "imaging", "turn_decided", "turn:1")
    assert (second.seq, second.actor, second.previous) == (2, "cli:ops", first.hash)
    assert second.details == '{"a":"中","b":1}'
    assert second.hash == second.expected_hash()
    assert books.verify().ok


def test_the_hash_is_the_one_that_the_documentation_describes() -> None:
    fields = (1, "2027-01-15T08:00:00.000000Z", "cli:ops", "", "", "export", 'a "b"\n', "{}")
    assert digest(fields, GENESIS) == "5abb61efbedfbf6f4508c72af3008242d6863a0b7b990268a6d3decc1e20277d"


def test_a_person_is_a_pseudonym_of_the_tenant(books: Books) -> None:
    books.log.append_many([event(), event(), event(tenant="bank"), event(person="li.na")])
    actors = [entry.actor for entry in books.log.entries()]
    assert all(re.fullmatch(r"person:[0-9a-f]{32}", actor) for actor in actors)
    assert actors[0] == actors[1] == books.key.pseudonym("academy", "wang.fang")
    assert len(set(actors)) == 3
    assert AuditKey(b"another").pseudonym("academy", "wang.fang") != actors[0]
    assert books.key.pseudonym("academy", "Wang.FANG") == actors[0], "as an administrator may write it"


@pytest.mark.parametrize("who", [{}, {"actor": "cli:ops", "person": "wang.fang"}])
def test_an_event_has_one_who_did_it(who: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="an actor or a person"):
        AuditEvent(action=Action.COMMAND, subject="turn:1", **who)


def test_what_no_database_keeps_is_hashed_as_it_is_kept(books: Books) -> None:
    books.log.append(event(subject="document:a\0\udce9.md", details={"name": "b\0\udce9"}))
    kept = next(books.log.entries())
    assert kept.subject == "document:a\\udce9.md"
    assert json.loads(kept.details) == {"name": "b\0\udce9"}
    assert books.verify().ok


@pytest.mark.parametrize("details", [{"x": float("nan")}, {"x": object()}])
def test_details_that_are_no_json_are_refused_and_leave_no_gap(books: Books, details: dict[str, object]) -> None:
    books.log.append(event())
    with pytest.raises((ValueError, TypeError)):
        books.log.append_many([event(), event(details=details)])
    assert books.log.append(event()).seq == 2


def test_an_entry_is_there_with_the_rest_of_its_transaction_or_not_at_all(books: Books) -> None:
    def fail() -> None:
        with books.database.write() as connection:
            books.log.append_within(connection, [event()])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert books.log.head().seq == 0
    with books.database.write() as connection:
        assert books.log.append_within(connection, []) == []
        books.log.append_within(connection, [event()])
    assert books.log.head().seq == 1


def _write(url: str, folder: Path) -> None:
    """A process that writes from two threads."""
    database = Database(url)
    log = AuditLog(database, AuditKey(SECRET), Anchors(folder / "anchors"), lambda: NOW)
    threads = [threading.Thread(target=lambda: [log.append(event(n)) for n in range(EACH)]) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    database.dispose()


def test_processes_and_threads_take_turns(books: Books, database_url: str, tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_write, args=(database_url, tmp_path)) for _ in range(WRITERS // 2)]
    for process in processes:
        process.start()
    _write(database_url, tmp_path)
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    found = books.verify()
    assert (found.ok, found.entries, found.last) == (True, (WRITERS + 2) * EACH, (WRITERS + 2) * EACH)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET subject = 'turn:other' WHERE seq = 2",
        "DELETE FROM audit_entries WHERE seq = 2",
        "DELETE FROM audit_entries",
        "INSERT INTO audit_entries SELECT * FROM audit_entries WHERE seq = 2"
        " ON CONFLICT (seq) DO UPDATE SET subject = 'turn:other'",
    ],
)
def test_the_database_refuses_what_is_not_adding(books: Books, statement: str) -> None:
    books.write(3)
    with pytest.raises(DBAPIError, match="append-only"), books.database.write() as connection:
        connection.execute(text(statement))
    assert books.verify().entries == 3


def test_sqlite_refuses_to_replace_and_postgresql_to_truncate(books: Books) -> None:
    books.write(3)
    on_sqlite = books.database.engine.dialect.name == "sqlite"
    sql = (
        "REPLACE INTO audit_entries SELECT * FROM audit_entries WHERE seq = 2"
        if on_sqlite
        else "TRUNCATE audit_entries"
    )
    with pytest.raises(DBAPIError, match="append-only"), books.database.write() as connection:
        connection.execute(text(sql))


def test_the_newest_entries_are_found_by_action_and_actor(books: Books) -> None:
    books.log.append_many([event(1), event(2, action=Action.COMMAND), event(3, person="li.na"), event(4)])
    assert [entry.seq for entry in books.log.newest(2)] == [3, 4]
    assert [entry.seq for entry in books.log.newest(9, action="command")] == [2]
    assert [entry.seq for entry in books.log.newest(9, actor=books.key.pseudonym("academy", "li.na"))] == [3]


def test_the_log_is_read_over_many_pages(books: Books) -> None:
    books.log.append_many([event(number) for number in range(4500)])
    assert [entry.seq for entry in books.log.entries(2, 4400)] == list(range(2, 4401))
    assert books.verify().entries == 4500
