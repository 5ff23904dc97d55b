"""Gathers headings and blocks as they come into the sections of a document."""

import re
from dataclasses import replace

from bot.knowledge.loaders.document import Block, Document, Section

_HEADING_CHARS = 100
_NO_TITLE = re.compile(
    r"(?:(?:microsoft )?(?:word|powerpoint)\b.*|(?:document|presentation|slide|文档|演示文稿|幻灯片)\s*\d*)",
    re.IGNORECASE,
)
"""What Office puts where its author put no title."""


class Outline:
    """Takes :meth:`heading`, :meth:`add` and :meth:`show` in the order of the file."""

    def __init__(self) -> None:
        self._sections: list[tuple[tuple[tuple[int, str], ...], list[Block]]] = [((), [])]
        self._path: list[tuple[int, str]] = []
        self._waiting: list[str] = []

    def heading(self, level: int, words: str) -> None:
        """What follows stands below this heading, or apart without one; the lower ``level``, the higher it is."""
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        shown = " ".join(words.split())
        self._path.append((level, shown if len(shown) <= _HEADING_CHARS else shown[: _HEADING_CHARS - 1] + "…"))
        self._sections.append((tuple(self._path), []))

    def add(self, block: Block) -> None:
        """A block below the last heading."""
        if block.text.strip():
            self._sections[-1][1].append(replace(block, figures=(*self._waiting, *block.figures)))
            self._waiting = []

    def show(self, figure: str) -> None:
        """A picture belongs to the words before it below the same heading, else to those that follow."""
        blocks = self._sections[-1][1]
        if blocks:
            blocks[-1] = replace(blocks[-1], figures=tuple(dict.fromkeys((*blocks[-1].figures, figure))))
        else:
            self._waiting.append(figure)

    def document(self, name: str, title: str = "", notes: tuple[str, ...] = ()) -> Document:
        """The document, titled by its only highest heading if everything stands below it, else ``title`` or ``name``.

        That heading is no part of the section paths.
        """
        filled = [(path, blocks) for path, blocks in self._sections if blocks]
        tops = {path[:1] for path, _ in filled}
        only = next(iter(tops)) if len(tops) == 1 else ()
        if only and only[0][0] <= 1:
            title, filled = only[0][1], [(path[1:], blocks) for path, blocks in filled]
        shown = " ".join(title.split())[:_HEADING_CHARS]
        return Document(
            title=shown if shown and not _NO_TITLE.fullmatch(shown) else name,
            sections=tuple(
                Section(path=tuple(words for _, words in path if words), blocks=tuple(blocks))
                for path, blocks in filled
            ),
            notes=notes,
        )
