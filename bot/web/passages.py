"""Passages of a document as HTML that nothing in them can break out of.

Markdown is rendered without raw HTML, images are shown by their words, and only links with a known scheme stay links:
a document is somebody's upload, and the page must fetch nothing and run nothing.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from bot.knowledge.excerpt import Excerpt

_LINKED = re.compile(r"(?:https?://|mailto:|tel:)", re.IGNORECASE)
_LINES = re.compile(r"第 \d+(?:–\d+)? 行")
_ROW = re.compile(r" {0,3}\|")
_RULE = re.compile(r" {0,3}\|\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*")
_TABLES = MarkdownIt("zero", {"html": False}).enable("table")
_BREAK = re.compile(r"(<br\s*/?>)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A passage on the page: the ``headings`` that begin with it, as (depth from 1, words); ``lines`` where it stands
    under none; its ``body``; the ``page`` or slide it begins on, 0 where the file has none, and whether it is the
    first there that is shown."""

    headings: tuple[tuple[int, str], ...]
    lines: str
    body: Markup
    cited: bool
    page: int
    begins_page: bool


def shown_passages(excerpt: Excerpt) -> Iterator[Shown]:
    """The passages of ``excerpt`` in order; each heading once, above the first passage below it."""
    parser = _parser()
    page = 0
    path: tuple[str, ...] = ()
    header: tuple[str, str] | None = None
    for passage in excerpt.passages:
        lines = passage.location if _LINES.fullmatch(passage.location) else ""
        before, path = path, () if lines else tuple(filter(None, passage.location.split(" › ")))
        if before != path:
            header = None
        text, header = _with_header(passage.text, header)
        body = _markdown(parser, text) if excerpt.markdown else _plain(passage.text)
        yield Shown(
            headings=tuple(_begun(before, path)),
            lines=lines,
            body=body,
            cited=passage.cited,
            page=passage.page,
            begins_page=passage.page != page,
        )
        page = passage.page


def _begun(before: Sequence[str], path: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The headings of ``path`` that the one before does not share."""
    shared = 0
    while shared < min(len(before), len(path)) and before[shared] == path[shared]:
        shared += 1
    yield from ((depth, words) for depth, words in enumerate(path, 1) if depth > shared)


def _plain(text: str) -> Markup:
    """``text`` as it is, but for the tables that a reader of files has put into it."""
    pieces = []
    lines = text.split("\n")
    while lines:
        rows = list(takewhile(_ROW.match, lines)) if len(lines) > 1 and _RULE.fullmatch(lines[1]) else []
        if rows:
            pieces.append(_markdown(_TABLES, "\n".join(rows)))
            lines = lines[len(rows) :]
            continue
        words = [lines.pop(0)]
        while lines and not (len(lines) > 1 and _ROW.match(lines[0]) and _RULE.fullmatch(lines[1])):
            words.append(lines.pop(0))
        if any(map(str.strip, words)):
            pieces.append(Markup('<p class="plain">{}</p>').format("\n".join(words).strip("\n")))
    return Markup("").join(pieces)


def _markdown(parser: MarkdownIt, text: str) -> Markup:
    tokens = parser.parse(text)
    for token in tokens:
        if token.type == "inline":
            token.children = list(_tamed(token.children or []))
        elif "style" in token.attrs:  # a cell's alignment; the page's policy allows no style attributes
            token.attrs["class"] = str(token.attrs.pop("style")).removeprefix("text-align:")
    return Markup(parser.renderer.render(tokens, parser.options, {}))  # noqa: S704 - raw HTML is off in both parsers


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.validateLink = _any_link  # type: ignore[method-assign]  # the hook that the library documents
    return parser


def _any_link(url: str) -> bool:  # noqa: ARG001 - the library's signature
    """Every link is parsed as one: :func:`_tamed` judges, and keeps the words of those it drops."""
    return True


def _tamed(children: Sequence[Token]) -> Iterator[Token]:
    """Inline markup without what would fetch or run something; ``<br>``, a table's only way to break a line, does."""
    linked: list[bool] = []
    for token in children:
        if token.type == "link_open":
            linked.append(_LINKED.match(str(token.attrGet("href"))) is not None)
            if linked[-1]:
                token.attrSet("rel", "noopener noreferrer nofollow")
                yield token
        elif token.type == "link_close":
            if linked.pop():
                yield token
        elif token.type == "image":
            yield Token("text", "", 0, content=f"[{token.content}]" if token.content else "")
        elif token.type == "text":
            for piece in _BREAK.split(token.content):
                yield Token("hardbreak", "br", 0) if _BREAK.fullmatch(piece) else Token("text", "", 0, content=piece)
        else:
            yield token


def _with_header(text: str, header: tuple[str, str] | None) -> tuple[str, tuple[str, str] | None]:
    """``text`` with the header of the table that the passage before has begun and this one goes on with, and the
    header that the next passage may need."""
    lines = text.split("\n")
    goes_on = _ROW.match(lines[0]) and not (len(lines) > 1 and _RULE.fullmatch(lines[1]))
    if goes_on and header:
        lines = [*header, *lines]
    rules = [n for n, line in enumerate(lines) if n and _RULE.fullmatch(line) and _ROW.match(lines[n - 1])]
    in_table = rules and all(_ROW.match(line) for line in lines[rules[-1] :])
    return "\n".join(lines), (lines[rules[-1] - 1], lines[rules[-1]]) if in_table else None
