"""A recorded turn answered again: the same where nothing changed, and what differs where something did."""

from dataclasses import replace

import pytest

from bot.answering.replay import replay
from bot.errors import UsageError
from bot.records.turns import TurnRecord
from tests.pipeline.conftest import BOT, FAQS, House, quoted

QUESTION = next(iter(FAQS))


def again(house: House, record: TurnRecord, **versions: str) -> dict[str, object]:
    house.records.save(record)
    found = {"embedder": "e5", **versions}
    return replay(house.records, house.answerer, {"imaging": BOT}, found, record.id)


@pytest.mark.parametrize(
    "question", [QUESTION, "打印机在哪里？", "今天上海天气怎么样"], ids=["faq", "passage", "refusal"]
)
def test_nothing_changed_nothing_differs(house: House, question: str) -> None:
    report = again(house, house.record(question))
    assert (report["replayed"], report["same"], report["differences"]) == (True, True, [])


def test_a_quotation_and_a_group_are_part_of_the_turn(house: House) -> None:
    record = house.record("这个要带什么材料？", quoted=quoted("差旅报销怎么提交"))
    assert again(house, record)["same"]
    night = house.record("示例中心夜间急诊的分机是多少", channel="ai")
    assert again(house, night)["same"]
    as_public = again(house, replace(night, id="other", reader="public"))
    assert not as_public["same"]


def test_what_differs_is_named_with_both_sides(house: House) -> None:
    record = replace(house.record(QUESTION), kind="grounded", confidence=0.1)
    differences = {row["what"]: row for row in again(house, record, embedder="e6")["differences"]}  # type: ignore[attr-defined]
    assert (differences["kind"]["then"], differences["kind"]["now"]) == ("grounded", "faq")
    assert (differences["embedder"]["then"], differences["embedder"]["now"]) == ("e5", "e6")
    assert set(differences) == {"kind", "embedder", "confidence"}


def test_a_turn_that_no_knowledge_decided_is_not_replayed(house: House) -> None:
    report = again(house, house.record("/help"))
    assert (report["replayed"], report["step"]) == (False, "obey_command")


def test_an_unknown_turn_says_where_to_find_its_id(house: House) -> None:
    with pytest.raises(UsageError, match="there is no turn 'nobody'"):
        replay(house.records, house.answerer, {"imaging": BOT}, {}, "nobody")
    record = house.record(QUESTION)
    house.records.save(record)
    with pytest.raises(UsageError, match=r"not in bots\.yaml any more"):
        replay(house.records, house.answerer, {}, {}, record.id)
