"""Markdown: headings become section paths; paragraphs, lists, tables and code keep their source text.

What a reader of the rendered page does not see (front matter, HTML comments, scripts and styles) is left out, so that
no hidden words reach an answer.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.knowledge.loaders.document import Block, BlockKind, Document, Section

_FRONT_MATTER = re.compile(
    r"---[^\S\n]*\n((?:[\w-]+[^\S\n]*:.*\n|[^\S\n]+.*\n|-[^\S\n].*\n|#.*\n|\n)*)(?:---|\.\.\.)[^\S\n]*(?:\n|\Z)"
)
_FRONT_TITLE = re.compile(r"^title[^\S\n]*:(.*)$", re.MULTILINE | re.IGNORECASE)
_FRONT_NUMBER = re.compile(r"^(?:approval_number|审批号)[^\S\n]*:(.*)$", re.MULTILINE | re.IGNORECASE)
_HIDDEN_START = re.compile(r"<!--|<(script|style)\b", re.IGNORECASE)
_HIDDEN_END = {
    "": re.compile("-->"),
    "script": re.compile(r"</script\s*>", re.IGNORECASE),
    "style": re.compile(r"</style\s*>", re.IGNORECASE),
}
_LINE_START = re.compile(r"(?:\A|\n) {0,3}\Z")
_KINDS = {
    "paragraph_open": BlockKind.PROSE,
    "blockquote_open": BlockKind.PROSE,
    "html_block": BlockKind.PROSE,
    "bullet_list_open": BlockKind.LIST,
    "ordered_list_open": BlockKind.LIST,
    "table_open": BlockKind.TABLE,
    "fence": BlockKind.CODE,
    "code_block": BlockKind.CODE,
}
_HEADING_CHARS = 100
_PARSED_CHARS = 2_000
"""Of a heading's markup; a link's address may take much of it."""


def load_markdown(text: str, *, name: str) -> Document:
    """``text`` as a document titled by its front matter, else its first level-1 heading, else ``name``.

    A level-1 heading that is the only one is the title and no part of the section paths. The front matter may name the
    ``approval_number`` (or 审批号).
    """
    front = _FRONT_MATTER.match(text)
    if front:
        text = _blank(front[0]) + text[front.end() :]
    parser = MarkdownIt("commonmark").enable("table")
    text = _without_hidden(text, parser)
    tokens = [token for token in _parse_blocks(parser, text) if token.level <= 1]
    tops = [title for token, title in _headings(tokens, parser) if token.tag == "h1"]
    titles = ([_front_value(_FRONT_TITLE, front[1])] if front else []) + tops + [name]
    return Document(
        title=next(title for title in titles if title),
        sections=tuple(_sections(text.split("\n"), tokens, parser, skip_h1=len(tops) == 1)),
        approval_number=_front_value(_FRONT_NUMBER, front[1]) if front else "",
    )


def _front_value(key: re.Pattern[str], front: str) -> str:
    found = key.search(front)
    return _short(found[1].strip().strip("\"'")) if found else ""


def _parse_blocks(parser: MarkdownIt, text: str) -> list[Token]:
    # Inline markup is parsed only where its words are needed, in headings: it is most of the parser's work.
    with parser.reset_rules():
        parser.core.ruler.enableOnly(["normalize", "block"])
        return parser.parse(text)


def _without_hidden(text: str, parser: MarkdownIt) -> str:
    """``text`` without comments, scripts and styles outside code blocks; line numbers stay as they are."""
    lines = text.split("\n")
    shown: list[str] = []

    def show(end: int) -> None:
        if len(shown) < end:
            shown.extend(_visible("\n".join(lines[len(shown) : end])).split("\n"))

    for token in _parse_blocks(parser, text):
        if _KINDS.get(token.type) is BlockKind.CODE and token.map:
            show(token.map[0])
            shown.extend(lines[len(shown) : token.map[1]])
    show(len(lines))
    return "\n".join(shown)


def _visible(text: str) -> str:
    """``text`` without comments, scripts and styles; one that is not closed is text, as browsers have it.

    Only a comment that begins a line and is not closed hides all that follows, as in CommonMark.
    """
    kept: list[str] = []
    done = position = 0
    unclosed: set[str] = set()
    while start := _HIDDEN_START.search(text, position):
        position = start.end()
        kind = (start[1] or "").lower()
        end = None if kind in unclosed else _HIDDEN_END[kind].search(text, position)
        if end:
            position = end.end()
        elif not kind and _LINE_START.search(text, max(0, start.start() - 4), start.start()):
            position = len(text)
        else:
            unclosed.add(kind)  # looked for once, not again at each of many openings
            continue
        kept += [text[done : start.start()], _blank(text[start.start() : position])]
        done = position
    return "".join([*kept, text[done:]])


def _blank(text: str) -> str:
    return "\n" * text.count("\n")


def _headings(tokens: list[Token], parser: MarkdownIt) -> Iterator[tuple[Token, str]]:
    for opening, content in pairwise(tokens):
        if opening.type == "heading_open" and opening.level == 0:
            yield opening, _plain_words(content.content, parser)


def _plain_words(markup: str, parser: MarkdownIt) -> str:
    children = parser.parseInline(markup[:_PARSED_CHARS])[0].children or []
    words = "".join(
        " " if child.type in ("softbreak", "hardbreak") else child.content
        for child in children
        if child.type != "html_inline"
    )
    return _short(words)


def _short(heading: str) -> str:
    words = " ".join(heading.split())
    return words if len(words) <= _HEADING_CHARS else words[: _HEADING_CHARS - 1] + "…"


def _sections(lines: list[str], tokens: list[Token], parser: MarkdownIt, *, skip_h1: bool) -> Iterator[Section]:
    titles = {id(token): words for token, words in _headings(tokens, parser)}
    item_lines = [token.map[0] for token in tokens if token.type == "list_item_open" and token.map]
    path: list[tuple[int, str]] = []
    blocks: list[Block] = []
    for token in tokens:
        if token.level == 0 and token.type == "heading_open":
            if blocks:
                yield Section(path=tuple(words for _, words in path), blocks=tuple(blocks))
                blocks = []
            depth = int(token.tag[1:])
            while path and path[-1][0] >= depth:
                path.pop()
            if titles[id(token)] and not (skip_h1 and depth == 1):
                path.append((depth, titles[id(token)]))
        elif token.level == 0 and token.type in _KINDS and token.map:
            block = _block(lines, token, item_lines)
            if block.text:
                blocks.append(block)
    if blocks:
        yield Section(path=tuple(words for _, words in path), blocks=tuple(blocks))


def _block(lines: list[str], token: Token, item_lines: list[int]) -> Block:
    first, end = token.map or (0, 0)
    while end > first and not lines[end - 1].strip():
        end -= 1
    kind = _KINDS[token.type]
    starts: Iterable[int] = ()
    if kind is BlockKind.LIST:
        starts = item_lines[bisect_left(item_lines, first) : bisect_left(item_lines, end)]
    elif kind is BlockKind.TABLE:
        starts = (first, *range(first + 3, end))  # the header and its rule stay with the first row
    elif kind is BlockKind.CODE:
        starts = range(first, end)
    text = "\n".join(lines[first:end])
    offsets = [0]
    for line in lines[first:end]:
        offsets.append(offsets[-1] + len(line) + 1)
    units = tuple(offsets[start - first] for start in starts if offsets[start - first] < len(text))
    return Block(kind=kind, text=text, line=first + 1, units=units)
