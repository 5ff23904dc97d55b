"""An answer that may not be to what was asked says so, and is kept from those who need a sure one."""

import pytest

from bot.audit.turns import turn_decided
from bot.knowledge.calibration import SURE
from bot.messages import ReplyKind
from bot.records.turns import TurnRecord
from tests.pipeline.conftest import FAQS, PASSAGES, House, words

_, EXPENSES, _ = PASSAGES
ASKED = "报销要交什么材料？"
RESERVE = "我不能确定"
WAY_OUT = "请换个说法再问"
REQUESTED = "这里的年假政策对实习生如何折算并结转？"


@pytest.fixture
def bold(house: House) -> House:
    """A bot that shows whatever comes near at all."""
    house.bots["imaging"] = house.bots["imaging"].model_copy(update={"answer_threshold": 0.05})
    return house


def test_a_passage_that_may_answer_is_quoted_with_reserve_and_the_record_says_so(bold: House) -> None:
    outcome = bold.says(ASKED)
    heard, record = words(outcome), TurnRecord.decode(outcome.reply.record)
    assert record.kind == ReplyKind.EXTRACTIVE
    assert record.confidence is not None
    assert record.confidence < SURE
    assert heard.index(RESERVE) < heard.index(EXPENSES) < heard.index("来源") < heard.index(WAY_OUT)
    assert record.citations
    composed = next(dict(step) for step in record.steps if step["step"] == "compose")
    assert composed["tentative"] is True
    details = turn_decided(record).details
    assert (details["cited"], details["tentative"]) == (composed["cited"], True)


def test_a_faq_that_may_be_meant_is_named_before_its_answer(bold: House) -> None:
    heard = bold.hears(REQUESTED)
    question = "年假有几天？"
    assert heard.index(RESERVE) < heard.index(f"“{question}”") < heard.index(FAQS[question]) < heard.index(WAY_OUT)


def test_what_surely_answers_is_said_without_reserve(bold: House) -> None:
    for asked in ("年假有几天？", "打印机在三楼哪里，刷工卡后取件吗？"):
        record = bold.record(asked)
        assert record.confidence is not None
        assert record.confidence >= SURE
        assert RESERVE not in record.answer
        assert WAY_OUT not in record.answer


@pytest.mark.parametrize(
    "said",
    ["我打了造影剂后恶心想吐。报销要交什么材料？", "孕妇能用示影灵吗？报销要交什么材料？"],
    ids=["adverse event", "limit of the insert"],
)
def test_who_needs_a_sure_answer_gets_no_tentative_one(bold: House, said: str) -> None:
    outcome = bold.says(said)
    assert EXPENSES not in words(outcome)
    assert RESERVE not in words(outcome)
    record = TurnRecord.decode(outcome.reply.record)
    assert not record.citations
    assert not any(step.get("tentative") for step in record.steps)
