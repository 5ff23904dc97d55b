"""PowerPoint files (.pptx): a section a slide, with its title, texts, tables, the numbers of charts, and its notes.

Runs in the confined child. Shapes are read from the top down, since a file keeps them in the order of their making.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

from lxml import etree
from pptx import Presentation
from pptx.exc import PackageNotFoundError

from bot.errors import KnowledgeError
from bot.knowledge.loaders.document import Block, Document, prose, table
from bot.knowledge.loaders.layout import blocks_of_page
from bot.knowledge.loaders.outline import Outline
from bot.knowledge.loaders.pictures import FigureFolder, opened, spans_of

_WORDS = "{http://schemas.openxmlformats.org/drawingml/2006/main}t"
_DIAGRAM = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}dm"
_FEW_CHARS = 30
"""A slide with fewer and a picture has its words in the picture."""
READ_PICTURES = 60


def load_slides(path: Path, name: str, figures: FigureFolder, pictures: int = READ_PICTURES) -> Document:
    """``pictures`` is how many slides that are pictures may be read: each takes seconds.

    Raises :class:`~bot.errors.KnowledgeError` for what is no PowerPoint file.
    """
    try:
        with path.open("rb") as file:
            deck = Presentation(file)
    except (PackageNotFoundError, KeyError, ValueError) as error:
        raise KnowledgeError("it is damaged or no PowerPoint file: save it again as .pptx") from error
    return _Reader(figures, pictures).read(deck, name)


class _Reader:
    def __init__(self, figures: FigureFolder, pictures: int) -> None:
        self._figures = figures
        self._outline = Outline()
        self._left = pictures
        self._unread = 0

    def read(self, deck: Any, name: str) -> Document:
        """All slides."""
        for number, slide in enumerate(deck.slides, 1):
            self._slide(number, slide)
        notes = (f"{self._unread} slides that are pictures were not read",) if self._unread else ()
        document = self._outline.document(name, deck.core_properties.title or "", notes)
        return replace(document, pages=len(deck.slides))

    def _slide(self, number: int, slide: Any) -> None:
        title = slide.shapes.title
        heading = title.text_frame.text.strip() if title is not None and title.has_text_frame else ""
        self._outline.heading(2, heading)
        shapes = [shape for shape in slide.shapes if title is None or shape.shape_id != title.shape_id]
        blocks = [block for shape in _in_order(shapes) for block in _blocks(shape, number)]
        pictures = list(_leaves(shapes))
        if sum(len(block.text) for block in blocks) < _FEW_CHARS:
            blocks += self._words_of(pictures, number)
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            blocks.append(prose(slide.notes_slide.notes_text_frame.text.strip(), page=number))
        if not any(block.text.strip() for block in blocks) and heading:
            blocks.append(prose(heading, page=number))
        for block in blocks:
            self._outline.add(block)
        for shape in pictures:
            if id_ := self._figures.keep_bytes(shape.image.blob):
                self._outline.show(id_)

    def _words_of(self, pictures: list[Any], number: int) -> list[Block]:
        found: list[Block] = []
        for shape in pictures:
            if self._left <= 0:
                self._unread += 1
                break
            try:
                picture = opened(BytesIO(shape.image.blob))
            except KnowledgeError:  # a drawing in a format that is not shown either
                continue
            self._left -= 1
            spans = spans_of(picture, 1.0)
            found += [
                prose(block.text, page=number)
                for block in blocks_of_page(number, picture.width, picture.height, spans, [])
            ]
        return found


def _in_order(shapes: Iterable[Any]) -> list[Any]:
    return sorted(shapes, key=lambda shape: (shape.top or 0, shape.left or 0))


def _leaves(shapes: Iterable[Any]) -> Iterator[Any]:
    for shape in shapes:
        inner = getattr(shape, "shapes", None)
        if inner is not None:
            yield from _leaves(inner)
        elif _has_image(shape):
            yield shape


def _has_image(shape: Any) -> bool:
    try:
        return shape.image is not None
    except (AttributeError, ValueError, KeyError):  # a placeholder without one, or a picture that is linked
        return False


def _blocks(shape: Any, number: int) -> Iterator[Block]:
    for inner in _in_order(getattr(shape, "shapes", ())):
        yield from _blocks(inner, number)
    if getattr(shape, "has_table", False):
        rows = [[cell.text for cell in row.cells] for row in shape.table.rows]
        rows = [row for row in rows if any(cell.strip() for cell in row)]
        yield (
            table(rows, page=number) if len(rows) > 1 else prose(" ".join(map(str, *rows)) if rows else "", page=number)
        )
    elif getattr(shape, "has_chart", False):
        yield from _chart(shape.chart, number)
    elif shape.has_text_frame:
        lines = [paragraph.text.strip() for paragraph in shape.text_frame.paragraphs]
        yield prose("\n".join(filter(None, lines)), page=number)
    else:
        yield from _diagram(shape, number)


def _chart(chart: Any, number: int) -> Iterator[Block]:
    """The numbers that a chart shows, as a table."""
    heading = chart.chart_title.text_frame.text if chart.has_title and chart.chart_title.has_text_frame else ""
    for plot in chart.plots:
        series = list(plot.series)
        rows = [[heading, *(each.name for each in series)]]
        for at, category in enumerate(plot.categories):
            values = [each.values[at] if at < len(each.values) else None for each in series]
            rows.append([str(category), *("" if value is None else f"{value:g}" for value in values)])
        if len(rows) > 1:
            yield table(rows, page=number)


def _diagram(shape: Any, number: int) -> Iterator[Block]:
    """The words of SmartArt, which lie in a part of their own."""
    for reference in shape._element.iter(f"{{{_DIAGRAM}}}relIds"):
        part = shape.part.related_part(reference.get(_RELATION))
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        words = [each.text or "" for each in etree.fromstring(part.blob, parser).iter(_WORDS)]
        yield prose("\n".join(filter(None, words)), page=number)
