"""What is made of a file that somebody sent: a document, and how it is counted."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

from bot.knowledge.loaders import Block, BlockKind, Document, Section


class Unit(StrEnum):
    """What a file has as its parts, and people count or name; ``NONE`` for a file without."""

    PAGE = "page"
    SLIDE = "slide"
    SHEET = "sheet"
    NONE = "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class Parsed:
    """A file as a document. It has ``count`` parts of the kind ``unit``, 0 where that is not known. ``cut`` says that
    not all of it was read."""

    document: Document
    unit: Unit = Unit.NONE
    count: int = 0
    cut: bool = False

    @property
    def text(self) -> str:
        """Every word of it, headings among them, the cells of a row parted by blanks."""
        pieces = [self.document.title]
        for section in self.document.sections:
            pieces += section.path
            pieces += (_plain(block) for block in section.blocks)
        return "\n".join(pieces)

    def to_json(self) -> dict[str, Any]:
        """An object that JSON can carry."""
        return {
            "document": self.document.to_json(),
            "unit": self.unit.value,
            "count": self.count,
            "cut": self.cut,
        }

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_json`. Raises ``KeyError``, ``TypeError`` or ``ValueError`` for anything else."""
        return cls(
            document=Document.from_json(fields["document"]),
            unit=Unit(fields["unit"]),
            count=int(fields["count"]),
            cut=bool(fields["cut"]),
        )


def within(document: Document, max_chars: int) -> tuple[Document, bool]:
    """``document`` up to so many characters, and whether something was left out."""
    left, sections, cut = max_chars, [], False
    for section in document.sections:
        blocks: list[Block] = []
        for block in section.blocks:
            text = block.text[: max(0, left)]
            cut = cut or len(text) < len(block.text)
            left -= len(block.text)
            if text.strip():
                units = tuple(unit for unit in block.units if unit < len(text))
                blocks.append(replace(block, text=text, units=units))
        if blocks:
            sections.append(Section(path=section.path, blocks=tuple(blocks)))
    return replace(document, sections=tuple(sections)), cut


def _plain(block: Block) -> str:
    if block.kind is not BlockKind.TABLE:
        return block.text
    rows = (line for line in block.text.splitlines() if line.strip(" |-:"))
    return "\n".join(" ".join(line.replace("|", " ").split()) for line in rows)
