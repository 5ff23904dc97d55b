"""What staging hands to production: an exported folder with a seal, which names the accepted run of golden questions
that ran on just this knowledge.

The seal is no signature: whoever can write the folder can write another seal. It keeps out what was exported before or
after that run, and what was changed or lost on the way.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any

from bot.errors import UsageError
from bot.evaluation.rows import read_rows
from bot.golden.store import Run
from bot.golden.versions import content_digest
from bot.knowledge.entries import Audience, Entry, EntryKind
from bot.knowledge.export import ENTRIES_FILE, FIGURES_FOLDER
from bot.knowledge.figures import FigureStore
from bot.knowledge.origin import Origin, make_entry
from bot.knowledge.versions import Submission

SEAL_FILE = "gate.json"
_FORMAT = 1
_MOST_BYTES = 64 * 1024
_LISTS = ("questions", "bots", "figures")
_TYPES: Mapping[Any, type | tuple[type, ...]] = {float: (int, float), int: int}


@dataclass(frozen=True, kw_only=True, slots=True)
class Seal:
    """The accepted run: of which ``bot``, when (epoch seconds) and by whom it was accepted, how many of its questions
    were right; ``knowledge`` is the digest of the collection it ran on, ``ran_on`` all that it rested on."""

    bot: str
    run: str
    right: int
    questions: int
    accepted_at: float
    accepted_by: str
    knowledge: str
    ran_on: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bundle:
    """An exported folder whose content is what its seal says."""

    seal: Seal
    entries: tuple[Entry, ...]


def seal(folder: Path, collection: str, entries: Sequence[Entry], run: Run | None) -> Seal | None:
    """Write the seal of ``run``, the accepted one, into the exported ``folder`` of ``entries``; ``None``, and nothing
    is written, where it ran on another state of ``collection``, or where there is none."""
    knowledge = content_digest(entries)
    if run is None or run.accepted_at is None or run.ran_on.get("knowledge", {}).get(collection) != knowledge:
        return None
    made = Seal(
        bot=run.bot,
        run=run.id,
        right=run.right,
        questions=len(run.outcomes),
        accepted_at=run.accepted_at,
        accepted_by=run.accepted_by or "",
        knowledge=knowledge,
        ran_on=run.ran_on,
    )
    whole = json.dumps({"format": _FORMAT, **asdict(made)}, ensure_ascii=False, indent=2)
    (folder / SEAL_FILE).write_text(whole + "\n", encoding="utf-8")
    return made


def is_bundle(path: Path) -> bool:
    """Whether ``path`` is a folder with a seal."""
    return (path / SEAL_FILE).is_file()


def read_bundle(folder: Path) -> Bundle:
    """The bundle in ``folder``.

    Raises :class:`~bot.errors.UsageError` when it cannot be read, or is not what its run ran on.
    """
    sealed = _read_seal(folder / SEAL_FILE)
    entries = tuple(_entry(row, where) for where, row in read_rows(folder / ENTRIES_FILE))
    if content_digest(entries) != sealed.knowledge:
        raise UsageError(
            f"{folder} does not hold what the accepted run {sealed.run} of {sealed.bot} ran on: it was changed since "
            "it was exported; export it again"
        )
    return Bundle(sealed, entries)


def submissions(bundle: Bundle, tenant: str, collection: str) -> Iterator[Submission]:
    """Its documents, for a collection here."""
    for source, held in groupby(bundle.entries, key=lambda entry: entry.source):
        entries = [_here(entry, tenant, collection) for entry in held]
        first = entries[0]
        title = PurePosixPath(source).stem if first.kind is EntryKind.FAQ else first.title
        origin = Origin(tenant=tenant, collection=collection, audience=first.audience, source=source, bots=first.bots)
        content = hashlib.sha256("".join(entry.id for entry in entries).encode()).hexdigest()
        yield Submission(origin=origin, title=title, content_hash=content, entries=tuple(entries))


def take_figures(folder: Path, figures: FigureStore) -> None:
    """Keep the pictures of the bundle in ``folder`` here."""
    if (folder / FIGURES_FOLDER).is_dir():
        with tempfile.TemporaryDirectory() as copies:
            # Links stay links, which are passed over: a bundle could show any file of this machine otherwise.
            shutil.copytree(folder / FIGURES_FOLDER, copies, symlinks=True, dirs_exist_ok=True)
            figures.take(Path(copies))


def _here(entry: Entry, tenant: str, collection: str) -> Entry:
    origin = Origin(tenant=tenant, collection=collection, audience=entry.audience, source=entry.source, bots=entry.bots)
    given = {name: value for name, value in _fields_of(entry).items() if name not in _OF_ORIGIN}
    return make_entry(origin, **given)


_OF_ORIGIN = frozenset({"id", "tenant", "collection", "audience", "source", "bots"})


def _fields_of(entry: Entry) -> dict[str, Any]:
    return {one.name: getattr(entry, one.name) for one in fields(Entry)}


def _read_seal(path: Path) -> Seal:
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(_MOST_BYTES))
        if not isinstance(found, dict) or found.pop("format", None) != _FORMAT:
            raise UsageError(f"{path} is no seal of this version")
        return Seal(**found)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise UsageError(f"{path} is no seal ({error}): export it again") from error


def _entry(row: Mapping[str, Any], where: str) -> Entry:
    try:
        lists = {name: tuple(row[name]) for name in _LISTS}
        entry = Entry(**{**row, **lists, "kind": EntryKind(row["kind"]), "audience": Audience(row["audience"])})
        _check_types(entry, row)
        return entry
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{where}: no entry ({error}): export it again") from error


def _check_types(entry: Entry, row: Mapping[str, Any]) -> None:
    """Raise ``ValueError`` for a value that JSON has and an entry has not."""
    for one in fields(Entry):
        values = row[one.name] if one.name in _LISTS else [getattr(entry, one.name)]
        if not isinstance(values, list) or not all(isinstance(each, _TYPES.get(one.type, str)) for each in values):
            raise ValueError(f"{one.name} is {row[one.name]!r:.40}")
