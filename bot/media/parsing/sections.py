"""What a parser makes of a file: sections of text and where each stands."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self


class Place(StrEnum):
    """What a section's label counts or names; ``WHOLE`` is a file without such parts."""

    PAGE = "page"
    SLIDE = "slide"
    SHEET = "sheet"
    HEADING = "heading"
    WHOLE = "whole"


@dataclass(frozen=True, kw_only=True, slots=True)
class ParsedSection:
    """``label`` is the number of the page or slide, the name of the sheet, or the path of headings (``A › B``)."""

    place: Place
    label: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Parsed:
    """The sections in the order of the file; ``pages`` is how many pages, slides or sheets it has, 0 where it has none.

    ``cut`` tells that the file holds more than the limits let in.
    """

    sections: tuple[ParsedSection, ...]
    pages: int = 0
    cut: bool = False

    def to_json(self) -> dict[str, Any]:
        """An object that JSON can carry."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_json`. Raises ``KeyError``, ``TypeError`` or ``ValueError`` for anything else."""
        sections = tuple(
            ParsedSection(place=Place(each["place"]), label=str(each["label"]), text=str(each["text"]))
            for each in fields["sections"]
        )
        return cls(sections=sections, pages=int(fields["pages"]), cut=bool(fields["cut"]))


class Collector:
    """Gathers sections until ``max_chars`` characters are reached."""

    def __init__(self, max_chars: int) -> None:
        self._left = max_chars
        self._sections: list[ParsedSection] = []
        self.cut = False

    @property
    def full(self) -> bool:
        """Whether nothing more is taken."""
        return self._left <= 0

    def add(self, place: Place, label: str, text: str) -> None:
        """Take a section, or as much of it as fits; one without words is none."""
        words = text.replace("\0", "").strip()
        if not words:
            return
        if len(words) > self._left:
            words, self.cut = words[: max(0, self._left)].rstrip(), True
        self._left -= len(words)
        if words:
            self._sections.append(ParsedSection(place=place, label=label, text=words))

    def parsed(self, pages: int = 0, *, cut: bool = False) -> Parsed:
        """What was gathered."""
        return Parsed(sections=tuple(self._sections), pages=pages, cut=cut or self.cut)
