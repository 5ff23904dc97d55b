"""A stranger's words as they may be searched, read by a model, and shown in a chat under the bot's name."""

import re
from dataclasses import replace

from bot.answering.prompts import safe_source
from bot.media.parsing.sections import Parsed

_TAG = re.compile(r"<(?=[a-z/!?])", re.IGNORECASE)
_OUR_CITATION = re.compile(r"\[(\d{1,3})\]")


def harmless(text: str) -> str:
    """Without our marks and without sentences that speak to a machine, as sources are read; and with nothing in it that
    a chat would make a link of, or a reader take for one of our citations. What is said stays legible."""
    text = _TAG.sub("‹", safe_source("", text).text)
    return _OUR_CITATION.sub(r"［\1］", text).replace("](", "] (").replace("://", "：//")


def harmless_sections(parsed: Parsed) -> Parsed:
    """A file all of whose words are :func:`harmless`; a section of which nothing is left is none."""
    sections = (
        replace(section, label=harmless(section.label), text=harmless(section.text)) for section in parsed.sections
    )
    return replace(parsed, sections=tuple(section for section in sections if section.text))
