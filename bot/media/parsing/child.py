"""The child process: ``python -m bot.media.parsing.child`` reads ``{"task": …}`` and prints one JSON object.

It takes its own rights away before it imports anything that reads what a stranger sent. A fault of the file that has a
name is printed as ``{"problem": …}``; any other error ends the process, and its parent knows what that means.
"""

import base64
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bot.confined import OUT_OF_MEMORY, give_up_rights
from bot.errors import InputError, KnowledgeError
from bot.knowledge.loaders.refusals import Encrypted, TooManyPixels, TooMuch


def main(arguments: Mapping[str, Any]) -> None:
    """Do what ``arguments`` say: ``task``, ``path``, ``content_type``, ``name``, ``memory_bytes``, ``cpu_s`` and
    ``max_chars``."""
    give_up_rights(arguments["memory_bytes"], arguments["cpu_s"])
    try:
        result = _TASKS[arguments["task"]](Path(arguments["path"]), arguments)
    except InputError as error:
        result = {"problem": error.text_key, "values": error.values}
    except KnowledgeError as error:
        result = _in_words(error)
    except MemoryError:
        sys.exit(OUT_OF_MEMORY)
    json.dump(result, sys.stdout, ensure_ascii=False)


def _in_words(error: KnowledgeError) -> dict[str, Any]:
    """What a loader refuses in the words of a chat; what has none ends the child, as a damaged file does."""
    if isinstance(error, TooManyPixels):
        return {"problem": "picture_too_large", "values": {"width": error.width, "height": error.height}}
    if isinstance(error, Encrypted):
        return {"problem": "file_encrypted", "values": {}}
    if isinstance(error, TooMuch):
        return {"problem": "file_too_complex", "values": {}}
    raise error


def _document(path: Path, arguments: Mapping[str, Any]) -> dict[str, Any]:
    from bot.media.parsing.documents import read_document

    return read_document(path, arguments["content_type"], arguments["name"], arguments["max_chars"]).to_json()


def _words(path: Path, _arguments: Mapping[str, Any]) -> dict[str, Any]:
    from bot.media.parsing.picture import read_words

    return {"words": read_words(path)}


def _jpeg(path: Path, _arguments: Mapping[str, Any]) -> dict[str, Any]:
    from bot.media.parsing.picture import as_jpeg

    return {"jpeg": base64.b64encode(as_jpeg(path)).decode()}


def _wav(path: Path, arguments: Mapping[str, Any]) -> dict[str, Any]:
    from bot.media.parsing.sound import as_wav

    return {"wav": base64.b64encode(as_wav(path, arguments["content_type"])).decode()}


_TASKS: Mapping[str, Callable[[Path, Mapping[str, Any]], dict[str, Any]]] = {
    "document": _document,
    "words": _words,
    "jpeg": _jpeg,
    "wav": _wav,
}

if __name__ == "__main__":
    main(json.load(sys.stdin))
