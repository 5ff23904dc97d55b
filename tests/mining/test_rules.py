"""Pairs by rules out of invented documents: what is found, word for word, and what is left alone."""

import json
from pathlib import Path

import pytest

from bot.mining.pairs import Rule
from tests.mining.conftest import mine

MANUAL = """# 云帆相机使用手册

云帆相机是一种拍摄教学影像的虚构设备，由演示公司编造。

## 充电

### 充一次电要多久

用原装充电器约 90 分钟充满，不能用其他充电器。

### 怎么办

如图所示，按住电源键 10 秒。

### 保养

每周擦拭一次镜头。

## 规格

| 型号 | 重量（g） | 续航 | 备注 | 颜色 |
| --- | --- | --- | --- | --- |
| YF-1 | 420 | 6 小时 | 停产 | 与 YF-2 相同 |
| YF-2 | 380 | 8.5 小时 | | 黑色 |
"""


def asked(text: str, source: str = "手册.md") -> dict[str, str]:
    return {pair.question: pair.answer for pair in mine(text, source)}


def test_headings_definitions_and_tables_give_pairs_and_nothing_else_does() -> None:
    assert asked(MANUAL) == {
        "云帆相机是什么？": "云帆相机是一种拍摄教学影像的虚构设备，由演示公司编造。",
        "充一次电要多久？": "用原装充电器约 90 分钟充满，不能用其他充电器。",
        "YF-1的重量是多少？": "YF-1的重量：420 g",
        "YF-1的续航是多少？": "YF-1的续航：6 小时",
        "YF-2的重量是多少？": "YF-2的重量：380 g",
        "YF-2的续航是多少？": "YF-2的续航：8.5 小时",
        "YF-2的颜色是什么？": "YF-2的颜色：黑色",
    }


def test_every_pair_tells_the_exact_words_it_rests_on() -> None:
    pairs = {pair.question: pair for pair in mine(MANUAL)}
    assert pairs["充一次电要多久？"].span.location == "充电 › 充一次电要多久"
    assert all(line in MANUAL for pair in pairs.values() for line in pair.span.text.split("\n"))
    assert pairs["YF-2的续航是多少？"].span.text.endswith("| YF-2 | 380 | 8.5 小时 | | 黑色 |")
    assert {pair.rule for pair in pairs.values()} == {Rule.DEFINITION, Rule.HEADING, Rule.TABLE}


def test_headings_that_name_what_people_ask_for_are_asked_for() -> None:
    text = (
        "# 云影注射液（虚构）说明书\n\n## 【贮藏】\n\n遮光，在 25 ℃以下密闭保存。\n\n"
        "## 退货流程\n\n在应用里点退货，三天内上门取件。\n\n## 概述\n\n这一段只是介绍，没有人会这样问。\n"
    )
    assert asked(text) == {
        "云影注射液（虚构）的贮藏是什么？": "遮光，在 25 ℃以下密闭保存。",
        "退货流程是什么？": "在应用里点退货，三天内上门取件。",
    }


def test_a_heading_that_leaves_out_its_subject_gets_that_of_the_document() -> None:
    text = "# 云帆相机使用手册\n\n## 能在水下用吗\n\n不能，外壳不防水，进水后请立即关机。"
    assert list(asked(text)) == ["关于云帆相机：能在水下用吗？"]


@pytest.mark.parametrize(
    "text",
    [
        "问：保修期多长？\n答：自购买之日起保修 24 个月。\n\n问：在哪里维修？\n答：寄回服务中心，运费由我们承担。",
        "Q1: 保修期多长？\nA: 自购买之日起保修 24 个月。\n\nQ2: 在哪里维修？\nA: 寄回服务中心，运费由我们承担。",
        "1. 保修期多长？\n自购买之日起保修 24 个月。\n\n2. 在哪里维修？\n寄回服务中心，运费由我们承担。",
    ],
)
def test_questions_and_answers_that_stand_there_are_taken_as_they_are(text: str) -> None:
    assert asked(f"# 常见问题\n\n{text}\n") == {
        "保修期多长？": "自购买之日起保修 24 个月。",
        "在哪里维修？": "寄回服务中心，运费由我们承担。",
    }


@pytest.mark.parametrize(
    "text",
    [
        "# 测验\n\n1. 保修期多长？\n2. 在哪里维修？\n3. 谁可以维修？",  # asks, and answers nothing
        "# 步骤\n\n1. 打开电源。\n2. 按下快门。",
        "# 说明\n\n## 怎么保修\n\n详见附录三的保修条款，请仔细阅读。",  # leans on what stands elsewhere
        "# 影像学院\n\n影像学院是虚构的，只用来演示。",  # no definition
        "# 影像学院\n\n本学院是一所虚构的学校，只用来演示。",  # of something that only its place names
        "# 回复\n\n## 血压高怎么办\n\n根据您描述的情况，建议到医院复查血压。",  # to one person
        "# 表\n\n| 型号 | 数量 |\n| --- | --- |\n| A1 | 3 台 |\n| A1 | 4 台 |",  # a row that is there twice
        "# 表\n\n| 型号 | 数量 | 数量 |\n| --- | --- | --- |\n| A1 | 3 台 | 4 台 |",  # two columns of one name
        "# 表\n\n| 型号 | 规格 |\n| --- | --- |\n| 型号 | 长 |\n| A1 | 5 cm |",  # a header of two rows
        "# 表\n\n| 药品 | 年龄 | 剂量 |\n| --- | --- | --- |\n| 甲药片 | 18岁以上 | 5 mg |",  # holds only sometimes
        "# 表\n\n| 药品 | 禁用 | 重量 |\n| --- | --- | --- |\n| 甲药片 | √ | #REF! |\n| 乙药片 | × | =A1 |",  # marks
        "# 药\n\n## 如何服用\n\n每日一次，其余见下文。",
        "# 表\n\n| 编号 | 数量 |\n| --- | --- |\n| 1 | 3 台 |\n| 2 | 4 台 |",  # rows without a name
    ],
)
def test_what_is_not_sure_gives_no_pair(text: str) -> None:
    assert asked(text) == {}


def test_a_row_that_is_only_a_range_is_asked_for_with_its_subject() -> None:
    text = "# 星影注射液说明书\n\n| 用者 | 剂量（mL） |\n| --- | --- |\n| 18–60 岁 | 10 |\n| ≥60 岁 | 5 |"
    assert list(asked(text)) == ["星影注射液中18–60 岁的剂量是多少？", "星影注射液中≥60 岁的剂量是多少？"]


def test_people_are_asked_for_with_who() -> None:
    text = "# 林晓云\n\n林晓云（1980年—）是一位虚构的摄影师，生于演示市。"
    assert list(asked(text)) == ["林晓云是谁？"]


def test_the_last_answer_of_a_passage_that_goes_on_is_not_half_taken() -> None:
    lines = "\n\n".join(
        f"问：第{at}项服务收费吗？\n答：{'这项服务目前不收取任何费用。' * 6}" for at in "一二三四五六七八"
    )
    pairs = mine(f"# 常见问题\n\n{lines}\n")
    assert pairs
    assert {pair.answer for pair in pairs} == {"这项服务目前不收取任何费用。" * 6}


def test_the_labelled_pairs_of_the_demo_are_still_found_and_right(repository: Path) -> None:
    labelled = (Path(__file__).parent / "labelled.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in labelled.splitlines()]
    demo = {(row["source"], row["question"]) for row in rows if row["set"] == "demo" and row["right"]}
    found = {
        (file.name, pair.question)
        for file in (repository / "deploy/demo/knowledge").glob("*.md")
        for pair in mine(file.read_text(encoding="utf-8"), file.name)
    }
    assert demo <= found
    assert sum(row["right"] for row in rows) >= 0.95 * len(rows)
