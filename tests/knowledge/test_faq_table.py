"""FAQ tables: what goes in, and what is said about the rest."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from bot.errors import KnowledgeError
from bot.knowledge.entries import Audience, Entry, EntryKind
from bot.knowledge.faq_table import FaqTable, csv_rows, read_faq_table
from bot.knowledge.loaders import LoadLimits
from bot.knowledge.origin import ALWAYS_FROM, ALWAYS_TO, Origin

ORIGIN = Origin(tenant="academy", collection="imaging", audience=Audience.PUBLIC, source="faq.csv")
SHANGHAI = ZoneInfo("Asia/Shanghai")
LIMITS = LoadLimits(rows=8, question_chars=20, answer_chars=40, similar=3)
CHINESE = "问题,相似问题,答案,生效,失效\n"
ENGLISH = "question,similar,answer,valid_from,valid_to\n"


def read(text: str) -> FaqTable:
    return read_faq_table(csv_rows(text, LIMITS), ORIGIN, timezone=SHANGHAI, limits=LIMITS)


def only(table: FaqTable) -> Entry:
    (entry,) = table.entries
    assert table.problems == ()
    return entry


@pytest.mark.parametrize("header", [CHINESE, ENGLISH, " Question ,相似问题,ANSWER,Valid_From,失效\n"])
def test_a_row_becomes_one_entry(header: str) -> None:
    entry = only(
        read(
            header + '怎样注册？,"如何报名|报名方法\n","打开应用，\n点“注册”，再点 ""提交""。",2026-01-01,2026-01-31\n'
        )
    )
    assert entry.kind is EntryKind.FAQ
    assert (entry.title, entry.questions) == ("怎样注册？", ("怎样注册？", "如何报名", "报名方法"))
    assert entry.text == '打开应用，\n点“注册”，再点 "提交"。'
    assert (entry.source, entry.location) == ("faq.csv", "第 2 行")
    assert entry.valid_from == datetime(2026, 1, 1, tzinfo=SHANGHAI).timestamp()
    assert entry.valid_to == datetime(2026, 2, 1, tzinfo=SHANGHAI).timestamp()  # the last day counts whole


@pytest.mark.parametrize(
    ("rows", "questions"),
    [
        ("甲,乙|丙｜丁,答,,", ("甲", "乙", "丙", "丁")),
        ('甲,"乙\n丙",答,,', ("甲", "乙", "丙")),
        ("甲？,甲|Ａ1|a 1,答,,", ("甲？", "Ａ1")),
        ("T2*,T2|T2*？,答,,", ("T2*", "T2")),
        ("甲,,答", ("甲",)),
        ("\n,,,,\n甲,,答,,", ("甲",)),
        ("甲,,答,,,,", ("甲",)),
    ],
    ids=["bars", "lines", "same-in-other-writing", "symbols-count", "short-row", "blank-rows", "empty-cells"],
)
def test_similar_questions_and_untidy_rows(rows: str, questions: tuple[str, ...]) -> None:
    assert only(read(CHINESE + rows)).questions == questions


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "period"),
    [
        ("", "", (ALWAYS_FROM, ALWAYS_TO)),
        ("2026/3/1", "", (datetime(2026, 3, 1, tzinfo=SHANGHAI).timestamp(), ALWAYS_TO)),
        ("", "9999-12-31", (ALWAYS_FROM, ALWAYS_TO)),
        ("", "2024-02-29", (ALWAYS_FROM, datetime(2024, 3, 1, tzinfo=SHANGHAI).timestamp())),
    ],
)
def test_periods(valid_from: str, valid_to: str, period: tuple[float, float]) -> None:
    entry = only(read(f"{CHINESE}甲,,答,{valid_from},{valid_to}"))
    assert (entry.valid_from, entry.valid_to) == period


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (",,答,,", "row 3: the question is empty"),
        ("乙,,,,", "row 3: the answer is empty"),
        ("乙,,答,2026-02-30,", r"row 3: valid_from is not a date \(2026-02-30\): write it like 2026-01-31"),
        ("乙,,答,,明天", "row 3: valid_to is not a date"),
        ("乙,,答,01/02/2026,", "row 3: valid_from is not a date"),
        ("乙,,答,2026-02-01,2026-01-31", r"row 3: it ends \(2026-01-31\) before it begins \(2026-02-01\)"),
        ("甲？,,答,,", "row 3: the same question as row 2"),
        ("乙,,答,有,逗号,没有引号", "row 3: 6 cells under 5 columns: put text with commas between quotation marks"),
        (f"乙,{'长' * 21},答,,", "row 3: a question of 21 characters, 20 are allowed"),
        (f"乙,,{'长' * 41},,", "row 3: an answer of 41 characters, 40 are allowed"),
        ("乙,一|二|三|四,答,,", "row 3: 4 similar questions, 3 are allowed"),
    ],
)
def test_a_bad_row_is_reported_and_the_others_go_in(bad: str, problem: str) -> None:
    table = read(f"{CHINESE}甲,,答,,\n{bad}\n丙,,答,,")
    assert [(entry.title, entry.location) for entry in table.entries] == [("甲", "第 2 行"), ("丙", "第 4 行")]
    (said,) = table.problems
    assert re.match(problem, said)


def test_one_question_may_have_different_answers_at_different_times() -> None:
    rows = "年会？,,旧,,2026-12-12\n年会？,,新,2026-12-13,\n年会？,,又,2026-12-12,2026-12-12"
    table = read(CHINESE + rows)
    assert [entry.text for entry in table.entries] == ["旧", "新"]
    assert table.problems == ("row 4: the same question as row 2: delete one, or give them different periods",)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", r"the columns 问题 \(question\), 答案 \(answer\) are missing"),
        ("问题,相似问题\n甲,乙", r"the columns 答案 \(answer\) are missing"),
        ("问题;答案\n甲;乙", "are missing, there is 问题;答案: name them there, with commas between"),
        ("问题,答案,问题\n甲,答,乙", "the column 问题 is there twice"),
        ("问题,答案,失效日期\n甲,答,2026-01-01", "the column 失效日期 is not known: did you mean 失效?"),
        (CHINESE + '甲,,答,,\n乙,,"没有收尾', r"row 3: not CSV .*: put text"),
        (CHINESE + '甲,,"引号"在外,,', "row 2: not CSV"),
        (CHINESE + "甲,,答,,\n" * 9, "more than 8 rows: split the table"),
        (CHINESE + f"甲,,{'长' * 200_000},,", "row 2: not CSV"),
    ],
    ids=["empty", "no-answer", "semicolons", "twice", "near", "unclosed", "stray-quote", "too-many", "huge-cell"],
)
def test_a_table_that_cannot_be_trusted_is_refused_whole(text: str, problem: str) -> None:
    with pytest.raises(KnowledgeError, match=problem):
        read(text)


def test_other_columns_are_left_aside_with_a_note() -> None:
    table = read("编号,问题,答案,备注\n7,甲,答,内部")
    assert only(table).text == "答"
    assert table.notes == ("columns not used: 编号, 备注",)
