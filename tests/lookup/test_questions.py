"""Forty questions to two invented tables: the rows that answer, the condition that is missing, or nothing."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from bot.knowledge.lookup_table import LookupTable, tables_of
from bot.lookup.deciding import Found, Missing, decide, meant
from bot.lookup.words import read, read_answer
from tests.lookup.conftest import entries_of

QUESTIONS = [json.loads(line) for line in (Path(__file__).parent / "questions.jsonl").read_text("utf-8").splitlines()]
Outcome = list[int] | str


def outcome_of(tables: list[LookupTable], question: str) -> Outcome:
    """What becomes of a question: numbers of rows, ``ask:`` with a column, or ``none``."""
    asked = meant(tables, question)
    decision = decide(asked[0], asked[1].given, question) if asked else None
    if asked and isinstance(decision, Missing):
        return f"ask:{asked[0].columns[decision.column].name}"
    if isinstance(decision, Found):
        return [int(row.entry.location.split()[1]) for row in decision.rows]
    return "none"


@pytest.fixture(scope="module")
def outcome(tables: list[LookupTable]) -> Callable[[str], Outcome]:
    return partial(outcome_of, tables)


@pytest.mark.parametrize("case", QUESTIONS, ids=lambda case: case["question"])
def test_a_question_gets_its_rows_or_is_asked_back(case: dict[str, Outcome], outcome: Callable[[str], Outcome]) -> None:
    assert outcome(str(case["question"])) == case["expected"]


@pytest.mark.parametrize(
    "question",
    [
        "我不到60，没有怀孕，能做星影扫描吗",
        "我没有办会员，球馆押金多少",
        "会员我没有，球馆押金多少",
        "我妈是会员，我不是，球馆押金多少",
        "会员已经过期了，球馆押金多少",
        "没有怀孕，eGFR 不清楚，体重45，能做星影扫描吗",
        "没有怀孕，肾功能一般，能做星影扫描吗",
        "没有怀孕，正常肾功能是60到90，我的肾功能是45，能做星影扫描吗",
        "没有怀孕，eGFR 60来，能做星影扫描吗",
        "没有怀孕，快60岁了，能做星影扫描吗",
        "没有怀孕，肾功能刚过30，能做星影扫描吗",
        "没有怀孕，肾功能三四十，能做星影扫描吗",
        "没有怀孕，肾功能 45%，能做星影扫描吗",
        "没有怀孕，我有100元，能做星影扫描吗",
        "是否怀孕不确定，eGFR 75，能做星影扫描吗",
        "散客，四十好几，泳池押金多少",
        "散客，60多岁，泳池押金多少",
        "散客，18岁左右，泳池押金多少",
        "散客，20岁和70岁各一位，泳池押金多少",
        "可能怀孕了，能做星影扫描吗",
        "不可能怀孕，肾功能90，能做星影扫描吗",
        "我想怀孕，肾功能90，能做星影扫描吗",
        "去年怀孕过，现在没有，肾功能90，能做星影扫描吗",
        "怀孕了吗？没有。肾功能90，能做星影扫描吗",
        "怀孕前三个月可以做星影扫描吗",
        "没有怀孕，去年肾功能90，今年45，能做星影扫描吗",
        "没有怀孕，肾功能从90降到45，能做星影扫描吗",
        "没有怀孕，肾功能90到45，能做星影扫描吗",
        "没有怀孕，肾功能45 mL/min/kg，能做星影扫描吗",
        "没有怀孕，肾功能45斗，能做星影扫描吗",
        "我以前是会员，球馆押金多少",
        "除了会员，球馆押金多少",
        "没有怀孕，eGFR 45/60，能做星影扫描吗",
        "没有怀孕，eGFR 45±3，能做星影扫描吗",
        "没有怀孕，eGFR 60+，能做星影扫描吗",
        "散客，不是20岁，泳池押金多少",
        "散客，有没有20岁都行，泳池押金多少",
    ],
)
def test_what_is_not_sure_is_asked_and_never_taken_for_a_value(
    question: str, outcome: Callable[[str], Outcome]
) -> None:
    assert str(outcome(question)).startswith("ask:")


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("没有怀孕，不到30的肾功能能做星影扫描吗", None),
        ("没有怀孕，肾功能不到30，能做星影扫描吗", [5]),
        ("没有怀孕，eGFR over 60，能做星影扫描吗", [3]),
        ("没有怀孕，eGFR at least 60，能做星影扫描吗", [3]),
        ("没有怀孕，eGFR（mL/min）：45，能做星影扫描吗", [4]),
        ("没有怀孕，我的 eGFR 检查结果是 45 mL/min，能做星影扫描吗", [4]),
        ("未满18岁，泳池押金多少", [4]),
        ("我非会员，25岁，泳池押金多少", [3]),
        ("没有怀孕，肾功能四十五，能做星影扫描吗", [4]),
        ("没有怀孕，肾功能没有30，能做星影扫描吗", [5]),
        ("没有怀孕，eGFR 45 mL/min/1.73m²，能做星影扫描吗", [4]),
        ("没有怀孕，去年肾功能90，今年肾功能45，能做星影扫描吗", [4]),
        ("未怀孕，没有别的病，肾功能45，能做星影扫描吗", [4]),
        ("想问一下会员，25岁，泳池押金多少", [2]),
        ("我不是金卡，25岁，泳池押金多少", None),
    ],
)
def test_bounds_and_denials_are_read_as_people_write_them(
    question: str, rows: list[int] | None, outcome: Callable[[str], Outcome]
) -> None:
    found = outcome(question)
    assert found == rows if rows else str(found).startswith("ask:")


DOSE = """\
药品[选项],肝功能[选项],肾功能[选项],体重[范围 kg],用量[文本]
星影针,正常,正常,≥50,10 mL
星影针,正常,异常,≥50,5 mL
星影针,异常,不限,≥50,不能用
星影针,不限,不限,<50,2 mL
"""


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("星影针用量？肝功能正常，肾功能异常，体重60kg", [3]),
        ("星影针用量？肝功能异常，肾功能正常，体重 60 公斤", [4]),
        ("星影针用量？肝功能正常，肾功能是正常，体重120斤", [2]),
        ("星影针用量？肝功能正常，肾功能正常，我80斤", [5]),
        ("星影针用量？体重60kg，都正常", "肝功能"),
        ("星影针用量？肝功能正常，肾功能正常，体重 60 lb", "体重"),
        ("星影针用量？肝功能正常，肾功能正常，体重500g到60kg", "体重"),
        ("星影针用量？肝功能正常，肾功能正常，体重 0.06 吨", [2]),
        ("星影针用量？肝功能正常，肾功能正常，体重 0.6 担", "体重"),
        ("星影针用量？肝功能正常，肾功能正常，体重 60 kg多久用一次", [2]),
        ("星影针体重 60 kg几次用完？肝功能正常，肾功能正常，用量", [2]),
        ("星影针用量？肝功能正常，肾功能正常，体重 60 kg多", "体重"),
    ],
)
def test_a_word_of_two_columns_belongs_to_the_one_named_before_it(question: str, expected: Outcome) -> None:
    wanted = f"ask:{expected}" if isinstance(expected, str) else expected
    assert outcome_of(tables_of(entries_of(DOSE, "用量")), question) == wanted


def test_a_word_of_two_columns_answers_the_one_that_was_asked_for() -> None:
    (table,) = tables_of(entries_of(DOSE, "用量"))
    assert [read_answer(table, column, "异常") for column in (1, 2)] == [frozenset({"异常"})] * 2


def test_an_option_of_one_character_is_no_part_of_a_longer_word() -> None:
    (table,) = tables_of(entries_of("检查[选项],性别[选项],要求[文本]\n星影,男,不用\n星影,女,先问医生\n", "性别"))
    assert [read(table, text).given.get(1) for text in ("我是男的", "看男科", "我女儿", "女，30岁")] == [
        frozenset({"男"}),
        None,
        None,
        frozenset({"女"}),
    ]


@pytest.mark.parametrize(
    ("column", "text", "known"),
    [
        ("肾功能", "45", True),
        ("肾功能", "是45。", True),
        ("肾功能", "45 mL/min", True),
        ("肾功能", "六十", True),
        ("肾功能", "45 公斤", False),
        ("肾功能", "45左右", False),
        ("肾功能", "挺好的", False),
        ("肾功能", "45 和 60", False),
        ("怀孕", "没有", True),
        ("怀孕", "有", True),
        ("怀孕", "怀孕了", True),
        ("怀孕", "是", True),
        ("怀孕", "我是男性", True),
        ("怀孕", "四十五", False),
    ],
)
def test_an_answer_to_our_question_is_read_or_left_alone(
    tables: list[LookupTable], column: str, text: str, *, known: bool
) -> None:
    table = next(table for table in tables if table.title == "扫描须知")
    at = next(at for at, each in enumerate(table.columns) if each.name == column)
    assert (read_answer(table, at, text) is not None) is known


CLEARED = """\
药品[选项],清除率[范围 mL/min],过敏史|过敏[选项],能否使用|能用[文本]
星影针,≥30,无过敏史|不过敏,可以
星影针,<30,无过敏史,不能
星影针,不限,有过敏史|过敏,不能
"""


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("星影针能用吗？清除率低于30 不过敏", [3]),  # 清除 excepts nobody
        ("清除率60，过敏，星影针能用吗", [4]),
        ("清除率60，过敏史没有，星影针能用吗", "过敏史"),  # the name of a column tells of nobody's
    ],
)
def test_words_inside_other_words_say_nothing(question: str, expected: Outcome) -> None:
    wanted = f"ask:{expected}" if isinstance(expected, str) else expected
    assert outcome_of(tables_of(entries_of(CLEARED, "清除")), question) == wanted
