"""What tells of somebody's health is told from questions about diseases and medicines."""

import json
from pathlib import Path

import pytest

from bot.messages import LONGEST_QUESTION
from bot.safety.consent.desk import consent_word
from bot.safety.consent.health import tells_of_health
from tests.effort import grows_linearly

ROWS = [json.loads(line) for line in (Path(__file__).parent / "labelled.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize(("label", "tells"), [("health", True), ("none", False)])
def test_what_is_labelled_is_found(label: str, *, tells: bool) -> None:
    rows = [row["text"] for row in ROWS if row["label"] == label]
    assert len(rows) >= 50
    assert [text for text in rows if tells_of_health(text) is not tells] == []


@pytest.mark.parametrize("unit", ["我", "我有", "血糖是", "i have ", "有，"])
def test_looking_takes_linear_time(unit: str) -> None:
    assert grows_linearly(lambda length: tells_of_health((unit * length)[:length]), LONGEST_QUESTION // 4)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("同意", "given"),
        ("我同意。", "given"),
        ("Agree", "given"),
        ("不同意", "refused"),
        ("I do not agree", "refused"),
        ("撤回同意", "withdrawn"),
        ("我要撤回我的同意！", "withdrawn"),
        ("Withdraw my consent", "withdrawn"),
        ("同意书在哪里签", None),
        ("我同意你的看法", None),
        ("同意" + "。" * 60, None),
    ],
)
def test_only_a_whole_message_is_an_answer_to_the_notice(text: str, state: str | None) -> None:
    assert consent_word(text) == state
