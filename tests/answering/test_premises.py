"""What a question takes for granted: noticed where the source has something else, or nothing, in its place."""

import pytest

from bot.answering.premises import Kind, misses_time, unmet
from tests.answering.conftest import passage

COURSES = passage(
    "课程指南",
    "2023年春季班于3月5日开课，由王敏主任主讲，在上海举办。CT模拟操作台 MX-300 每次最多使用2小时。"
    "教材为《胸部影像诊断》。",
)
METFORMIN = passage("用药须知", "二甲双胍应在造影前48小时停用，恢复前复查肾功能。")


@pytest.mark.parametrize(
    ("question", "kind", "asked", "told"),
    [
        ("2021年春季班什么时候开课？", Kind.YEAR, "2021年", "2023年"),
        ("2021年的退费政策是什么？", Kind.YEAR, "2021年", ""),
        ("CT模拟操作台 MX-500 每次能用多久？", Kind.CODE, "mx-500", "mx-300"),
        ("《腹部影像诊断》是哪个班的教材？", Kind.TITLE, "腹部影像诊断", ""),
        ("李强主任主讲的课程什么时候开课？", Kind.PERSON, "李强主任", "王敏主任"),
        ("在北京举办的春季班什么时候开课？", Kind.PLACE, "北京", "上海"),
        (
            "模拟操作台每次最多使用5小时，怎么预约？",
            Kind.FIGURE,
            "模拟操作台每次最多使用5小时",
            "ct模拟操作台 mx-300 每次最多使用2小时",
        ),
    ],
)
def test_what_the_source_does_not_bear_out_is_noticed(question: str, kind: Kind, asked: str, told: str) -> None:
    (found,) = unmet(question, [COURSES], [COURSES])
    assert (found.kind, found.asked, found.told) == (kind, asked, told)


def test_a_person_or_place_that_no_source_knows_is_noticed_but_not_where_somebody_speaks_of_themselves() -> None:
    (found,) = unmet("张艺谋主讲的春季班怎么报名？", [COURSES], [COURSES])
    assert (found.kind, found.told) == (Kind.NAME, "")
    assert unmet("我在呼和浩特，春季班怎么报名？", [COURSES], [COURSES]) == ()
    assert unmet(f"张艺谋{'说' * 30}春季班怎么报名？", [COURSES], [COURSES]) == ()


def test_a_source_that_names_nobody_and_no_place_holds_for_all() -> None:
    assert unmet("北京的医院里二甲双胍造影前要停用吗？", [METFORMIN], [METFORMIN]) == ()


def test_a_figure_that_another_source_has_is_no_alarm() -> None:
    nights = passage("夜间", "夜间可以使用5小时。")
    assert unmet("模拟操作台每次最多使用5小时，怎么预约？", [COURSES, nights], [COURSES, nights]) == ()


def test_another_drug_is_not_answered_for() -> None:
    (found,) = unmet("格列美脲造影前要停用吗？", [METFORMIN], [METFORMIN])
    assert (found.kind, found.told) == (Kind.DRUG, "")


@pytest.mark.parametrize(
    "question",
    [
        "2023年春季班什么时候开课？",
        "2023 年 3 月 5 日开的是什么课？",
        "春季班什么时候开课？",
        "MX 300 每次能用多久？",
        "上海的春季班由谁主讲？",
        "王敏主任主讲什么课？",
        "《胸部影像诊断》是哪个班的教材？",
        "我今年45岁，做过3次CT，想学春季班的课程，行吗？",
        "When does the course of 2021 begin?",  # nothing can be laid side by side across languages
    ],
)
def test_what_it_bears_out_or_says_nothing_against_is_no_alarm(question: str) -> None:
    assert unmet(question, [COURSES], [COURSES]) == ()


def test_each_part_of_a_question_has_its_own_source() -> None:
    autumn = passage("秋季课程", "2024年秋季班于9月1日开课。")
    assert unmet("2023年和2024年的班什么时候开课？", [COURSES], [COURSES, autumn]) == ()
    (found,) = unmet("2023年和2025年的班什么时候开课？", [COURSES], [COURSES, autumn])
    assert found.asked == "2025年"


@pytest.mark.parametrize(
    ("question", "text", "missing"),
    [
        ("RCEP什么时候生效？", "RCEP的生效降低了各成员国的成本。它推动了区域内的贸易。", True),
        ("2022年考试什么时候开始？", "2022年考试的报名人数创新高。", True),
        ("RCEP什么时候生效？", "RCEP已经签署。它于1月1日生效。", False),
        ("机房什么时候开门？", "机房周六9:00开门。", False),
        ("青铜器出现于什么时候？", "青铜器出现于商朝。", False),
        ("RCEP有什么好处？", "RCEP的生效降低了各成员国的成本。", False),
    ],
)
def test_who_asks_when_is_not_answered_without_a_time(question: str, text: str, missing: bool) -> None:
    assert misses_time(question, text) is missing
