"""What is approved in a collection as open files: FAQ tables, Markdown with its place, and every entry as JSON lines.

A folder for each audience holds what :mod:`bot.knowledge.ingest` takes back: CSV for FAQs, Markdown for documents, in
the order of the document. What is for some bots alone lies apart, in a folder that names them. ``entries.jsonl``
beside them has every field, and ``figures`` the pictures.
"""

import csv
import hashlib
import io
import json
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from zoneinfo import ZoneInfo

import structlog

from bot.knowledge.entries import Entry, EntryKind
from bot.knowledge.figures import FigureStore
from bot.knowledge.origin import ALWAYS_FROM, ALWAYS_TO

log = structlog.get_logger()

ENTRIES_FILE = "entries.jsonl"
FIGURES_FOLDER = "figures"
_COLUMNS = ("问题", "相似问题", "答案", "生效", "失效", "审批号")
_LINES = re.compile(r"第 \d+(?:–\d+)? 行")


@dataclass(frozen=True, kw_only=True, slots=True)
class Exported:
    """How many files and entries were written."""

    files: int
    entries: int


def export(documents: Iterable[Sequence[Entry]], folder: Path, timezone: ZoneInfo, figures: FigureStore) -> Exported:
    """Write the entries of each document, in their order, below ``folder``, which is made and must be empty."""
    files = count = 0
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ENTRIES_FILE).open("w", encoding="utf-8") as lines:
        for entries in documents:
            for entry in entries:
                lines.write(json.dumps(asdict(entry), ensure_ascii=False) + "\n")
                count += 1
            files += _write(entries, folder, timezone)
            _copy_figures(entries, folder, figures)
    return Exported(files=files, entries=count)


def _write(entries: Sequence[Entry], folder: Path, timezone: ZoneInfo) -> int:
    files = 0
    for kind, suffix in ((EntryKind.FAQ, ".csv"), (EntryKind.PASSAGE, ".md")):
        mine = [entry for entry in entries if entry.kind is kind]
        if not mine:
            continue
        path = _place(folder / "-only-for-".join((mine[0].audience.value, *mine[0].bots)), mine[0].source, suffix)
        path.write_text(_table(mine, timezone) if kind is EntryKind.FAQ else _document(mine), encoding="utf-8")
        files += 1
    return files


def _place(folder: Path, source: str, suffix: str) -> Path:
    """Where a document goes: below ``folder`` whatever its source says, which may come from another installation; under
    a name of ours where its own cannot be had or is another's."""
    name = PurePosixPath(source if PurePosixPath(source).suffix.lower() in (suffix, ".markdown") else source + suffix)
    path = folder.joinpath(*(part for part in name.parts if part not in ("/", "//", "..", ".")))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            return path
    except OSError as error:
        log.info("export_renamed", source=source[:200], reason=error.strerror)
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{hashlib.sha256(source.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}{suffix}"


def _table(entries: Sequence[Entry], timezone: ZoneInfo) -> str:
    whole = io.StringIO()
    writer = csv.writer(whole, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for entry in entries:
        first = "" if entry.valid_from <= ALWAYS_FROM else _day(entry.valid_from, timezone)
        last = (
            "" if entry.valid_to >= ALWAYS_TO else _day(entry.valid_to - timedelta(seconds=1).total_seconds(), timezone)
        )
        similar = "|".join(entry.questions[1:])
        writer.writerow((entry.title, similar, entry.text, first, last, entry.approval_number))
    return whole.getvalue()


def _day(epoch_s: float, timezone: ZoneInfo) -> str:
    return datetime.fromtimestamp(epoch_s, timezone).date().isoformat()


def _document(entries: Sequence[Entry]) -> str:
    """Markdown: headings by the section paths, passages between them; tables that were cut are one again."""
    number = entries[0].approval_number
    parts = ["---", f"title: {json.dumps(entries[0].title, ensure_ascii=False)}"]
    parts += [f"审批号: {number}"] if number else []
    parts += ["---", ""]
    open_: tuple[str, ...] = ()
    for entry in entries:
        path = () if _LINES.fullmatch(entry.location) else tuple(filter(None, entry.location.split(" › ")))
        if path != open_:
            same = next(
                (at for at, (a, b) in enumerate(zip(path, open_, strict=False)) if a != b), min(len(path), len(open_))
            )
            parts += [f"{'#' * min(at + 2, 6)} {path[at]}\n" for at in range(same, len(path))]
            open_ = path
        parts.append(entry.text + "\n")
    return "\n".join(parts)


def _copy_figures(entries: Sequence[Entry], folder: Path, figures: FigureStore) -> None:
    for id_ in {figure for entry in entries for figure in entry.figures}:
        kept = figures.path(id_)
        if kept is not None:
            (folder / FIGURES_FOLDER).mkdir(exist_ok=True)
            shutil.copyfile(kept, folder / FIGURES_FOLDER / id_)
