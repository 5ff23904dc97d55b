"""Plain text: paragraphs between blank lines, in one section without a heading."""

from itertools import groupby

from bot.knowledge.loaders.document import Block, BlockKind, Document, Section


def load_plain_text(text: str, *, name: str) -> Document:
    """``text`` as a document titled ``name``; it has no sections when there is no text."""
    blocks: list[Block] = []
    for filled, group in groupby(enumerate(text.split("\n"), start=1), key=lambda numbered: bool(numbered[1].strip())):
        if filled:
            numbered = list(group)
            paragraph = "\n".join(line for _, line in numbered)
            blocks.append(Block(kind=BlockKind.PROSE, text=paragraph, line=numbered[0][0]))
    return Document(title=name, sections=(Section(path=(), blocks=tuple(blocks)),) if blocks else ())
