"""The files that parsers are compared on, made by code: all that stands in them is known."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import docx
import openpyxl
import pypdfium2
import typst
from PIL import Image
from pptx import Presentation
from pptx.util import Inches

_UNITS = ("放射科", "药剂科", "护理部", "设备科", "信息科", "病案室", "质控办")
_DEEDS = ("核对造影剂批号", "登记设备温度", "复核给药剂量", "备份影像数据", "更新排班记录", "检查急救药品")
SENTENCES = 120
_TABLE = (("造影剂", "常用剂量", "注射流率"), *((f"示影灵{n}号", f"{n}.5 mL/kg", f"{n} mL/s") for n in range(1, 13)))


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A file and its truth: every sentence must be found unbroken, every row's cells in one line and in their order;
    ``noise`` is what a reader of the page does not come for."""

    name: str
    content: bytes
    sentences: Sequence[str]
    rows: Sequence[Sequence[str]] = ()
    noise: Sequence[str] = ()


def sentences(count: int, seed: int) -> list[str]:
    """Different sentences of 40 to 60 characters."""
    return [
        f"第{seed * 1000 + n}项规定，{_UNITS[n % 7]}应当在{n % 11 + 2}小时之内{_DEEDS[n % 6]}，"
        f"并把编号为K{seed}{n:03d}的记录交给{_UNITS[(n * 3 + 1) % 7]}保存{n % 9 + 1}年。"
        for n in range(count)
    ]


_LONG = tuple((f"要求{n}", *sentences(2, 60 + n)) for n in range(1, 7))


def pdf_samples() -> list[Sample]:
    """Ruled tables, tables of three lines, two columns, and pages that are pictures."""
    text = sentences(SENTENCES, 1)
    plain = _pdf("", text, _ruled())
    return [
        Sample(name="one_column.pdf", content=plain, sentences=text, rows=_TABLE),
        Sample(name="two_columns.pdf", content=_pdf("columns: 2, ", text, ""), sentences=text),
        Sample(name="three_lines.pdf", content=_pdf("", text[:40], _three_lines()), sentences=text[:40], rows=_TABLE),
        Sample(name="long_cells.pdf", content=_pdf("", text[:40], _long()), sentences=text[:40], rows=_LONG),
        Sample(name="columns_and_table.pdf", content=_pdf("columns: 2, ", text, _ruled()), sentences=text, rows=_TABLE),
    ]


def scan_samples() -> list[Sample]:
    """The same as pictures, 150 dots an inch."""
    text = sentences(30, 2)
    return [
        Sample(name="scan.png", content=_picture(_pdf("", text, "")), sentences=text),
        Sample(name="scan_two_columns.png", content=_picture(_pdf("columns: 2, ", text, "")), sentences=text),
    ]


def word_samples() -> list[Sample]:
    """Headings, paragraphs, lists, a table and a running head."""
    document, text = docx.Document(), sentences(SENTENCES, 3)
    for at in range(0, SENTENCES, 10):
        document.add_heading(f"第{at // 10 + 1}章", level=1)
        document.add_paragraph("".join(text[at : at + 5]))
        for item in text[at + 5 : at + 10]:
            document.add_paragraph(item, style="List Bullet")
    table = document.add_table(rows=0, cols=3)
    for row in _TABLE:
        for cell, words in zip(table.add_row().cells, row, strict=True):
            cell.text = words
    document.sections[0].header.paragraphs[0].text = "内部资料"
    return [Sample(name="manual.docx", content=_saved(document.save), sentences=text, rows=_TABLE)]


def slide_samples() -> list[Sample]:
    """Titles, text boxes that are not in reading order in the file, a table and notes."""
    deck, text = Presentation(), sentences(SENTENCES, 4)
    for at in range(0, SENTENCES, 4):
        slide = deck.slides.add_slide(deck.slide_layouts[5])
        slide.shapes.title.text = f"第{at // 4 + 1}讲"
        for place, words in reversed(list(enumerate(text[at : at + 3]))):
            box = slide.shapes.add_textbox(Inches(1), Inches(2 + place), Inches(8), Inches(0.8))
            box.text_frame.text = words
        slide.notes_slide.notes_text_frame.text = text[at + 3]
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    shape = slide.shapes.add_table(len(_TABLE), 3, Inches(1), Inches(1), Inches(8), Inches(4))
    for at, row in enumerate(_TABLE):
        for column, words in enumerate(row):
            shape.table.cell(at, column).text = words
    return [Sample(name="course.pptx", content=_saved(deck.save), sentences=text, rows=_TABLE)]


def sheet_samples() -> list[Sample]:
    """5,000 rows of eight columns, with numbers, dates and empty cells."""
    book = openpyxl.Workbook()
    rows = [("编号", "药品", "规格", "单位", "库存", "科室", "负责人", "备注")]
    rows += [
        (
            f"K{n:05d}",
            f"药品{n}",
            f"{n % 90 + 10} mg",
            "盒",
            str(n * 7 % 500),
            _UNITS[n % 7],
            f"负责人{n % 40}",
            f"批{n}",
        )
        for n in range(5_000)
    ]
    for row in rows:
        book.active.append([int(cell) if cell.isdecimal() else cell for cell in row])
    return [Sample(name="stock.xlsx", content=_saved(book.save), sentences=(), rows=rows)]


def page_samples() -> list[Sample]:
    """A page with navigation, a script, a hidden paragraph and a footer around what it is about."""
    text = sentences(SENTENCES, 5)
    body = "".join(f"<h2>第{at // 10 + 1}节</h2><p>{''.join(text[at : at + 10])}</p>" for at in range(0, SENTENCES, 10))
    head, *rest = _TABLE
    table = "<table><thead><tr>" + "".join(f"<th>{cell}</th>" for cell in head) + "</tr></thead><tbody>"
    table += (
        "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rest) + "</tbody></table>"
    )
    noise = ("首页导航栏", "版权所有不得转载", "var hidden = 1", "看不见的段落")
    page = (
        f"<!doctype html><html><head><meta charset=utf-8><title>手册</title><script>{noise[2]}</script></head><body>"
        f"<nav><ul><li><a href=/>{noise[0]}</a></li></ul></nav><p style='display:none'>{noise[3]}</p>"
        f"<main><h1>手册</h1>{body}{table}</main><footer>{noise[1]}</footer></body></html>"
    )
    return [Sample(name="page.html", content=page.encode(), sentences=text, rows=_TABLE, noise=noise)]


SAMPLES: dict[str, Callable[[], list[Sample]]] = {
    "pdf": pdf_samples,
    "picture": scan_samples,
    "docx": word_samples,
    "pptx": slide_samples,
    "xlsx": sheet_samples,
    "html": page_samples,
}


def write(folder: Path) -> list[tuple[str, Sample]]:
    """Every sample as a file of ``folder``; gives its kind with it."""
    made = [(kind, sample) for kind, make in SAMPLES.items() for sample in make()]
    for _, sample in made:
        (folder / sample.name).write_bytes(sample.content)
    return made


def _pdf(page: str, text: Sequence[str], table: str) -> bytes:
    paragraphs = ["".join(text[at : at + 6]) for at in range(0, len(text), 6)]
    chapters = [f"= 第{at // 4 + 1}章\n" + "\n\n".join(paragraphs[at : at + 4]) for at in range(0, len(paragraphs), 4)]
    set_up = (
        f'#set page({page}header: [质量手册], numbering: "1")\n#set text(font: "Noto Serif CJK SC", size: 10.5pt)\n'
    )
    return bytes(typst.compile((set_up + "#set par(justify: true)\n" + "\n\n".join([*chapters, table])).encode()))


def _ruled() -> str:
    return f"#table(columns: 3, {_cells()})"


def _long() -> str:
    return f"#table(columns: (3em, 1fr, 1fr), {_cells(_LONG)})"


def _three_lines() -> str:
    rules = "stroke: none, table.hline(), table.header[造影剂][常用剂量][注射流率], table.hline(),"
    return f"#table(columns: 3, {rules} {_cells(_TABLE[1:])}, table.hline())"


def _cells(rows: Sequence[Sequence[str]] = _TABLE) -> str:
    return ", ".join(f"[{cell}]" for row in rows for cell in row)


def _picture(pdf: bytes) -> bytes:
    page = pypdfium2.PdfDocument(pdf)[0].render(scale=150 / 72).to_pil()
    whole = io.BytesIO()
    Image.Image.save(page, whole, "PNG")
    return whole.getvalue()


def _saved(save: Callable[[io.BytesIO], object]) -> bytes:
    whole = io.BytesIO()
    save(whole)
    return whole.getvalue()
