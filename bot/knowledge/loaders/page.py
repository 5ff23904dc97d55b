"""Pages of HTML: what a reader sees of the main part; headings, lists and tables keep their meaning.

Runs in the confined child. Nothing is fetched: pictures are taken only from the page itself or beside its file.
"""

import base64
import binascii
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from lxml import etree, html

from bot.errors import KnowledgeError
from bot.knowledge.loaders.document import Block, BlockKind, Document, item_list, prose, table
from bot.knowledge.loaders.encoding import decode_text
from bot.knowledge.loaders.outline import Outline
from bot.knowledge.loaders.pictures import FigureFolder

_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]{2,20})", re.IGNORECASE)
_NOT_SHOWN = frozenset(
    re.findall(
        r"\w+",
        "script style noscript template head nav footer aside form iframe object svg canvas button select dialog",
    )
)
_NOT_SHOWN_ROLES = frozenset(("navigation", "banner", "contentinfo", "search", "complementary", "dialog"))
_INLINE = frozenset(
    re.findall(
        r"\w+",
        "a abbr b bdi bdo big cite code data dfn del em font i ins kbd label mark q rp rt ruby s samp small span"
        " strong sub sup time tt u var wbr",
    )
)
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_BLANKS = re.compile(r"[ \t\n\r\f]+")
_MAX_DEPTH = 200
_MAX_PICTURE_BYTES = 20 * 1024 * 1024


def load_page(path: Path, name: str, figures: FigureFolder, pictures: Path | None) -> Document:
    """``pictures`` is the folder below which the pictures of the page may lie. Raises
    :class:`~bot.errors.KnowledgeError`."""
    text = _decoded(path.read_bytes())
    try:
        parser = html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
        tree = html.document_fromstring(text.encode(), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise KnowledgeError("it holds nothing that can be read as HTML") from error
    reader = _Reader(path, figures, pictures)
    reader.walk(_main_part(tree), 0)
    reader.close()
    return reader.outline.document(name, tree.findtext(".//title") or "")


def _decoded(data: bytes) -> str:
    """By what the page declares, where that is not what it is by itself."""
    try:
        return decode_text(data)[0]
    except KnowledgeError:
        declared = _CHARSET.search(data[:4096])
        if declared is None:
            raise
    try:
        return data.decode(declared[1].decode("ascii"), "replace")
    except LookupError as error:
        raise KnowledgeError("its encoding is not known: save it as UTF-8") from error


def _main_part(tree: Any) -> Any:
    """The element that holds the page's own words; all of its body where none says so."""
    whole = tree.find("body") if tree.find("body") is not None else tree
    for wanted in ("//main", "//*[@role='main']", "//article"):
        found = tree.xpath(wanted)
        if len(found) == 1 and 3 * len(found[0].text_content()) > len(whole.text_content()):
            return found[0]
    return whole


class _Reader:
    """Walks the elements; ``_line`` holds the words since the last block ended."""

    def __init__(self, path: Path, figures: FigureFolder, pictures: Path | None) -> None:
        self.outline = Outline()
        self._path = path
        self._figures = figures
        self._folder = pictures.resolve() if pictures else None
        self._line: list[str] = []

    def walk(self, element: Any, depth: int) -> None:
        """Add what is shown of an element."""
        if depth > _MAX_DEPTH or not isinstance(element.tag, str) or _is_hidden(element):
            return
        tag = element.tag.lower()
        if len(tag) == 2 and tag[0] == "h" and tag[1] in "123456":
            self.close()
            if words := _words(element):
                self.outline.heading(int(tag[1]), words)
        elif tag == "table":
            self.close()
            self._table(element, depth)
        elif tag in ("ul", "ol"):
            self.close()
            self._list(element, ordered=tag == "ol")
        elif tag == "pre":
            self.close()
            self.outline.add(_code(element.text_content()))
        elif tag == "img":
            self._picture(element)
        elif tag == "br":
            self._line.append("\n")
        else:
            self._inside(element, depth, inline=tag in _INLINE)

    def close(self) -> None:
        """End the paragraph."""
        lines = (_BLANKS.sub(" ", line).strip() for line in "".join(self._line).split("\n"))
        self._line = []
        self.outline.add(prose("\n".join(filter(None, lines))))

    def _inside(self, element: Any, depth: int, *, inline: bool) -> None:
        if not inline:
            self.close()
        self._line.append(_flat(element.text))
        for inner in element:
            self.walk(inner, depth + 1)
            self._line.append(_flat(inner.tail))
        if not inline:
            self.close()

    def _list(self, element: Any, *, ordered: bool) -> None:
        items: list[str] = []
        for number, item in enumerate(element.iterchildren("li"), 1):
            if words := _words(item):
                items.append(f"{number}. {words}" if ordered else f"- {words}")
        if items:
            self.outline.add(item_list(items))
        for picture in element.iter("img"):
            self._picture(picture)

    def _table(self, element: Any, depth: int) -> None:
        if element.find(".//table") is not None or _is_layout(element):
            for cell in element.xpath("./tr/td|./tr/th|./*/tr/td|./*/tr/th"):
                self._inside(cell, depth + 1, inline=False)
            return
        caption = element.find("caption")
        if caption is not None:
            self.outline.add(prose(_words(caption)))
        rows = _rows(element)
        self.outline.add(table(rows) if len(rows) > 1 else prose(" ".join(rows[0]) if rows else ""))
        for picture in element.iter("img"):
            self._picture(picture)

    def _picture(self, element: Any) -> None:
        content = self._content(element.get("src") or "")
        if content and (id_ := self._figures.keep_bytes(content)):
            self.close()
            self.outline.show(id_)

    def _content(self, source: str) -> bytes:
        if source.startswith("data:image/") and ";base64," in source[:100]:
            try:
                return base64.b64decode(source.partition(",")[2], validate=False)
            except (binascii.Error, ValueError):
                return b""
        place = urlsplit(source)
        if self._folder is None or place.scheme or place.netloc or not place.path:
            return b""
        path = (self._path.parent / unquote(place.path)).resolve()
        if not path.is_relative_to(self._folder) or not path.is_file() or path.stat().st_size > _MAX_PICTURE_BYTES:
            return b""
        return path.read_bytes()


def _is_hidden(element: Any) -> bool:
    if element.tag.lower() in _NOT_SHOWN or element.get("hidden") is not None:
        return True
    role, style = element.get("role", ""), element.get("style", "")
    return role in _NOT_SHOWN_ROLES or element.get("aria-hidden") == "true" or bool(_HIDDEN_STYLE.search(style))


def _flat(text: str | None) -> str:
    """Line ends of the source mean no more than a blank."""
    return _BLANKS.sub(" ", text or "")


def _words(element: Any) -> str:
    """All that is shown within an element, in one line."""
    parts: list[str] = []

    def walk(inner: Any, depth: int) -> None:
        if depth > _MAX_DEPTH or not isinstance(inner.tag, str) or _is_hidden(inner):
            return
        apart = inner.tag.lower() not in _INLINE
        parts.append((" " if apart else "") + (inner.text or ""))
        for each in inner:
            walk(each, depth + 1)
            parts.append(each.tail or "")
        parts.append(" " if apart else "")

    walk(element, 0)
    return _BLANKS.sub(" ", "".join(parts)).strip()


def _is_layout(element: Any) -> bool:
    """A table of one column, or one that holds other blocks, only places things on the page."""
    rows = element.xpath("./tr|./*/tr")
    widths = {len(row.xpath("./td|./th")) for row in rows}
    return element.get("role") == "presentation" or not widths or max(widths) < 2


def _rows(element: Any) -> list[list[str]]:
    """The cells of each row; a merged one stands in each row and column that it takes."""
    rows: list[list[str]] = []
    down: dict[int, tuple[int, str]] = {}
    for row in element.xpath("./tr|./*/tr"):
        cells: list[str] = []
        for cell in row.xpath("./td|./th"):
            _carry(cells, down)
            words = _words(cell)
            for _ in range(_span(cell, "colspan")):
                if _span(cell, "rowspan") > 1:
                    down[len(cells)] = (_span(cell, "rowspan") - 1, words)
                cells.append(words)
        _carry(cells, down)
        if any(cells):
            rows.append(cells)
    return rows


def _carry(cells: list[str], down: dict[int, tuple[int, str]]) -> None:
    while (held := down.get(len(cells))) is not None:
        left, words = held
        down.pop(len(cells))
        if left > 1:
            down[len(cells)] = (left - 1, words)
        cells.append(words)


def _span(cell: Any, name: str) -> int:
    value = cell.get(name, "1")
    return min(max(int(value), 1), 100) if value.isdecimal() else 1


def _code(text: str) -> Block:
    return Block(kind=BlockKind.CODE, text=text.strip("\n"))
