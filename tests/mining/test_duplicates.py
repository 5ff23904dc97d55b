"""The same question in other words, and what only looks like it; vectors of the real model."""

from dataclasses import replace

import pytest

from bot.knowledge.embedder import Embedder
from bot.mining.duplicates import Questions, duplicates, merged
from tests.mining.conftest import faq, mine


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("怎么修改登录密码？", "请问如何修改登录密码"),
        ("年假有几天？", "请问年假有几天"),
        ("报销需要哪些材料？", "报销要哪些材料"),
    ],
)
def test_the_same_in_other_words_is_the_same(one: str, other: str, embedder: Embedder) -> None:
    assert Questions(embedder, [one, other]).same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("连续工作 5 年有几天年假？", "连续工作 10 年有几天年假？"),
        ("哪些人可以报名？", "哪些人不可以报名？"),
        ("B101有多少学分？", "B102有多少学分？"),
        ("怎样预约设备？", "怎样取消预约设备？"),
        ("年会在哪里开？", "年会什么时候开？"),
        ("A 型能换成 B 型吗？", "B 型能换成 A 型吗？"),
        ("示影灵的规格是什么？", "示影灵的包装是什么？"),
    ],
)
def test_what_differs_in_a_figure_a_name_or_a_no_is_another_question(one: str, other: str, embedder: Embedder) -> None:
    assert not Questions(embedder, [one, other]).same(one, other)


def test_faqs_that_ask_the_same_are_listed_with_whether_they_answer_the_same(embedder: Embedder) -> None:
    first = faq("年假有几天？", "入职满一年有五天年假。", "年假天数")
    same = faq("请问年假有几天", "入职满一年有五天年假。")
    other = faq("年假是几天？", "入职满一年有十天年假。")
    found = duplicates([first, same, other, faq("病假怎么请？", "在系统里提交病假申请。")], embedder)
    states = {frozenset((each.first.text, each.second.text)): each.agree for each in found}
    assert states == {
        frozenset((first.text,)): True,
        frozenset((first.text, other.text)): False,
    }


def test_the_next_years_answer_to_this_years_question_is_no_duplicate(embedder: Embedder) -> None:
    this, following = (
        faq("年会何时开？", "12 月 12 日。", valid_to=2e9),
        faq("年会何时开？", "12 月 11 日。", valid_from=2e9),
    )
    assert duplicates([this, following], embedder) == []


def test_mined_pairs_are_merged_and_those_that_are_known_left_out(embedder: Embedder) -> None:
    text = (
        "# 常见问题\n\n问：怎么修改登录密码？\n答：在账号设置里点修改密码。\n\n"
        "问：登录密码怎么修改\n答：在账号设置里点修改密码。\n\n"
        "问：年假有几天？\n答：入职满一年有五天年假。\n"
    )
    pairs = mine(text)
    kept, known = merged(pairs, ["请问年假有几天"], embedder)
    assert [pair.questions for pair in kept] == [("怎么修改登录密码？", "登录密码怎么修改")]
    assert known == 1
    staff = replace(pairs[1], origin=replace(pairs[1].origin, collection="another"))
    later = replace(pairs[1], valid_from=1e9)
    assert [len(merged([pairs[0], other], [], embedder)[0]) for other in (staff, later)] == [2, 2]
