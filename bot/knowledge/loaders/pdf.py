"""The pages of a PDF, by pdfium: words with their places, drawn lines, pictures; a scan by the reader of pictures.

Runs in the confined child. The text of a page is put together by :mod:`bot.knowledge.loaders.layout`, since pdfium
gives letters in the order in which they were drawn.
"""

import ctypes
import math
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from bot.errors import KnowledgeError
from bot.knowledge.loaders.grid import MAX_RULES, ruled, tables
from bot.knowledge.loaders.layout import Box, PageBlock, Placed, Span, blocks_of_page
from bot.knowledge.loaders.pictures import FigureFolder, spans_of
from bot.knowledge.loaders.refusals import Encrypted

_PAUSE = 0.9
"""Of the size of a letter: a wider gap ends a span."""
_FEW_CHARS = 12
"""A page with fewer and a picture is a scan."""
_BROKEN_SHARE = 0.3
"""A page of which more letters cannot be told is read as a picture."""
_FIGURE_SHARE = 0.03
"""Of the page: what is smaller is an ornament."""
_LARGE_SHARE = 0.4
_BOLD_WEIGHT = 600
_SCAN_PIXELS = 2048
_NO_ANGLE = 0.1
_LETTERS_LOOKED_AT = 200
MAX_TITLES = 5_000


def open_pdf(path: Path) -> pypdfium2.PdfDocument:
    """Raises :class:`~bot.errors.KnowledgeError` for one that is encrypted or no PDF."""
    try:
        return pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if error.err_code == pdfium.FPDF_ERR_PASSWORD:
            raise Encrypted() from error
        raise KnowledgeError("it is damaged or cut off: save or download it again") from error


def outline(document: pypdfium2.PdfDocument) -> list[tuple[int, int, str]]:
    """The bookmarks as (page from 1, level from 0, title)."""
    titles: list[tuple[int, int, str]] = []
    for mark in document.get_toc(max_depth=6):
        place = mark.get_dest()
        at = place.get_index() if place else None
        if at is not None and len(titles) < MAX_TITLES:
            titles.append((at + 1, mark.level, mark.get_title()[:200]))
    return titles


def read_pages(path: Path, first: int, last: int, seconds: float, figures: FigureFolder) -> dict[str, Any]:
    """The blocks of the pages ``first`` to ``last``, from 1, and the page that follows: earlier when ``seconds`` of
    processor time were over, so that a child's life stays bounded however many scans it meets."""
    document = open_pdf(path)
    blocks: list[dict[str, Any]] = []
    number = first
    while number <= last:
        blocks += map(asdict, blocks_of(document, number, figures))
        number += 1
        if time.process_time() > seconds:
            break
    return {"blocks": blocks, "next": number}


def blocks_of(
    document: pypdfium2.PdfDocument, number: int, figures: FigureFolder, *, scans: bool = True
) -> list[PageBlock]:
    """The blocks of the page ``number``, from 1; without ``scans`` none of one that has to be read as a picture."""
    page = document[number - 1]
    try:
        return _Page(number, page, figures).blocks(scans=scans)
    finally:
        page.close()


class _Page:
    """One page. Its coordinates are turned so that most of its letters stand upright, from the top left corner."""

    def __init__(self, number: int, page: pypdfium2.PdfPage, figures: FigureFolder) -> None:
        self._number = number
        self._page = page
        self._figures = figures
        self._text = page.get_textpage()
        self._turn = _turn_of(self._text)
        self._sheet = page.get_cropbox()
        left, bottom, right, top = self._sheet
        sides = (right - left, top - bottom)
        self._width, self._height = sides if self._turn in (0, 180) else sides[::-1]

    def blocks(self, *, scans: bool) -> list[PageBlock]:
        """All of it in reading order."""
        spans = list(self._spans())
        pictures = self._pictures()
        if self._is_scan(spans, pictures):
            return self._scanned() if scans else []
        across, down = ruled(self._drawn())
        placed = tables(spans, across, down, self._height)
        placed += [Placed(box, figure=id_) for box, image in pictures if (id_ := self._figures.keep_image(image))]
        return blocks_of_page(self._number, self._width, self._height, spans, placed)

    def _is_scan(self, spans: list[Span], pictures: list[tuple[Box, Any]]) -> bool:
        words = "".join(span.text for span in spans)
        letters = [each for each in words if not each.isspace()]
        covered = max(((box.right - box.left) * (box.bottom - box.top) for box, _ in pictures), default=0.0)
        if len(letters) < _FEW_CHARS:
            return bool(covered > _LARGE_SHARE * self._width * self._height)
        return sum(each == "\ufffd" or "\ue000" <= each <= "\uf8ff" for each in letters) > _BROKEN_SHARE * len(letters)

    def _scanned(self) -> list[PageBlock]:
        width, height = self._page.get_size()
        scale = _SCAN_PIXELS / max(width, height)
        image = self._page.render(scale=scale).to_pil()
        spans = spans_of(image, 1 / scale)
        found = blocks_of_page(self._number, width, height, spans, tables(spans, [], [], height))
        if id_ := self._figures.keep(image):
            found.append(PageBlock(page=self._number, figure=id_, top=1.0, bottom=1.0))
        return found

    def _spans(self) -> Iterator[Span]:
        letters: list[str] = []
        box: Box | None = None
        size, bold = 0.0, False
        for letter, place in self._letters():
            if place is None:
                if letters and letter == " ":
                    letters.append(letter)
                continue
            height = place.bottom - place.top
            if box is not None and _apart(box, place, size):
                yield Span("".join(letters).strip(), box, size, bold)
                letters, box = [], None
            if box is None:
                size, bold = height, self._bold
                box = place
            letters.append(letter)
            box = box.with_(place)
        if box is not None:
            yield Span("".join(letters).strip(), box, size, bold)

    def _letters(self) -> Iterator[tuple[str, Box | None]]:
        """Every letter with its box; blanks, which may have none, without."""
        handle, rect = self._text.raw, pdfium.FS_RECTF()
        for at in range(self._text.count_chars()):
            letter = chr(pdfium.FPDFText_GetUnicode(handle, at))
            if letter in "\r\n\0" or letter.isspace():
                yield " ", None
                continue
            angle = pdfium.FPDFText_GetCharAngle(handle, at) + math.radians(self._turn)
            if abs(math.remainder(angle, 2 * math.pi)) > _NO_ANGLE:  # a watermark, or a note up the margin
                continue
            if not pdfium.FPDFText_GetLooseCharBox(handle, at, rect):
                continue
            place = self._box(rect.left, rect.bottom, rect.right, rect.top)
            self._bold = pdfium.FPDFText_GetFontWeight(handle, at) >= _BOLD_WEIGHT
            yield letter, place

    _bold = False
    """Of the letter just read."""

    def _box(self, left: float, bottom: float, right: float, top: float) -> Box:
        (x0, y0), (x1, y1) = self._point(left, bottom), self._point(right, top)
        return Box(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))

    def _point(self, x: float, y: float) -> tuple[float, float]:
        left, bottom, right, top = self._sheet
        if self._turn == 90:
            return y - bottom, x - left
        if self._turn == 180:
            return right - x, y - bottom
        if self._turn == 270:
            return top - y, right - x
        return x - left, top - y

    def _pictures(self) -> list[tuple[Box, Any]]:
        found = []
        for image in self._page.get_objects(filter=(pdfium.FPDF_PAGEOBJ_IMAGE,), max_depth=3):
            box = self._box(*image.get_bounds())
            if (box.right - box.left) * (box.bottom - box.top) > _FIGURE_SHARE * self._width * self._height:
                found.append((box, image))
        return found

    def _drawn(self) -> list[tuple[tuple[float, float], tuple[float, float]]]:
        """The straight lines that are drawn, as pairs of points; none where there are too many to be a table's."""
        lines: list[tuple[tuple[float, float], tuple[float, float]]] = []
        for drawn in self._page.get_objects(filter=(pdfium.FPDF_PAGEOBJ_PATH,), max_depth=2):
            lines += self._segments(drawn)
            if len(lines) > 4 * MAX_RULES:
                return []
        return lines

    def _segments(self, drawn: Any) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
        a, b, c, d, e, f = drawn.get_matrix().get()
        x, y = ctypes.c_float(), ctypes.c_float()
        start = before = (0.0, 0.0)
        for at in range(min(pdfium.FPDFPath_CountSegments(drawn), MAX_RULES)):
            segment = pdfium.FPDFPath_GetPathSegment(drawn, at)
            pdfium.FPDFPathSegment_GetPoint(segment, x, y)
            point = self._point(a * x.value + c * y.value + e, b * x.value + d * y.value + f)
            kind = pdfium.FPDFPathSegment_GetType(segment)
            if kind == pdfium.FPDF_SEGMENT_MOVETO:
                start = point
            elif kind == pdfium.FPDF_SEGMENT_LINETO:
                yield before, point
            if pdfium.FPDFPathSegment_GetClose(segment):
                yield point, start
            before = point


def _turn_of(text: pypdfium2.PdfTextPage) -> int:
    """How far most letters of a page are turned: 0, 90, 180 or 270 degrees against the clock."""
    turns = Counter(
        round(-math.degrees(pdfium.FPDFText_GetCharAngle(text.raw, at)) / 90) % 4 * 90
        for at in range(0, text.count_chars(), max(1, text.count_chars() // _LETTERS_LOOKED_AT))
    )
    return turns.most_common(1)[0][0] if turns else 0


def _apart(box: Box, place: Box, size: float) -> bool:
    """Whether a letter belongs to another span: another line, a gap, a step back, or another size."""
    height = place.bottom - place.top
    off = abs(place.middle - box.middle) > 0.5 * max(size, height)
    gap = place.left - box.right
    return off or gap > _PAUSE * size or gap < -1.5 * size or abs(height - size) > 0.25 * size
