"""What a loader makes of a file, and the bounds it keeps."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadLimits:
    """Bounds on what one file may bring in.

    ``file_bytes`` is the size of a file in bytes, ``rows`` the number of rows of a FAQ table without its header,
    ``question_chars`` and ``answer_chars`` the length of a cell in characters, ``similar`` the number of similar
    questions of one row.
    """

    file_bytes: int = 10 * 1024 * 1024
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

    ``line`` is the number, from 1, of its first line in the file. ``units`` are the offsets in ``text`` where a list
    item, a table row (the header belongs to the first) or a line of code begins; empty for prose.
    """

    kind: BlockKind
    text: str
    line: int
    units: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """The blocks directly below one heading; ``path`` holds the headings from the outermost in, as plain words."""

    path: tuple[str, ...]
    blocks: tuple[Block, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A titled sequence of sections, in the order of the file; ``approval_number`` where the file itself names one."""

    title: str
    sections: tuple[Section, ...]
    approval_number: str = ""
