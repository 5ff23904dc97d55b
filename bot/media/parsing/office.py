"""Word, PowerPoint and Excel files of the kinds that are zip archives of XML."""

import zipfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

from bot.errors import InputError
from bot.media.parsing.sections import Collector, Parsed, Place

MAX_UNPACKED_BYTES = 200 * 1024 * 1024
MAX_MEMBERS = 5_000
MAX_ROWS = 5_000
MAX_COLUMNS = 50
"""Rows and columns of one sheet."""


def parse_office(path: Path, max_chars: int) -> Parsed:
    """The text of a ``.docx``, ``.pptx`` or ``.xlsx``, told apart by what the archive holds.

    Raises :class:`~bot.errors.InputError` ``file_too_complex`` for an archive that unpacks to too much, and
    ``file_kind_unknown`` for any other archive.
    """
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > MAX_UNPACKED_BYTES:
            raise InputError("file_too_complex")
        names = {member.filename for member in members}
    for inside, parse in (
        ("word/document.xml", _word),
        ("ppt/presentation.xml", _slides),
        ("xl/workbook.xml", _sheets),
    ):
        if inside in names:
            with path.open("rb") as file:  # by its name they would judge it by its suffix
                return parse(file, Collector(max_chars))
    raise InputError("file_kind_unknown")


def _word(file: IO[bytes], found: Collector) -> Parsed:
    """Sections are what stands under one path of headings."""
    import docx  # each parser is imported for its own files only
    from docx.table import Table

    headings: list[tuple[int, str]] = []
    blocks: list[str] = []

    def close() -> None:
        label = " › ".join(words for _, words in headings)
        found.add(Place.HEADING if label else Place.WHOLE, label, "\n\n".join(blocks))
        blocks.clear()

    for block in docx.Document(file).iter_inner_content():
        if isinstance(block, Table):
            blocks.append(rows_as_text([cell.text for cell in row.cells] for row in block.rows))
            continue
        level = _heading_level(block.style.style_id if block.style is not None else "")
        if level is None:
            blocks.append(block.text.strip())
            continue
        close()
        while headings and headings[-1][0] >= level:
            headings.pop()
        if block.text.strip():
            headings.append((level, block.text.strip()[:100]))
        if found.full:
            break
    close()
    return found.parsed()


def _heading_level(style: str | None) -> int | None:
    """1 to 9 for a built-in heading style: its id is English in every language, or its bare number."""
    name = (style or "").lower().removeprefix("heading").strip()
    if (style or "").lower() == "title":
        return 0
    return int(name) if name.isdecimal() and len(name) == 1 and name != "0" else None


def _slides(file: IO[bytes], found: Collector) -> Parsed:
    """Sections are slides, numbered from 1, with their notes."""
    from pptx import Presentation

    slides = Presentation(file).slides
    for number, slide in enumerate(slides, 1):
        pieces = [text for shape in slide.shapes for text in _shape_texts(shape)]
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            pieces.append(slide.notes_slide.notes_text_frame.text)
        found.add(Place.SLIDE, str(number), "\n\n".join(piece.strip() for piece in pieces if piece.strip()))
    return found.parsed(len(slides))


def _shape_texts(shape: Any) -> Iterator[str]:
    if shape.has_text_frame:
        yield shape.text_frame.text
    if getattr(shape, "has_table", False):
        yield rows_as_text([cell.text for cell in row.cells] for row in shape.table.rows)
    for inner in getattr(shape, "shapes", ()):
        yield from _shape_texts(inner)


def _sheets(file: IO[bytes], found: Collector) -> Parsed:
    """Sections are sheets. Formulas are read by the value that was last computed for them."""
    import openpyxl

    workbook = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
    cut = False
    for sheet in workbook.worksheets:
        sheet.reset_dimensions()  # a file may claim fewer rows than it has, and they would be passed over
        rows = sheet.iter_rows(values_only=True, max_col=MAX_COLUMNS)
        text = rows_as_text([_cell(value) for value in row] for row in islice(rows, MAX_ROWS))
        cut = cut or next(rows, None) is not None
        found.add(Place.SHEET, sheet.title, text)
    return found.parsed(len(workbook.worksheets), cut=cut)


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


def rows_as_text(rows: Iterable[Iterable[str]]) -> str:
    """One line a row, each value with the name of its column, which the first full row gives."""
    header: list[str] = []
    lines = []
    for row in rows:
        cells = [" ".join(cell.split()) for cell in row]
        if not any(cells):
            continue
        if not header and all(cells[: _width(cells)]) and _width(cells) > 1:
            header = cells
            lines.append(" | ".join(cells[: _width(cells)]))
            continue
        lines.append("；".join(_named(header, at, cell) for at, cell in enumerate(cells) if cell))
    return "\n".join(lines)


def _named(header: list[str], at: int, cell: str) -> str:
    return f"{header[at]}：{cell}" if at < len(header) and header[at] else cell


def _width(cells: list[str]) -> int:
    """Up to the last cell that holds something."""
    return max((at for at, cell in enumerate(cells, 1) if cell), default=0)
