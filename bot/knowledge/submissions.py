"""A file to what is submitted for it: its entries, its title, its hash, and what its author should hear."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from zoneinfo import ZoneInfo

from bot.errors import KnowledgeError
from bot.knowledge.approval import approval_number
from bot.knowledge.chunk import passages
from bot.knowledge.entries import Entry
from bot.knowledge.faq_table import FaqTable, csv_rows, is_faq_header, read_faq_table
from bot.knowledge.files import Found
from bot.knowledge.loaders import LoadLimits, decode_text
from bot.knowledge.loaders.kinds import TEXTS, Kind, kind_of
from bot.knowledge.loaders.reader import FileReader, PageProgress, Sheet, Sheets
from bot.knowledge.loaders.tabular import document_of_rows
from bot.knowledge.lookup_table import is_lookup_header, read_lookup_table
from bot.knowledge.origin import Origin
from bot.knowledge.recipe import recipe
from bot.knowledge.versions import Submission

_PIECE = 1024 * 1024
_PICTURED = b"<img"


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """A submission, with ``problems`` for the author to mend and ``notes`` of what was passed over."""

    submission: Submission
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class FileBytes:
    """A file that was not read yet: its kind, the SHA-256 of its bytes, and what they are read with
    (:func:`~bot.knowledge.recipe.recipe`); empty for a page that shows what lies in other files."""

    kind: Kind
    content_hash: str
    made_with: str


class Loader:
    """Makes submissions. ``timezone`` is where the days of FAQ tables begin."""

    def __init__(self, reader: FileReader, timezone: ZoneInfo, limits: LoadLimits) -> None:
        self._reader = reader
        self._timezone = timezone
        self._limits = limits

    def bytes_of(self, file: Found, origin: Origin) -> "FileBytes":
        """What the file is before it is read. Raises :class:`~bot.errors.KnowledgeError`; an archive is none of its
        concern."""
        kind = kind_of(file.path, file.path.suffix.lower())
        limit = self._limits.file_bytes if kind in TEXTS else self._limits.large_bytes
        hashed, shows = _hashed(file.path, limit, _PICTURED if kind is Kind.PAGE else b"")
        made_with = "" if shows else recipe(origin, self._timezone, self._limits)
        return FileBytes(kind=kind, content_hash=hashed, made_with=made_with)

    def keeps_figures(self, submission: Submission) -> bool:
        """Whether the pictures of what was made earlier are still there."""
        return self._reader.keeps({figure for entry in submission.entries for figure in entry.figures})

    def load(self, file: Found, origin: Origin, known: "FileBytes", progress: PageProgress) -> Loaded:
        """What the file says. Raises :class:`~bot.errors.KnowledgeError` with what the author should do."""
        loaded = self._read(file, origin, known, progress)
        told = loaded.problems or loaded.notes  # and will be told again, as long as the file is as it is
        submission = replace(loaded.submission, made_with="" if told else known.made_with)
        return replace(loaded, submission=submission)

    def _read(self, file: Found, origin: Origin, known: "FileBytes", progress: PageProgress) -> Loaded:
        kind, hashed = known.kind, known.content_hash
        name = PurePosixPath(origin.source).stem
        if kind in TEXTS:
            data = _read(file.path, self._limits.file_bytes)
            if kind is Kind.CSV:
                return self._tables(_csv(data, self._limits), name, origin, hashed)
            document = self._reader.text(data, kind, name=name)
        elif kind is Kind.SHEETS:
            return self._tables(self._reader.sheets(file.path), name, origin, hashed)
        else:
            document = self._reader.document(file.path, kind, name=name, folder=file.folder, progress=progress)
        document = replace(document, approval_number=approval_number(document.approval_number))
        entries = tuple(passages(document, origin))
        return Loaded(
            submission=Submission(origin=origin, title=document.title, content_hash=hashed, entries=entries),
            notes=document.notes,
        )

    def _tables(self, book: Sheets, name: str, origin: Origin, hashed: str) -> Loaded:
        entries: list[Entry] = []
        problems: list[str] = []
        notes = list(book.notes)
        others: list[tuple[str, list[list[str]]]] = []
        alone = len(book.sheets) == 1
        for sheet in book.sheets:
            where = "" if alone else sheet.name
            said = f"sheet {sheet.name}, " if where else ""
            rows = [(number, cells) for number, cells in enumerate(sheet.rows, 1) if any(map(str.strip, cells))]
            faq = self._faq(rows, origin, where)
            if rows and is_lookup_header(rows[0][1]):
                title = f"{name} {where}".strip()
                entries += read_lookup_table(rows, origin, title=title, limits=self._limits, where=where)
            elif faq is None:
                others.append((where, sheet.rows))
            else:
                entries += faq.entries
                problems += [f"{said}{problem}" for problem in faq.problems]
                notes += [f"{said}{note}" for note in faq.notes]
        document = document_of_rows(name, others)
        if document.sections and not entries and alone:
            notes.append("read as a table: it has no columns 问题 (question) and 答案 (answer)")
        entries += passages(document, origin)
        submission = Submission(origin=origin, title=name, content_hash=hashed, entries=tuple(entries))
        return Loaded(submission=submission, problems=tuple(problems), notes=tuple(notes))

    def _faq(self, rows: list[tuple[int, list[str]]], origin: Origin, where: str) -> FaqTable | None:
        """The FAQs of a sheet whose first row that is not blank says that it holds some, or that holds nothing."""
        if rows and not is_faq_header(rows[0][1]):
            return None
        if not rows and where:
            return FaqTable(entries=(), problems=(), notes=())
        if len(rows) > self._limits.rows + 1:
            raise KnowledgeError(f"more than {self._limits.rows} rows: split the table")
        return read_faq_table(rows, origin, timezone=self._timezone, limits=self._limits, where=where)


def _csv(data: bytes, limits: LoadLimits) -> Sheets:
    text, encoding = decode_text(data)
    rows: list[list[str]] = []
    for number, cells in csv_rows(text, limits):
        rows += [[] for _ in range(number - len(rows) - 1)]
        rows.append(cells)
    notes = () if encoding == "UTF-8" else (f"read as {encoding}",)
    return Sheets(sheets=(Sheet(name="", rows=rows),), notes=notes)


def _read(path: Path, limit: int) -> bytes:
    return b"".join(_pieces(path, limit))


def _hashed(path: Path, limit: int, mark: bytes) -> tuple[str, bool]:
    """The SHA-256 of a file, and whether ``mark`` is in it, where one is given."""
    digest, found, end = hashlib.sha256(), False, b""
    for piece in _pieces(path, limit):
        digest.update(piece)
        found = found or (bool(mark) and mark in (end + piece).lower())
        end = piece[-len(mark) :] if mark else b""
    return digest.hexdigest(), found


def _pieces(path: Path, limit: int) -> Iterable[bytes]:
    left = limit
    try:
        with path.open("rb") as file:
            while piece := file.read(min(_PIECE, left + 1)):
                left -= len(piece)
                if left < 0:
                    raise KnowledgeError(f"larger than {limit:,} bytes: divide it")
                yield piece
    except OSError as error:
        raise KnowledgeError(f"cannot be read: {error.strerror}") from error
