"""Whether an answer is right, and which questions fell."""

from typing import Any

import pytest

from bot.golden.judging import Fault, Outcome, compare, judge, says
from bot.golden.questions import GoldenQuestion

QUESTION = GoldenQuestion(question="剂量？", sources=("说明书.md", "常用剂量是多少？"), facts=("100 mg", "饭后"))

FIRST = {"title": "说明", "source": "说明书.md", "text": "每次 100 毫克，饭后服用。"}


def reply(text: str = "每次 0.1 克，饭后服用。", kind: str = "faq", *, source: str = "说明书.md") -> dict[str, Any]:
    return {
        "answer": text,
        "kind": kind,
        "citations": [{"title": "说明", "source": source}],
        "confidence": 0.9,
        "first": FIRST,
    }


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (reply(), None),
        (reply("每次１００毫克，饭后服用"), None),
        (reply("每次 1100 mg，饭后服用。"), Fault.FACT),
        (reply("每次 100 mg。"), Fault.FACT),
        (reply(source="别的.md"), Fault.SOURCE),
        (reply(source="常用剂量是多少?"), None),
        (reply(kind="refusal"), Fault.REFUSED),
        (reply(kind="handoff"), None),
    ],
)
def test_an_answer_needs_a_source_and_every_fact(given: dict[str, Any], fault: Fault | None) -> None:
    assert judge(QUESTION, given).fault is fault


@pytest.mark.parametrize(
    ("first", "right"),
    [
        (FIRST, True),
        (FIRST | {"source": "别的.md"}, False),
        (FIRST | {"text": "每次 200 毫克，饭后服用。"}, False),
        (None, False),
    ],
)
def test_what_was_found_first_is_judged_whatever_was_said(first: dict[str, str] | None, right: bool) -> None:
    assert judge(QUESTION, reply(kind="refusal") | {"first": first}).first_right is right


def test_nothing_that_is_found_answers_what_must_be_refused() -> None:
    assert not judge(GoldenQuestion(question="天气？", must_refuse=True), reply(kind="refusal")).first_right


@pytest.mark.parametrize(("kind", "fault"), [("refusal", None), ("extractive", Fault.ANSWERED)])
def test_what_must_be_refused(kind: str, fault: Fault | None) -> None:
    assert judge(GoldenQuestion(question="天气？", must_refuse=True), reply(kind=kind)).fault is fault


@pytest.mark.parametrize(
    ("text", "fact", "there"),
    [
        ("有效期是十五年。", "5 年", False),
        ("有效期是五年。", "5 年", True),
        ("周六 9:00 至 17:00", "上午9点", True),
        ("周六 9:00 至 17:00", "10:00", False),
        ("2026 年 12 月 12 日（周六）", "12月12日", True),
        ("请打内线 6100。", "6100", True),
        ("在影像楼 1 层", "影像楼 1 层", True),
        ("在影像楼 2 层", "影像楼 1 层", False),
        ("不可以使用 U 盘", "不可以", True),
        ("可以使用 U 盘", "不可以", False),
        ("见 https://a.example/b", "a.example/b", True),
    ],
)
def test_a_fact_in_any_form(text: str, fact: str, there: bool) -> None:
    assert says(text, fact) is there


def outcome(id_: str, fault: Fault | None = None) -> Outcome:
    return Outcome(id=id_, question=id_, kind="faq", confidence=0.5, first_right=True, fault=fault)


def test_which_fell_which_rose_and_which_are_new() -> None:
    before = [outcome("a"), outcome("b", Fault.FACT), outcome("c"), outcome("gone")]
    now = [outcome("a", Fault.SOURCE), outcome("b"), outcome("c"), outcome("new", Fault.FACT), outcome("new and right")]
    found = compare(now, before)
    assert [[one.id for one in group] for group in (found.fell, found.rose, found.new)] == [["a"], ["b"], ["new"]]


def test_an_outcome_is_kept_as_it_is() -> None:
    for one in (outcome("a"), outcome("b", Fault.FACT)):
        assert Outcome.from_json(one.to_json()) == one
