"""Sheets of rows that are no FAQ table: tables with their headers, and the words that stand above them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from bot.knowledge.loaders.document import Block, Document, Section, prose, table


def document_of_rows(name: str, sheets: Iterable[tuple[str, Sequence[Sequence[str]]]]) -> Document:
    """Each sheet as a section of that name; blank rows part its tables."""
    sections = []
    for sheet, rows in sheets:
        blocks = tuple(_blocks(rows))
        if blocks:
            sections.append(Section(path=(sheet,) if sheet else (), blocks=blocks))
    return Document(title=name, sections=tuple(sections))


def _blocks(rows: Sequence[Sequence[str]]) -> Iterator[Block]:
    cells = [[" ".join(cell.split()) for cell in row] for row in rows]
    for filled, group in groupby(cells, key=any):
        if not filled:
            continue
        part = list(group)
        while part and _is_line(part[0]):  # a title or a remark above the table, or below
            yield prose(next(filter(None, part.pop(0))))
        after = []
        while part and _is_line(part[-1]):
            after.append(prose(next(filter(None, part.pop()))))
        if len(part) == 1:
            yield prose("；".join(filter(None, part[0])))
        elif part:
            yield table(_narrow(part))
        yield from reversed(after)


def _is_line(row: Sequence[str]) -> bool:
    """Whether a row says one thing: one cell, or one that is merged over several."""
    return len(set(filter(None, row))) == 1 and sum(map(bool, row)) in (1, len(row)) and len(row) > 1


def _narrow(rows: list[list[str]]) -> list[list[str]]:
    """Without columns that hold nothing."""
    width = max(map(len, rows))
    full = [row + [""] * (width - len(row)) for row in rows]
    used = [at for at in range(width) if any(row[at] for row in full)]
    return [[row[at] for at in used] for row in full]
