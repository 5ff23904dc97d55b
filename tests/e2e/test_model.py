"""With a language model: answers that are composed, checked and stream in, and what happens when it misbehaves."""

from collections.abc import Iterator

import pytest

from tests.e2e.conftest import Chat, Crowd, MakeSystem, System
from tests.fakes.llm_server import Cut, Drip, Fail, Hang, LlmServer, Parrot, Raw, Say

QUESTION = "虚拟皮疹出现的比例是多少？"
RIGHT = "虚拟皮疹：每 50 次练习约出现 1 次[1]。"


@pytest.fixture(scope="module")
def llm() -> Iterator[LlmServer]:
    with LlmServer() as server:
        yield server


@pytest.fixture(scope="module")
def composing(demo: MakeSystem, llm: LlmServer) -> Iterator[System]:
    """The demo with a language model, which is given up early."""
    settings = {"OPENAI_BASE_URL": llm.url, "OPENAI_API_KEY": "a-key", "OPENAI_MODEL": "scripted"}
    with demo("composing", LLM_FIRST_TOKEN_S="1.2", LLM_TIMEOUT_S="4", **settings) as running:
        yield running


@pytest.fixture
def company(composing: System, llm: LlmServer) -> Crowd:
    llm.on(Parrot())
    return Crowd(composing)


def test_an_answer_is_composed_from_sources_and_cites_them(company: Crowd, llm: LlmServer) -> None:
    llm.on(Say(RIGHT))
    heard = company.stranger().says(QUESTION).hears()
    assert heard.startswith(RIGHT)
    assert '[1] <a href="http://' in heard
    asked = llm.requests[-1]
    assert asked["stream"] is True
    assert "每 50 次练习" in str(asked["messages"])


def test_a_faq_that_surely_answers_is_never_rephrased(company: Crowd, llm: LlmServer) -> None:
    before = len(llm.requests)
    assert "服务台" in company.stranger().says("怎样联系学员服务台？").hears()
    assert len(llm.requests) == before


def test_nothing_of_the_model_s_memory_is_said(company: Crowd, llm: LlmServer) -> None:
    llm.on(Say(f"{RIGHT}碘海醇的常用剂量是 300 mg[1]。详见 https://evil.example/x[1]。"))
    heard = company.stranger().says(QUESTION).hears()
    assert heard.startswith(RIGHT)
    assert "碘海醇" not in heard
    assert "evil.example" not in heard


def test_a_model_that_finds_no_answer_is_believed(company: Crowd, llm: LlmServer) -> None:
    llm.on(Say("NO_ANSWER"))
    assert "没有找到" in company.stranger().says(QUESTION).hears()


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Hang(), id="hangs"),
        pytest.param(Hang("虚拟皮疹：每 50 次"), id="hangs half-way"),
        pytest.param(Cut(), id="cut before"),
        pytest.param(Cut(RIGHT), id="cut half-way"),
        pytest.param(Drip(), id="drips"),
        pytest.param(Fail(500), id="500"),
        pytest.param(Fail(401), id="wrong key"),
        pytest.param(Say(""), id="empty"),
        pytest.param(Raw("<html>busy</html>", "text/html"), id="nonsense"),
        pytest.param(Say("虚拟皮疹每 60 次练习出现 9 次[1]。"), id="wrong figure"),
    ],
)
def test_a_model_that_misbehaves_ends_in_the_quoted_passage(
    company: Crowd, llm: LlmServer, composing: System, fault: object
) -> None:
    llm.on(fault)  # type: ignore[arg-type]
    heard = company.stranger().says(QUESTION).hears()
    assert heard.startswith("资料原文如下")
    assert "每 50 次练习约出现 1 次" in heard
    assert composing.get("/readyz")[0] == 200, "a model that is down is no reason to take no messages"
    llm.on(Say(RIGHT))  # closes the circuit again, or waits until it does
    assert company.stranger().says(QUESTION).hears()


def test_a_question_that_nothing_carries_costs_no_model(company: Crowd, llm: LlmServer) -> None:
    before = len(llm.requests)
    assert "没有找到" in company.stranger().says("今天食堂有什么菜").hears()
    assert len(llm.requests) == before


def test_a_turn_is_recorded_with_model_and_prompt_and_replays_alike(
    composing: System, company: Crowd, llm: LlmServer
) -> None:
    llm.on(Say(RIGHT))
    turn = composing.command("ask", QUESTION, "--json")
    assert '"kind": "grounded"' in turn.stdout, turn.stderr
    turn_id = turn.stdout.split('"turn_id": "')[1].split('"')[0]
    assert "the same decision as then" in composing.command("replay", turn_id).stdout
    llm.on(Say("NO_ANSWER"))
    differs = composing.command("replay", turn_id).stdout
    assert "kind differs" in differs
    assert "now  refusal" in differs


def test_the_way_of_the_robot_and_of_the_app_give_the_same_answer(company: Crowd, llm: LlmServer) -> None:
    llm.on(Say(RIGHT))
    app: Chat = company.stranger()
    assert app.says(QUESTION).hears().startswith(RIGHT)
    assert company.stranger(peer="bot").says(QUESTION).reads()["content"].startswith(RIGHT)
