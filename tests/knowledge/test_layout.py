"""Words by their places: columns, paragraphs, tables without lines, headings, running heads."""

import io

import pypdfium2
import pytest
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from bot.knowledge.loaders.grid import Rule, ruled, tables
from bot.knowledge.loaders.layout import Box, PageBlock, Placed, Span, blocks_of_page, joined
from bot.knowledge.loaders.paged import Title, document_of
from bot.knowledge.loaders.pdf import read_pages
from bot.knowledge.loaders.pictures import FigureFolder

WIDTH, HEIGHT, SIZE = 600.0, 800.0, 10.0


def span(text: str, left: float, top: float, width: float | None = None) -> Span:
    """Words of letters that are as wide as high."""
    return Span(text, Box(left, top, left + (width or SIZE * len(text)), top + SIZE), SIZE)


def texts(spans: list[Span], placed: list[Placed] | None = None) -> list[str]:
    return [block.text for block in blocks_of_page(1, WIDTH, HEIGHT, spans, placed or [])]


def column(letter: str, left: float, top: float) -> list[Span]:
    """Ten full lines of one paragraph and a short last one."""
    lines = [span(f"{letter}{n}" + "文" * 11, left, top + 15 * n) for n in range(10)]
    return [*lines, span(f"{letter}完。", left, top + 150)]


def test_columns_are_read_one_after_the_other_under_what_reaches_over_both() -> None:
    heading = span("跨栏的题目" * 5, 60, 40, width=450)
    read = texts([*column("乙", 320, 87), heading, *column("甲", 60, 80)])
    assert [text[:2] for text in read] == ["跨栏", "甲0", "乙0"]
    assert read[1].endswith("甲完。")


def test_columns_of_running_text_are_no_table() -> None:
    spans = [*column("甲", 20, 80), *column("乙", 220, 80), *column("丙", 420, 80)]
    assert tables(spans, [], [], HEIGHT) == []


def test_words_in_columns_are_a_table_with_cells_of_several_lines() -> None:
    cells = [("姓名", "王芳"), ("科室", "影像科"), ("备注", "每周三上午在门诊，")]
    spans = [
        span(words, 40 + 100 * at, 100 + 18 * row) for row, pair in enumerate(cells) for at, words in enumerate(pair)
    ]
    spans.append(span("下午在病房。", 140, 100 + 18 * 3 - 4))
    (table,) = tables(spans, [], [], HEIGHT)
    assert table.rows == (("姓名", "王芳"), ("科室", "影像科"), ("备注", "每周三上午在门诊，下午在病房。"))


def test_a_cell_that_is_not_parted_from_the_next_speaks_for_both() -> None:
    corners = [((x, 100.0), (x, 160.0)) for x in (40.0, 140.0, 340.0)]
    corners += [((40.0, y), (340.0, y)) for y in (100.0, 160.0)]
    corners += [((140.0, 130.0), (340.0, 130.0)), ((240.0, 130.0), (240.0, 160.0))]
    across, down = ruled(corners)
    spans = [span("科室", 50, 120), span("上午", 220, 110), span("王芳", 150, 140), span("李娜", 250, 140)]
    (table,) = tables(spans, across, down, HEIGHT)
    assert table.rows == (("科室", "上午", "上午"), ("科室", "王芳", "李娜"))


def test_a_frame_is_no_table() -> None:
    across, down = [Rule(100, 40, 300), Rule(160, 40, 300)], [Rule(40, 100, 160), Rule(300, 100, 160)]
    assert tables([span("框里的话", 60, 120)], across, down, HEIGHT) == []


@pytest.mark.parametrize(
    ("text", "more", "whole"),
    [
        ("中文", "中文", "中文中文"),
        ("two", "words", "two words"),
        ("hyphen-", "ated", "hyphenated"),
        ("soft\ufffe", "ly", "softly"),
    ],
)
def test_lines_are_joined_as_their_script_asks(text: str, more: str, whole: str) -> None:
    assert joined(text, more) == whole


def block(text: str, page: int = 1, size: float = SIZE, **more: object) -> PageBlock:
    given = {"top": 0.3, "bottom": 0.4} | more
    return PageBlock(page=page, text=text, size=size, **given)  # type: ignore[arg-type]


def test_headings_are_told_by_size_and_numbering_and_paragraphs_go_on_over_pages() -> None:
    blocks = [
        block("设备手册", size=24),
        block("第一章 总则", size=16),
        block("1.1 范围", size=14),
        block("这一段话到了页的最后一行还没有说", full=True),
        block("完，在下一页接着说。", page=2, top=0.1),
        block("第二章 附则", page=2, size=16),
        block("附则的话。" * 9, page=2),
    ]
    document = document_of(blocks, [], name="file", pages=2)
    assert document.title == "设备手册"
    assert [section.path for section in document.sections] == [("第一章 总则", "1.1 范围"), ("第二章 附则",)]
    (first,) = document.sections[0].blocks
    assert (first.text, first.page) == ("这一段话到了页的最后一行还没有说完，在下一页接着说。", 1)


def test_the_outline_of_the_file_goes_before_its_print() -> None:
    blocks = [
        block("甲", size=12),
        block("大字的一句", size=20),
        block("正文。" * 20),
        block("乙", page=2),
        block("又一段。" * 9, page=2),
    ]
    titles = [Title(1, 0, "甲"), Title(2, 1, "乙")]
    document = document_of(blocks, titles, name="file", pages=2)
    assert [section.path for section in document.sections] == [("甲",), ("甲", "乙")]


def test_a_table_that_goes_on_over_a_page_is_one() -> None:
    first = PageBlock(page=1, rows=[["名", "值"], ["a", "1"]], top=0.5, bottom=0.9)
    second = PageBlock(page=2, rows=[["名", "值"], ["b", "2"]], top=0.1, bottom=0.2)
    ((table,),) = (section.blocks for section in document_of([first, second], [], name="file", pages=2).sections)
    assert table.text.splitlines() == ["| 名 | 值 |", "| --- | --- |", "| a | 1 |", "| b | 2 |"]


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_a_page_that_lies_on_its_side_is_read_upright(tmp_path_factory: pytest.TempPathFactory, turned: int) -> None:
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    whole = io.BytesIO()
    canvas = Canvas(whole, pagesize=(500, 500))
    canvas.setFont("STSong-Light", 12)
    canvas.translate(250, 250)
    canvas.rotate(turned)
    for number, line in enumerate(("第一行。", "第二行。", "第三行。")):
        canvas.drawString(-100, -30 * number, line)
    canvas.save()
    document = pypdfium2.PdfDocument(whole.getvalue())
    document[0].set_rotation(turned)  # as a scanner's software marks it
    path = tmp_path_factory.mktemp("turned") / "page.pdf"
    document.save(path)
    found = read_pages(path, 1, 1, 60.0, FigureFolder(None))
    assert "".join(each["text"] for each in found["blocks"]) == "第一行。第二行。第三行。"
