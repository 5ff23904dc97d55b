"""What a document was made with: two files of the same bytes that were read with the same are the same document."""

import hashlib
import json
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.knowledge.loaders import LoadLimits
from bot.knowledge.origin import Origin

_MODULES = ("chunk.py", "faq_table.py", "lookup_table.py", "origin.py", "submissions.py", "loaders/*.py")
_PARSERS = (
    *("lxml", "markdown-it-py", "pillow", "pypdfium2", "python-calamine", "python-docx", "python-pptx", "rapidocr"),
)


def recipe(origin: Origin, timezone: ZoneInfo, limits: LoadLimits) -> str:
    """The SHA-256 of everything but the bytes of a file that its entries depend on: who may read it and under which
    number, where its days begin, the limits, and the code and the parsers that read it."""
    settings = {
        "origin": asdict(origin),
        "timezone": str(timezone),
        "limits": asdict(limits),
        "readers": readers(),
    }
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


@cache
def readers() -> str:
    """The SHA-256 of the code that reads files, and the versions of the parsers: when one changes, files are read
    again, and nobody has to remember it."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for pattern in _MODULES:
        for path in sorted(here.glob(pattern)):
            digest.update(path.read_bytes())
    for parser in _PARSERS:
        digest.update(f"{parser} {_version(parser)}\n".encode())
    return digest.hexdigest()


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:  # packed without its metadata: then its changes are not seen
        return ""
