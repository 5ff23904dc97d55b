"""The index follows the database, with the real engine and a real SQLite file."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bot.errors import KnowledgeError, Unavailable
from bot.knowledge.edge_index import EdgeIndex
from bot.knowledge.entries import Audience, Entry, EntryKind
from bot.knowledge.following import PATIENCE_S, Following
from bot.knowledge.origin import Origin, make_entry
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.sync import BATCH, SyncReport, drop_withdrawn, reindex, sync_all, sync_collection
from bot.knowledge.versions import Submission
from bot.records.database import Database, metadata
from tests.knowledge.small_index import open_small_index

ORIGIN = Origin(tenant="academy", collection="imaging", audience=Audience.PUBLIC, source="faq.csv")
MANY = tuple(f"答案{n}" for n in range(3 * BATCH))
NOTHING = SyncReport(upserted=0, deleted=0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[KnowledgeStore]:
    database = Database(f"sqlite:///{tmp_path / 'bot.db'}")
    metadata.create_all(database.engine)
    yield KnowledgeStore(database)
    database.dispose()


@pytest.fixture
def index(tmp_path: Path) -> Iterator[EdgeIndex]:
    index = open_small_index(tmp_path)
    yield index
    index.close()


class Hindered:
    """The index with something in its way: what happens at each call is up to the test."""

    def __init__(self, index: EdgeIndex, at_upsert: Callable[[int], bool], after_ids: Callable[[], None]) -> None:
        self._index = index
        self._at_upsert = at_upsert
        self._after_ids = after_ids
        self._upserts = 0
        self.candidates = index.candidates
        self.entries = index.entries
        self.count = index.count
        self.close = index.close

    def upsert(self, entries: Sequence[Entry]) -> None:
        self._upserts += 1
        if self._at_upsert(self._upserts):
            self._index.upsert(entries)

    def delete(self, ids: Collection[str]) -> None:
        self._index.delete(ids)

    def ids(self, tenant: str, collection: str) -> set[str]:
        held = self._index.ids(tenant, collection)
        self._after_ids()
        return held


def entry(text: str, origin: Origin = ORIGIN) -> Entry:
    return make_entry(origin, kind=EntryKind.FAQ, title=text, questions=(text,), text=text, location="第 2 行")


def approve(store: KnowledgeStore, *texts: str, origin: Origin = ORIGIN) -> None:
    entries = tuple(entry(text, origin) for text in texts)
    submission = Submission(origin=origin, title="faq", content_hash="0" * 64, entries=entries)
    store.put(submission, approve=True, actor="cli:li", now=1.0)


def sync(store: KnowledgeStore, index: EdgeIndex | Hindered) -> SyncReport:
    return sync_collection(store, index, "academy", "imaging")


def searchable(index: EdgeIndex, tenant: str = "academy", collection: str = "imaging") -> set[str]:
    return {found.text for found in index.entries(sorted(index.ids(tenant, collection)))}


def test_only_what_changed_is_touched(store: KnowledgeStore, index: EdgeIndex) -> None:
    told: list[tuple[str, int, int]] = []
    approve(store, *MANY)
    report = sync_collection(store, index, "academy", "imaging", lambda *step: told.append(step))
    assert report == SyncReport(upserted=len(MANY), deleted=0)
    assert told == [("index", BATCH * n, len(MANY)) for n in (1, 2, 3)]
    assert sync(store, index) == NOTHING

    approve(store, *MANY[1:], "新的")
    assert sync(store, index) == SyncReport(upserted=1, deleted=1)
    assert searchable(index) == {*MANY[1:], "新的"}

    store.withdraw("academy", "imaging", "faq.csv", actor="cli:li", now=2.0)
    assert sync(store, index) == SyncReport(upserted=0, deleted=len(MANY))
    assert index.count() == 0


def test_what_an_interrupted_run_left_is_done_by_the_next(store: KnowledgeStore, index: EdgeIndex) -> None:
    def fail_at_second(upserts: int) -> bool:
        if upserts == 2:
            raise Unavailable("the disk is gone")
        return True

    approve(store, *MANY)
    with pytest.raises(Unavailable):
        sync(store, Hindered(index, fail_at_second, lambda: None))
    assert index.count() == BATCH
    assert sync(store, index) == SyncReport(upserted=2 * BATCH, deleted=0)
    assert searchable(index) == set(MANY)


@pytest.mark.parametrize("other_syncs", [True, False])
def test_what_others_do_meanwhile_is_kept(store: KnowledgeStore, index: EdgeIndex, *, other_syncs: bool) -> None:
    """Between our look at the index and our look at the database another process approves a new version."""
    approve(store, "甲", "乙")
    sync(store, index)
    pending = [("乙", "丙")]

    def meanwhile() -> None:
        if pending:
            approve(store, *pending.pop())
            if other_syncs:
                sync(store, index)

    sync(store, Hindered(index, lambda _: True, meanwhile))
    assert searchable(index) == {"乙", "丙"}


def test_what_is_withdrawn_while_it_is_indexed_does_not_stay(store: KnowledgeStore, index: EdgeIndex) -> None:
    approve(store, "甲")

    def withdraw(_: int) -> bool:
        return store.withdraw("academy", "imaging", "faq.csv", actor="cli:li", now=2.0)

    assert sync(store, Hindered(index, withdraw, lambda: None)) == SyncReport(upserted=1, deleted=1)
    assert index.count() == 0


def test_what_is_dropped_while_others_bring_it_does_not_come_back(store: KnowledgeStore, index: EdgeIndex) -> None:
    approve(store, "甲", "乙")
    sync(store, index)
    approve(store, "丙", origin=replace(ORIGIN, source="more.csv"))

    def withdraw(number: int) -> bool:
        if number == 1:  # somebody fills the index, and has read what is approved before this
            store.withdraw("academy", "imaging", "faq.csv", actor="cli:li", now=2.0)
            store.withdraw("academy", "imaging", "more.csv", actor="cli:li", now=2.0)
            assert len(drop_withdrawn(store, index, "academy", "imaging")) == 2
        return True

    sync(store, Hindered(index, withdraw, lambda: None))
    assert index.count() == 0
    assert drop_withdrawn(store, index, "academy", "imaging") == set()


def test_what_is_out_of_service_is_gone_before_anything_new_is_indexed(store: KnowledgeStore, index: EdgeIndex) -> None:
    approve(store, "甲", "乙")
    sync(store, index)
    approve(store, "乙", "丙")
    seen: list[set[str]] = []

    def look(_: int) -> bool:
        seen.append(searchable(index))
        return True

    sync(store, Hindered(index, look, lambda: None))
    assert seen == [{"乙"}]


def test_an_index_that_forgets_is_an_error(store: KnowledgeStore, index: EdgeIndex) -> None:
    approve(store, "甲")
    with pytest.raises(KnowledgeError, match="does not keep collection imaging of tenant academy: run `reindex`"):
        sync(store, Hindered(index, lambda _: False, lambda: None))


def test_sync_all_and_reindex_reach_every_collection(store: KnowledgeStore, index: EdgeIndex) -> None:
    staff = replace(ORIGIN, collection="staff")
    approve(store, "甲")
    approve(store, "乙", origin=staff)
    index.upsert([entry("别处", replace(ORIGIN, tenant="lost"))])  # from a database that is no more
    assert sync_all(store, index) == SyncReport(upserted=2, deleted=0)
    assert sync_all(store, index, also=[("lost", "imaging"), ("academy", "imaging")]) == SyncReport(
        upserted=0, deleted=1
    )
    index.upsert([entry("旧的")])
    assert reindex(store, index) == SyncReport(upserted=2, deleted=1)
    assert (searchable(index), searchable(index, collection="staff"), index.count()) == ({"甲"}, {"乙"}, 2)


def test_that_the_index_did_not_follow_is_noticed_when_nobody_can_be_at_it_any_more(
    store: KnowledgeStore, index: EdgeIndex
) -> None:
    now = [0.0]
    following = Following(store, index, lambda: now[0])
    assert not following.is_behind()
    approve(store, "甲")
    assert not following.is_behind(), "whoever approved it may be at it"
    now[0] = PATIENCE_S
    assert [following.is_behind() for _ in range(2)] == [True, False], "whoever heard it is at it"
    now[0] = 2 * PATIENCE_S
    assert following.is_behind(), "and did not end it"
    sync_collection(store, index, "academy", "imaging")
    assert not following.is_behind()
    store.withdraw("academy", "imaging", "faq.csv", actor="cli:li", now=2.0)
    assert [following.is_behind() for now[0] in (2 * PATIENCE_S + 1.0, 3 * PATIENCE_S + 1.0)] == [False, True]
