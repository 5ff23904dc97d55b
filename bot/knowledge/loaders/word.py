"""Word files (.docx): headings by their styles, lists, tables, text boxes, pictures, and pages where Word noted them.

Runs in the confined child. The body is walked as XML, since what lies in content controls, insertions and text boxes is
passed over by python-docx's own lists of paragraphs.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docx
from docx.opc.exceptions import PackageNotFoundError
from docx.oxml.ns import qn

from bot.errors import KnowledgeError
from bot.knowledge.loaders.document import Block, Document, item_list, prose, table
from bot.knowledge.loaders.outline import Outline
from bot.knowledge.loaders.pictures import FigureFolder

_TEXT, _TAB, _BREAK, _CR = qn("w:t"), qn("w:tab"), qn("w:br"), qn("w:cr")
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_PARAGRAPH, _TABLE, _BOX = qn("w:p"), qn("w:tbl"), qn("w:txbxContent")
_HIDDEN = (qn("w:del"), qn("w:moveFrom"), qn("w:instrText"), _FALLBACK)
_PAGE_MARK = qn("w:lastRenderedPageBreak")
_PICTURE = "{http://schemas.openxmlformats.org/drawingml/2006/main}blip"
_EMBED = qn("r:embed")
_MAX_DEPTH = 40
_MAX_SPAN = 64


def load_word(path: Path, name: str, figures: FigureFolder) -> Document:
    """Raises :class:`~bot.errors.KnowledgeError` for what is no Word file."""
    try:
        with path.open("rb") as file:  # by its name it would be judged by its suffix
            document = docx.Document(file)
    except (PackageNotFoundError, KeyError, ValueError) as error:
        raise KnowledgeError("it is damaged or no Word file: save it again as .docx") from error
    reader = _Reader(document, figures)
    for element in document.element.body:
        reader.take(element)
    return reader.outline.document(name, document.core_properties.title or "")


class _Reader:
    """Walks the body; ``page`` counts the page breaks that Word noted when it last showed the file."""

    def __init__(self, document: Any, figures: FigureFolder) -> None:
        self.outline = Outline()
        self._document = document
        self._figures = figures
        self._levels = _levels(document)
        self._paged = next(document.element.body.iter(_PAGE_MARK), None) is not None
        self._page = 1
        self._items: list[str] = []

    def take(self, element: Any, depth: int = 0) -> None:
        """Add what an element of the body holds."""
        if depth > _MAX_DEPTH or element.tag in _HIDDEN:
            return
        if element.tag == _PARAGRAPH:
            self._paragraph(element)
        elif element.tag == _TABLE:
            self._close_list()
            self._table(element)
        elif element.tag != qn("w:sectPr"):
            for inner in element:
                self.take(inner, depth + 1)
        if element.getnext() is None and depth == 0:
            self._close_list()

    def _paragraph(self, element: Any) -> None:
        words = _words(element).strip()
        begins = self._page + (element.find(f".//{_PAGE_MARK}") is not None and not words)
        level = self._level(element)
        if level is not None and words:
            self._close_list()
            self.outline.heading(level, words)
        elif words and _is_item(element):
            self._items.append(f"- {words}")
        elif words:
            self._close_list()
            self._add(prose(words, page=begins if self._paged else 0))
        for box in element.iter(_BOX):
            if not any(above.tag == _FALLBACK for above in box.iterancestors()):
                for inner in box:
                    self.take(inner, 1)
        self._pictures(element)
        self._page += sum(1 for _ in element.iter(_PAGE_MARK))

    def _table(self, element: Any) -> None:
        rows = _rows(element)
        if len(rows) > 1 and max(map(len, rows)) > 1:
            self._add(table(rows, page=self._page if self._paged else 0))
        else:
            for words in (cell for row in rows for cell in row if cell):
                self._add(prose(words, page=self._page if self._paged else 0))
        self._pictures(element)
        self._page += sum(1 for _ in element.iter(_PAGE_MARK))

    def _add(self, block: Block) -> None:
        self.outline.add(block)

    def _close_list(self) -> None:
        if self._items:
            self._add(item_list(self._items, page=self._page if self._paged else 0))
            self._items = []

    def _pictures(self, element: Any) -> None:
        for shown in element.iter(_PICTURE):
            part = self._document.part.related_parts.get(shown.get(_EMBED, ""))
            if part is not None and (id_ := self._figures.keep_bytes(part.blob)):
                self._close_list()
                self.outline.show(id_)

    def _level(self, element: Any) -> int | None:
        own = element.find(f"{qn('w:pPr')}/{qn('w:outlineLvl')}")
        if own is not None:
            level = int(own.get(qn("w:val"), "9"))
            return level + 1 if level < 9 else None
        style = element.find(f"{qn('w:pPr')}/{qn('w:pStyle')}")
        return None if style is None else self._levels.get(style.get(qn("w:val"), ""))


def _levels(document: Any) -> dict[str, int]:
    """The depth of each style that is a heading's, from 0 for a title, by the style's id."""
    levels: dict[str, int] = {}
    for style in document.styles.element.iterchildren(qn("w:style")):
        id_ = style.get(qn("w:styleId"), "")
        name = style.find(qn("w:name"))
        words = (name.get(qn("w:val"), "") if name is not None else "").lower()
        outline = style.find(f"{qn('w:pPr')}/{qn('w:outlineLvl')}")
        based = style.find(qn("w:basedOn"))
        number = words.removeprefix("heading").strip()
        if words == "title":
            levels[id_] = 0
        elif words.startswith("heading") and number.isdecimal():
            levels[id_] = int(number)
        elif outline is not None and int(outline.get(qn("w:val"), "9")) < 9:
            levels[id_] = int(outline.get(qn("w:val"))) + 1
        elif based is not None and levels.get(based.get(qn("w:val"), "")):
            levels[id_] = levels[based.get(qn("w:val"), "")]
    return levels


def _is_item(element: Any) -> bool:
    style = element.find(f"{qn('w:pPr')}/{qn('w:pStyle')}")
    named = style is not None and "list" in style.get(qn("w:val"), "").lower()
    return named or element.find(f"{qn('w:pPr')}/{qn('w:numPr')}") is not None


def _words(element: Any) -> str:
    """The text of a paragraph as it reads with all changes accepted; its text boxes stand after it."""
    parts: list[str] = []

    def walk(inner: Any, depth: int) -> None:
        for each in inner:
            if each.tag in _HIDDEN or each.tag == _BOX or depth > _MAX_DEPTH:
                continue
            if each.tag in (_TEXT, _MATH):
                parts.append(each.text or "")
            elif each.tag == _TAB:
                parts.append("\t")
            elif each.tag in (_BREAK, _CR):
                parts.append("\n")
            else:
                walk(each, depth + 1)

    walk(element, 0)
    return "".join(parts)


def _rows(element: Any) -> list[list[str]]:
    """The cells of each row; one that is merged with its neighbours stands in each row and column that it takes."""
    rows: list[list[str]] = []
    above: list[str] = []
    for row in element.iterchildren(qn("w:tr")):
        cells: list[str] = []
        for cell in _cells(row):
            span = cell.find(f"{qn('w:tcPr')}/{qn('w:gridSpan')}")
            merged = cell.find(f"{qn('w:tcPr')}/{qn('w:vMerge')}")
            goes_on = merged is not None and merged.get(qn("w:val")) != "restart" and len(cells) < len(above)
            words = above[len(cells)] if goes_on else _words_of_cell(cell)
            cells += [words] * min(int(span.get(qn("w:val"), "1")) if span is not None else 1, _MAX_SPAN)
        above = cells
        if any(cells):
            rows.append(cells)
    return rows


def _cells(row: Any) -> Iterator[Any]:
    for each in row:
        if each.tag == qn("w:tc"):
            yield each
        elif each.tag == qn("w:sdt"):
            yield from each.iter(qn("w:tc"))


def _words_of_cell(cell: Any) -> str:
    return " ".join(filter(None, (_words(each).strip() for each in cell.iter(_PARAGRAPH))))
