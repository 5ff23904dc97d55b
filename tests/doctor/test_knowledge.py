"""The index, asked of whoever holds it, and the Qdrant server."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
import redis

from bot.assembly import Configuration, load_bots
from bot.doctor.knowledge import index, qdrant
from bot.finding import Finding, State
from bot.knowledge.remote import IndexServer
from bot.settings import DEMO_BOTS_FILE
from tests.doctor.conftest import MakeSettings, named
from tests.fakes.scripted_http import Answer, Recorded, ScriptedServer, reply

REPORT: dict[str, Any] = {
    "embedder": "e5",
    "dimension": 384,
    "embed_ms": 17.0,
    "search_ms": 21.0,
    "collections": [
        {"bot": "imaging", "tenant": "academy", "collection": "imaging", "indexed": 36, "missing": 0},
        {"bot": "unasked", "tenant": "academy", "collection": "imaging", "indexed": 0, "missing": 0},
    ],
}


@contextmanager
def owner(client: "redis.Redis", report: Mapping[str, Any]) -> Iterator[None]:
    """A worker that holds the index and says ``report`` of it."""
    server = IndexServer(client, {"examine": lambda _: report})
    server.start()
    try:
        yield
    finally:
        server.close()


def look(make_settings: MakeSettings, *, running: bool = True) -> list[Finding]:
    return index(Configuration(settings=make_settings(), bots=load_bots(DEMO_BOTS_FILE)), running=running)


def test_the_worker_that_holds_the_index_is_asked(make_settings: MakeSettings, redis_client: "redis.Redis") -> None:
    with owner(redis_client, REPORT):
        found = look(make_settings)
    assert [finding.state for finding in found] == [State.OK, State.OK]
    assert "21 ms a question" in named(found, "index").detail
    assert named(found, "knowledge imaging/imaging").detail == "36 entries"


@pytest.mark.parametrize(
    ("counts", "cure"),
    [({"indexed": 0, "missing": 0}, "bot ingest"), ({"indexed": 30, "missing": 6}, "bot reindex")],
    ids=["empty", "behind"],
)
def test_what_a_collection_lacks_is_told_with_the_command(
    make_settings: MakeSettings, redis_client: "redis.Redis", counts: dict[str, int], cure: str
) -> None:
    held = REPORT["collections"][0] | counts
    with owner(redis_client, REPORT | {"collections": [held]}):
        found = named(look(make_settings), "knowledge imaging/imaging")
    assert (found.state, cure in found.cure) == (State.WARNING, True)


def test_a_worker_of_an_older_release_is_told(make_settings: MakeSettings, redis_client: "redis.Redis") -> None:
    server = IndexServer(redis_client, {})
    server.start()
    (found,) = look(make_settings)
    server.close()
    assert found.state is State.BROKEN


def test_an_index_that_is_not_there_is_not_made(make_settings: MakeSettings) -> None:
    settings = make_settings()
    (found,) = look(make_settings, running=False)
    assert found.state is State.SKIPPED
    assert not settings.data_dir.exists()


def test_no_qdrant_is_the_embedded_default(make_settings: MakeSettings) -> None:
    assert qdrant(make_settings())[0].state is State.OK


def _with_key(request: Recorded) -> Answer:
    if request.headers.get("api-key") != "right-key":
        return Answer(status=401, body=b"Must provide an API key")
    return reply({"result": {"collections": [{"name": "knowledge"}]}, "status": "ok", "time": 0.1})


@pytest.mark.parametrize(
    ("key", "state", "said"),
    [("right-key", State.OK, "1 collections"), ("wrong-key", State.BROKEN, "refuses the key")],
)
def test_the_key_of_a_qdrant_server_is_tried(
    make_settings: MakeSettings, platform: ScriptedServer, key: str, state: State, said: str
) -> None:
    platform.on("/collections", _with_key)
    (found,) = qdrant(make_settings(qdrant_url=platform.url, qdrant_api_key=key))
    assert (found.state, said in found.detail) == (state, True), found.detail
    assert key not in found.detail


def test_something_that_is_no_qdrant_is_told(make_settings: MakeSettings, platform: ScriptedServer) -> None:
    platform.on("/collections", Answer(body=b"<html>", content_type="text/html"))
    (found,) = qdrant(make_settings(qdrant_url=platform.url))
    assert (found.state, "not as Qdrant does" in found.detail) == (State.BROKEN, True)
    (gone,) = qdrant(make_settings(qdrant_url="http://127.0.0.1:9"))
    assert (gone.state, "does not answer" in gone.detail) == (State.BROKEN, True)
