"""PDF: the text of each page, in lines joined to paragraphs."""

import re
from pathlib import Path

import pypdfium2
import pypdfium2.raw

from bot.errors import InputError
from bot.media.parsing.sections import Collector, Parsed, Place

MAX_PAGES = 300
_FULL_LINE_SHARE = 0.75
"""A line at least this long, measured by the longest of its page, goes on in the next."""
_ENDS = re.compile(r"[。！？；：.!?;:]\s*$")
_BEGINS = re.compile(r"\s*(?:[-•·●▪◆*]|[（(]?[0-9一二三四五六七八九十]{1,3}[）).、．])")


def parse_pdf(path: Path, max_chars: int) -> Parsed:
    """Sections are pages, numbered from 1. Raises :class:`~bot.errors.InputError` ``file_encrypted``."""
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if error.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD:
            raise InputError("file_encrypted") from error
        raise
    pages, found = len(document), Collector(max_chars)
    for number in range(min(pages, MAX_PAGES)):
        if found.full:
            break
        words = document[number].get_textpage().get_text_bounded()
        found.add(Place.PAGE, str(number + 1), joined(words))
    return found.parsed(pages, cut=found.full or pages > MAX_PAGES)


def joined(text: str) -> str:
    """Lines as they were set, made paragraphs: a full line that ends no sentence goes on in the next one."""
    lines = [line.strip() for line in re.sub(r"[\ufffe\uffff]", "", text).splitlines()]
    longest = max(map(len, lines), default=0)
    paragraphs: list[str] = []
    goes_on = False
    for line in lines:
        if goes_on and line and not _BEGINS.match(line):
            apart = paragraphs[-1][-1:].isascii() and line[:1].isascii()
            paragraphs[-1] += (" " if apart else "") + line
        elif line:
            paragraphs.append(line)
        goes_on = bool(line) and len(line) >= _FULL_LINE_SHARE * longest and not _ENDS.search(line)
    return "\n\n".join(paragraphs)
