"""Tables on a page: by the lines that are drawn, and by words that stand in columns.

A table with a grid has a cell wherever drawn lines part it, so that merged cells are seen; their words stand in each
row and column they reach over, so that every row can be read alone. A table of three lines (三线表) has rows and
columns by its gaps, and so has one without any line, where at least three rows agree about the columns.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.knowledge.loaders.layout import Box, Line, Placed, Span, around, joined, lines_of, rows_of

_NEAR = 3.0
"""Points within which two lines are one."""
_LEAST_LINE = 8.0
MAX_RULES = 3_000
"""More drawn lines than this on a page are a drawing."""
_LEAST_ROWS = 3
_CLOSE = 0.9
_MOST_ALIGNED_CHARS = 14
_REACHES = 0.85
_TEXT_CHARS = 8
_MOST_CELL_CHARS = 60
"""In the mean: what is longer in columns is running text."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A drawn line: ``at`` is its height or its distance from the left, ``start`` and ``end`` where it runs."""

    at: float
    start: float
    end: float


def ruled(points: Iterable[tuple[tuple[float, float], tuple[float, float]]]) -> tuple[list[Rule], list[Rule]]:
    """The horizontal and the vertical among the lines between two points."""
    across: list[Rule] = []
    down: list[Rule] = []
    for (x0, y0), (x1, y1) in points:
        if abs(y0 - y1) <= 1 and abs(x0 - x1) >= _LEAST_LINE:
            across.append(Rule((y0 + y1) / 2, min(x0, x1), max(x0, x1)))
        elif abs(x0 - x1) <= 1 and abs(y0 - y1) >= _LEAST_LINE / 2:
            down.append(Rule((x0 + x1) / 2, min(y0, y1), max(y0, y1)))
    return across, down


def tables(spans: Sequence[Span], across: list[Rule], down: list[Rule], height: float) -> list[Placed]:
    """Every table of a page of this height."""
    if len(across) + len(down) > MAX_RULES:
        across, down = [], []
    found = _gridded(spans, across, down)
    rest = [span for span in spans if not any(table.box.holds(span.box) for table in found)]
    loose = [rule for rule in across if not any(_within(rule, table.box) for table in found)]
    found += _three_lined(rest, loose, height)
    rest = [span for span in rest if not any(table.box.holds(span.box) for table in found)]
    return found + _aligned(rest)


def _within(rule: Rule, box: Box) -> bool:
    return box.top - _NEAR <= rule.at <= box.bottom + _NEAR and rule.start < box.right and rule.end > box.left


def _gridded(spans: Sequence[Span], across: list[Rule], down: list[Rule]) -> list[Placed]:
    found = []
    for rows, columns in _connected(across, down):
        ys, xs = _places(rows), _places(columns)
        if len(ys) < 3 or len(xs) < 3:  # a frame, or a line beside a paragraph
            continue
        box = Box(xs[0], ys[0], xs[-1], ys[-1])
        inside = [span for span in spans if box.holds(span.box)]
        cells = _cells(inside, ys, xs, rows, columns)
        if sum(any(row) for row in cells) > 1 and sum(any(column) for column in zip(*cells, strict=True)) > 1:
            found.append(Placed(box, rows=_tidy(cells)))
    return found


def _connected(across: list[Rule], down: list[Rule]) -> list[tuple[list[Rule], list[Rule]]]:
    """Lines that touch, as one group a table."""
    groups: list[tuple[list[Rule], list[Rule]]] = []
    for rule in down:
        touching = [group for group in groups if any(_touch(rule, each) for each in group[0])]
        fresh = [each for each in across if _touch(rule, each)]
        merged = ([*fresh], [rule])
        for group in touching:
            merged[0].extend(group[0])
            merged[1].extend(group[1])
            groups.remove(group)
        groups.append((list(dict.fromkeys(merged[0])), list(dict.fromkeys(merged[1]))))
    return groups


def _touch(down: Rule, across: Rule) -> bool:
    return across.start - _NEAR <= down.at <= across.end + _NEAR and down.start - _NEAR <= across.at <= down.end + _NEAR


def _places(rules: Iterable[Rule]) -> list[float]:
    """Where the lines stand, those that are near each other as one."""
    places: list[float] = []
    for at in sorted(rule.at for rule in rules):
        if not places or at - places[-1] > _NEAR:
            places.append(at)
    return places


def _cells(
    spans: Sequence[Span], ys: list[float], xs: list[float], rows: list[Rule], columns: list[Rule]
) -> list[list[str]]:
    """The words between the lines; a cell that is not parted from its neighbour has the neighbour's words too."""
    height, width = len(ys) - 1, len(xs) - 1
    owner = {(row, column): (row, column) for row in range(height) for column in range(width)}

    def root(cell: tuple[int, int]) -> tuple[int, int]:
        while owner[cell] != cell:
            cell = owner[cell]
        return cell

    for row in range(height):
        for column in range(width):
            y, x = (ys[row] + ys[row + 1]) / 2, (xs[column] + xs[column + 1]) / 2
            if column and not _parts(columns, xs[column], y):
                owner[root((row, column))] = root((row, column - 1))
            if row and not _parts(rows, ys[row], x):
                owner[root((row, column))] = root((row - 1, column))
    held: dict[tuple[int, int], list[Span]] = {}
    for span in spans:
        row = sum(span.box.middle > y for y in ys[1:-1])
        column = sum((span.box.left + span.box.right) / 2 > x for x in xs[1:-1])
        held.setdefault(root((row, column)), []).append(span)
    words = {cell: _words(inside) for cell, inside in held.items()}
    return [[words.get(root((row, column)), "") for column in range(width)] for row in range(height)]


def _parts(rules: list[Rule], at: float, across: float) -> bool:
    return any(abs(rule.at - at) <= _NEAR and rule.start - 1 <= across <= rule.end + 1 for rule in rules)


def _words(spans: Sequence[Span]) -> str:
    whole = ""
    for line in lines_of(spans):
        whole = joined(whole, line.text) if whole else line.text
    return whole


def _three_lined(spans: Sequence[Span], across: list[Rule], height: float) -> list[Placed]:
    """At least three lines of one width below each other, with rows between them."""
    found: list[Placed] = []
    rules = sorted(across, key=lambda rule: rule.at)
    while rules:
        first = rules[0]
        same = [rule for rule in rules if abs(rule.start - first.start) < 6 and abs(rule.end - first.end) < 6]
        rules = [rule for rule in rules if rule not in same]
        ys = _places(same)
        if len(ys) < 3 or ys[-1] - ys[0] > 0.85 * height:
            continue
        box = Box(first.start - _NEAR, ys[0], first.end + _NEAR, ys[-1])
        table = _by_gaps(rows_of(lines_of(span for span in spans if box.holds(span.box))), box)
        if table:
            found.append(table)
    return found


def _by_gaps(rows: list[list[Line]], box: Box) -> Placed | None:
    """The rows of a table whose columns are the stretches that no word reaches over."""
    if len(rows) < 2:
        return None
    columns: list[list[float]] = []
    for left, right in sorted((line.box.left, line.box.right) for row in rows for line in row):
        if columns and left < columns[-1][1] + 2:
            columns[-1][1] = max(columns[-1][1], right)
        else:
            columns.append([left, right])
    if len(columns) < 2:
        return None
    cells: list[list[str]] = []
    for row in rows:
        words = [""] * len(columns)
        for line in row:
            at = sum(line.box.left > column[1] for column in columns)
            words[at] = f"{words[at]} {line.text}".strip()
        if not words[0] and len(cells) > 1:  # the rest of a row whose cells have several lines
            cells[-1] = [f"{above}{below}" for above, below in zip(cells[-1], words, strict=True)]
        else:
            cells.append(words)
    full = [cell for row in cells for cell in row if cell]
    if len(cells) < 2 or len(full) < 1.5 * len(cells) or sum(map(len, full)) > _MOST_CELL_CHARS * len(full):
        return None
    return Placed(box, rows=_tidy(cells))


def _aligned(spans: Sequence[Span]) -> list[Placed]:
    """Three rows or more, one below the other, of as many short cells each, whose columns do not overlap."""
    rows = rows_of(lines_of(spans))
    found: list[Placed] = []
    start = 0
    while start < len(rows):
        full, end = [rows[start]], start + 1
        while end < len(rows):
            if _same_shape(full[-1], rows[end]):
                full.append(rows[end])
            elif not _goes_on(full, rows[end], rows[end - 1]):
                break
            end += 1
        if len(full) >= _LEAST_ROWS and (table := _table_of(full, rows[start:end])):
            found.append(table)
        start = end
    return found


def _table_of(full: list[list[Line]], rows: list[list[Line]]) -> Placed | None:
    """``rows`` as a table where those that are ``full`` have short cells, as many as there are columns."""
    lines = [line for row in rows for line in row]
    if sum(len(line.text) for line in lines) > _MOST_ALIGNED_CHARS * len(lines) or _is_running(full):
        return None
    box = around(line.box for line in lines)
    table = _by_gaps(rows, Box(box.left - 1, box.top, box.right + 1, box.bottom))
    return table if table and len(table.rows[0]) == len(full[0]) else None


def _is_running(rows: list[list[Line]]) -> bool:
    """Whether these are the lines of columns of text: most of them reach from side to side."""
    reaching = 0
    for column in zip(*rows, strict=True):
        widths = [line.box.right - line.box.left for line in column]
        chars = sum(len(line.text) for line in column) / len(column)
        whole = sum(width > _REACHES * max(widths) for width in widths)
        reaching += chars >= _TEXT_CHARS and whole > 0.6 * len(widths)
    return reaching > 1


def _goes_on(full: list[list[Line]], row: list[Line], above: list[Line]) -> bool:
    """Whether a row is the rest of the one above it: its words stand close below, and none in the first column."""
    size = row[0].size
    near = row[0].box.top - above[-1].box.bottom < _CLOSE * size
    return len(full) > 1 and near and len(row) < len(full[0]) and row[0].box.left > full[-1][0].box.right


def _same_shape(above: list[Line], below: list[Line]) -> bool:
    if len(above) != len(below) or len(above) < 2 or below[0].box.top - above[0].box.bottom > 2 * below[0].size:
        return False
    return all(a.box.left < b.box.right and b.box.left < a.box.right for a, b in zip(above, below, strict=True))


def _tidy(cells: list[list[str]]) -> tuple[tuple[str, ...], ...]:
    """Without rows and columns that hold nothing."""
    rows = [row for row in cells if any(row)]
    used = [at for at in range(len(rows[0])) if any(row[at] for row in rows)]
    return tuple(tuple(row[at] for at in used) for row in rows)
