"""Whatever WeCom's API answers, a send ends as sent, to be tried again, refused or unknown, and in nothing else."""

import itertools
import json
from collections.abc import Iterator
from contextlib import suppress

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.channel import Receipt, Refused, Retry, Unknown
from bot.connections import Connections
from bot.lease import Leases
from bot.outbox import Outbox
from bot.parts import Markdown, Text
from bot.replies import OutboxReply
from tests.channels.wecom_aibot import conftest as robot
from tests.channels.wecom_app import conftest as app
from tests.delivery.conftest import DOCTOR, RecordingChannel
from tests.fakes.scripted_http import Answer, ScriptedServer, reply

quick = settings(
    max_examples=80,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)
_FIELDS = ("errcode", "errmsg", "msgid", "invaliduser", "unlicenseduser", "access_token", "expires_in", "response_code")


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    """An answer of the API with any of its fields replaced by anything, or any JSON, or any bytes."""
    content = {"errcode": 0, "errmsg": "ok", "msgid": "m1", "access_token": "t", "expires_in": 7200}
    content |= {field: draw(_json) for field in draw(st.lists(st.sampled_from(_FIELDS), max_size=3))}
    whole = json.dumps(draw(st.just(content) | _json)).encode()
    status = draw(st.sampled_from([200, 200, 200, 204, 302, 400, 403, 404, 500, 503]))
    return Answer(status=status, body=draw(st.just(whole) | st.binary(max_size=30)))


HOSTILE = (
    b"[" * 60_000,
    b'{"errcode":' * 5_000,
    b'{"errcode":' + b"9" * 5_000 + b"}",
    b'{"errcode":' + b"9" * 4_000 + b"}",
    b'{"errcode":0,"expires_in":' + b"9" * 40 + b',"access_token":"t"}',
    b'{"errcode":0,"expires_in":-1,"access_token":"t"}',
    b'{"errcode":0,"expires_in":NaN,"access_token":"t"}',
    b'{"errcode":0,"expires_in":7200,"access_token":"a\\u0000\\r\\nb"}',
    b'{"errcode":0,"expires_in":7200,"access_token":"\\ud800"}',
    b'{"errcode":0,"msgid":{"a":["b"]},"invaliduser":[1,null]}',
    b'{"errcode":true,"errmsg":{"a":1}}',
    b'{"errcode":0}' * 2,
    b"\xef\xbb\xbf{}",
    '{"errcode":0,"errmsg":"好"}'.encode("gb18030"),
    '{"errcode":0}'.encode("utf-16"),
    b"x" * 200_000,
)
PEOPLE = (f"member-{n}" for n in itertools.count())
"""Somebody else each time, so that no pace is reached."""


@pytest.fixture
def platform() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def by_app(redis_client: "redis.Redis", platform: ScriptedServer) -> app.Installation:
    return app.Installation(platform, redis_client, Connections(environment=False))


@pytest.fixture
def by_robot(redis_client: "redis.Redis", platform: ScriptedServer) -> robot.Installation:
    return robot.Installation(platform, redis_client, Connections(environment=False))


def sends(here: app.Installation, token: Answer, sent: Answer) -> None:
    """One send of the app, from an empty Redis; an exception that is no outcome fails the test."""
    here.redis.flushdb()
    here.platform.on(app.TOKEN_PATH, token)
    here.platform.on(app.SEND_PATH, sent)
    with suppress(Retry, Refused, Unknown):
        assert isinstance(here.say(person=next(PEOPLE)), Receipt)
    assert len(here.counted) >= 1
    here.counted.clear()
    assert here.redis.keys("*:fetch") == [], "nobody waits for a token that nobody fetches"


GOOD_TOKEN = reply({"errcode": 0, "errmsg": "ok", "access_token": "token-1", "expires_in": 7200})


@quick
@given(answer=answers())
def test_any_answer_to_a_message(by_app: app.Installation, answer: Answer) -> None:
    sends(by_app, GOOD_TOKEN, answer)


@quick
@given(answer=answers())
def test_any_answer_to_the_question_for_a_token(by_app: app.Installation, answer: Answer) -> None:
    sends(by_app, answer, reply({"errcode": 0, "errmsg": "ok"}))


@pytest.mark.parametrize("body", HOSTILE, ids=lambda body: ascii(body)[:40])
def test_hostile_answers(by_app: app.Installation, by_robot: robot.Installation, body: bytes) -> None:
    answer = Answer(body=body)
    sends(by_app, GOOD_TOKEN, answer)
    sends(by_app, answer, reply({"errcode": 0, "errmsg": "ok"}))
    late(by_robot, answer)


@quick
@given(answer=answers())
def test_any_answer_to_a_late_reply(by_robot: robot.Installation, answer: Answer) -> None:
    late(by_robot, answer)


def late(here: robot.Installation, answer: Answer) -> None:
    """One late reply of the robot, from an empty Redis."""
    here.redis.flushdb()
    here.hears()
    here.close_bubble()
    here.platform.on(robot.RESPONSE_PATH, answer)
    with suppress(Retry, Refused, Unknown):
        assert isinstance(here.say(Markdown("晚了")), Receipt)


def test_a_part_that_was_taken_counts_as_sent_whatever_its_id(redis_client: "redis.Redis", leases: Leases) -> None:
    class Odd(RecordingChannel):
        def send(self, *arguments: object, **named: object) -> Receipt:
            super().send(*arguments, **named)  # type: ignore[arg-type]
            return Receipt(message_id="\ud800\0")

    channel = Odd()
    outbox = Outbox(
        redis_client,
        wake=lambda _: None,
        concluded=lambda *_: None,
        count=lambda *_, **__: None,
        useful_s=600,
        clock=lambda: 1_800_000_000.0,
    )
    outbox.post(DOCTOR, OutboxReply(key="t", parts=(Text("一"), Text("二")), created_at=1_800_000_000.0))
    lease = leases.acquire(DOCTOR)
    assert lease is not None
    assert outbox.flush(lease, channel).wait_s == 0
    assert channel.calls == ["t:0", "t:1"], "each once"
