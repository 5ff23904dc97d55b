"""Passages: one section each, of even length, word for word."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.knowledge.chunk import MAX_CHARS, passages
from bot.knowledge.entries import Audience, Entry, EntryKind
from bot.knowledge.loaders import load_markdown, load_plain_text
from bot.knowledge.origin import ALWAYS_FROM, ALWAYS_TO, Origin

ORIGIN = Origin(tenant="academy", collection="imaging", audience=Audience.HCP, source="rules.md")
SENTENCE = "预约成功以后，请在开始前十五分钟到达机房并刷码进门。"


def divide(markdown: str) -> list[Entry]:
    return list(passages(load_markdown(markdown, name="rules"), ORIGIN))


def squeezed(text: str) -> str:
    """``text`` with one blank line for several, as passages have them between blocks."""
    return re.sub(r"\n([ \t]*\n)+", "\n\n", text)


def test_a_passage_carries_its_origin_and_section_path() -> None:
    one, other = divide(f"# 规定\n\n## 预约\n\n### 取消\n\n{SENTENCE}\n\n## 守则\n\n不带饮料。")
    assert one.id != other.id
    assert (one.kind, one.tenant, one.collection, one.audience, one.source) == (
        EntryKind.PASSAGE,
        "academy",
        "imaging",
        Audience.HCP,
        "rules.md",
    )
    assert (one.title, one.location, one.text, one.questions) == ("规定", "预约 › 取消", SENTENCE, ())
    assert (one.valid_from, one.valid_to) == (ALWAYS_FROM, ALWAYS_TO)
    assert (other.location, other.text) == ("守则", "不带饮料。")


def test_text_under_no_heading_is_located_by_its_lines() -> None:
    text = f"前言。\n\n{SENTENCE * 10}\n　　{SENTENCE * 10}\n\n\n尾声。"
    found = passages(load_plain_text(text, name="notes"), ORIGIN)
    assert [entry.location for entry in found] == ["第 1–3 行", "第 4–7 行"]


@pytest.mark.parametrize(
    ("body", "lengths"),
    [
        (SENTENCE * 4 + "\n\n" + SENTENCE * 4, [210]),  # short neighbours stay together
        (SENTENCE * 20, [260, 260]),  # evenly, not 494 and a rest
        (SENTENCE * 48, [416, 416, 416]),
        (SENTENCE * 12 + "\n\n" + SENTENCE * 8, [312, 208]),  # rather between paragraphs than evenly
        ("\n\n".join([SENTENCE * 17, "完。"]), [442 + 2 + 2]),  # no tiny remainder
    ],
    ids=["merged", "halved", "thirds", "paragraphs", "tail"],
)
def test_passages_are_of_even_length(body: str, lengths: list[int]) -> None:
    assert len(SENTENCE) == 26
    assert [len(entry.text) for entry in divide(f"# 规定\n{body}")] == lengths


def test_a_list_and_a_long_table_are_divided_between_items_and_rows() -> None:
    items = "\n".join(f"{n}. 第{n}步：{SENTENCE}\n   - 补充：{SENTENCE}" for n in range(1, 15))
    rows = "\n".join(f"| 设备{n} | {SENTENCE} |" for n in range(40))
    head = "| 设备 | 说明 |\n| --- | --- |\n"
    for header, body, unit in (("", items, r"\d+\. 第"), (head, rows, r"\| 设备")):
        found = divide(f"# 规定\n{header}{body}")
        assert len(found) > 1
        assert all(entry.text.startswith(header) for entry in found), "each part of a table names its columns"
        parts = [entry.text.removeprefix(header) for entry in found]
        assert all(re.match(unit, part) for part in parts)
        assert "\n".join(parts) == body


def test_a_table_that_fits_stays_whole_and_keeps_its_announcement() -> None:
    table = "| 设备 | 数量 |\n| --- | --- |\n" + "\n".join(f"| 设备{n:02} | {n:09} |" for n in range(20))
    assert MAX_CHARS < len(table) < 700 or len(table) < MAX_CHARS
    announced, *_ = divide(f"# 规定\n{SENTENCE * 14}\n\n设备如下：\n\n{table}")[1:]
    assert announced.text == f"设备如下：\n\n{table}"


def test_a_sentence_too_long_is_divided_at_lines_then_clauses_then_anywhere() -> None:
    lines = "\n".join("无标点的一行文字" * 5 for _ in range(30))
    clauses = "没有句号的分句，" * 150
    solid = "无" * 1200
    gap = "前" + " " * 1200 + "后"
    for body in (lines, clauses, solid, gap):
        found = divide(f"# 规定\n{body}")
        assert all(0 < len(entry.text) <= MAX_CHARS for entry in found)
        assert "".join("".join(entry.text.split()) for entry in found) == "".join(body.split())
    assert all(entry.text.endswith("，") for entry in divide(f"# 规定\n{clauses}"))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(["文字", SENTENCE, "# 标题", "## 小标题", "- 项", "1. 步骤", "| 甲 | 乙 |", "| - | - |"])
        | st.sampled_from(["```", "> 引用", "", "", "    缩进", "=====", "Dr. A! 3.5 T?", "词 " * 300]),
        max_size=40,
    )
)
def test_passages_are_word_for_word_and_lose_nothing(lines: list[str]) -> None:
    source = "\n".join(lines)
    document = load_markdown(source, name="rules")
    found = list(passages(document, ORIGIN))
    assert all(squeezed(entry.text) in squeezed(source) for entry in found)
    told = "".join(block.text for section in document.sections for block in section.blocks)
    assert "".join("".join(entry.text.split()) for entry in found) == "".join(told.split())
