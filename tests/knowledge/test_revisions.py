"""A state of the knowledge has a name only while database and index agree."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.knowledge.approvals import Approvals
from bot.knowledge.edge_index import EdgeIndex
from bot.knowledge.revisions import LOOK_AGAIN_S, Revisions
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.sync import sync_collection
from bot.records.database import Database
from tests.knowledge.passages import ORIGIN, passage, put
from tests.knowledge.small_index import SCOPE, open_small_index


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def store(database_url: str) -> Iterator[KnowledgeStore]:
    database = Database(database_url)
    database.upgrade()
    yield KnowledgeStore(database)
    database.dispose()


@pytest.fixture
def index(tmp_path: Path) -> Iterator[EdgeIndex]:
    index = open_small_index(tmp_path)
    yield index
    index.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def revisions(store: KnowledgeStore, index: EdgeIndex, clock: Clock) -> Revisions:
    return Revisions(store, Approvals(store), index, clock)


def follow(store: KnowledgeStore, index: EdgeIndex, clock: Clock) -> None:
    clock.now_s += LOOK_AGAIN_S
    sync_collection(store, index, "academy", "imaging")


def test_nothing_is_a_state_too(revisions: Revisions) -> None:
    assert revisions.current(SCOPE) == revisions.current(replace(SCOPE, now=9e9))
    assert revisions.current(SCOPE) is not None


def test_each_change_makes_another_state(
    revisions: Revisions, store: KnowledgeStore, index: EdgeIndex, clock: Clock
) -> None:
    seen = [revisions.current(SCOPE)]
    for change in (
        lambda: put(store, passage("学分")),
        lambda: put(store, passage("学分"), passage("课程")),
        lambda: put(store, passage("学分")),
        lambda: store.withdraw("academy", "imaging", "faq.csv", actor="cli:li", now=2.0),
        lambda: put(store, passage("学分")),
    ):
        change()
        assert revisions.current(SCOPE) is None, "the index has not followed"
        follow(store, index, clock)
        assert revisions.current(SCOPE) not in seen
        seen.append(revisions.current(SCOPE))


def test_a_draft_and_an_unchanged_document_change_nothing(
    revisions: Revisions, store: KnowledgeStore, index: EdgeIndex, clock: Clock
) -> None:
    put(store, passage("学分"))
    follow(store, index, clock)
    before = revisions.current(SCOPE)
    put(store, passage("学分"))
    put(store, passage("预约"), approve=False)
    assert before is not None
    assert revisions.current(SCOPE) == before


def test_a_change_of_any_collection_in_sight_counts(
    revisions: Revisions, store: KnowledgeStore, index: EdgeIndex, clock: Clock
) -> None:
    both = replace(SCOPE, collections=("imaging", "sales"))
    one, two = revisions.current(SCOPE), revisions.current(both)
    sales = replace(ORIGIN, collection="sales")
    put(store, passage("预约", sales), origin=sales)
    assert revisions.current(SCOPE) == one
    assert revisions.current(both) is None
    clock.now_s += LOOK_AGAIN_S
    sync_collection(store, index, "academy", "sales")
    assert revisions.current(both) not in (None, two)


def test_what_the_index_holds_beside_the_database_is_no_state(
    revisions: Revisions, store: KnowledgeStore, index: EdgeIndex, clock: Clock
) -> None:
    index.upsert([passage("nobody approved this")])
    assert revisions.current(SCOPE) is None
    follow(store, index, clock)
    assert revisions.current(SCOPE) is not None


def test_the_index_is_looked_at_once_in_a_while(
    revisions: Revisions, store: KnowledgeStore, index: EdgeIndex, clock: Clock
) -> None:
    put(store, passage("学分"))
    assert revisions.current(SCOPE) is None
    sync_collection(store, index, "academy", "imaging")
    clock.now_s += LOOK_AGAIN_S / 2
    assert revisions.current(SCOPE) is None, "not yet"
    clock.now_s += LOOK_AGAIN_S / 2
    assert revisions.current(SCOPE) is not None


def test_the_beginning_and_the_end_of_validity_are_other_states(
    revisions: Revisions, store: KnowledgeStore, index: EdgeIndex, clock: Clock
) -> None:
    put(store, passage("学分", valid_from=100.0, valid_to=200.0), passage("课程", valid_from=-5.0))
    follow(store, index, clock)
    states = [revisions.current(replace(SCOPE, now=now)) for now in (99.9, 100.0, 199.9, 200.0, 9e9)]
    assert None not in states
    assert [states.index(state) for state in states] == [0, 1, 1, 3, 3]


def test_only_what_is_approved_is(revisions: Revisions, store: KnowledgeStore, index: EdgeIndex, clock: Clock) -> None:
    approved, draft = passage("学分"), passage("课程")
    put(store, approved)
    put(store, draft, approve=False)
    follow(store, index, clock)
    revision = revisions.current(SCOPE)
    assert revision is not None
    assert (revision.approves(approved.id), revision.approves(draft.id)) == (True, False)
