"""The blocks of pages to a document: running heads go, headings become the section path, paragraphs go on over pages.

A heading is what the file's own outline names on that page, what is set larger than the running text, or what is bold
among text that is not. How deep it is follows from the outline, else from its size and its numbering.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from bot.knowledge.loaders.document import Block, Document, Section, prose, table
from bot.knowledge.loaders.layout import SOFT_HYPHEN, PageBlock, joined

_MARGIN = 0.12
"""Running heads stand in this share of a page, at its top or bottom."""
_NEAR_EDGE = 0.2
"""A table that goes on begins in this share of the next page."""
_LEAST_PAGES = 3
_RUNNING_CHARS = 80
_PAGE_NUMBER = re.compile(
    r"[-–—\s]*(?:第\s*)?(?:\d{1,4}|[ivxIVX]{1,6})(?:\s*页)?(?:\s*[/／|]\s*(?:共\s*)?\d{1,4}(?:\s*页)?)?[-–—\s]*"
)
_HEADING_CHARS = 60
_LARGER = 1.1
_AS_LARGE = 0.97
_TITLE = 1.3
"""Words so much larger than the usual are no running head, and on the first page the title."""
_SENTENCE_END = re.compile(r"[。；;，,！!：:]$|[^.]\.$")
_NUMBERS = (
    re.compile(r"第\s*[0-9一二三四五六七八九十百]+\s*[编篇部]"),
    re.compile(r"第\s*[0-9一二三四五六七八九十百]+\s*章|(?:Chapter|CHAPTER)\s"),
    re.compile(r"第\s*[0-9一二三四五六七八九十百]+\s*节"),
    re.compile(r"[一二三四五六七八九十]{1,3}\s*、|[0-9]{1,2}[.．、]?\s*(?![0-9.．])"),
    re.compile(r"[（(][一二三四五六七八九十]{1,3}[)）]|[0-9]{1,2}[.．][0-9]{1,2}(?![0-9.．])"),
    re.compile(r"[0-9]{1,2}(?:[.．][0-9]{1,2}){2,}"),
)
_CHAPTER = re.compile(r"第\s*[0-9一二三四五六七八九十百]+\s*[编篇部章节]\s*\S|[一二三四五六七八九十]{1,3}、\S")
_BEGINS_ANEW = re.compile(
    r"\s*(?:[-•·●▪◆■*]|[（(]?[0-9一二三四五六七八九十]{1,3}[)）、．]|第\s*[0-9一二三四五六七八九十]+\s*[条章节])"
)


@dataclass(frozen=True, slots=True)
class Title:
    """A bookmark of the file: the page it leads to, its depth from 0, its words."""

    page: int
    level: int
    text: str


def document_of(blocks: Sequence[PageBlock], titles: Iterable[Title], *, name: str, pages: int) -> Document:
    """``blocks`` of a file of so many ``pages`` as a document, titled by its one largest heading, else ``name``."""
    kept = _without_ornaments(_without_running_heads(blocks, pages), pages)
    for block in kept:
        block.text = _clean(block.text)
    headings = _headings(kept, list(titles))
    title = _title_at(kept, headings)
    if title is not None:  # it stands above everything, and in no path
        name = kept[title].text
        kept[title].text = ""
        headings.pop(title, None)
    return Document(title=name, sections=tuple(_sections(kept, headings)), pages=pages)


def _without_running_heads(blocks: Sequence[PageBlock], pages: int) -> list[PageBlock]:
    """Without what stands at the edge of several pages with no more than its digits changed, and page numbers; a page
    that has nothing else keeps it."""
    usual = median([block.size for block in blocks if block.text] or [0.0])
    edges = [block for block in blocks if block.text and _at_edge(block) and block.size < _TITLE * usual]
    with_text = {block.page for block in blocks if block.rows or (block.text and not _at_edge(block))}
    seen = Counter(key for key, _page in {(_without_digits(block.text), block.page) for block in edges})
    often = min(_LEAST_PAGES, max(2, pages))

    def is_running(block: PageBlock) -> bool:
        repeated = seen[_without_digits(block.text)] >= often and len(block.text) < _RUNNING_CHARS
        return bool(_PAGE_NUMBER.fullmatch(block.text)) or (repeated and block.page in with_text)

    drop = {id(block) for block in edges if is_running(block)}
    return [block for block in blocks if id(block) not in drop]


def _at_edge(block: PageBlock) -> bool:
    return block.bottom < _MARGIN or block.top > 1 - _MARGIN


def _without_digits(text: str) -> str:
    return re.sub(r"[0-9\s]+", "", text)


def _without_ornaments(blocks: Sequence[PageBlock], pages: int) -> list[PageBlock]:
    """Without pictures that stand on a third of many pages, such as a logo."""
    seen = Counter(figure for figure, _page in {(block.figure, block.page) for block in blocks if block.figure})
    return [block for block in blocks if not block.figure or seen[block.figure] < max(_LEAST_PAGES, pages / 3)]


def _clean(text: str) -> str:
    return unicodedata.normalize("NFC", text.replace(SOFT_HYPHEN, "-").replace("\0", "").replace("\u00ad", ""))


def _headings(blocks: Sequence[PageBlock], titles: list[Title]) -> dict[int, tuple[float, int]]:
    """For each heading, by its place among ``blocks``, how deep it is: the greater, the deeper."""
    letters: Counter[float] = Counter()
    bold = plain = 0
    for block in blocks:
        letters[round(block.size * 2) / 2] += len(block.text)
        bold += len(block.text) * block.bold
        plain += len(block.text) * (not block.bold)
    body = letters.most_common(1)[0][0] if letters else 0.0
    marked = {(title.page, _key(title.text)): title.level for title in titles}
    found: dict[int, tuple[float, int]] = {}
    for at, block in enumerate(blocks):
        if not block.text or len(block.text) > 2 * _HEADING_CHARS:
            continue
        level = marked.get((block.page, _key(block.text)))
        if level is not None:
            found[at] = (-1000.0, level)
        elif not titles and len(block.text) <= _HEADING_CHARS and not _SENTENCE_END.search(block.text):
            larger = block.size > _LARGER * body
            stands_out = block.bold and plain > 2 * bold
            if larger or stands_out or (_CHAPTER.match(block.text) and len(block.text) <= _HEADING_CHARS // 2):
                found[at] = (-round(max(block.size, body)), _depth(block.text))
    return found


def _key(title: str) -> str:
    return "".join(unicodedata.normalize("NFKC", title).casefold().split())


def _depth(text: str) -> int:
    return next((depth for depth, number in enumerate(_NUMBERS) if number.match(text)), len(_NUMBERS))


def _title_at(blocks: Sequence[PageBlock], headings: dict[int, tuple[float, int]]) -> int | None:
    """The place of the title: the largest words of the first page when nothing else is as large."""
    worded = [block for block in blocks if block.text]
    first = [at for at, block in enumerate(blocks) if block.text and block.page == worded[0].page]
    if len(worded) < 2 and not any(block.rows for block in blocks):
        return None
    if not first:
        return None
    largest = max(first, key=lambda at: blocks[at].size)
    size, usual = blocks[largest].size, median(block.size for block in worded)
    alone = sum(block.size > _AS_LARGE * size for block in worded) == 1
    large = largest in headings or (size > _TITLE * usual and len(blocks[largest].text) <= _HEADING_CHARS)
    return largest if alone and large else None


def _sections(blocks: Sequence[PageBlock], headings: dict[int, tuple[float, int]]) -> Iterable[Section]:
    path: list[tuple[tuple[float, int], str]] = []
    gathered = _Gathered()
    for at, block in enumerate(blocks):
        depth = headings.get(at)
        if depth is None:
            gathered.add(block)
            continue
        if gathered.blocks:
            yield Section(path=tuple(words for _, words in path), blocks=tuple(gathered.blocks))
        gathered.begin_section()
        while path and path[-1][0] >= depth:
            path.pop()
        path.append((depth, " ".join(block.text.split())))
    gathered.end()
    if gathered.blocks:
        yield Section(path=tuple(words for _, words in path), blocks=tuple(gathered.blocks))


class _Gathered:
    """The blocks of a section, and what the next one may go on from."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._before: PageBlock | None = None
        self._figures: list[str] = []

    def begin_section(self) -> None:
        """Start anew; pictures that found no words wait for those to come."""
        self.blocks = []
        self._before = None

    def end(self) -> None:
        """Give pictures that no words follow to those before."""
        if self._figures and self.blocks:
            self.blocks[-1] = replace(self.blocks[-1], figures=(*self.blocks[-1].figures, *self._figures))

    def add(self, block: PageBlock) -> None:
        """Take a block of a page."""
        if block.figure:
            self._show(block)
            return
        before = self._before
        if block.rows and before is not None and before.rows and _same_table(before, block):
            more = block.rows[1:] if block.rows[0] == before.rows[0] else block.rows
            before.rows.extend(more)
            before.page, before.top, before.bottom = block.page, block.top, block.bottom
            self.blocks[-1] = replace(table(before.rows), page=self.blocks[-1].page, figures=self.blocks[-1].figures)
        elif block.text and before is not None and before.text and _continues(before, block):
            self.blocks[-1] = replace(self.blocks[-1], text=joined(self.blocks[-1].text, block.text))
            self._before = block
        elif block.text or block.rows:
            made = table(block.rows) if len(block.rows) > 1 else prose(block.text or " ".join(block.rows[0]))
            self.blocks.append(replace(made, page=block.page, figures=tuple(self._figures)))
            self._figures = []
            self._before = block

    def _show(self, block: PageBlock) -> None:
        """A picture of a whole page belongs to all its words, any other to those before it."""
        if block.top >= 1.0:
            for at, held in enumerate(self.blocks):
                if held.page == block.page:
                    self.blocks[at] = replace(held, figures=(*held.figures, block.figure))
        elif self.blocks:
            self.blocks[-1] = replace(self.blocks[-1], figures=(*self.blocks[-1].figures, block.figure))
        else:
            self._figures.append(block.figure)


def _same_table(before: PageBlock, block: PageBlock) -> bool:
    """Whether a table goes on at the top of the next page."""
    follows = block.page == before.page + 1 and block.top < _NEAR_EDGE and before.bottom > 1 - 2 * _NEAR_EDGE
    return follows and len(block.rows[0]) == len(before.rows[0])


def _continues(before: PageBlock, block: PageBlock) -> bool:
    """Whether a paragraph goes on at the top of another column or page."""
    moved = block.page != before.page or block.top < before.top
    same = abs(block.size - before.size) < 0.12 * before.size and block.bold == before.bold
    open_ = before.full and not re.search(r"[。！？!?：:；;]$", before.text)
    return moved and same and open_ and not _BEGINS_ANEW.match(block.text)
