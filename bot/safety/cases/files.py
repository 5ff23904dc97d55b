"""The form of a case as a workbook and as a PDF."""

from collections.abc import Sequence
from io import BytesIO
from xml.sax.saxutils import escape

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from bot.safety.cases.dossier import Section

FONT = "STSong-Light"
"""One of the fonts that every PDF reader knows for Chinese; it is named in the file, not embedded."""
_LABEL_MM, _VALUE_MM = 42, 128
_LONGEST_CELL = 32_767
_LONGEST_PARAGRAPH = 1_000


def workbook(title: str, sections: Sequence[Section]) -> bytes:
    """An ``.xlsx`` file with a row for each field. What people wrote is text, never a formula."""
    book = Workbook()
    sheet = book.active
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 26, 90
    rows = [(title, "", True), *((s, "", True) if isinstance(s, str) else s for s in _rows(sections))]
    for number, (label, value, heading) in enumerate(rows, 1):
        for column, text in ((1, label), (2, value)):
            cell = sheet.cell(number, column, ILLEGAL_CHARACTERS_RE.sub("", text)[:_LONGEST_CELL])
            cell.data_type = "s"
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            cell.font = Font(bold=heading)
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def _rows(sections: Sequence[Section]) -> list[tuple[str, str, bool]]:
    rows = []
    for section in sections:
        rows.append((section.title, "", True))
        rows += [(label, value, False) for label, value in section.rows]
    return rows


def pdf(title: str, sections: Sequence[Section]) -> bytes:
    """The same on A4 pages."""
    pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    plain = ParagraphStyle("plain", fontName=FONT, fontSize=10, leading=14, wordWrap="CJK")
    head = ParagraphStyle("head", parent=plain, fontSize=12, leading=18, spaceBefore=8)
    first = ParagraphStyle("first", parent=head, fontSize=15, leading=22, alignment=1)
    story = [Paragraph(_marked_up(title), first), Spacer(1, 4 * mm)]
    lines = TableStyle([("GRID", (0, 0), (-1, -1), 0.4, colors.grey), ("VALIGN", (0, 0), (-1, -1), "TOP")])
    for section in sections:
        story.append(Paragraph(_marked_up(section.title), head))
        cells = [
            [Paragraph(_marked_up(label if part == 0 else ""), plain), Paragraph(_marked_up(piece), plain)]
            for label, value in section.rows
            for part, piece in enumerate(_pieces(value))
        ]
        if cells:
            story.append(Table(cells, colWidths=(_LABEL_MM * mm, _VALUE_MM * mm), style=lines))
    file = BytesIO()
    SimpleDocTemplate(file, pagesize=A4, title=title, leftMargin=20 * mm, rightMargin=20 * mm).build(story)
    return file.getvalue()


def _pieces(value: str) -> list[str]:
    """``value`` in pieces that fit on a page: a row of a table is not broken."""
    return [
        line[start : start + _LONGEST_PARAGRAPH]
        for line in value.split("\n")
        for start in range(0, max(len(line), 1), _LONGEST_PARAGRAPH)
    ]


def _marked_up(text: str) -> str:
    """``text`` as the library's own markup, in which nothing of it means anything."""
    return escape(ILLEGAL_CHARACTERS_RE.sub("", text))
