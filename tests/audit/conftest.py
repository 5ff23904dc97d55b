"""A log on a real database, with a clock that stands still until told, and the way of somebody who tampers with it."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.audit.anchors import Anchors, read_anchors
from bot.audit.entries import Action, AuditEvent
from bot.audit.key import AuditKey
from bot.audit.log import AuditLog
from bot.audit.verification import Verification, verify
from bot.records.database import Database

NOW = 1_800_000_000.0
SECRET = b"the key of this audit log, long enough"


def event(number: int = 0, **changes: object) -> AuditEvent:
    """Something that a person did."""
    fields: dict[str, object] = {"person": "wang.fang", "tenant": "academy", "bot": "imaging"}
    fields |= {"action": Action.TURN_DECIDED, "subject": f"turn:{number}", "details": {"kind": "faq"}}
    return AuditEvent(**fields | changes)  # type: ignore[arg-type]


@dataclass
class Books:
    """An installation's audit log."""

    database: Database
    folder: Path
    now: float = NOW
    key: AuditKey = field(default_factory=lambda: AuditKey(SECRET))

    def __post_init__(self) -> None:
        self.anchors = Anchors(self.folder / "audit-anchors.jsonl", lambda: self.now)
        self.log = AuditLog(self.database, self.key, self.anchors, lambda: self.now)

    def write(self, count: int) -> None:
        """``count`` entries, a second apart."""
        for number in range(count):
            self.log.append(event(number))
            self.now += 1.0

    def verify(self) -> Verification:
        anchors = read_anchors(self.anchors.path) if self.anchors.path.exists() else []
        return verify(self.log.entries(), self.key, anchors)


@pytest.fixture
def books(database_url: str, tmp_path: Path) -> Iterator[Books]:
    """An empty log, on each kind of database."""
    database = Database(database_url)
    database.upgrade()
    yield Books(database, tmp_path)
    database.dispose()


@dataclass(frozen=True)
class Tampering:
    """Somebody with the database's file and a SQL shell, who knows how the chain is made but has no key."""

    file: Path

    def run(self, *statements: str | tuple[str, Sequence[object]]) -> None:
        """Drop the triggers and do ``statements``."""
        with closing(sqlite3.connect(self.file, isolation_level=None)) as connection:
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                connection.execute(f"DROP TRIGGER {name}")
            for statement in statements:
                sql, values = (statement, ()) if isinstance(statement, str) else statement
                connection.execute(sql, values)


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[Books]:
    """An empty log on a SQLite file."""
    database = Database(f"sqlite:///{tmp_path}/raw.sqlite")
    database.upgrade()
    yield Books(database, tmp_path)
    database.dispose()


@pytest.fixture
def tamper(on_sqlite: Books) -> Callable[..., None]:
    """Does SQL statements to the file of ``on_sqlite``."""
    return Tampering(on_sqlite.folder / "raw.sqlite").run
