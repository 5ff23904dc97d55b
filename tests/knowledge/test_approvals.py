"""What may answer, as the database has it at the moment of the question, whoever changed it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from bot.knowledge.approvals import Approvals
from bot.knowledge.store import KnowledgeStore
from bot.records.database import Database
from tests.knowledge.passages import ORIGIN, passage, put


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    database.upgrade()
    yield database
    database.dispose()


@pytest.fixture
def store(database: Database) -> KnowledgeStore:
    """Another process's."""
    return KnowledgeStore(database)


@pytest.fixture
def approvals(database: Database) -> Approvals:
    return Approvals(KnowledgeStore(database))


def test_each_change_is_seen_by_the_next_who_asks(store: KnowledgeStore, approvals: Approvals) -> None:
    first, second = passage("结业需要十六学分。"), passage("补考在开学第二周。")
    ids = [first.id, second.id]
    assert approvals.standing(ids) == set()
    put(store, first, approve=False)
    assert approvals.standing(ids) == set()
    put(store, first)
    assert approvals.standing(ids) == {first.id}
    put(store, second)
    assert approvals.standing(ids) == {second.id}
    store.withdraw("academy", "imaging", "faq.csv", actor="cli:li", now=2.0)
    assert approvals.standing(ids) == set()
    put(store, first, second)
    assert approvals.standing(ids) == set(ids)


def test_times_are_kept(store: KnowledgeStore, approvals: Approvals) -> None:
    entry = passage("秋季学期的时间表。", valid_from=10.0, valid_to=20.0)
    put(store, entry)
    assert [approvals.standing([entry.id], now) for now in (9.9, 10.0, 19.9, 20.0)] == [
        set(), {entry.id}, {entry.id}, set(),
    ]  # fmt: skip
    assert approvals.standing([entry.id]) == {entry.id}


def test_an_entry_asked_for_later_is_read_then(store: KnowledgeStore, approvals: Approvals) -> None:
    first, second = passage("机房九点开门。"), passage("机房十七点关门。")
    put(store, first, second)
    assert approvals.standing([first.id]) == {first.id}
    assert approvals.standing([second.id, first.id]) == {first.id, second.id}


def test_changes_are_counted_by_tenant_and_collection(store: KnowledgeStore, approvals: Approvals) -> None:
    elsewhere = [replace(ORIGIN, collection="courses"), replace(ORIGIN, tenant="clinic")]
    for origin in elsewhere:
        put(store, passage("一样的名字。", origin), origin=origin)
    put(store, passage("造影剂用量。"), approve=False)
    assert approvals.changes("academy", ["imaging", "courses"]) == {"courses": 1}
    put(store, passage("造影剂用量。"))
    put(store, passage("造影剂的用量。"))
    assert approvals.changes("academy", ["imaging", "courses"]) == {"courses": 1, "imaging": 3}  # one was replaced
    store.withdraw("clinic", "imaging", "faq.csv", actor="cli:li", now=2.0)
    assert approvals.changes("clinic", ["imaging"]) == {"imaging": 2} == store.changes("clinic", ["imaging"])
