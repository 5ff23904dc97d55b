"""The confined child that reads files for the knowledge: ``python -m bot.knowledge.loaders.child``.

It gets ``{"task", "path", "name", "figures", …}``, writes pictures into the folder ``figures`` and prints the result as
one JSON object, or ``{"problem": …}`` with what the author of the file should be told.
"""

import json
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bot.confined import OUT_OF_MEMORY, give_up_rights
from bot.errors import KnowledgeError
from bot.knowledge.loaders.kinds import refuse_bombs

OPEN_FILES = 256


def main(arguments: Mapping[str, Any]) -> None:
    """Do what ``arguments`` say."""
    give_up_rights(arguments["memory_bytes"], arguments["cpu_s"], OPEN_FILES)
    try:
        result = _TASKS[arguments["task"]](Path(arguments["path"]), arguments)
    except KnowledgeError as error:
        result = {"problem": str(error)}
    except MemoryError:
        sys.exit(OUT_OF_MEMORY)
    json.dump(result, sys.stdout, ensure_ascii=False)


def _figures(arguments: Mapping[str, Any]) -> Any:
    from bot.knowledge.loaders.pictures import FigureFolder

    return FigureFolder(Path(arguments["figures"]) if arguments.get("figures") else None)


def _outline(path: Path, _arguments: Mapping[str, Any]) -> dict[str, Any]:
    from bot.knowledge.loaders.pdf import open_pdf, outline

    document = open_pdf(path)
    return {"pages": len(document), "titles": outline(document)}


def _pages(path: Path, arguments: Mapping[str, Any]) -> dict[str, Any]:
    from bot.knowledge.loaders.pdf import read_pages

    first, last = arguments["first"], arguments["last"]
    return read_pages(path, first, last, arguments["enough_s"], _figures(arguments))


def _picture(path: Path, arguments: Mapping[str, Any]) -> dict[str, Any]:
    from dataclasses import asdict

    from bot.knowledge.loaders.grid import tables
    from bot.knowledge.loaders.layout import blocks_of_page
    from bot.knowledge.loaders.pictures import opened, spans_of

    picture = opened(path)
    spans = spans_of(picture, 1.0)
    blocks = blocks_of_page(1, picture.width, picture.height, spans, tables(spans, [], [], picture.height))
    return {"blocks": [asdict(block) for block in blocks], "figure": _figures(arguments).keep(picture)}


def _word(path: Path, arguments: Mapping[str, Any]) -> dict[str, Any]:
    from bot.knowledge.loaders.word import load_word

    refuse_bombs(path)
    return load_word(path, arguments["name"], _figures(arguments)).to_json()


def _slides(path: Path, arguments: Mapping[str, Any]) -> dict[str, Any]:
    from bot.knowledge.loaders.slides import load_slides

    refuse_bombs(path)
    return load_slides(path, arguments["name"], _figures(arguments)).to_json()


def _sheets(path: Path, _arguments: Mapping[str, Any]) -> dict[str, Any]:
    from bot.knowledge.loaders.sheets import read_sheets

    if zipfile.is_zipfile(path):
        refuse_bombs(path)
    return read_sheets(path)


def _page(path: Path, arguments: Mapping[str, Any]) -> dict[str, Any]:
    from bot.knowledge.loaders.page import load_page

    below = Path(arguments["pictures"]) if arguments.get("pictures") else None
    return load_page(path, arguments["name"], _figures(arguments), below).to_json()


_TASKS: Mapping[str, Callable[[Path, Mapping[str, Any]], dict[str, Any]]] = {
    "outline": _outline,
    "pages": _pages,
    "picture": _picture,
    "word": _word,
    "slides": _slides,
    "sheets": _sheets,
    "page": _page,
}

if __name__ == "__main__":
    main(json.load(sys.stdin))
