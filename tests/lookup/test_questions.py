"""Forty questions to two invented tables: the rows that answer, the condition that is missing, or nothing."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.knowledge.lookup_table import LookupTable
from bot.lookup.deciding import Found, Missing, decide, meant
from bot.lookup.words import read_answer

QUESTIONS = [json.loads(line) for line in (Path(__file__).parent / "questions.jsonl").read_text("utf-8").splitlines()]
Outcome = list[int] | str


@pytest.fixture(scope="module")
def outcome(tables: list[LookupTable]) -> Callable[[str], Outcome]:
    """What becomes of a question: numbers of rows, ``ask:`` with a column, or ``none``."""

    def look(question: str) -> Outcome:
        asked = meant(tables, question)
        decision = decide(asked[0], asked[1].given, question) if asked else None
        if asked and isinstance(decision, Missing):
            return f"ask:{asked[0].columns[decision.column].name}"
        if isinstance(decision, Found):
            return [int(row.entry.location.split()[1]) for row in decision.rows]
        return "none"

    return look


@pytest.mark.parametrize("case", QUESTIONS, ids=lambda case: case["question"])
def test_a_question_gets_its_rows_or_is_asked_back(case: dict[str, Outcome], outcome: Callable[[str], Outcome]) -> None:
    assert outcome(str(case["question"])) == case["expected"]


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
