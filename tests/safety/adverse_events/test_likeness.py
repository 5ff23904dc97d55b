"""The net below the rules: what is worded like a report is suspected, in whatever words."""

import pytest

from bot.safety.adverse_events import Kind, screen

STRANGE = "第三天早上起来照镜子，半边脸不听指挥"


def rules_of(*messages: str) -> set[str]:
    return {ground.rule for ground in screen(messages).new_grounds}


def test_what_no_rule_finds_is_found_by_its_wording() -> None:
    assert not screen([STRANGE], rules_alone=True).suspected
    assert rules_of(STRANGE) == {"reads_like_a_report"}


def test_a_complaint_about_quality_is_called_one_and_the_safety_desk_hears_of_a_guess() -> None:
    words = "开盖一股子脚臭味儿"
    assert not screen([words], rules_alone=True).suspected
    assert screen([words]).kinds == {Kind.QUALITY_COMPLAINT, Kind.ADVERSE_EVENT}


def test_a_rule_that_finds_something_is_not_joined_by_a_guess() -> None:
    assert "reads_like_a_report" not in rules_of("打完造影剂全身皮疹，半边脸不听指挥")


@pytest.mark.parametrize("more", ["好的，谢谢", "女，67岁", "昨天开始的", "没有别的了"])
def test_what_follows_a_report_is_no_report_of_its_own(more: str) -> None:
    assert not screen([STRANGE, more]).suspected


@pytest.mark.parametrize("words", ["今天打了造影剂", "造影剂怎么保存", "帮我订明天的会议室", "what is your name"])
def test_everyday_messages_are_let_alone(words: str) -> None:
    assert not screen([words]).suspected
