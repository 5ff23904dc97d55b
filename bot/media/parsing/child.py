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
from bot.errors import InputError


def main(arguments: Mapping[str, Any]) -> None:
    """Do what ``arguments`` say: ``task``, ``path``, ``content_type``, ``name``, ``memory_bytes``, ``cpu_s`` and
    ``max_chars``."""
    give_up_rights(arguments["memory_bytes"], arguments["cpu_s"])
    try:
        result = _TASKS[arguments["task"]](Path(arguments["path"]), arguments)
    except InputError as error:
        result = {"problem": error.text_key, "values": error.values}
    except MemoryError:
        sys.exit(OUT_OF_MEMORY)
    json.dump(result, sys.stdout, ensure_ascii=False)


def _document(path: Path, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The parser is chosen by the bytes; only among texts does the name decide."""
    content_type, max_chars = arguments["content_type"], arguments["max_chars"]
    if content_type == "application/pdf":
        from bot.media.parsing.pdf import parse_pdf

        parsed = parse_pdf(path, max_chars)
    elif content_type == "application/zip":
        from bot.media.parsing.office import parse_office

        parsed = parse_office(path, max_chars)
    elif content_type == "text/plain":
        from bot.media.parsing.plain import parse_plain

        parsed = parse_plain(path, arguments["name"], max_chars)
    elif content_type == "application/x-ole-storage" and "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
        raise InputError("file_encrypted")  # how Office wraps a zip archive with a password
    else:
        raise InputError("file_kind_unknown")
    if not parsed.sections:
        raise InputError("file_empty")
    return parsed.to_json()


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
