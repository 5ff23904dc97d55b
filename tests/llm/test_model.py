"""A language model answers, is slow, breaks, and is left alone."""

import json
import threading
import time

import pytest
from prometheus_client import REGISTRY

from bot.errors import ModelError, ModelNonsense, ModelRefused, ModelTimeout, ModelUnavailable
from bot.llm.breaker import FAILURES_TO_OPEN
from bot.llm.model import LanguageModel, Role
from bot.settings import Settings
from tests.fakes.llm_server import Cut, Drip, Fail, Hang, LlmServer, Raw, Say
from tests.llm.conftest import MakeModel, soon

MESSAGES = [{"role": "user", "content": "碘克沙醇的渗透压是多少？"}]


def _name(value: object) -> str:
    return repr(value)[:50]


def ask(model: LanguageModel, deadline: float | None = None) -> str:
    return model.complete(Role.LARGE, MESSAGES, bot="imaging", deadline=deadline or soon()).text


def counted(metric: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(metric, labels) or 0.0


def test_an_answer_comes_as_it_is_written(server: LlmServer, model: LanguageModel) -> None:
    server.on(Say("渗透压为 290。", piece=3))
    with model.stream(Role.LARGE, MESSAGES, bot="imaging", deadline=soon()) as generation:
        texts = list(generation)
    assert texts == ["渗透压", "为 2", "90。"]
    assert (generation.model, generation.finish) == ("large-1", "stop")
    assert generation.first_token_ms is not None
    assert 0 < generation.first_token_ms <= generation.total_ms
    assert server.authorizations == ["Bearer sk-secret"]
    assert server.requests[0]["messages"] == MESSAGES
    assert server.requests[0]["temperature"] == 0


def test_each_role_has_its_model(server: LlmServer, model: LanguageModel) -> None:
    server.on(lambda request: Say(request["model"]))
    assert ask(model) == "large-1"
    small = model.complete(Role.SMALL, MESSAGES, bot="imaging", deadline=soon())
    assert (small.text, small.model, small.finish) == ("small-1", "small-1", "stop")


def test_settings_name_the_server_and_the_small_model_falls_back(server: LlmServer, redis_client: object) -> None:
    server.on(lambda request: Say(request["model"]))
    settings = Settings(openai_base_url=server.url, openai_model="only")
    model = LanguageModel.from_settings(settings, redis_client)  # type: ignore[arg-type]
    assert model.complete(Role.SMALL, MESSAGES, bot="imaging", deadline=soon()).text == "only"
    model.close()


def test_usage_is_the_servers_and_is_counted(server: LlmServer, model: LanguageModel) -> None:
    before = [
        counted("bot_llm_tokens_total", model="large-1", kind="prompt"),
        counted("bot_llm_tokens_total", model="large-1", kind="completion"),
        counted("bot_llm_cost_total", model="large-1"),
        counted("bot_llm_calls_total", model="large-1", outcome="ok"),
        counted("bot_llm_first_token_seconds_count", model="large-1"),
        counted("bot_llm_call_seconds_count", model="large-1"),
    ]
    server.on(Say("好"))
    usage = model.complete(Role.LARGE, MESSAGES, bot="imaging", deadline=soon()).usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.estimated) == (100, 20, False)
    assert usage.cost == pytest.approx((100 * 2 + 20 * 8) / 1e6)
    after = [
        counted("bot_llm_tokens_total", model="large-1", kind="prompt"),
        counted("bot_llm_tokens_total", model="large-1", kind="completion"),
        counted("bot_llm_cost_total", model="large-1"),
        counted("bot_llm_calls_total", model="large-1", outcome="ok"),
        counted("bot_llm_first_token_seconds_count", model="large-1"),
        counted("bot_llm_call_seconds_count", model="large-1"),
    ]
    assert [b - a for a, b in zip(before, after, strict=True)] == pytest.approx([100, 20, usage.cost, 1, 1, 1])


def test_a_server_that_does_not_count_is_estimated(server: LlmServer, model: LanguageModel) -> None:
    server.on(Say("一二三四五六七八", usage=False))
    usage = model.complete(Role.LARGE, MESSAGES, bot="imaging", deadline=soon()).usage
    assert usage.estimated
    assert (usage.prompt_tokens, usage.completion_tokens) == (4 + 12, 8)


def test_a_server_that_rejects_options_is_asked_without_them_from_then_on(
    server: LlmServer, model: LanguageModel
) -> None:
    server.rejects_options = True
    server.on(Say("好"))
    assert [ask(model), ask(model)] == ["好", "好"]
    assert ["stream_options" in request for request in server.requests] == [True, False, False]


def test_a_request_that_is_wrong_by_itself_does_not_cost_the_options(server: LlmServer, model: LanguageModel) -> None:
    server.on(Fail(400), Fail(400), Say("好"))
    with pytest.raises(ModelRefused, match="http_400"):
        ask(model)
    assert ask(model) == "好"
    assert "stream_options" in server.requests[-1]
    assert model.health()["state"] == "ok"


def test_a_server_that_does_not_stream_is_understood(server: LlmServer, model: LanguageModel) -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "渗透压为 290[1]。"}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
    server.on(Raw(json.dumps({"choices": [choice], "usage": usage}), "application/json; charset=utf-8"))
    completion = model.complete(Role.LARGE, MESSAGES, bot="imaging", deadline=soon())
    assert (completion.text, completion.finish) == ("渗透压为 290[1]。", "stop")
    assert (completion.usage.prompt_tokens, completion.usage.estimated) == (7, False)


@pytest.mark.parametrize(
    ("step", "error", "outcome"),
    [
        (Fail(401), ModelRefused, ("http_401", 1)),
        (Fail(403), ModelRefused, ("http_403", 1)),
        (Fail(404), ModelRefused, ("http_404", 1)),
        (Fail(500), ModelUnavailable, ("http_500", 2)),
        (Fail(429), ModelUnavailable, ("http_429", 2)),
        (Fail(429, retry_after="3600"), ModelUnavailable, ("http_429", 1)),
        (Cut(), ModelUnavailable, ("connection_lost", 2)),
        (Cut(after="渗透压"), ModelUnavailable, ("connection_lost", 1)),
        (Say("渗透压", finish=""), ModelUnavailable, ("cut", 1)),
        (Say("渗透压", finish="content_filter"), ModelRefused, ("content_filter", 1)),
        (Say(""), ModelNonsense, ("empty", 1)),
        (Say("  \n"), ModelNonsense, ("empty", 1)),
        (Say("", reasoning="想一想"), ModelNonsense, ("empty", 1)),
        (Say("<think>想一想"), ModelNonsense, ("empty", 1)),
        (Say("想一想</think>答案"), ModelNonsense, ("unopened_think", 1)),
        (Say("字" * 20_001, piece=5000), ModelNonsense, ("too_long", 1)),
        (Say("好", reasoning="想" * 100_001), ModelNonsense, ("too_long", 1)),
        (Raw("<html>502 Bad Gateway</html>", "text/html"), ModelNonsense, ("not_a_stream", 1)),
        (Raw('{"choices": []}', "application/json"), ModelNonsense, ("not_a_stream", 1)),
        (Raw('{"choices": "x"}', "application/json"), ModelNonsense, ("not_a_stream", 1)),
        (Raw('{"choices": ["x"]}', "application/json"), ModelNonsense, ("not_a_stream", 1)),
        (Raw("[1, 2]", "application/json"), ModelNonsense, ("not_a_stream", 1)),
        (Raw("{", "application/json"), ModelNonsense, ("bad_json", 1)),
        (Raw('{"choices": [{"message": null}]}', "application/json"), ModelUnavailable, ("cut", 2)),
        (Raw(" " * 2_000_000, "application/json"), ModelNonsense, ("not_a_stream", 1)),
        (Raw("data: {not json\n\n"), ModelNonsense, ("bad_json", 1)),
        (Raw("\x00\x01garbage: \n\n\n"), ModelNonsense, ("not_a_stream", 1)),
        (Raw('data: {"foo": [1]}\n\ndata: [DONE]\n\n'), ModelUnavailable, ("cut", 2)),
        (Raw('data: {"choices": "x"}\n\ndata: 7\n\n'), ModelUnavailable, ("cut", 2)),
        (Raw('data: {"error": {"message": "overloaded"}}\n\n'), ModelUnavailable, ("error_in_stream", 2)),
    ],
    ids=_name,
)
def test_faults(
    server: LlmServer, model: LanguageModel, step: object, error: type[ModelError], outcome: tuple[str, int]
) -> None:
    code, requests = outcome
    server.on(step)  # type: ignore[arg-type]
    before = counted("bot_llm_calls_total", model="large-1", outcome=code)
    with pytest.raises(error) as caught:
        ask(model)
    assert (type(caught.value), caught.value.code, len(server.requests)) == (error, code, requests)
    assert counted("bot_llm_calls_total", model="large-1", outcome=code) == before + 1


@pytest.mark.parametrize("step", [Fail(500), Fail(503), Fail(429), Cut(), Say("", finish="")], ids=_name)
def test_a_second_try_saves_the_answer(server: LlmServer, model: LanguageModel, step: object) -> None:
    server.on(step, Say("好"))  # type: ignore[arg-type]
    assert ask(model) == "好"
    assert len(server.requests) == 2
    assert 0.25 <= server.arrived_at[1] - server.arrived_at[0] < 1.5


def test_retry_after_is_honoured(server: LlmServer, model: LanguageModel) -> None:
    server.on(Fail(429, retry_after="1.2"), Say("好"))
    assert ask(model) == "好"
    assert server.arrived_at[1] - server.arrived_at[0] >= 1.2


def test_a_server_that_is_not_there_is_unavailable(make_model: MakeModel) -> None:
    with LlmServer() as gone:
        url = gone.url
    with pytest.raises(ModelUnavailable, match="connection_lost"):
        ask(make_model(base_url=url))


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (Hang(), "first_token"),
        (Say("好", delay_s=30), "first_token"),
        (Drip("headers"), "first_token"),
        (Drip("body"), "first_token"),
        (Raw(": still working\n\n"), None),
    ],
    ids=_name,
)
def test_a_model_that_does_not_begin_is_given_up(
    server: LlmServer, make_model: MakeModel, step: object, code: str | None
) -> None:
    server.on(step)  # type: ignore[arg-type]
    started = time.monotonic()
    with pytest.raises(ModelError) as caught:
        ask(make_model(first_token_s=0.3))
    assert caught.value.code == (code or "not_a_stream")
    assert time.monotonic() - started < 5, "no other limit has ended it"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "step", [Hang(after="渗透压"), Say("渗" * 500, every_s=0.05, piece=1), Drip("headers"), Drip("body")], ids=_name
)
def test_the_deadline_holds_whatever_the_server_does(server: LlmServer, make_model: MakeModel, step: object) -> None:
    server.on(step)  # type: ignore[arg-type]
    for deadline_s, timeout_s in ((0.4, 10.0), (10.0, 0.4)):
        started = time.monotonic()
        with pytest.raises(ModelTimeout, match="deadline"):
            ask(make_model(timeout_s=timeout_s), soon(deadline_s))
        assert 0.3 < time.monotonic() - started < 5, "no other limit has ended it"


def test_a_pause_inside_the_answer_ends_it(server: LlmServer, make_model: MakeModel) -> None:
    server.on(Hang(after="渗透压"))
    with pytest.raises(ModelTimeout, match="between_tokens"):
        ask(make_model(between_tokens_s=0.3))


def test_the_deadline_holds_for_a_slow_reader_of_a_quick_answer(server: LlmServer, model: LanguageModel) -> None:
    server.on(Say("渗" * 100, piece=1))
    read: list[str] = []

    def read_slowly() -> None:
        with model.stream(Role.LARGE, MESSAGES, bot="imaging", deadline=soon(0.8)) as generation:
            for text in generation:
                read.append(text)
                time.sleep(0.1)

    with pytest.raises(ModelTimeout, match="deadline"):
        read_slowly()
    assert 0 < len(read) < 20


def test_a_deadline_that_has_passed_costs_no_request(server: LlmServer, model: LanguageModel) -> None:
    with pytest.raises(ModelTimeout, match="deadline"):
        ask(model, time.time() - 1)
    assert server.requests == []


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (Say("答案", reasoning="用户问的是渗透压"), "答案"),
        (Say("<think>用户问的是</think>答案", piece=3), "答案"),
        (Say("<think>一</think>答<think>二</think>案", piece=1), "答案"),
        (Say("1 < 2，<thin 不是标签", piece=1), "1 < 2，<thin 不是标签"),
        (Say("答案<", piece=1), "答案<"),
    ],
    ids=_name,
)
def test_what_a_model_thinks_aloud_is_not_said(
    server: LlmServer, model: LanguageModel, step: object, text: str
) -> None:
    server.on(step)  # type: ignore[arg-type]
    assert ask(model) == text


def test_leaving_early_hangs_up_and_counts_what_came(server: LlmServer, model: LanguageModel) -> None:
    server.on(Hang(after="渗透压"))
    with model.stream(Role.LARGE, MESSAGES, bot="imaging", deadline=soon()) as generation:
        assert next(iter(generation)) == "渗透压"
    assert (generation.usage.completion_tokens, generation.usage.estimated) == (3, True)
    assert _eventually(lambda: server.connections == 0)
    assert model.health()["state"] == "ok"


def test_a_model_that_keeps_failing_is_left_alone(server: LlmServer, model: LanguageModel) -> None:
    server.on(Fail(401))
    for _ in range(FAILURES_TO_OPEN):
        with pytest.raises(ModelRefused):
            ask(model)
    with pytest.raises(ModelUnavailable, match="circuit_open"):
        ask(model)
    assert len(server.requests) == FAILURES_TO_OPEN
    health = model.health()
    assert health["state"] == "degraded"
    assert health["models"]["large-1"] == {"circuit": "open", "failures": 5, "last_error": "http_401"}
    assert health["models"]["small-1"]["circuit"] == "closed"


def test_an_impatient_caller_does_not_open_the_circuit(server: LlmServer, model: LanguageModel) -> None:
    server.on(Hang())
    for _ in range(FAILURES_TO_OPEN + 1):
        with pytest.raises(ModelTimeout):
            ask(model, soon(0.05))
    assert model.health()["state"] == "ok"


def test_sixteen_threads_share_a_model(server: LlmServer, model: LanguageModel) -> None:
    server.on(lambda request: Say(request["messages"][0]["content"] * 50, every_s=0.001))
    answers: dict[int, str] = {}

    def run(number: int) -> None:
        messages = [{"role": "user", "content": f"<{number}>"}]
        answers[number] = model.complete(Role.LARGE, messages, bot="imaging", deadline=soon()).text

    threads = [threading.Thread(target=run, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {number: f"<{number}>" * 50 for number in range(16)}


@pytest.mark.parametrize("step", [Fail(400), Raw("data: {not json\n\n"), Cut(), Hang(after="秘密答案")], ids=_name)
def test_no_prompt_answer_key_or_url_is_shown(
    server: LlmServer,
    make_model: MakeModel,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    step: object,
) -> None:
    caplog.set_level("DEBUG")
    server.on(step)  # type: ignore[arg-type]
    base_url = server.url.replace("http://", "http://user:url-secret@")
    with pytest.raises(ModelError) as caught:
        ask(make_model(timeout_s=0.5, base_url=base_url))
    shown = "".join(capsys.readouterr()) + caplog.text + repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert [word for word in ("碘克沙醇", "秘密答案", "sk-secret", "url-secret", "127.0.0.1") if word in shown] == []


def _eventually(holds: "object") -> bool:
    for _ in range(200):
        if holds():  # type: ignore[operator]
            return True
        time.sleep(0.01)
    return False
