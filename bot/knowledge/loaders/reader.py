"""Files of every kind to documents, whatever they hold: the side of the border that trusts nothing.

What is not text is read by a confined child (:mod:`bot.confined`), a PDF in as many as its pages need. A page that ends
its child is left out and named; the rest of the file goes in.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog

from bot.confined import MEBIBYTE, ChildFailed, run_confined
from bot.errors import KnowledgeError
from bot.knowledge.figures import FigureStore
from bot.knowledge.loaders.document import Document, LoadLimits
from bot.knowledge.loaders.encoding import decode_text
from bot.knowledge.loaders.kinds import Kind
from bot.knowledge.loaders.layout import PageBlock
from bot.knowledge.loaders.libreoffice import converted
from bot.knowledge.loaders.markdown import load_markdown
from bot.knowledge.loaders.paged import Title, document_of
from bot.knowledge.loaders.plain_text import load_plain_text

log = structlog.get_logger()

_CHILD = "bot.knowledge.loaders.child"
_MEMORY_BYTES = 4096 * MEBIBYTE
"""Of address space, most of which is never touched: the reader of pictures maps 3 GB and uses 0.9."""
_SECONDS = 180.0
_ENOUGH_S = 30.0
"""A child that has worked so long leaves the next pages to another."""
_PAGES = 100
_LOST_PAGES = 10
"""A file with more pages that cannot be read is given up."""

PageProgress = Callable[[int, int], None]
"""Told how many pages of a file are read, and how many it has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """A sheet of a spreadsheet, or a CSV file: its name and rows."""

    name: str
    rows: list[list[str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheets:
    """What a spreadsheet holds, and what of it was passed over."""

    sheets: tuple[Sheet, ...]
    notes: tuple[str, ...] = ()


class FileReader:
    """Reads files; ``figures`` keeps their pictures. Every method raises :class:`~bot.errors.KnowledgeError` with what
    the author should do. ``seconds`` bounds one child's life."""

    def __init__(self, figures: FigureStore, limits: LoadLimits | None = None, seconds: float = _SECONDS) -> None:
        self._figures = figures
        self._limits = limits or LoadLimits()
        self._seconds = seconds

    def keeps(self, figures: Iterable[str]) -> bool:
        """Whether all these pictures are still kept; then they stay."""
        return self._figures.hold(figures)

    def document(self, path: Path, kind: Kind, *, name: str, folder: Path, progress: PageProgress) -> Document:
        """A file of any kind but archives and tables. ``name`` is its title where it names none itself; ``folder`` is
        where what it refers to may lie."""
        if kind is Kind.LEGACY:
            with tempfile.TemporaryDirectory() as made:
                newer, kind = converted(path, Path(made))
                return self.document(newer, kind, name=name, folder=folder, progress=progress)
        if kind is Kind.PDF:
            return self._pdf(path, name, progress)
        if kind is Kind.PICTURE:
            return self._picture(path, name)
        tasks = {Kind.WORD: "word", Kind.SLIDES: "slides", Kind.PAGE: "page"}
        with self._kept_figures() as figures:
            given = {"path": path, "name": name, "figures": figures, "pictures": folder}
            found = self._run(tasks[kind], **given)
            with _unbelieved():
                return Document.from_json(found)

    def text(self, data: bytes, kind: Kind, *, name: str) -> Document:
        """A file of text; its bytes, since they were read to be hashed."""
        text, encoding = decode_text(data)
        document = (load_plain_text if kind is Kind.TEXT else load_markdown)(text, name=name)
        return document if encoding == "UTF-8" else replace(document, notes=(f"read as {encoding}",))

    def sheets(self, path: Path) -> Sheets:
        """The rows of a spreadsheet."""
        found = self._run("sheets", path=path)
        with _unbelieved():
            sheets = tuple(Sheet(name=str(each["name"]), rows=_rows(each["rows"])) for each in found["sheets"])
            return Sheets(sheets=sheets, notes=tuple(map(str, found["notes"])))

    def _picture(self, path: Path, name: str) -> Document:
        with self._kept_figures() as figures:
            found = self._run("picture", path=path, figures=figures)
        blocks = _blocks(found)
        if not any(block.text or block.rows for block in blocks):
            raise KnowledgeError("no words could be read in the picture: describe it in a text beside it")
        if found.get("figure"):
            blocks.append(PageBlock(page=1, figure=str(found["figure"]), top=1.0, bottom=1.0))
        document = document_of(blocks, [], name=name, pages=1)
        sections = tuple(
            replace(section, blocks=tuple(replace(block, page=0) for block in section.blocks))
            for section in document.sections
        )
        return replace(document, sections=sections)

    def _pdf(self, path: Path, name: str, progress: PageProgress) -> Document:
        found = self._run("outline", path=path)
        with _unbelieved():
            pages, titles = int(found["pages"]), [_title(each) for each in found["titles"]]
        if pages > self._limits.pages:
            raise KnowledgeError(f"{pages:,} pages, {self._limits.pages:,} are allowed: divide it")
        blocks: list[PageBlock] = []
        lost: list[int] = []
        with self._kept_figures() as figures:
            for first, read in self._batches(path, pages, figures):
                if read is None:
                    lost.append(first)
                else:
                    blocks += _blocks(read)
                progress(first, pages)
        progress(pages, pages)
        document = document_of(blocks, titles, name=name, pages=pages)
        if lost:
            named = ", ".join(map(str, lost))
            document = replace(document, notes=(*document.notes, f"pages that could not be read: {named}"))
        return document

    def _batches(self, path: Path, pages: int, figures: Path) -> Iterator[tuple[int, dict[str, Any] | None]]:
        """What each child read, with its first page; ``None`` for a page that ended its child."""
        first, size, lost = 1, _PAGES, 0
        while first <= pages:
            last = min(first + size - 1, pages)
            try:
                read = self._run("pages", path=path, figures=figures, first=first, last=last, enough_s=_ENOUGH_S)
            except ChildFailed as failed:
                log.warning("pages_not_read", first=first, last=last, complaint=failed.complaint)
                if size > 1:
                    size = max(1, size // 10)
                    continue
                lost += 1
                if lost > _LOST_PAGES:
                    raise _unreadable(failed) from failed
                yield first, None
                first += 1
                continue
            with _unbelieved():
                after = int(read["next"])
            if not first < after <= pages + 1:
                raise KnowledgeError("its parser lost count of the pages: save it again")
            yield first, read
            first, size = after, min(_PAGES, size * 2)

    def _run(self, task: str, **arguments: Any) -> dict[str, Any]:
        """Raises :class:`~bot.confined.ChildFailed` for pages alone, which may be read one by one."""
        given = {"task": task} | {
            key: str(each.absolute()) if isinstance(each, Path) else each for key, each in arguments.items()
        }
        try:
            found = run_confined(_CHILD, given, memory_bytes=_MEMORY_BYTES, seconds=self._seconds)
        except ChildFailed as failed:
            if task == "pages":
                raise
            log.warning("file_not_read", task=task, complaint=failed.complaint)
            raise _unreadable(failed) from failed
        if "problem" in found:
            raise KnowledgeError(str(found["problem"]))
        return found

    @contextmanager
    def _kept_figures(self) -> Iterator[Path]:
        """A folder for the pictures of one file; they are kept when all of it was read."""
        folder = Path(tempfile.mkdtemp())
        try:
            yield folder
            self._figures.take(folder)
        finally:
            shutil.rmtree(folder)


def _unreadable(failed: ChildFailed) -> KnowledgeError:
    if failed.exhausted:
        return KnowledgeError("reading it takes too much memory or time: divide it, or export it more simply")
    return KnowledgeError("it is damaged or cut off: save or download it again")


@contextmanager
def _unbelieved() -> Iterator[None]:
    """Around the decoding of what a child printed, which is not believed to have the right form."""
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise KnowledgeError("its parser gave nonsense: save it again, or as another kind") from error


def _blocks(found: dict[str, Any]) -> list[PageBlock]:
    with _unbelieved():
        return [PageBlock.from_json(each) for each in found["blocks"]]


def _title(mark: Any) -> Title:
    page, level, text = mark
    return Title(page=int(page), level=int(level), text=str(text))


def _rows(rows: Any) -> list[list[str]]:
    return [[str(cell) for cell in row] for row in rows]
