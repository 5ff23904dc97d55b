"""The language model and the embedding server, right and wrong."""

from collections.abc import Iterator

import pytest

from bot.doctor.models import embedding_server, language_models
from bot.finding import Finding, State
from tests.doctor.conftest import MakeSettings
from tests.fakes.llm_server import Cut, Fail, Hang, LlmServer, Raw, Say
from tests.fakes.llm_server import Step as LlmStep
from tests.fakes.scripted_http import Answer, Recorded, ScriptedServer, reply

KEY = "sk-of-the-tests"


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with LlmServer() as running:
        yield running


def look(make_settings: MakeSettings, url: str, **changes: object) -> list[Finding]:
    found = language_models(
        make_settings(**{"openai_base_url": url, "openai_api_key": KEY, "openai_model": "large-1"} | changes)
    )
    assert KEY not in str(found)
    return found


def test_no_model_is_a_supported_mode(make_settings: MakeSettings) -> None:
    (found,) = language_models(make_settings())
    assert (found.state, "quoted" in found.detail) == (State.OK, True)


def test_half_a_setting_is_said(make_settings: MakeSettings) -> None:
    (found,) = language_models(make_settings(openai_base_url="http://127.0.0.1:9/v1"))
    assert (found.state, "OPENAI_MODEL" in found.detail) == (State.WARNING, True)


def test_a_model_that_answers_is_timed_with_a_tiny_request(make_settings: MakeSettings, server: LlmServer) -> None:
    server.on(Say("好", delay_s=0.12))
    (found,) = look(make_settings, server.url)
    assert found.state is State.OK
    assert "first words after 0." in found.detail
    (request,) = server.requests
    assert request["model"] == "large-1"
    assert len(str(request["messages"])) < 100
    assert server.authorizations == [f"Bearer {KEY}"]


def test_every_model_that_is_set_is_asked(make_settings: MakeSettings, server: LlmServer) -> None:
    found = look(make_settings, server.url, openai_small_model="small-1")
    assert [finding.name for finding in found] == ["language model large-1", "language model small-1"]


def test_a_model_slower_than_its_setting_is_broken(make_settings: MakeSettings, server: LlmServer) -> None:
    server.on(Say("好", delay_s=0.3))
    (found,) = look(make_settings, server.url, llm_first_token_s=0.1)
    assert (found.state, "LLM_FIRST_TOKEN_S" in found.detail) == (State.BROKEN, True)


@pytest.mark.parametrize(
    ("step", "said", "cure"),
    [
        (Fail(401), "refuses the key", "OPENAI_API_KEY"),
        (Fail(403), "refuses the key", "OPENAI_API_KEY"),
        (Fail(404), "http_404", "OPENAI_MODEL or OPENAI_BASE_URL"),
        (Fail(429), "http_429", "out of credit"),
        (Fail(500), "http_500", "OPENAI_BASE_URL"),
        (Cut(), "connection_lost", "OPENAI_BASE_URL"),
        (Raw("<html>login</html>", "text/html"), "not_a_stream", "OPENAI_BASE_URL"),
    ],
    ids=["401", "403", "404", "429", "500", "cut", "login page"],
)
def test_a_model_that_does_not_answer_is_explained(
    make_settings: MakeSettings, server: LlmServer, step: LlmStep, said: str, cure: str
) -> None:
    server.on(step)
    (found,) = look(make_settings, server.url)
    assert (found.state, said in found.detail, cure in found.cure) == (State.BROKEN, True, True), found


def test_a_model_that_hangs_is_left_after_its_time(make_settings: MakeSettings, server: LlmServer) -> None:
    server.on(Hang())
    (found,) = look(make_settings, server.url, llm_timeout_s=0.2)
    assert (found.state, "deadline" in found.detail) == (State.BROKEN, True)


def test_an_unknown_model_is_told_with_those_there_are(make_settings: MakeSettings, platform: ScriptedServer) -> None:
    platform.on("/v1/chat/completions", reply({"error": {"message": "no such model"}}, status=404))
    platform.on("/v1/models", reply({"object": "list", "data": [{"id": "qwen-max"}, {"id": "qwen-plus"}]}))
    (found,) = look(make_settings, f"{platform.url}/v1")
    assert "has no model large-1; it has qwen-max, qwen-plus" in found.detail
    assert found.cure == "correct OPENAI_MODEL"


def _vectors(dimension: int) -> Answer | object:
    def answer(request: Recorded) -> Answer:
        texts = request.json["input"]
        return reply({"data": [{"index": i, "embedding": [1.0] * dimension} for i in range(len(texts))]})

    return answer


@pytest.mark.parametrize(("set_to", "state"), [(8, State.OK), (1024, State.WARNING)])
def test_vectors_of_another_length_than_set_are_told(
    make_settings: MakeSettings, platform: ScriptedServer, set_to: int, state: State
) -> None:
    platform.on("/v1/embeddings", _vectors(8))
    settings = make_settings(embedding_base_url=f"{platform.url}/v1", embedding_model="bge", embedding_dimension=set_to)
    (found,) = embedding_server(settings)
    assert (found.state, "8 numbers a vector" in found.detail) == (state, True), found.detail


@pytest.mark.parametrize(("status", "cure"), [(401, "OPENAI_API_KEY"), (500, "start it")])
def test_an_embedding_server_that_fails_is_broken(
    make_settings: MakeSettings, platform: ScriptedServer, status: int, cure: str
) -> None:
    platform.on("/v1/embeddings", Answer(status=status))
    (found,) = embedding_server(make_settings(embedding_base_url=f"{platform.url}/v1", embedding_model="bge"))
    assert (found.state, cure in found.cure) == (State.BROKEN, True)


def test_vectors_made_in_the_worker_need_no_server(make_settings: MakeSettings) -> None:
    assert embedding_server(make_settings())[0].state is State.OK
