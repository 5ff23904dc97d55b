"""Files to structured documents: sections with a path, each a run of blocks in their source text.

``encoding`` turns bytes into text, ``markdown`` and ``plain_text`` turn text into a :class:`Document`. What is no text
is read by ``child``, a confined process that :mod:`bot.knowledge.loaders.reader` runs: PDF (``pdf``, put together by
``layout``, ``grid`` and ``paged``), Word, slides, spreadsheets, pages of HTML and pictures. FAQ tables have no
sections; see :mod:`bot.knowledge.faq_table`.
"""

from bot.knowledge.loaders.document import Block, BlockKind, Document, LoadLimits, Section
from bot.knowledge.loaders.encoding import decode_text
from bot.knowledge.loaders.markdown import load_markdown
from bot.knowledge.loaders.plain_text import load_plain_text

__all__ = [
    "Block",
    "BlockKind",
    "Document",
    "LoadLimits",
    "Section",
    "decode_text",
    "load_markdown",
    "load_plain_text",
]
