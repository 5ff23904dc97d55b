"""Taking old entries out of the database: they are exported, a checkpoint keeps their last hash, and they go.

The checkpoint is an entry like others, sealed with the installation's key, so that the log proves afterwards that what
is missing at its beginning was taken out and not lost, and which exported file holds it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from sqlalchemy import Connection, delete, func, select, text

from bot.audit.anchors import read_anchors
from bot.audit.entries import Action, AuditEvent, Checkpoint
from bot.audit.export import Manifest, discard, write_file
from bot.audit.log import AuditLog
from bot.audit.table import audit_entries
from bot.audit.verification import verify
from bot.errors import UsageError

_GUARD = "audit_entries_no_delete"


def take_out(log: AuditLog, path: Path, end: str, *, actor: str) -> Manifest:
    """Move every entry before the first that is not older than the time ``end`` (as
    :attr:`~bot.audit.entries.AuditEntry.at`) to the file ``path``, beside its manifest.

    Raises :class:`~bot.errors.UsageError` when there is none, when the log is not whole, or when the files are there
    already or cannot be written; the log is as before then.
    """
    first, last = _first(log), log.last_before(end)
    if last < first:
        raise UsageError("there is no entry that is so old")
    anchors = read_anchors(log.anchors.path) if log.anchors.path.exists() else []
    found = verify(log.entries(), log.key, anchors)
    if not found.ok:
        raise UsageError(
            f"{found.problems[0].text}: a log that is not whole is evidence, and nothing is taken out of it"
        )
    manifest = write_file(log, path, first, last)
    checkpoint = Checkpoint(through=last, hash=manifest.hash, sha256=manifest.sha256)
    event = AuditEvent(
        action=Action.CHECKPOINT, subject=f"audit:{first}-{last}", actor=actor, details=asdict(checkpoint)
    )
    try:
        with log.database.write() as connection:
            log.append_within(connection, [event])  # waits for others who do the same
            _delete(connection, first, last)
    except BaseException:
        discard(path)
        raise
    return manifest


def _first(log: AuditLog) -> int:
    with log.database.read() as connection:
        return connection.scalar(select(func.min(audit_entries.c.seq))) or 1


def _delete(connection: Connection, first: int, last: int) -> None:
    if connection.scalar(select(func.min(audit_entries.c.seq))) != first:
        raise UsageError("somebody else has just taken entries out; look again")
    with _deletable(connection):
        connection.execute(delete(audit_entries).where(audit_entries.c.seq <= last))


@contextmanager
def _deletable(connection: Connection) -> Iterator[None]:
    """Inside, and in this transaction alone, the database lets rows of the log be deleted."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"ALTER TABLE audit_entries DISABLE TRIGGER {_GUARD}"))
        yield
        connection.execute(text(f"ALTER TABLE audit_entries ENABLE TRIGGER {_GUARD}"))
        return
    guard = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = ?", (_GUARD,)).scalar_one()
    connection.exec_driver_sql(f"DROP TRIGGER {_GUARD}")
    yield
    connection.exec_driver_sql(guard)
