"""Entries as a file that an auditor can take along: one JSON object a line, and a manifest with its hash."""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from bot.audit.entries import Action, AuditEntry, AuditEvent
from bot.audit.log import AuditLog
from bot.errors import UsageError


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What is said of an exported file, in ``<file>.manifest.json``.

    ``sha256`` is that of the whole file, ``seal`` its HMAC under the installation's key. ``first`` and ``last`` are the
    numbers of its entries, ``previous`` the hash of the entry before the first, ``hash`` that of the last.
    """

    format: int
    file: str
    sha256: str
    seal: str
    entries: int
    first: int
    last: int
    previous: str
    hash: str


def export(log: AuditLog, path: Path, begin: str, end: str, *, actor: str) -> Manifest:
    """Write the entries from the time ``begin`` on and before ``end`` (as :attr:`~bot.audit.entries.AuditEntry.at`) to
    ``path``, beside its manifest; that it was done becomes an entry too.

    Raises :class:`~bot.errors.UsageError` when there are none, or the files are there already or cannot be written.
    """
    first, last = log.between(begin, end)
    if first > last:
        raise UsageError("there are no entries in that time; look at what there is with: audit show")
    manifest = write_file(log, path, first, last)
    details = {"from": begin, "to": end, "entries": manifest.entries, "sha256": manifest.sha256}
    try:
        log.append(AuditEvent(action=Action.EXPORT, subject=f"audit:{first}-{last}", actor=actor, details=details))
    except BaseException:  # what nobody knows of must not have left
        discard(path)
        raise
    return manifest


def write_file(log: AuditLog, path: Path, first: int, last: int) -> Manifest:
    """Write the entries ``first`` to ``last`` to ``path``, beside its manifest; both for their owner's eyes only.

    Raises :class:`~bot.errors.UsageError` when the files are there already or cannot be written.
    """
    for file in (path, _manifest_path(path)):
        if file.exists():
            raise UsageError(f"{file} is there already; name another file")
    written = _Written()
    try:
        _create(path, written.lines(log.entries(first, last)))
        manifest = Manifest(
            format=1,
            file=path.name,
            sha256=written.sha256.hexdigest(),
            seal=log.key.seal(written.sha256.hexdigest()),
            entries=written.count,
            first=first,
            last=last,
            previous=written.previous,
            hash=written.hash,
        )
        text = json.dumps(asdict(manifest), ensure_ascii=False, indent=2) + "\n"
        try:
            _create(_manifest_path(path), [text.encode()])
        except BaseException:
            path.unlink()
            raise
    except FileExistsError as error:  # it came between our look and this: what others wrote there is theirs
        raise UsageError(f"{error.filename} is there already; name another file") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    return manifest


def discard(path: Path) -> None:
    """Remove the exported file at ``path`` and its manifest, as far as they are there."""
    path.unlink(missing_ok=True)
    _manifest_path(path).unlink(missing_ok=True)


class _Written:
    """What was written so far."""

    def __init__(self) -> None:
        self.sha256 = hashlib.sha256()
        self.count = 0
        self.previous = ""
        self.hash = ""

    def lines(self, entries: Iterable[AuditEntry]) -> Iterable[bytes]:
        for entry in entries:
            line = entry.to_line().encode() + b"\n"
            self.sha256.update(line)
            self.previous = self.previous or entry.previous
            self.hash = entry.hash
            self.count += 1
            yield line


def _manifest_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.manifest.json")


def _create(path: Path, lines: Iterable[bytes]) -> None:
    """Write the new file ``path``; one that could not be written whole is not there afterwards."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink()
        raise
