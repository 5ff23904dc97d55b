"""Approved sources that do not agree: noticed where only a figure, date or name differs that the question asks for."""

from dataclasses import replace

import pytest

from bot.answering.differences import differences
from tests.answering.conftest import passage


def differ(question: str, one: str, other: str, titles: tuple[str, str] = ("甲", "乙")) -> list[tuple[str, str]]:
    first, second = passage(titles[0], one), replace(passage(titles[1], other), id="second")
    return [(each.first_says, each.second_says) for each in differences(question, [first], [first, second])]


@pytest.mark.parametrize(
    ("question", "one", "other"),
    [
        ("账号锁定多久？", "连续输错密码5次，账号锁定30分钟。", "连续输错密码5次，账号锁定60分钟。"),
        ("学院什么时候成立？", "影像学院成立于2018年6月1日。", "影像学院成立于2016年6月1日。"),
        ("影像学院的院长是谁？", "影像学院现任院长为陈凯歌教授。", "影像学院现任院长为张艺谋教授。"),
        ("年会在哪里举办？", "影像学院的年会将在广州举办。", "影像学院的年会将在江苏举办。"),
        ("本届比赛的冠军是谁？", "本届比赛的冠军由法国获得。", "本届比赛的冠军由德国获得。"),
        (
            "",
            "参加本届影像学院进阶培训班的学员共有三百二十人报名。",
            "参加本届影像学院进阶培训班的学员共有三百六十人报名。",
        ),
        ("张继科是什么项目的运动员？", "张继科是著名的乒乓球运动员。", "张继科是著名的网球运动员。"),
    ],
)
def test_another_figure_date_or_name_is_noticed(question: str, one: str, other: str) -> None:
    (found,) = differ(question, one, other)
    assert all(said in text for said, text in zip(found, (one, other), strict=True))


@pytest.mark.parametrize(
    ("question", "one", "other"),
    [
        ("账号锁定多久？", "连续输错密码5次，账号锁定30分钟。", "连续输错密码5次，账号锁定半小时。"),  # the same
        ("账号锁定多久？", "账号锁定30分钟后自动解开。", "账号锁定30分钟后立刻解开。"),  # other words
        ("怎样注册？", "连续输错密码5次，账号锁定30分钟。", "连续输错密码5次，账号锁定60分钟。"),  # not asked for
        ("2023年报名多少人？", "2023年报名人数为300人。", "2022年报名人数为200人。"),  # another year
        ("2023年报名多少人？", "2023年报名人数为300人。", "2022年报名人数为300人。"),  # the question says which
        ("儿童用多少？", "儿童每次最多用30 ml。", "成人每次最多用80 ml。"),  # another group
        ("销量增长了多少？", "甲公司销量大增，同比增长8.9%。", "乙公司销量平平，同比增长5.2%。"),
    ],
)
def test_what_agrees_or_speaks_of_something_else_is_not(question: str, one: str, other: str) -> None:
    assert differ(question, one, other) == []


def test_documents_with_titles_of_their_own_may_speak_of_things_of_their_own() -> None:
    texts = ("本鱼无鳞，体长可达52公分。", "本鱼无鳞，体长可达22公分。")
    assert differ("前肛鳗的体长是多少？", *texts, titles=("前肛鳗", "异齿前肛鳗")) == []
    assert differ("前肛鳗的体长是多少？", *texts, titles=("前肛鳗", "前肛鳗")) != []


def test_a_row_for_each_town_is_no_contradiction() -> None:
    towns = [passage(f"表{n}", f"全省报名总人数位居全国第{n}位。") for n in (5, 6, 7)]
    assert differences("全省报名总人数位居全国第几？", towns[:1], towns) == ()


def test_a_source_that_says_both_differs_from_nobody() -> None:
    assert differ("账号锁定多久？", "账号锁定30分钟。", "账号锁定30分钟。账号锁定60分钟。") == []
