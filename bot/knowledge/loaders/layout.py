"""The words on a page, by where they stand, to blocks in the order in which they are read.

A page comes as spans: stretches of one line with their boxes, from a PDF or from the reader of pictures. Columns are
told by the gutter between them; lines are joined to paragraphs by their ends, their gaps and their first indent.
Coordinates are points from the top left corner.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Any

_BULLET = re.compile(
    r"\s*(?:[-•·●▪◆■□○*]\s*|[（(][0-9一二三四五六七八九十]{1,3}[)）]|[0-9]{1,2}[.、．)）](?!\d)|[①-⑳])"
)
_LEADERS = re.compile(r"(?:[.．·…]\s{0,3}){4,}\s*[0-9ivxIVX]*\s*$")
"""A line of a table of contents."""
_ASCII_END = re.compile(r"[!-~]$")
_ASCII_BEGIN = re.compile(r"[!-~]")
SOFT_HYPHEN = "\ufffe"
"""What the parser of PDF gives for a hyphen at the end of a line that belongs to no word."""

_FIRST_WORD = re.compile(r"[!-~]+")
_HEADING_CHARS = 40
_COLUMN_CHARS = 9
"""The lines of two columns of text hold more characters than this in the mean; those of a form fewer."""


@dataclass(frozen=True, slots=True)
class Box:
    """Left, top, right and bottom, in points from the top left corner of the page."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def middle(self) -> float:
        """Half way down."""
        return (self.top + self.bottom) / 2

    def with_(self, other: "Box") -> "Box":
        """The least box around both."""
        return Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def holds(self, other: "Box") -> bool:
        """Whether the centre of ``other`` lies within."""
        across = (other.left + other.right) / 2
        return self.left <= across <= self.right and self.top <= other.middle <= self.bottom


@dataclass(frozen=True, slots=True)
class Span:
    """Words that stand side by side; ``size`` is the height of their letters in points."""

    text: str
    box: Box
    size: float
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """Something that is no words: the ``rows`` of a table, or the id of a ``figure``."""

    box: Box
    rows: tuple[tuple[str, ...], ...] = ()
    figure: str = ""


@dataclass(slots=True)
class PageBlock:
    """A paragraph, a table or a figure of a page.

    ``full`` tells that its last line reaches the edge, so that it may go on at the top of the next column or page.
    ``top`` and ``bottom`` are its place as shares of the page's height.
    """

    page: int
    text: str = ""
    size: float = 0.0
    bold: bool = False
    full: bool = False
    top: float = 0.0
    bottom: float = 0.0
    rows: list[list[str]] = field(default_factory=list)
    figure: str = ""

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "PageBlock":
        """From the object that ``asdict`` makes. Raises ``KeyError``, ``TypeError`` or ``ValueError``."""
        return cls(
            page=int(fields["page"]),
            text=str(fields["text"]),
            size=float(fields["size"]),
            bold=bool(fields["bold"]),
            full=bool(fields["full"]),
            top=float(fields["top"]),
            bottom=float(fields["bottom"]),
            rows=[[str(cell) for cell in row] for row in fields["rows"]],
            figure=str(fields["figure"]),
        )


@dataclass(slots=True)
class Line:
    """The spans of one line of a column, from left to right."""

    spans: list[Span]
    box: Box

    @property
    def text(self) -> str:
        """The words, with a blank where a gap or the script asks for one."""
        whole = ""
        right = self.box.left
        for span in self.spans:
            apart = span.box.left - right > 0.25 * span.size
            whole += (" " if whole and apart and not whole.endswith(" ") else "") + span.text
            right = span.box.right
        return whole.strip()

    @property
    def size(self) -> float:
        """Of most of its letters."""
        return max(self.spans, key=lambda span: len(span.text)).size

    @property
    def bold(self) -> bool:
        """Whether all of it is."""
        return all(span.bold for span in self.spans if span.text.strip())


def blocks_of_page(
    page: int, width: float, height: float, spans: Sequence[Span], placed: Sequence[Placed]
) -> list[PageBlock]:
    """Everything on a page of this size in the order in which it is read."""
    free = [span for span in spans if not any(each.rows and each.box.holds(span.box) for each in placed)]
    blocks: list[PageBlock] = []
    for column in _columns(lines_of(free), placed, width):
        blocks += _blocks_of_column(page, height, *column)
    return blocks


def lines_of(spans: Iterable[Span]) -> list[Line]:
    """Spans that stand at one height, as lines from top to bottom; words far apart are lines of their own."""
    lines: list[Line] = []
    for span in sorted(spans, key=lambda each: (each.box.middle, each.box.left)):
        for line in reversed(lines[-12:]):
            if _beside(line.spans[0].box, span.box):
                line.spans.append(span)
                line.box = line.box.with_(span.box)
                break
        else:
            lines.append(Line([span], span.box))
    for line in lines:
        line.spans.sort(key=lambda each: each.box.left)
    return [part for line in lines for part in _parted(line)]


def _beside(box: Box, other: Box) -> bool:
    """Whether both stand at one height; the neighbour in another column may be half a line lower."""
    shared = min(box.bottom, other.bottom) - max(box.top, other.top)
    return shared > 0.6 * min(box.bottom - box.top, other.bottom - other.top)


def _parted(line: Line) -> list[Line]:
    """A line cut where a gap is wide enough for a gutter."""
    parts: list[list[Span]] = [[line.spans[0]]]
    for before, span in pairwise(line.spans):
        if span.box.left - before.box.right > max(0.7 * span.size, 6.0):
            parts.append([])
        parts[-1].append(span)
    return [Line(part, around(span.box for span in part)) for part in parts]


def around(boxes: Iterable[Box]) -> Box:
    """The least box around all of them."""
    whole: Box | None = None
    for box in boxes:
        whole = box if whole is None else whole.with_(box)
    return whole or Box(0, 0, 0, 0)


def _columns(
    lines: list[Line], placed: Sequence[Placed], width: float, depth: int = 0
) -> list[tuple[list[Line], list[Placed]]]:
    """Lines and what is placed among them, column after column; what reaches over a gutter ends the columns above."""
    gutter = _gutter(lines, width) if depth < 3 else None
    if gutter is None:
        return [(lines, list(placed))]
    wide: list[Line | Placed] = []
    sides: tuple[list[Line | Placed], list[Line | Placed]] = ([], [])
    order: list[tuple[list[Line], list[Placed]]] = []

    def close(*runs: list[Line | Placed]) -> None:
        for run in runs:
            inner = [each for each in run if isinstance(each, Line)]
            things = [each for each in run if isinstance(each, Placed)]
            if run is wide and run:
                order.append((inner, things))
            elif run:
                order.extend(_columns(inner, things, width, depth + 1))
            run.clear()

    for each in _downwards(lines, placed):
        if each.box.left < gutter < each.box.right:
            close(*sides)
            wide.append(each)
        else:
            close(wide)
            sides[each.box.left >= gutter].append(each)
    close(*sides, wide)
    return order


def _downwards(lines: Iterable[Line], placed: Iterable[Placed]) -> list[Line | Placed]:
    both: list[Line | Placed] = [*lines, *placed]
    return sorted(both, key=lambda each: each.box.top)


def _gutter(lines: list[Line], width: float) -> float | None:
    """Where two columns of running text part: few lines cross it, and on both sides stand many, full of words."""
    if len(lines) < 8:
        return None
    edges = sorted({round(line.box.left) for line in lines})
    best: tuple[float, float, float] | None = None
    for edge in edges:
        x = edge - 2.0
        left = [line for line in lines if line.box.right <= x + 1]
        right = [line for line in lines if line.box.left >= x - 1]
        crossing = len(lines) - len(left) - len(right)
        if min(len(left), len(right)) < 4 or crossing > 0.45 * len(lines):
            continue
        if any(_mean_chars(side) < _COLUMN_CHARS for side in (left, right)):
            continue
        sides = (around(line.box for line in left), around(line.box for line in right))
        overlap = min(sides[0].bottom, sides[1].bottom) - max(sides[0].top, sides[1].top)
        if overlap < 3 * median(line.size for line in lines) or sides[0].right - sides[0].left < 0.12 * width:
            continue
        candidate = (crossing, sides[0].right - sides[1].left, (sides[0].right + sides[1].left) / 2)
        best = min(best or candidate, candidate)
    return best[2] if best else None


def _mean_chars(lines: Sequence[Line]) -> float:
    return sum(len(line.text) for line in lines) / len(lines)


def rows_of(lines: Iterable[Line]) -> list[list[Line]]:
    """Lines that stand at one height together, each row from left to right, the rows from top to bottom."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda each: each.box.middle):
        if rows and _beside(rows[-1][0].box, line.box):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [sorted(row, key=lambda each: each.box.left) for row in rows]


def _blocks_of_column(page: int, height: float, lines: list[Line], placed: Sequence[Placed]) -> list[PageBlock]:
    blocks: list[PageBlock] = []
    whole = [
        Line([span for line in row for span in line.spans], around(line.box for line in row)) for row in rows_of(lines)
    ]
    edges = _Edges(
        left=min((line.box.left for line in whole), default=0.0),
        right=max((line.box.right for line in whole), default=0.0),
        gap=_usual_gap(whole),
    )
    before: Line | None = None
    for each in _downwards(whole, placed):
        top, bottom = each.box.top / height, each.box.bottom / height
        if isinstance(each, Placed):
            rows = [list(row) for row in each.rows]
            blocks.append(PageBlock(page=page, rows=rows, figure=each.figure, top=top, bottom=bottom))
            before = None
            continue
        text = each.text
        if not text or _LEADERS.search(text):
            continue
        if before is not None and _goes_on(before, each, blocks[-1], edges):
            blocks[-1].text = joined(blocks[-1].text, text)
            blocks[-1].bottom = bottom
        else:
            blocks.append(PageBlock(page=page, text=text, size=each.size, bold=each.bold, top=top, bottom=bottom))
        blocks[-1].full = each.box.right > edges.right - 2.2 * each.size
        before = each
    return blocks


@dataclass(frozen=True, kw_only=True, slots=True)
class _Edges:
    """Of a column: its sides, and the usual step from the top of a line to that of the next, all in points."""

    left: float
    right: float
    gap: float


def _usual_gap(lines: Sequence[Line]) -> float:
    steps = [below.box.top - above.box.top for above, below in pairwise(lines)]
    return median([step for step in steps if step > 2] or [0.0])


def _goes_on(before: Line, line: Line, block: PageBlock, edges: _Edges) -> bool:
    """Whether ``line`` continues the paragraph that ``before`` stands in."""
    size = before.size
    if abs(line.size - size) > 0.12 * size or line.bold != before.bold or _BULLET.match(line.text):
        return False
    if line.box.top - before.box.top > max(min(1.3 * edges.gap, 3 * size), 1.2 * size):
        return False
    indented = line.box.left > edges.left + 1.2 * size and line.box.left > before.box.left + 0.8 * size
    if indented and not block.bold and not _BULLET.match(block.text):  # it begins a paragraph
        return False
    word = _FIRST_WORD.match(line.text)
    room = 0.6 * size * len(word[0]) if word else size
    return before.box.right > edges.right - room - 1.2 * size or (block.bold and len(block.text) < _HEADING_CHARS)


def joined(text: str, more: str) -> str:
    """Two lines as one: a blank between words of the Latin script, a hyphen at the end of a line undone."""
    if text.endswith(SOFT_HYPHEN):
        return text.removesuffix(SOFT_HYPHEN) + more
    if re.search(r"[a-z]-$", text) and re.match(r"[a-z]", more):
        return text[:-1] + more
    apart = _ASCII_END.search(text) and _ASCII_BEGIN.match(more)
    return text + (" " if apart else "") + more
