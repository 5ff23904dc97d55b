"""What lies in Redis, whoever put it there: it is understood or set aside, and nobody behind it waits for it."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import keys
from bot.errors import KnowledgeError
from bot.inbox import Inbox, InboxLimits
from bot.knowledge.remote import REQUESTS, Handler, IndexClient, IndexServer
from bot.lease import Leases
from bot.messages import UndecodableMessage
from bot.outbox import Outbox
from bot.parts import Text
from bot.replies import OutboxReply
from tests.delivery.conftest import DOCTOR, RecordingChannel

quick = settings(max_examples=300, deadline=None, database=None, derandomize=True)
REPLY = OutboxReply(key="turn-1", parts=(Text("您好"),), created_at=1_800_000_000.0, record="{}")
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)
GARBAGE = (b"", b"\xff", b"null", b"[]", b"{}", b"7", b"[" * 100_000, b'{"v":2}', REPLY.encode()[:-5])


@quick
@given(raw=st.binary(max_size=60) | _json.map(lambda any_: json.dumps(any_).encode()))
def test_no_reply_of_ours_is_undecodable(raw: bytes) -> None:
    with pytest.raises(UndecodableMessage):
        OutboxReply.decode(raw)


@quick
@given(field=st.sampled_from(["v", "key", "at", "record", "author", "parts"]), value=_json)
def test_a_reply_with_anything_in_a_field_is_a_reply_or_undecodable(field: str, value: object) -> None:
    fields = json.loads(REPLY.encode()) | {field: value}
    with suppress(UndecodableMessage):
        reply = OutboxReply.decode(json.dumps(fields).encode())
        assert isinstance(reply.key, str)
        assert isinstance(reply.created_at, float)


@pytest.fixture
def outbox(redis_client: "redis.Redis") -> Outbox:
    return Outbox(
        redis_client,
        wake=lambda _: None,
        concluded=lambda *_: None,
        count=lambda *_, **__: None,
        useful_s=600,
        clock=lambda: REPLY.created_at,
    )


def test_what_is_no_reply_is_set_aside_and_what_waits_behind_it_is_sent(
    redis_client: "redis.Redis", leases: Leases, outbox: Outbox
) -> None:
    redis_client.rpush(keys.outbox(DOCTOR), *GARBAGE)
    redis_client.hset(keys.progress(DOCTOR), mapping={"part": "1", "not_before": "0"})
    assert outbox.post(DOCTOR, REPLY)
    lease, channel = leases.acquire(DOCTOR), RecordingChannel()
    assert lease is not None
    assert outbox.flush(lease, channel).wait_s == 0
    assert channel.sent == [("turn-1:0", "您好")]
    assert redis_client.lrange(keys.parked(DOCTOR), 0, -1) == list(GARBAGE), "byte for byte"


def test_what_is_no_conversation_is_taken_out_of_what_is_due(redis_client: "redis.Redis") -> None:
    woken: list[str] = []
    limits = InboxLimits(person_per_minute=20, conversation_waiting=50, bot_waiting=100)
    inbox = Inbox(redis_client, limits, woken.append)
    due = keys.due(DOCTOR.tag)
    redis_client.zadd(due, {b"\xff\xfe": 1, b"a/b": 1, b"": 1, b"a/b/c/d/e": 10**12, DOCTOR.key: 1})
    redis_client.zadd(due, {b"\xfe": time.time() + 60})
    assert inbox.sweep() == 1
    assert woken == [DOCTOR.key]
    assert inbox.recount(["imaging"]) == {"imaging": 0}
    assert redis_client.zrange(due, 0, -1) == [DOCTOR.key.encode(), b"\xfe"]


@pytest.fixture
def owner(redis_client: "redis.Redis") -> Iterator[IndexServer]:
    handlers: dict[str, Handler] = {"echo": lambda arguments: arguments, "unsayable": lambda _: object()}
    server = IndexServer(redis_client, handlers, threads=1)
    server.start()
    yield server
    server.close()


def test_the_owner_of_the_index_answers_after_any_request(redis_client: "redis.Redis", owner: IndexServer) -> None:
    whole = {"op": "echo", "args": {}, "answer": "a", "until": time.time() + 60}
    odd = [{key: value for key, value in whole.items() if key != left_out} for left_out in whole]
    odd += [
        whole | {"op": []},
        whole | {"args": 7},
        whole | {"answer": {}},
        whole | {"until": "soon"},
        whole | {"op": "no"},
    ]
    redis_client.rpush(REQUESTS, *GARBAGE, *(json.dumps(request) for request in odd))
    assert IndexClient(redis_client).call("echo", {"a": 1}, 20) == {"a": 1}


def test_the_owner_of_the_index_answers_after_any_answer(redis_client: "redis.Redis", owner: IndexServer) -> None:
    client = IndexClient(redis_client)
    half = {"half a character": "\udcff"}
    assert client.call("echo", half, 20) == half
    with pytest.raises(KnowledgeError, match="failed with TypeError"):
        client.call("unsayable", {}, 20)
    assert client.call("echo", {"a": 1}, 20) == {"a": 1}
