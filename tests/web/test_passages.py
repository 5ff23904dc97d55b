"""Passages as HTML: headings, tables, and nothing that could run or fetch."""

from html.parser import HTMLParser

import pytest

from bot.knowledge.entries import EntryKind
from bot.knowledge.excerpt import Excerpt, Passage, Standing
from bot.web.passages import Shown, shown_passages

HARMLESS = {
    *("p", "a", "br", "hr", "ul", "ol", "li", "strong", "em", "code", "pre", "blockquote"),
    *("table", "thead", "tbody", "tr", "th", "td", "h1", "h2", "h3", "h4", "h5", "h6"),
}
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "文字 <svg/onload=alert(1)> 文字",
    "[点我](javascript:alert(1))",
    "[点我](JaVaScRiPt:alert(1))",
    "[点我](java&#115;cript:alert(1))",
    "[点我](\tjavascript:alert(1))",
    "[点我](data:text/html;base64,PHNjcmlwdD4=)",
    "[点我](vbscript:x)",
    "[点我](file:///etc/passwd)",
    "[点我](//evil.example/x)",
    "[点我](../console/)",
    "<javascript:alert(1)>",
    '[点我](https://ok.example/ "\\" onmouseover=alert(1)")',
    "![图](https://evil.example/track.png)",
    "![图](javascript:alert(1))",
    "[![图](https://evil.example/t.png)](javascript:alert(1))",
    "[点我][r]\n\n[r]: javascript:alert(1)",
    "| a |\n| - |\n| <script>alert(1)</script> |",
    "```html\n<script>alert(1)</script>\n```",
    "</section></main><script>alert(1)</script>",
    "<style>body{display:none}</style>",
    "`</code><script>alert(1)</script>`",
]


class Seen(HTMLParser):
    """Every tag with its attributes, and the words a reader sees."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


def show(*passages: tuple[str, str], markdown: bool = True, cited: int = 0) -> list[Shown]:
    """``passages`` as (location, text)."""
    excerpt = Excerpt(
        kind=EntryKind.PASSAGE,
        title="题",
        source="a.md",
        markdown=markdown,
        version=1,
        approved_at=0.0,
        standing=Standing.CURRENT,
        since=None,
        earlier=0,
        later=0,
        passages=tuple(
            Passage(location=location, text=text, cited=n == cited) for n, (location, text) in enumerate(passages)
        ),
    )
    return list(shown_passages(excerpt))


def body(text: str, *, markdown: bool = True) -> str:
    return str(show(("节", text), markdown=markdown)[0].body)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("markdown", [True, False])
def test_nothing_in_a_document_runs_or_fetches(text: str, markdown: bool) -> None:
    for tag, attributes in Seen(body(text, markdown=markdown)).tags:
        assert tag in HARMLESS
        assert set(attributes) <= {"href", "title", "rel", "class", "start"}
        assert str(attributes.get("href", "https://")).startswith("https://ok.example/" if "href" in attributes else "")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[点我](javascript:alert(1))", "点我"),
        ("见 [课程指南](guide.md)。", "见 课程指南。"),
        ("![流程图](https://evil.example/t.png)", "[流程图]"),
        ("![](https://evil.example/t.png)", ""),
        ("剂量 <5 mg & >3", "剂量 <5 mg & >3"),
        ("&lt;b&gt; **粗**", "<b> 粗"),
    ],
)
def test_what_is_taken_out_leaves_its_words(text: str, words: str) -> None:
    assert Seen(body(text)).words.strip() == words


def test_a_table_in_plain_text_is_aligned_by_a_class() -> None:
    (_, cell), *_ = [tag for tag in Seen(body("| 数 |\n| -: |\n| **1** |", markdown=False)).tags if tag[0] == "td"]
    assert cell == {"class": "right"}
    assert "**1**" in body("| 数 |\n| -: |\n| **1** |", markdown=False)


def test_links_that_may_stay_tell_nobody_where_they_were_found() -> None:
    text = (
        "[网](https://academy.example/a?b=1) [信](mailto:a@academy.example) [话](tel:6100) <https://academy.example/>"
    )
    links = [attributes for tag, attributes in Seen(body(text)).tags if tag == "a"]
    assert [link["href"] for link in links] == [
        "https://academy.example/a?b=1",
        "mailto:a@academy.example",
        "tel:6100",
        "https://academy.example/",
    ]
    assert {link["rel"] for link in links} == {"noopener noreferrer nofollow"}


def test_plain_text_is_not_read_as_markdown() -> None:
    assert body("1) *星号* | 竖线\n    缩进 [x](https://a.example)", markdown=False) == (
        '<p class="plain">1) *星号* | 竖线\n    缩进 [x](https://a.example)</p>'
    )


def test_each_heading_stands_once_above_what_is_below_it() -> None:
    passages = show(
        ("第 3 行", "前言"),
        ("账号 › 登录", "甲"),
        ("账号 › 登录", "乙"),
        ("账号 › 注销", "丙"),
        ("资料", "丁"),
        ("资料 › 登录", "戊"),
        ("", "己"),
    )
    assert [passage.headings for passage in passages] == [
        (),
        ((1, "账号"), (2, "登录")),
        (),
        ((2, "注销"),),
        ((1, "资料"),),
        ((2, "登录"),),
        (),
    ]
    assert [passage.lines for passage in passages] == ["第 3 行", "", "", "", "", "", ""]
    assert [passage.cited for passage in passages] == [True, *[False] * 6]


def test_a_table_that_was_divided_has_its_header_in_every_passage() -> None:
    first = "价目如下：\n\n| 项目 | 价格 |\n| --- | :-: |\n| 甲 | 1 |"
    shown = show(
        ("表", first), ("表", "| 乙 | 2 |"), ("表", "| 丙 | 3 |\n\n以上。"), ("表", "| 丁 | 4 |"), ("别", "| 戊 | 5 |")
    )
    headers = [[tag for tag, _ in Seen(str(passage.body)).tags].count("th") for passage in shown]
    assert headers == [2, 2, 2, 0, 0]
    assert "丙" in shown[2].body
    assert "以上。" in Seen(str(shown[2].body)).words


def test_a_column_keeps_its_alignment_without_a_style_attribute() -> None:
    cells = [attributes for tag, attributes in Seen(body("| 左 | 中 | 右 |\n| :- | :-: | -: |")).tags if tag == "th"]
    assert cells == [{"class": "left"}, {"class": "center"}, {"class": "right"}]


def test_a_line_may_be_broken_inside_a_table() -> None:
    seen = Seen(body("| 步骤 |\n| --- |\n| 先<br>后<BR/>完 |"))
    assert [tag for tag, _ in seen.tags].count("br") == 2
    assert "先" in seen.words
    assert "<" not in seen.words


def test_a_hostile_table_costs_no_time() -> None:
    assert body("| " + " " * 50_000 + "-\n" + "|" + "-:" * 20_000 + "x")
