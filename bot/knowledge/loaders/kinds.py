"""Which kind a file is: its name says what it should be, its first bytes whether it is."""

import zipfile
from enum import StrEnum
from pathlib import Path

from bot.errors import KnowledgeError
from bot.knowledge.loaders.refusals import Encrypted, TooMuch

MAX_UNPACKED_BYTES = 500 * 1024 * 1024
MAX_MEMBERS = 10_000
"""Of a file of Office, which is an archive."""


class Kind(StrEnum):
    """How a file is read. ``LEGACY`` files are converted by LibreOffice first."""

    MARKDOWN = "markdown"
    TEXT = "text"
    CSV = "csv"
    PDF = "pdf"
    WORD = "word"
    SLIDES = "slides"
    SHEETS = "sheets"
    PAGE = "page"
    PICTURE = "picture"
    ARCHIVE = "archive"
    LEGACY = "legacy"


KINDS = {
    ".md": Kind.MARKDOWN,
    ".markdown": Kind.MARKDOWN,
    ".txt": Kind.TEXT,
    ".csv": Kind.CSV,
    ".pdf": Kind.PDF,
    ".docx": Kind.WORD,
    ".pptx": Kind.SLIDES,
    ".xlsx": Kind.SHEETS,
    ".xlsm": Kind.SHEETS,
    ".xls": Kind.SHEETS,
    ".ods": Kind.SHEETS,
    ".html": Kind.PAGE,
    ".htm": Kind.PAGE,
    ".png": Kind.PICTURE,
    ".jpg": Kind.PICTURE,
    ".jpeg": Kind.PICTURE,
    ".webp": Kind.PICTURE,
    ".bmp": Kind.PICTURE,
    ".tif": Kind.PICTURE,
    ".tiff": Kind.PICTURE,
    ".zip": Kind.ARCHIVE,
    ".doc": Kind.LEGACY,
    ".ppt": Kind.LEGACY,
    ".rtf": Kind.LEGACY,
    ".odt": Kind.LEGACY,
    ".odp": Kind.LEGACY,
    ".wps": Kind.LEGACY,
}
"""By the suffix of the name."""
SUFFIXES = tuple(KINDS)
TEXTS = (Kind.MARKDOWN, Kind.TEXT, Kind.CSV)

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_ZIPPED = {
    "word/document.xml": Kind.WORD,
    "ppt/presentation.xml": Kind.SLIDES,
    "xl/workbook.xml": Kind.SHEETS,
    "xl/workbook.bin": Kind.SHEETS,
}
_HEAD_BYTES = 1024


def kind_of(path: Path, suffix: str) -> Kind:
    """The kind of the file at ``path``, whose name ends in ``suffix``.

    A file of Office is told by what it holds, whatever it is called: a Word file named ``.doc`` is read as one. Raises
    :class:`~bot.errors.KnowledgeError` for one that is not what its name says.
    """
    kind = KINDS[suffix]
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise KnowledgeError(f"cannot be read: {error.strerror}") from error
    if kind in TEXTS or kind is Kind.PICTURE:
        return kind
    if not head:
        raise KnowledgeError("it is empty")
    if head.startswith(_OLE):
        return _old(path, suffix, kind)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zipped(path, kind)
    if b"%PDF-" in head:
        return Kind.PDF
    if kind is Kind.LEGACY or kind is Kind.PAGE:
        return Kind.PAGE if b"<html" in head.lower() else kind
    raise KnowledgeError(f"it is no {suffix} file, whatever its name says, or it is damaged: save it again")


def is_archive(path: Path) -> bool:
    """Whether a file that is called an archive is to be unpacked: any but a file of Office under such a name."""
    if KINDS[path.suffix.lower()] is not Kind.ARCHIVE:
        return False
    try:
        return kind_inside(path) is None
    except KnowledgeError:  # whoever unpacks it says what is wrong
        return True


def kind_inside(path: Path) -> Kind | None:
    """The kind of Office file that an archive is; ``None`` for an archive of anything else.

    Raises :class:`~bot.errors.KnowledgeError` for what is no archive.
    """
    names = {member.filename for member in _members(path)}
    return next((found for name, found in _ZIPPED.items() if name in names), None)


def refuse_bombs(path: Path, max_bytes: int = MAX_UNPACKED_BYTES, max_members: int = MAX_MEMBERS) -> None:
    """Raise :class:`~bot.knowledge.loaders.refusals.TooMuch` for an archive that unpacks to more."""
    members = _members(path)
    if len(members) > max_members or sum(member.file_size for member in members) > max_bytes:
        raise TooMuch("it unpacks to more than it may: divide it")


def is_encrypted(path: Path) -> bool:
    """Whether a file in the container of Office before 2007 is a newer one with a password."""
    return _ENCRYPTED in path.read_bytes()


def _old(path: Path, suffix: str, kind: Kind) -> Kind:
    """Of the kinds of Office before 2007, which share a container with files that have a password."""
    if is_encrypted(path):
        raise Encrypted()
    if suffix == ".xls" or kind is Kind.LEGACY:
        return kind
    raise KnowledgeError(f"it is a file of an old Office, not {suffix}: save it as {suffix}")


def _zipped(path: Path, kind: Kind) -> Kind:
    inside = kind_inside(path)
    if inside is not None:
        return inside
    if kind in (Kind.WORD, Kind.SLIDES):
        raise KnowledgeError("it is an archive of something else: save it again, or name it .zip")
    return kind


def _members(path: Path) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise KnowledgeError("it is damaged or cut off: save or download it again") from error
