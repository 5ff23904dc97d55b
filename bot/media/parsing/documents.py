"""Documents that people send, by the loaders of the knowledge, within the bounds of a chat.

The kind of a file is told by its bytes; only among texts and open spreadsheets does the name decide.
No picture is kept, and none is read: a scan has no words here, and its sender is asked for a picture of the page.
"""

import csv
import io
from pathlib import Path, PurePath

from bot.errors import InputError
from bot.knowledge.loaders import decode_text, load_markdown, load_plain_text
from bot.knowledge.loaders.kinds import KINDS, TEXTS, Kind, is_encrypted, kind_inside, refuse_bombs
from bot.knowledge.loaders.layout import PageBlock
from bot.knowledge.loaders.paged import Title, document_of
from bot.knowledge.loaders.refusals import Encrypted
from bot.media.parsing.sections import Parsed, Unit, within

MAX_UNPACKED_BYTES = 200 * 1024 * 1024
MAX_MEMBERS = 5_000
MAX_PAGES = 300
_OLD_WORKBOOK = "Workbook".encode("utf-16-le")


def read_document(path: Path, content_type: str, name: str, max_chars: int) -> Parsed:
    """The file at ``path``, which is called ``name`` where it has a name.

    Raises :class:`~bot.errors.InputError` ``file_kind_unknown`` and ``file_empty``, and
    :class:`~bot.errors.KnowledgeError` for what cannot be read.
    """
    kind, title = _kind(path, content_type, PurePath(name).suffix.lower()), PurePath(name).stem
    if kind is Kind.PDF:
        parsed = _pdf(path, title, max_chars)
    else:
        if kind in (Kind.WORD, Kind.SLIDES, Kind.SHEETS) and content_type == "application/zip":
            refuse_bombs(path, MAX_UNPACKED_BYTES, MAX_MEMBERS)
        parsed = _text(path, kind, title, max_chars) if kind in TEXTS else _office(path, kind, title)
    document, cut = within(parsed.document, max_chars)
    if not document.sections:
        raise InputError("file_empty")
    return Parsed(document=document, unit=parsed.unit, count=parsed.count, cut=parsed.cut or cut)


def _kind(path: Path, content_type: str, suffix: str) -> Kind:
    named = KINDS.get(suffix)
    kind: Kind | None = None
    if content_type == "application/pdf":
        kind = Kind.PDF
    elif content_type == "application/zip":
        kind = kind_inside(path) or (Kind.SHEETS if named is Kind.SHEETS else None)
    elif content_type == "text/plain":
        kind = named if named in (*TEXTS, Kind.PAGE) else Kind.TEXT
    elif content_type == "application/x-ole-storage":
        if is_encrypted(path):
            raise Encrypted()
        kind = Kind.SHEETS if _OLD_WORKBOOK in path.read_bytes() else None
    if kind is None:
        raise InputError("file_kind_unknown")
    return kind


def _pdf(path: Path, title: str, max_chars: int) -> Parsed:
    """Its pages up to :data:`MAX_PAGES`, and no more than are needed for ``max_chars`` characters."""
    from bot.knowledge.loaders.pdf import blocks_of, open_pdf, outline
    from bot.knowledge.loaders.pictures import FigureFolder

    pdf = open_pdf(path)
    blocks: list[PageBlock] = []
    pages, read, chars = len(pdf), 0, 0
    while read < min(pages, MAX_PAGES) and chars <= max_chars:
        read += 1
        page = blocks_of(pdf, read, FigureFolder(None), scans=False)
        blocks += page
        chars += sum(len(block.text) + len("".join(map("".join, block.rows))) for block in page)
    titles = [Title(page=at, level=level, text=words) for at, level, words in outline(pdf)]
    document = document_of(blocks, titles, name=title, pages=read)
    return Parsed(document=document, unit=Unit.PAGE, count=pages, cut=read < pages)


def _office(path: Path, kind: Kind, title: str) -> Parsed:
    """Each parser is imported for its own files only."""
    from bot.knowledge.loaders.pictures import FigureFolder

    if kind is Kind.WORD:
        from bot.knowledge.loaders.word import load_word

        return Parsed(document=load_word(path, title, FigureFolder(None)))
    if kind is Kind.SLIDES:
        from bot.knowledge.loaders.slides import load_slides

        deck = load_slides(path, title, FigureFolder(None), pictures=0)
        return Parsed(document=deck, unit=Unit.SLIDE, count=deck.pages)
    if kind is Kind.SHEETS:
        from bot.knowledge.loaders.sheets import read_sheets
        from bot.knowledge.loaders.tabular import document_of_rows

        sheets = [(each["name"], each["rows"]) for each in read_sheets(path)["sheets"]]
        return Parsed(document=document_of_rows(title, sheets), unit=Unit.SHEET, count=len(sheets))
    from bot.knowledge.loaders.page import load_page

    return Parsed(document=load_page(path, title, FigureFolder(None), None))


def _text(path: Path, kind: Kind, title: str, max_chars: int) -> Parsed:
    text, _ = decode_text(path.read_bytes())
    if kind is Kind.CSV:  # an author of FAQs is told of a quotation mark too many; here it is read as it comes
        from bot.knowledge.loaders.tabular import document_of_rows

        return Parsed(document=document_of_rows(title, [("", list(csv.reader(io.StringIO(text, newline=""))))]))
    cut = len(text) > max_chars
    load = load_markdown if kind is Kind.MARKDOWN else load_plain_text
    return Parsed(document=load(text[:max_chars], name=title), cut=cut)
