"""Bytes to text, and text to titled sections of blocks."""

import pytest

from bot.errors import KnowledgeError
from bot.knowledge.loaders import BlockKind, decode_text, load_markdown, load_plain_text

CHINESE = "课程与学分：每学年至少 6 学分。\n机房周六开放。"


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (CHINESE.encode(), "UTF-8"),
        (CHINESE.encode("utf-8-sig"), "UTF-8"),
        (CHINESE.replace("\n", "\r\n").encode(), "UTF-8"),
        (CHINESE.replace("课程", "课\u200b程\u2060").encode(), "UTF-8"),
        (CHINESE.encode("gb18030"), "GB18030"),
        (CHINESE.encode("gbk"), "GB18030"),
    ],
    ids=["utf-8", "bom", "crlf", "invisible", "gb18030", "gbk"],
)
def test_text_reads_the_same_in_every_encoding(data: bytes, encoding: str) -> None:
    assert decode_text(data) == (CHINESE, encoding)


@pytest.mark.parametrize(
    ("data", "what_to_do"),
    [
        (CHINESE.encode("utf-16"), "UTF-16: save it as UTF-8"),
        (b"%PDF-1.7\n\x00\x01\x02", "not text"),
        (b"PK\x03\x04 zip", "not text"),
        (("好\n" * 5).encode() + b"\xe5\xad" + "机房周六开放".encode(), "line 6 holds a damaged UTF-8 character"),
        (b"caf\xe9 \xff", "neither UTF-8 nor GB18030"),
        ("学分\ue123".encode("gb18030"), "nor sound GB18030"),
    ],
    ids=["utf-16", "nul", "control", "damaged", "latin-1", "private-use"],
)
def test_what_is_not_text_is_refused_with_what_to_do(data: bytes, what_to_do: str) -> None:
    with pytest.raises(KnowledgeError, match=what_to_do):
        decode_text(data)


def test_markdown_becomes_sections_in_source_text() -> None:
    source = "\n".join(
        [
            "# 指南 *虚构*",  # 1
            "前言。",
            "",
            "课程",  # 4: a heading by its underline
            "----",
            "| 代码 | 学分 |",
            "| --- | --- |",
            "| B101 | 2 |",
            "| B102 | 2 |",
            "",
            "### `选课`步骤",
            "说明：",
            "1. 打开应用",
            "   点“选课”",
            "2. 提交",
            "",
            "```",
            "# 不是标题",
            "```",
            "",
            "    缩进",
            "",
            "## 联系",
            "[电话](tel:0)与**邮箱**",
        ]
    )
    document = load_markdown(source, name="guide")
    assert document.title == "指南 虚构"
    assert [section.path for section in document.sections] == [(), ("课程",), ("课程", "选课步骤"), ("联系",)]
    table = document.sections[1].blocks[0]
    assert (table.kind, table.line) == (BlockKind.TABLE, 6)
    assert [table.text[unit:].partition("\n")[0] for unit in table.units] == ["| 代码 | 学分 |", "| B102 | 2 |"]
    said, steps, code, indented = document.sections[2].blocks
    assert [block.kind for block in (said, steps, code)] == [BlockKind.PROSE, BlockKind.LIST, BlockKind.CODE]
    assert (indented.kind, indented.text, indented.units) == (BlockKind.CODE, "    缩进", (0,))
    assert [steps.text[unit:].partition("\n")[0] for unit in steps.units] == ["1. 打开应用", "2. 提交"]
    assert document.sections[3].blocks[0].text == "[电话](tel:0)与**邮箱**"


@pytest.mark.parametrize(
    ("source", "title", "paths"),
    [
        ("---\ntitle: '前页标题'\ndate: 2026-01-01\n---\n# 一级\n文", "前页标题", [()]),
        ("---\ndate: 2026-01-01\n---\n文", "guide", [()]),
        ("文\n\n---\n\n文", "guide", [()]),
        ("# 甲\n文\n# 乙\n文", "甲", [("甲",), ("乙",)]),
        ("## 乙\n文\n#### 丁\n文\n### 丙\n文", "guide", [("乙",), ("乙", "丁"), ("乙", "丙")]),
        ("# 只有标题\n## 没有正文\n", "只有标题", []),
        ("", "guide", []),
    ],
    ids=["front-matter", "front-matter-without-title", "rules", "two-h1", "skipped-levels", "headings-only", "empty"],
)
def test_title_and_section_paths(source: str, title: str, paths: list[tuple[str, ...]]) -> None:
    document = load_markdown(source, name="guide")
    assert (document.title, [section.path for section in document.sections]) == (title, paths)


@pytest.mark.parametrize(
    "hidden",
    [
        "<!-- 秘密 -->",
        "见<!--\n秘密\n-->和<!-- 秘密 -->",
        "<script>\n秘密\n</SCRIPT >",
        "见 <!-- <style>秘密</style>",
        "<!-- 秘密\n\n```\n秘密\n```\n没有收尾",
    ],
    ids=["block", "inside", "script", "style", "unclosed"],
)
def test_what_a_reader_does_not_see_is_left_out(hidden: str) -> None:
    source = f"# 标题\n可见。\n\n```\n<!-- 示例 -->\n```\n\n{hidden}"
    blocks = [block for section in load_markdown(source, name="n").sections for block in section.blocks]
    assert not any("秘密" in block.text for block in blocks)
    assert [block.text for block in blocks][:2] == ["可见。", "```\n<!-- 示例 -->\n```"]


def test_an_unclosed_comment_inside_a_line_is_text() -> None:
    (section,) = load_markdown("箭头 <!-- 表示注意，\n续。", name="n").sections
    assert section.blocks[0].text == "箭头 <!-- 表示注意，\n续。"


def test_plain_text_is_divided_at_blank_lines() -> None:
    document = load_plain_text("第一段。\n续。 \n\n \n　　第二段。\n", name="notes")
    (section,) = document.sections
    assert [(block.text, block.line) for block in section.blocks] == [("第一段。\n续。 ", 1), ("　　第二段。", 5)]
    assert load_plain_text(" \n\n", name="notes").sections == ()
