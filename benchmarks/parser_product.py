"""The product's own parsers, as :mod:`benchmarks.parser_candidates` runs the others: through the confined child."""

import tempfile
from pathlib import Path

from bot.knowledge.figures import FigureStore
from bot.knowledge.loaders.kinds import Kind, kind_of
from bot.knowledge.loaders.reader import FileReader
from bot.knowledge.loaders.tabular import document_of_rows


def text_of(path: Path) -> str:
    """All blocks of a file, one below the other."""
    with tempfile.TemporaryDirectory() as folder:
        reader, kind = FileReader(FigureStore(Path(folder))), kind_of(path, path.suffix)
        if kind is Kind.SHEETS:
            document = document_of_rows("", [(each.name, each.rows) for each in reader.sheets(path).sheets])
        else:
            document = reader.document(path, kind, name="", folder=path.parent, progress=lambda _done, _all: None)
    return "\n".join(block.text for section in document.sections for block in section.blocks)
