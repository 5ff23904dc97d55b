"""The language models, the embedding server and the speech service, right and wrong."""

from collections.abc import Iterator

import pytest

from bot.doctor.models import embedding_server, language_models, speech_service
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
    found = look(make_settings, server.url, openai_small_model="small-1", vision_model="eyes")
    assert [finding.name for finding in found] == [f"language model {name}" for name in ("large-1", "small-1", "eyes")]
    assert len(look(make_settings, server.url, openai_small_model="large-1", vision_model="large-1")) == 1


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


def test_an_embedding_server_says_how_long_its_vectors_are(
    make_settings: MakeSettings, platform: ScriptedServer
) -> None:
    platform.on("/v1/embeddings", _vectors(8))
    (found,) = embedding_server(make_settings(embedding_base_url=f"{platform.url}/v1", embedding_model="bge"))
    assert (found.state, "8 numbers a vector" in found.detail) == (State.OK, True), found.detail


@pytest.mark.parametrize(("status", "cure"), [(401, "OPENAI_API_KEY"), (500, "start it")])
def test_an_embedding_server_that_fails_is_broken(
    make_settings: MakeSettings, platform: ScriptedServer, status: int, cure: str
) -> None:
    platform.on("/v1/embeddings", Answer(status=status))
    (found,) = embedding_server(make_settings(embedding_base_url=f"{platform.url}/v1", embedding_model="bge"))
    assert (found.state, cure in found.cure) == (State.BROKEN, True)


def test_vectors_made_in_the_worker_need_no_server(make_settings: MakeSettings) -> None:
    assert embedding_server(make_settings())[0].state is State.OK


TRANSCRIPTIONS = "/v1/audio/transcriptions"


def test_without_a_speech_service_people_type(make_settings: MakeSettings) -> None:
    (found,) = speech_service(make_settings())
    assert (found.state, "asked to type" in found.detail) == (State.OK, True)
    (found,) = speech_service(make_settings(speech_model="whisper"))
    assert (found.state, "SPEECH_BASE_URL" in found.detail) == (State.WARNING, True)


@pytest.mark.parametrize(
    ("answer", "state", "said"),
    [
        (reply({"text": ""}), State.OK, "whisper at http"),
        (reply({"text": "谢谢观看"}), State.OK, "half a second of silence"),
        (reply({"words": []}), State.BROKEN, "nonsense"),
        (Answer(status=401), State.BROKEN, "SPEECH_API_KEY"),
        (Answer(status=404), State.BROKEN, "often with /v1"),
        (Answer(status=500), State.BROKEN, "http_500"),
        (Answer(delay_s=9), State.BROKEN, "timeout"),
    ],
    ids=["silence", "dreams", "nonsense", "key", "model or URL", "broken", "slow"],
)
def test_the_speech_service_is_sent_silence(
    make_settings: MakeSettings, answer: Answer, state: State, said: str
) -> None:
    with ScriptedServer() as server:
        server.on(TRANSCRIPTIONS, answer)
        settings = make_settings(
            speech_base_url=f"{server.url}/v1", speech_model="whisper", speech_api_key=KEY, speech_timeout_s=1.0
        )
        (found,) = speech_service(settings)
        assert found.state is state
        assert said in f"{found.detail} {found.cure}"
        assert KEY not in str(found)
        (request,) = server.to(TRANSCRIPTIONS)
        assert b"RIFF" in request.body
