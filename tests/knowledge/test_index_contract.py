"""What every index promises, whichever engine holds it: the embedded one, and a Qdrant server.

The server stands here twice. ``memory`` is the client library's in-memory engine called directly; it knows no payload
indexes, quantisation, shards or replicas, drops all search parameters but the idf, and is not made for threads (the one
test with threads leaves it out). ``http`` is the same engine behind :class:`tests.fakes.qdrant_server.QdrantServer`,
so that every request and answer goes over the wire. What only a server has is in ``test_server_index.py``.
"""

import random
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from qdrant_client import QdrantClient

from bot.errors import KnowledgeError
from bot.knowledge.entries import Audience, EntryKind
from bot.knowledge.index import Index, IndexState, Route
from bot.knowledge.qdrant_calls import QdrantCalls, connect
from tests.fakes.qdrant_server import QdrantServer
from tests.knowledge.small_index import SCOPE, ask, entry, faq, open_small_index, open_small_server_index

pytestmark = [
    pytest.mark.filterwarnings("ignore:Local mode performs exact"),
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect"),
]


def open_index(engine: str, folder: Path, stack: ExitStack) -> Index:
    """An empty index; it is closed with ``stack``."""
    if engine == "edge":
        index: Index = open_small_index(folder)
    elif engine == "memory":
        index = open_small_server_index(QdrantCalls(QdrantClient(":memory:"), "the engine", 10), folder)
    else:
        server = stack.enter_context(QdrantServer())
        index = open_small_server_index(connect(server.url, None, 10), folder)
    stack.callback(index.close)
    if index.state() is IndexState.MISSING:
        with index.rebuilt():
            pass
    return index


@pytest.fixture(params=["edge", "memory", "http"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    with ExitStack() as stack:
        yield open_index(request.param, tmp_path, stack)


@pytest.fixture(params=["edge", "http"])
def shared_index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    with ExitStack() as stack:
        yield open_index(request.param, tmp_path, stack)


def test_an_entry_comes_back_as_it_went_in(index: Index) -> None:
    first = faq("学分怎么算？", "学分\n如何计算", answer="每门课程 2 学分。")
    second = entry("预约 MRI", audience=Audience.STAFF, location="A › B", valid_from=1.5, valid_to=2e9, bots=("a", "b"))
    index.upsert([first, second])
    index.upsert([first])
    assert index.entries([second.id, str(uuid.uuid4()), first.id]) == [second, first]
    assert index.ids("academy", "imaging") == {first.id, second.id}
    assert index.ids("academy", "other") == set()
    assert index.count() == 2


def test_a_search_sees_only_its_scope(index: Index) -> None:
    visible = [
        entry("学分"),
        entry("学分", valid_from=1000.0, valid_to=1000.5),
        faq("学分", answer="2"),
    ]
    hidden = [
        entry("学分", tenant="other"),
        entry("学分", collection="sales"),
        entry("学分", audience=Audience.HCP),
        entry("学分", audience=Audience.STAFF),
        entry("学分", valid_from=1000.5),
        entry("学分", valid_to=1000.0),
        replace(faq("学分", answer="3"), tenant="other"),
        replace(faq("学分", answer="4"), collection="sales"),
        replace(faq("学分", answer="5"), audience=Audience.STAFF),
        replace(faq("学分", answer="6"), valid_from=1000.5),
        replace(faq("学分", answer="7"), valid_to=1000.0),
    ]
    index.upsert(visible + hidden)
    found = ask(index, "学分")
    for route in (Route.DENSE, Route.LEXICAL, Route.WORDS):
        assert set(found.routes[route]) == {item.id for item in visible}
    for route in (Route.QUESTION_DENSE, Route.QUESTION_LEXICAL):
        assert set(found.routes[route]) == {visible[2].id}
    assert found.visible == len(visible)


def test_readers_see_their_audience_and_those_below(index: Index) -> None:
    index.upsert([entry(f"学分 {audience}", audience=audience) for audience in Audience])
    counts = [ask(index, "学分", replace(SCOPE, reader=reader)).visible for reader in Audience]
    assert counts == [1, 2, 3]


def test_an_entry_for_some_bots_is_seen_by_no_other(index: Index) -> None:
    everybodys, limited = entry("学分"), replace(faq("学分", answer="2"), bots=("imaging", "sales"), valid_to=2e9)
    index.upsert([everybodys, limited])
    assert [ask(index, "学分", replace(SCOPE, bot=bot)).visible for bot in ("sales", "imaging", "nurse", "")] == [
        2,
        2,
        1,
        1,
    ]
    found = ask(index, "学分", replace(SCOPE, bot="sales"))
    assert set(found.routes[Route.DENSE]) == {everybodys.id, limited.id}
    assert set(found.routes[Route.QUESTION_LEXICAL]) == {limited.id}


def test_a_kind_can_be_asked_for_and_no_collection_holds_nothing(index: Index) -> None:
    passage, question = entry("学分"), faq("学分", answer="2")
    index.upsert([passage, question])
    assert list(ask(index, "学分", kind=EntryKind.FAQ).routes[Route.DENSE]) == [question.id]
    assert list(ask(index, "学分", kind=EntryKind.PASSAGE).routes[Route.DENSE]) == [passage.id]
    assert not any(ask(index, "学分", replace(SCOPE, collections=())).routes.values())


def test_each_similar_question_finds_its_faq_once(index: Index) -> None:
    wanted = faq("学分怎么算？", "课程值多少分", "我能拿几分", answer="2")
    index.upsert([wanted, faq("预约", answer="电话")])
    for question in wanted.questions:
        found = ask(index, question).routes[Route.QUESTION_DENSE]
        assert next(iter(found.items())) == (wanted.id, pytest.approx(1.0, abs=1e-3))
        assert len(found) == 2


def test_deleting_takes_the_questions_too(index: Index) -> None:
    gone, kept = faq("学分", "课程", answer="2"), faq("预约", answer="电话")
    index.upsert([gone, kept])
    index.delete([gone.id, str(uuid.uuid4())])
    index.delete([])
    found = ask(index, "学分 课程")
    assert {id_ for scores in found.routes.values() for id_ in scores} == {kept.id}
    assert index.ids("academy", "imaging") == {kept.id}


def test_words_tell_the_share_of_the_question_an_entry_holds(index: Index) -> None:
    whole, half = entry("学分和课程"), entry("课程")
    index.upsert([whole, half, entry("预约")])
    words = ask(index, "学分 课程").routes[Route.WORDS]
    assert words[whole.id] == pytest.approx(1.0)
    assert 0.3 < words[half.id] < 0.5  # 课程 is held by two of three, so it weighs less
    assert ask(index, "nothing 学分").routes[Route.WORDS][whole.id] < 0.5
    assert ask(index, "nothing").routes[Route.WORDS] == {}


def test_what_others_may_read_does_not_change_my_scores(index: Index) -> None:
    index.upsert([entry("学分 课程"), entry("预约")])
    before = ask(index, "学分 课程")
    index.upsert([entry(f"学分 {n}", tenant="other") for n in range(20)])
    index.upsert([entry(f"学分 {n}", audience=Audience.STAFF) for n in range(20)])
    assert ask(index, "学分 课程") == before


def test_a_word_counts_by_what_its_reader_sees_at_that_moment(index: Index) -> None:
    index.upsert([entry("学分"), entry("预约"), entry("学分", audience=Audience.STAFF)])
    staff = replace(SCOPE, reader=Audience.STAFF)
    before, of_staff = ask(index, "学分"), ask(index, "学分", staff)
    assert (before.visible, of_staff.visible) == (2, 3)
    assert of_staff.words["学分"] < before.words["学分"]
    assert (ask(index, "学分"), ask(index, "学分", staff)) == (before, of_staff)
    another = entry("学分二")
    index.upsert([another])
    after = ask(index, "学分")
    assert (after.visible, after.words) == (3, of_staff.words)
    index.delete([another.id])
    assert ask(index, "学分") == before


def test_questions_and_changes_at_once(shared_index: Index) -> None:
    shared_index.upsert([entry(f"学分 {n}") for n in range(50)])
    failures: list[Exception] = []
    stop = threading.Event()

    def reader() -> None:
        try:
            while not stop.is_set():
                assert len(ask(shared_index, "学分").routes[Route.DENSE]) >= 50
        except (AssertionError, KnowledgeError) as error:
            failures.append(error)

    readers = [threading.Thread(target=reader) for _ in range(4)]
    for thread in readers:
        thread.start()
    for n in range(5):
        fresh = [entry(f"课程 {n} {m}") for m in range(20)]
        shared_index.upsert(fresh)
        shared_index.delete([item.id for item in fresh])
    stop.set()
    for thread in readers:
        thread.join()
    assert failures == []
    assert shared_index.count() == 50


def test_a_question_that_finds_only_its_kind_counts_only_that_kind(index: Index) -> None:
    index.upsert([faq("学分", answer="2"), faq("课程", answer="3"), entry("学分 课程")])
    assert ask(index, "学分", kind=EntryKind.FAQ).visible == 2


def test_an_index_is_rebuilt_while_it_answers(index: Index) -> None:
    old, kept = entry("学分"), faq("课程", answer="2")
    index.upsert([old, kept])
    with index.rebuilt() as fresh:
        assert set(ask(index, "学分").routes[Route.DENSE]) >= {old.id}
        fresh.delete([old.id])
        fresh.upsert([kept])
    assert index.state() is IndexState.READY
    assert index.ids("academy", "imaging") == {kept.id}
    assert set(ask(index, "课程").routes[Route.QUESTION_DENSE]) == {kept.id}


def test_every_engine_gives_the_same_scores(tmp_path: Path) -> None:
    words, chance = ["学分", "课程", "预约", "报名", "mri", "ct"], random.Random(7)
    entries = [
        entry(
            "".join(chance.choices(words, k=chance.randint(3, 30))),
            location=str(n),
            audience=chance.choice(list(Audience)),
            tenant=chance.choice(["academy", "academy", "other"]),
        )
        for n in range(120)
    ]
    entries += [
        faq("".join(chance.choices(words, k=4)), "".join(chance.choices(words, k=3)), answer=f"{n}") for n in range(30)
    ]
    scope = replace(SCOPE, reader=Audience.HCP)
    questions = ["学分怎么算", "课程 预约 MRI", "报名ct", "没有的词"]
    found = {}
    for engine in ("edge", "memory", "http"):
        folder = tmp_path / engine
        folder.mkdir()
        with ExitStack() as stack:
            index = open_index(engine, folder, stack)
            index.upsert(entries)
            index.delete([item.id for item in entries[::10]])
            found[engine] = [ask(index, question, scope) for question in questions]
    for engine in ("memory", "http"):
        for ours, embedded in zip(found[engine], found["edge"], strict=True):
            assert (ours.visible, ours.mass) == (embedded.visible, pytest.approx(embedded.mass))
            for route in Route:
                assert ours.routes[route] == pytest.approx(embedded.routes[route], abs=1e-5)
