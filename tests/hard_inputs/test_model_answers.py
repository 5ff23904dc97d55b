"""Whatever a model server sends, an exchange ends, with text or with a model error, and its thread with it."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import ModelError
from bot.llm.exchange import Delta, End, ModelServer, Tokens
from tests.fakes.scripted_http import Answer, ScriptedServer

quick = settings(
    max_examples=150,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
PATH = "/v1/chat/completions"
ASKED = [{"role": "user", "content": "碘海醇？"}]
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def chunks(draw: st.DrawFn) -> bytes:
    """A chunk of the API with any of its values replaced by anything, or any JSON."""
    delta = {"content": "您", "reasoning_content": "想", "role": "assistant"}
    choice = {"index": 0, "delta": delta, "message": delta, "finish_reason": None}
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    chunk = {"id": "1", "object": "chat.completion.chunk", "choices": [choice], "usage": usage, "error": None}
    for place in draw(st.lists(st.sampled_from([chunk, choice, delta, usage]), max_size=2)):
        key = draw(st.sampled_from(sorted(place)))
        place[key] = draw(_json)  # type: ignore[index]
    return json.dumps(draw(st.just(chunk) | _json)).encode()


_lines = st.one_of(
    chunks().map(lambda chunk: b"data: " + chunk + b"\n\n"),
    st.binary(max_size=30),
    st.sampled_from(
        [b"data: [DONE]\n\n", b"\n", b": comment\n", b"event: error\ndata: {}\n\n", b"data:\n\n", b"id: \0\n"]
    ),
)


@pytest.fixture
def platform() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def model(platform: ScriptedServer) -> Iterator[ModelServer]:
    server = ModelServer(f"{platform.url}/v1", "sk-secret")
    yield server
    server.close()


def ends(model: ModelServer, platform: ScriptedServer, answer: Answer) -> End:
    """The last event of an exchange; that there is one is the first thing tested."""
    platform.on(PATH, answer)
    exchange = model.ask("large", ASKED, 10.0)
    while True:
        event = exchange.next(15.0)
        assert event is not None, "it neither goes on nor ends"
        if isinstance(event, End):
            exchange.hang_up()
            break
        assert isinstance(event, Delta | Tokens)
        assert not isinstance(event, Delta) or "\0" not in event.text.encode().decode(), "fit to be sent and stored"
    assert event.error is None or isinstance(event.error, ModelError)
    assert event.error is None or event.error.code != "client_error", "a fault of ours"
    return event


@quick
@given(body=st.lists(_lines, max_size=5).map(b"".join))
def test_any_stream_ends(model: ModelServer, platform: ScriptedServer, body: bytes) -> None:
    ends(model, platform, Answer(body=body, content_type="text/event-stream"))


_answers = st.builds(
    lambda body, status, kind, after: Answer(
        status=status, body=body, content_type=kind, headers={"Retry-After": after}
    ),
    chunks() | st.binary(max_size=40),
    st.sampled_from([200, 204, 301, 400, 401, 418, 429, 500, 529]),
    st.sampled_from(["application/json", "text/html; charset=klingon", "", "application/json; charset=utf-16"]),
    st.sampled_from(["", "1", "-5", "nan", "1e999", "soon", "9" * 400]),
)


@quick
@given(answer=_answers)
def test_any_whole_answer_ends(model: ModelServer, platform: ScriptedServer, answer: Answer) -> None:
    assert 0 <= ends(model, platform, answer).retry_after_s <= 3600


@pytest.mark.parametrize(
    "body",
    [
        b"data: " + b"[" * 100_000 + b"\n\n",
        b"data: " + b'{"a":' * 50_000 + b"\n\n",
        b"data: " + b"9" * 10_000 + b"\n\n",
        b"data: " + b"x" * 2_000_000,
        b"\xff\xfe" * 1_000,
        b"\r" * 100_000,
        b'data: {"choices": 7}\n\n',
        b'data: {"choices": {"a": 1}}\n\n',
        b'data: {"choices": [7]}\n\n',
        b'data: {"error": "out of luck"}\n\n',
        b'data: {"choices": [{"delta": {"content": "\\ud800"}, "finish_reason": "stop"}]}\n\n',
    ],
    ids=lambda body: ascii(body)[:32],
)
@pytest.mark.parametrize("kind", ["text/event-stream", "application/json"])
def test_hostile_answers_end(model: ModelServer, platform: ScriptedServer, body: bytes, kind: str) -> None:
    ends(model, platform, Answer(body=body, content_type=kind))
    ends(model, platform, Answer(body=body.removeprefix(b"data: ").strip(), content_type=kind))
