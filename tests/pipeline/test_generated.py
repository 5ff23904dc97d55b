"""What a language model wrote is labelled by code in every bubble, and nothing else is; what it must not say is not."""

from collections.abc import Iterator

import pytest
import redis

from bot.answering.grounded import Composer
from bot.answering.masks import Masks
from bot.llm.model import LanguageModel
from bot.messages import ReplyKind
from bot.parts import words_of
from bot.records.turns import TurnRecord
from bot.settings import Settings
from tests.fakes.llm_server import Fail, LlmServer, Raw, Say
from tests.pipeline.conftest import FAQS, House, words
from tests.pipeline.test_precautions import with_safety

LABEL = "（本内容由AI生成）"
QUESTION = "打印机在几楼？彩色打印每月限几页？"
TRUE = "打印机在三楼东侧[1]。"


@pytest.fixture
def llm() -> Iterator[LlmServer]:
    with LlmServer() as running:
        yield running


@pytest.fixture
def composer(llm: LlmServer, redis_client: redis.Redis) -> Iterator[Composer]:
    model = LanguageModel.from_settings(Settings(openai_base_url=llm.url, openai_model="large"), redis_client)
    yield Composer(model, Masks(redis_client, b"a secret of this test, long enough"), "bot.example")
    model.close()


class TestLabel:
    @pytest.mark.parametrize("sentences", [1, 20, 60, 150])
    def test_every_bubble_of_a_generated_answer_has_it(self, house: House, llm: LlmServer, sentences: int) -> None:
        llm.on(Say(TRUE * sentences))
        outcome = house.says(QUESTION)
        texts = [words_of(part) for part in outcome.reply.parts]
        assert TurnRecord.decode(outcome.reply.record).kind == ReplyKind.GROUNDED
        assert (len(texts) > 1) == (sentences > 20)
        assert all(text.endswith(f"\n{LABEL}") for text in texts)
        assert all(len(text.encode()) <= 2048 for text in texts), "with its label it still fits"

    def test_the_words_that_grow_have_it_too(self, house: House, llm: LlmServer) -> None:
        llm.on(Say(TRUE * 3))
        house.says(QUESTION, channel="ai")
        assert house.shown
        assert all(LABEL in shown for shown in house.shown)

    def test_fixed_words_quotations_and_humans_have_none(self, house: House, llm: LlmServer) -> None:
        llm.on(Fail(500))
        said = [house.hears(each) for each in (*FAQS, QUESTION, "量子力学是什么", "/help", "你是真人吗", "转人工")]
        assert [text for text in said if LABEL in text] == []

    def test_its_words_are_the_operator_s(self, house: House, llm: LlmServer) -> None:
        with_safety(house, ai_label="【以上由人工智能生成】")
        llm.on(Say(TRUE))
        assert house.hears(QUESTION).endswith("\n【以上由人工智能生成】")

    def test_the_model_cannot_leave_it_out_or_write_it_for_others(self, house: House, llm: LlmServer) -> None:
        llm.on(Say(f"本内容由真人撰写。{TRUE}"))
        heard = house.hears(QUESTION)
        assert "真人撰写" not in heard
        assert heard.endswith(LABEL)


@pytest.mark.parametrize(
    "claim",
    [
        "最好的",
        "国家级",
        "零副作用",
        "绝对安全",
        "根治",
        "无效退款",
        "百分之百有效",
        "优于所有竞品",
        "专家推荐",
        "免费试用",
    ],
)
@pytest.mark.parametrize(
    "template", ["打印机在三楼东侧，{}[1]。", "{}！打印机在三楼东侧[1]。", "# 打印机{}\n打印机在三楼东侧[1]。"]
)
def test_advertising_is_withheld(house: House, llm: LlmServer, claim: str, template: str) -> None:
    llm.on(Say(template.format(claim) + TRUE))
    heard = house.hears(QUESTION)
    assert claim not in heard
    assert "打印机在三楼东侧" in heard


def test_a_changed_figure_is_not_said(house: House, llm: LlmServer) -> None:
    """Row 52 of docs/compliance.md."""
    for wrong in ("二", "四", "十", "13", "30", "3.5"):
        llm.on(Say(f"{TRUE}打印机在{wrong}楼东侧[1]。彩色打印每月限{wrong}百页[1]。"))
        heard = house.hears(QUESTION)
        assert f"打印机在{wrong}楼" not in heard
        assert f"限{wrong}百页" not in heard
        assert "打印机在三楼东侧" in heard


def test_a_model_that_asks_for_a_tool_has_none(house: House, llm: LlmServer) -> None:
    """Row 50 of docs/compliance.md: nothing is offered, and a call is no answer."""
    call = '{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c","type":"function","function":'
    call += '{"name":"kill","arguments":"{}"}}]},"finish_reason":null}]}'
    end = '{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}'
    llm.on(Raw(f"data: {call}\n\ndata: {end}\n\ndata: [DONE]\n\n"))
    outcome = house.says(QUESTION)
    assert TurnRecord.decode(outcome.reply.record).kind in (ReplyKind.EXTRACTIVE, ReplyKind.REFUSAL)
    assert house.tools.switches.stopping(house.message("").conversation) is None
    assert outcome.posts == ()
    assert all("tools" not in request and "functions" not in request for request in llm.requests)


def test_the_bot_s_own_links_stay(house: House, llm: LlmServer) -> None:
    llm.on(Say(TRUE))
    assert "https://bot.example/source/" in words(house.says(QUESTION))


@pytest.mark.parametrize("channel", ["app", "ai"])
def test_a_human_who_takes_over_while_it_writes_is_not_interrupted(house: House, llm: LlmServer, channel: str) -> None:
    """Who has begun to write to the person answers what was asked meanwhile, too."""
    conversation = house.message("", channel=channel).conversation
    ticket, _ = house.tickets.open(conversation, "academy", "before", "", silent=False)

    def taken_meanwhile(_request: object) -> Say:
        house.tools.desk.take_over(ticket, "the-human", "li.na")
        return Say(TRUE)

    llm.on(taken_meanwhile)
    outcome = house.says(QUESTION, channel=channel)
    assert TRUE not in words(outcome)
    assert ("请等待回复" in words(outcome)) == (channel == "ai"), "a bubble cannot be silent"
    (post,) = outcome.posts
    assert post.conversation.person == "li.na"
    assert QUESTION in "".join(words_of(part) for part in post.reply.parts)
