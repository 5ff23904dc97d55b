"""The index on a Qdrant server, over real HTTP: what is asked of the server, and what happens when it misbehaves."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.errors import KnowledgeError, Unavailable
from bot.knowledge.index import IndexState, Route
from bot.knowledge.points import FORMAT
from bot.knowledge.qdrant_calls import ATTEMPTS, connect
from bot.knowledge.qdrant_collections import BELIEVED_S, Build, Collections
from bot.knowledge.server_index import ServerIndex
from tests.fakes.qdrant_server import QdrantServer, status
from tests.fakes.scripted_http import Answer, Cut, Drip, Scripted, reply
from tests.knowledge.small_index import ask, entry, faq, open_small_server_index

KEY = "a key of this test"
QUERY = "/collections/[^/]+/points/query/batch"

Opener = Callable[..., ServerIndex]


@pytest.fixture
def server() -> Iterator[QdrantServer]:
    with QdrantServer(api_key=KEY) as server:
        yield server


@pytest.fixture
def opened(server: QdrantServer, tmp_path: Path) -> Iterator[Opener]:
    """Opens an index as another process would, over a connection of its own."""
    indexes: list[ServerIndex] = []

    def open_one(*, key: str | None = KEY, timeout_s: float = 10.0, **build: Any) -> ServerIndex:
        indexes.append(open_small_server_index(connect(server.url, key, timeout_s), tmp_path, **build))
        return indexes[-1]

    yield open_one
    for index in indexes:
        index.close()


@pytest.fixture
def index(opened: Opener) -> ServerIndex:
    index = opened()
    build(index)
    return index


def build(index: ServerIndex) -> None:
    with index.rebuilt():
        pass


def live(server: QdrantServer) -> str:
    return server.aliases["knowledge"]


def test_a_collection_is_made_as_searches_need_it(server: QdrantServer, index: ServerIndex) -> None:
    name = live(server)
    assert name.startswith(f"knowledge-000001-f{FORMAT}-hash-")
    made = server.made[name]
    dense, sparse = {"size": 8, "distance": "Dot"}, {"modifier": "idf"}
    assert made["vectors"] == {"dense": dense, "question_dense": dense}
    assert made["sparse_vectors"] == {"lexical": sparse, "words": sparse, "question_lexical": sparse}
    assert (made["shard_number"], made["replication_factor"], made["write_consistency_factor"]) == (1, 1, 1)
    assert (made["metadata"]["embedder"], made["hnsw_config"]) == ("hash", {"m": 0})
    assert "quantization_config" not in made
    indexes = server.payload_indexes[name]
    assert indexes["tenant"] == {"type": "keyword", "is_tenant": True, "enable_hnsw": False}
    assert {field: schema["type"] for field, schema in indexes.items()} == {
        "tenant": "keyword",
        "marks": "keyword",
        "valid_from": "float",
        "valid_to": "float",
    }


def test_a_question_is_asked_exactly_with_the_readers_idf(server: QdrantServer, index: ServerIndex) -> None:
    ask(index, "学分")
    first, *_ = server.named("POST", QUERY)
    dense, lexical = first.json["searches"][:2]
    assert (dense["using"], dense["params"]) == ("dense", {"exact": True})
    assert lexical["params"]["idf"] == {"corpus": lexical["filter"]}
    assert {"key": "tenant", "match": {"value": "academy"}} in lexical["filter"]["must"]
    assert {request.headers["api-key"] for request in server.requests} == {KEY}


@pytest.mark.parametrize(
    ("kind", "config", "oversampling"),
    [
        ("scalar", {"scalar": {"type": "int8", "quantile": 0.99, "memory": "pinned"}}, 2.0),
        ("binary", {"binary": {"memory": "pinned"}}, 3.0),
    ],
)
def test_quantised_vectors_choose_and_exact_ones_decide(
    server: QdrantServer, opened: Opener, kind: str, config: dict[str, Any], oversampling: float
) -> None:
    index = opened(quantization=kind, replicas=3)
    build(index)
    name = live(server)
    made = server.made[name]
    assert made["quantization_config"] == config
    assert made["vectors"]["dense"]["memory"] == "cold"
    assert made["hnsw_config"] == {"m": 0, "payload_m": 16}
    assert (made["replication_factor"], made["write_consistency_factor"]) == (3, 2)
    graphs = {field for field, schema in server.payload_indexes[name].items() if schema["enable_hnsw"]}
    assert graphs == {"tenant"}
    ask(index, "学分")
    dense = server.named("POST", QUERY)[0].json["searches"][0]
    assert dense["params"]["quantization"] == {"rescore": True, "oversampling": oversampling}
    assert "exact" not in dense["params"]


def test_a_rebuild_switches_in_one_request_and_drops_the_old(server: QdrantServer, index: ServerIndex) -> None:
    index.upsert([entry("学分")])
    old = live(server)
    with index.rebuilt() as fresh:
        fresh.upsert([entry("课程")])
        assert live(server) == old
        assert index.count() == 1
    new = live(server)
    assert new == old.replace("-000001-", "-000002-")
    assert server.collections == {new}
    switch = server.named("POST", "/collections/aliases")[-1].json["actions"]
    assert switch == [
        {"delete_alias": {"alias_name": "knowledge"}},
        {"create_alias": {"collection_name": new, "alias_name": "knowledge"}},
    ]


def test_another_process_follows_the_switch_at_its_next_question(
    server: QdrantServer, index: ServerIndex, opened: Opener
) -> None:
    other = opened()
    index.upsert([entry("学分")])
    assert ask(other, "学分").visible == 1
    with index.rebuilt() as fresh:
        fresh.upsert([entry("学分"), entry("课程")])
        assert ask(other, "学分").visible == 1
    assert ask(other, "学分").visible == 2
    other.upsert([entry("预约")])
    assert index.count() == 3


def test_where_the_old_collection_stays_it_is_believed_only_for_a_while(
    server: QdrantServer, index: ServerIndex, tmp_path: Path
) -> None:
    now = [100.0]
    made = Build(format=FORMAT, embedder="hash", dimension=8)
    watching = Collections(connect(server.url, KEY, 10), "knowledge", made, clock=lambda: now[0])
    old = watching.live()
    with index.rebuilt():
        server.on(f"/collections/{old}", status(503))
    assert watching.live() == old
    now[0] += BELIEVED_S
    assert watching.live() == live(server) != old
    watching.calls.client.close()


def test_a_rebuild_that_died_is_gone_on_with(server: QdrantServer, index: ServerIndex, opened: Opener) -> None:
    dying = index.rebuilt()
    dying.__enter__().upsert([entry("学分"), faq("课程", answer="2")])  # and never left again
    assert live(server).startswith("knowledge-000001-")
    assert index.count() == 0
    with opened().rebuilt() as fresh:
        assert fresh.ids("academy", "imaging") == {entry("学分").id, faq("课程", answer="2").id}
    assert live(server).startswith("knowledge-000002-")
    assert index.count() == 2


def test_two_processes_that_rebuild_at_once_make_one_index(server: QdrantServer, opened: Opener) -> None:
    first, second = opened(), opened()
    assert (first.state(), second.state()) == (IndexState.MISSING, IndexState.MISSING)
    with first.rebuilt() as ours:
        with second.rebuilt() as theirs:
            ours.upsert([entry("学分")])
            theirs.upsert([entry("学分"), entry("课程")])
        ours.upsert([entry("课程")])
    assert server.collections == {live(server)}
    assert first.ids("academy", "imaging") == second.ids("academy", "imaging") == {entry("学分").id, entry("课程").id}


def test_a_rebuild_that_was_overtaken_leaves_the_newer_one(
    server: QdrantServer, index: ServerIndex, opened: Opener
) -> None:
    quick = opened()
    with index.rebuilt():
        for _ in range(2):
            build(quick)
            newest = live(server)
    assert newest.startswith("knowledge-000003-")
    assert (live(server), server.collections) == (newest, {newest})


def test_what_an_earlier_model_left_half_built_is_swept(server: QdrantServer, opened: Opener) -> None:
    left = opened(embedder="https://example.org/embeddings Early-Model")
    with pytest.raises(RuntimeError), left.rebuilt():
        raise RuntimeError
    (half,) = server.collections
    assert half.startswith(f"knowledge-000001-f{FORMAT}-embeddings-early-model-")
    index = opened()
    build(index)
    assert server.collections == {half, live(server)}
    build(index)
    assert server.collections == {live(server)}


def test_another_models_index_is_neither_read_nor_written(
    server: QdrantServer, index: ServerIndex, opened: Opener
) -> None:
    index.upsert([entry("学分")])
    stranger = opened(embedder="another")
    assert stranger.state() is IndexState.FOREIGN
    for use in (lambda: ask(stranger, "学分"), lambda: stranger.upsert([entry("课程")]), stranger.count):
        with pytest.raises(Unavailable, match=r"made by another version, embedder or setting.*reindex"):
            use()
    build(stranger)
    assert stranger.count() == 0
    with pytest.raises(Unavailable, match="made by another version"):
        ask(index, "学分")


def test_what_is_not_ours_is_left_alone(server: QdrantServer, index: ServerIndex, tmp_path: Path) -> None:
    made = Build(format=FORMAT, embedder="hash", dimension=8)
    for alias, fault in ((live(server), "is called"), ("theirs", "not ours")):
        calls = connect(server.url, KEY, 10)
        if alias == "theirs":
            server.on("/aliases", reply({"result": {"aliases": [{"alias_name": alias, "collection_name": "x"}]}}))
        collections = Collections(calls, alias, made)
        with pytest.raises(KnowledgeError, match=f"{fault}.*QDRANT_COLLECTION"):
            collections.switch(collections.begin())
        calls.client.close()


def test_a_collection_that_somebody_dropped_is_said(server: QdrantServer, index: ServerIndex) -> None:
    server.drop(live(server))
    with pytest.raises(Unavailable, match=r"not on the Qdrant server.*reindex"):
        ask(index, "学分")
    assert index.state() is IndexState.MISSING


def test_a_new_collection_with_the_name_of_one_that_was_dropped_is_not_read_before_it_is_whole(
    server: QdrantServer, index: ServerIndex, opened: Opener
) -> None:
    index.upsert([entry("学分"), entry("课程")])
    assert index.count() == 2
    name = live(server)
    server.drop(name)
    with pytest.raises(Unavailable):
        index.count()
    with opened().rebuilt() as fresh:
        fresh.upsert([entry("学分")])
        assert name in server.collections
        with pytest.raises(Unavailable):
            index.count()
        fresh.upsert([entry("课程")])
    assert index.count() == 2


@pytest.mark.parametrize("fault", [status(503), status(429), status(500), Cut()])
def test_a_passing_fault_is_not_noticed(server: QdrantServer, index: ServerIndex, fault: Scripted) -> None:
    index.upsert([entry("学分")])
    with capture_logs() as logs:
        server.next(*[fault] * (ATTEMPTS - 1))
        assert ask(index, "学分").visible == 1
    assert [log["event"] for log in logs] == ["qdrant_retry"] * (ATTEMPTS - 1)


def test_a_fault_that_stays_is_unavailable(server: QdrantServer, index: ServerIndex) -> None:
    before = len(server.requests)
    server.next(*[status(503, "out of\nmemory")] * ATTEMPTS)
    with pytest.raises(Unavailable, match=r"the Qdrant server at 127.0.0.1 answered 503 \(out of memory\)"):
        ask(index, "学分")
    assert len(server.requests) - before == ATTEMPTS


def test_a_server_that_wants_us_later_is_asked_later(server: QdrantServer, index: ServerIndex) -> None:
    server.next(Answer(status=429, body=b"{}", headers={"Retry-After": "1"}))
    started = time.monotonic()
    assert ask(index, "学分").visible == 0
    assert time.monotonic() - started >= 1


@pytest.mark.parametrize("fault", [Answer(delay_s=60), Drip(part="headers"), Drip(part="body")])
def test_a_call_ends_at_its_deadline_whatever_the_server_does(
    server: QdrantServer, index: ServerIndex, opened: Opener, fault: Scripted
) -> None:
    hasty = opened(timeout_s=0.5)
    before = len(server.requests)
    server.next(server.answer, server.answer, fault)
    started = time.monotonic()
    with pytest.raises(Unavailable, match="does not answer: ReadTimeout"):
        ask(hasty, "学分")
    assert 0.4 < time.monotonic() - started < 5
    assert len(server.requests) - before == 3  # the version, the alias, and one question that is not repeated


def test_several_calls_can_have_one_short_deadline(server: QdrantServer) -> None:
    calls = connect(server.url, KEY, 60)
    server.next(Answer(delay_s=60))
    started = time.monotonic()
    with pytest.raises(Unavailable, match="ReadTimeout"), calls.within(0.3):
        calls.run(calls.client.get_aliases)
    assert 0.25 < time.monotonic() - started < 20
    calls.client.close()


def test_a_server_that_is_away_is_unavailable(opened: Opener, server: QdrantServer, tmp_path: Path) -> None:
    with QdrantServer() as gone:
        calls = connect(gone.url, None, 10)
    index = open_small_server_index(calls, tmp_path)
    with pytest.raises(Unavailable, match="does not answer: ConnectError"):
        index.count()
    index.close()


@pytest.mark.parametrize("key", [None, "a wrong key"])
def test_a_wrong_key_is_refused_with_the_cure(
    server: QdrantServer, index: ServerIndex, opened: Opener, key: str | None
) -> None:
    before = len(server.requests)
    with pytest.raises(
        KnowledgeError, match=r"answered 401 \(Invalid API key or JWT\): check QDRANT_API_KEY"
    ) as caught:
        ask(opened(key=key), "学分")
    assert len(server.requests) - before == 1
    assert "wrong key" not in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "error", "text"),
    [
        (
            status(400, "bad input"),
            KnowledgeError,
            r"refused a request with 400 \(bad input\): a fault of this program",
        ),
        (status(403, "forbidden"), KnowledgeError, "check QDRANT_API_KEY"),
        (Answer(body=b"<html>welcome</html>"), Unavailable, "is QDRANT_URL right?"),
        (reply({"result": None}), Unavailable, "is QDRANT_URL right?"),
        (Answer(status=301), Unavailable, "is QDRANT_URL right?"),
    ],
)
def test_what_cannot_help_is_not_repeated(
    server: QdrantServer, index: ServerIndex, fault: Scripted, error: type[Exception], text: str
) -> None:
    ask(index, "学分")
    before = len(server.requests)
    server.next(fault)
    with pytest.raises(error, match=text):
        ask(index, "学分")
    assert len(server.requests) - before == 1


def test_a_change_that_is_not_applied_in_time_is_no_success(server: QdrantServer, index: ServerIndex) -> None:
    late = reply({"result": {"operation_id": 1, "status": "wait_timeout"}, "status": "ok"})
    server.on(f"/collections/{live(server)}/points", late)
    with pytest.raises(Unavailable, match="has not applied a change"):
        index.upsert([entry("学分")])


def test_an_entry_is_written_after_its_questions(server: QdrantServer, index: ServerIndex) -> None:
    many = faq(*(f"学分 {n}" for n in range(150)), answer="2")
    points = f"/collections/{live(server)}/points"
    server.on(points, server.answer, status(400))
    with pytest.raises(KnowledgeError):
        index.upsert([many])
    assert index.ids("academy", "imaging") == set()
    server.on(points, server.answer)
    index.upsert([many])
    assert len(ask(index, "学分 149").routes[Route.QUESTION_DENSE]) == 1
