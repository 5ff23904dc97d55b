"""What of a document is screened: a picture's text or a file holds much that nobody tells of themselves.

A report may be a paragraph of ten pages, so the passages are screened one by one, and those that are suspected are
heard like messages, as from a picture or a file. A package insert lists effects and tells of nobody's; it is left out.
"""

import re
from collections.abc import Iterator

import structlog

from bot.safety.adverse_events import Lexicon, screen

log = structlog.get_logger()

LONGEST_PASSAGE = 400
"""Characters. What belongs to one report stands together; below the length to which the screen reads a text as one."""
MOST_PASSAGES = 5
"""Suspected passages of one document that are heard: a case needs no more, and a human reads the document."""
_HEADINGS = re.compile(
    r"成\s*[份分]|性\s*状|适应[症证]|用法用量|不良反应|禁\s*忌|注意事项|药物相互作用|药理毒理|药代动力学|贮\s*藏|批准文号|执行标准"
)
_INSERT_HEADINGS = 6
"""So many of the headings that a package insert must have make a text one; a report has fewer."""
_PARAGRAPH = re.compile(r"[^\n]+")


def told_in_document(text: str, lexicon: Lexicon) -> list[str]:
    """The passages of ``text`` that have to be heard, in order; all of it where it is short."""
    text = text.strip()
    if not text:
        return []
    if len({re.sub(r"\s", "", heading) for heading in _HEADINGS.findall(text)}) >= _INSERT_HEADINGS:
        log.info("package_insert_not_screened", characters=len(text))
        return []
    if len(text) <= LONGEST_PASSAGE:
        return [text]
    suspected = [
        passage for passage in _passages(text) if screen([passage], lexicon=lexicon, rules_alone=True).suspected
    ]
    log.info("document_screened", characters=len(text), suspected=len(suspected))
    return suspected[:MOST_PASSAGES]


def _passages(text: str) -> Iterator[str]:
    """Paragraphs put together as far as they fit, and those that are too long in pieces."""
    passage = ""
    for paragraph in (found[0].strip() for found in _PARAGRAPH.finditer(text)):
        for start in range(0, len(paragraph), LONGEST_PASSAGE):
            piece = paragraph[start : start + LONGEST_PASSAGE]
            if passage and len(passage) + len(piece) >= LONGEST_PASSAGE:
                yield passage
                passage = ""
            passage = f"{passage}\n{piece}" if passage else piece
    if passage:
        yield passage
