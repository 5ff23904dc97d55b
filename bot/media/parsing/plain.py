"""Text, Markdown and CSV, by the loaders of the knowledge."""

import csv
import io
from pathlib import Path, PurePath

from bot.errors import InputError, KnowledgeError
from bot.knowledge.loaders import decode_text, load_markdown
from bot.media.parsing.sections import Collector, Parsed, Place

_MARKDOWN = (".md", ".markdown")


def parse_plain(path: Path, name: str, max_chars: int) -> Parsed:
    """One section, or one a heading of Markdown. Raises :class:`~bot.errors.InputError` ``file_damaged`` for bytes that
    are no text in an encoding that is known."""
    try:
        text, _ = decode_text(path.read_bytes())
    except KnowledgeError as error:
        raise InputError("file_damaged") from error
    found, suffix = Collector(max_chars), PurePath(name).suffix.lower()
    if suffix in _MARKDOWN:
        for section in load_markdown(text[:max_chars], name=name).sections:
            label = " › ".join(section.path)
            words = "\n\n".join(block.text for block in section.blocks)
            found.add(Place.HEADING if label else Place.WHOLE, label, words)
        return found.parsed(cut=len(text) > max_chars)
    found.add(Place.WHOLE, "", _rows(text) if suffix == ".csv" else text)
    return found.parsed()


def _rows(text: str) -> str:
    from bot.media.parsing.office import rows_as_text

    return rows_as_text(csv.reader(io.StringIO(text)))
