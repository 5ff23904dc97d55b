"""A stranger's words as they may be searched, read by a model, and shown in a chat under the bot's name."""

import re
from dataclasses import replace

from bot.answering.prompts import safe_source
from bot.knowledge.loaders import Block, BlockKind, Section
from bot.media.parsing.sections import Parsed

_TAG = re.compile(r"<(?=[a-z/!?])", re.IGNORECASE)
_OUR_CITATION = re.compile(r"\[(\d{1,3})\]")


def harmless(text: str) -> str:
    """Without our marks and without sentences that speak to a machine, as sources are read; and with nothing in it that
    a chat would make a link of, or a reader take for one of our citations. What is said stays legible."""
    text = _TAG.sub("‹", safe_source("", text).text)
    return _OUR_CITATION.sub(r"［\1］", text).replace("](", "] (").replace("://", "：//")


def harmless_document(parsed: Parsed) -> Parsed:
    """A file all of whose words are :func:`harmless`; a section of which nothing is left is none."""
    sections = []
    for section in parsed.document.sections:
        path = tuple(filter(None, map(harmless, section.path)))
        blocks = tuple(block for block in map(_harmless_block, section.blocks) if block.text)
        if blocks:
            sections.append(Section(path=path, blocks=blocks))
    document = replace(parsed.document, title=harmless(parsed.document.title), sections=tuple(sections))
    return replace(parsed, document=document)


def _harmless_block(block: Block) -> Block:
    """One that had to be changed is divided between its lines."""
    text = harmless(block.text)
    if text == block.text:
        return block
    starts = [0, *(found.end() for found in re.finditer("\n", text))]
    return replace(block, kind=BlockKind.LIST, text=text, units=tuple(starts))
