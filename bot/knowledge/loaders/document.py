"""What a loader makes of a file, and the bounds it keeps."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadLimits:
    """Bounds on what one file may bring in.

    ``file_bytes`` is the size of a file of text in bytes, ``large_bytes`` that of the other kinds; ``rows`` the number
    of rows of a FAQ table without its header, ``question_chars`` and ``answer_chars`` the length of a cell in
    characters, ``similar`` the number of similar questions of one row; ``pages`` the number of pages of a PDF.
    """

    file_bytes: int = 10 * 1024 * 1024
    large_bytes: int = 200 * 1024 * 1024
    pages: int = 5_000
    rows: int = 20_000
    question_chars: int = 500
    answer_chars: int = 8_000
    similar: int = 100


class BlockKind(StrEnum):
    """How a block may be divided: prose between sentences, the others between the lines that begin a unit."""

    PROSE = "prose"
    LIST = "list"
    TABLE = "table"
    CODE = "code"


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """One paragraph, list, table or code block in its source text.

    ``line`` is the number, from 1, of its first line in the file, ``page`` that of the page or slide it begins on; 0
    where the file has no lines or no pages. ``units`` are the offsets in ``text`` where a list item, a table row (the
    header belongs to the first) or a line of code begins; empty for prose. ``figures`` are the ids of the pictures
    that stand with it.
    """

    kind: BlockKind
    text: str
    line: int = 0
    units: tuple[int, ...] = ()
    page: int = 0
    figures: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """The blocks directly below one heading; ``path`` holds the headings from the outermost in, as plain words."""

    path: tuple[str, ...]
    blocks: tuple[Block, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A titled sequence of sections, in the order of the file; ``approval_number`` where the file itself names one.

    ``notes`` say what of the file was passed over; ``pages`` is how many pages or slides it has, 0 where that is not
    known.
    """

    title: str
    sections: tuple[Section, ...]
    approval_number: str = ""
    notes: tuple[str, ...] = ()
    pages: int = 0

    def to_json(self) -> dict[str, Any]:
        """An object that JSON can carry."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_json`. Raises ``KeyError``, ``TypeError`` or ``ValueError`` for anything else."""
        return cls(
            title=str(fields["title"]),
            sections=tuple(
                Section(
                    path=tuple(map(str, section["path"])),
                    blocks=tuple(_block(block) for block in section["blocks"]),
                )
                for section in fields["sections"]
            ),
            approval_number=str(fields["approval_number"]),
            notes=tuple(map(str, fields["notes"])),
            pages=int(fields["pages"]),
        )


def prose(text: str, *, page: int = 0, figures: Iterable[str] = ()) -> Block:
    """A paragraph."""
    return Block(kind=BlockKind.PROSE, text=text, page=page, figures=tuple(figures))


def item_list(items: Sequence[str], *, page: int = 0) -> Block:
    """A list with an item a line."""
    return Block(kind=BlockKind.LIST, text="\n".join(items), units=_starts(items), page=page)


def table(rows: Sequence[Sequence[str]], *, page: int = 0) -> Block:
    """``rows``, the first of them the header, as a table of Markdown; each row is as wide as the widest."""
    width = max(map(len, rows), default=0)
    lines = [_row(row, width) for row in rows]
    lines[1:1] = ["|" + " --- |" * width]
    head = "\n".join(lines[:3])
    return Block(kind=BlockKind.TABLE, text="\n".join(lines), units=_starts([head, *lines[3:]]), page=page)


def _row(cells: Sequence[str], width: int) -> str:
    shown = [" ".join(cell.split()).replace("|", "\\|") for cell in cells]
    return "| " + " | ".join([*shown, *[""] * (width - len(shown))]) + " |"


def _starts(units: Sequence[str]) -> tuple[int, ...]:
    """Where each of ``units`` begins when a line end joins them."""
    starts = [0]
    for unit in units[:-1]:
        starts.append(starts[-1] + len(unit) + 1)
    return tuple(starts)


def _block(fields: dict[str, Any]) -> Block:
    return Block(
        kind=BlockKind(fields["kind"]),
        text=str(fields["text"]),
        line=int(fields["line"]),
        units=tuple(map(int, fields["units"])),
        page=int(fields["page"]),
        figures=tuple(map(str, fields["figures"])),
    )
