"""Token states of texts by their content, beside the index whose entries they belong to.

One SQLite file, read without a memory map: that is as quick, and its pages are not this process' memory. A text's
states are made in the same run of the model as its vector and are never changed, so a row is right whatever the index
does; what no entry needs any more is dropped when the embedded index opens, and the oldest beyond a bound when one on
a server does.
"""

import hashlib
import sqlite3
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

from bot.errors import KnowledgeError

STATES_FILE = "states.sqlite"
"""Its name beside the index."""
BUSY_TIMEOUT_S = 10.0
_MANY = 500
"""Keys a statement."""

TextOfKind = tuple[str, str]
"""(kind, text): the prefix kind the model read it with, ``query`` or ``passage``, and the text."""


class StateStore:
    """``path`` is the SQLite file, made when missing; ``name`` the embedder's, so that no other's states are found.

    Safe for threads and processes. Raises :class:`~bot.errors.KnowledgeError` when the file cannot be read or written.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name
        self._lock = threading.Lock()
        try:
            self._connection = _open(path)
        except (OSError, sqlite3.Error) as error:
            raise KnowledgeError(f"the token states {path} cannot be opened ({error}); delete the file") from error

    def read(self, texts: Sequence[TextOfKind]) -> list[bytes | None]:
        """The states of ``texts`` as :func:`bot.knowledge.late_interaction.kept` made them; ``None`` for those that
        are not there."""
        keys = [self.key(text) for text in texts]
        found: dict[bytes, bytes] = dict(self._select("key, value", keys))
        return [found.get(key) for key in keys]

    def missing(self, texts: Iterable[TextOfKind]) -> dict[str, list[str]]:
        """Those of ``texts`` that are not there, each once, by their kind."""
        wanted = {self.key(text): text for text in texts}
        there = {key for (key,) in self._select("key", list(wanted))}
        missing: dict[str, list[str]] = {}
        for key, (kind, text) in wanted.items():
            if key not in there:
                missing.setdefault(kind, []).append(text)
        return missing

    def put(self, states: Mapping[TextOfKind, bytes]) -> None:
        """Keep ``states``."""
        rows = [(self.key(text), value) for text, value in states.items()]
        self._write("INSERT OR IGNORE INTO state (key, value) VALUES (?, ?)", rows)

    def key(self, text: TextOfKind) -> bytes:
        """What ``text`` is kept under."""
        whole = "\0".join((self._name, *text)).encode("utf-8", "surrogatepass")
        return hashlib.sha256(whole).digest()[:16]

    def keep_only(self, wanted: Set[bytes]) -> int:
        """Drop all but these keys; how many were dropped."""
        with self._lock:
            try:
                there = [key for (key,) in self._connection.execute("SELECT key FROM state")]
            except sqlite3.Error as error:
                raise self._unreadable(error) from error
        gone = [(key,) for key in there if key not in wanted]
        self._write("DELETE FROM state WHERE key = ?", gone)
        return len(gone)

    def keep_newest(self, most: int) -> None:
        """Drop all but the ``most`` that were kept last."""
        self._write("DELETE FROM state WHERE rowid <= (SELECT max(rowid) FROM state) - ?", [(most,)])

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _select(self, columns: str, keys: Sequence[bytes]) -> list[Any]:
        rows: list[Any] = []
        with self._lock:
            try:
                for start in range(0, len(keys), _MANY):
                    chunk = keys[start : start + _MANY]
                    marks = ",".join("?" * len(chunk))
                    rows += self._connection.execute(f"SELECT {columns} FROM state WHERE key IN ({marks})", chunk)  # noqa: S608 - only marks
            except sqlite3.Error as error:
                raise self._unreadable(error) from error
        return rows

    def _write(self, statement: str, rows: Collection[tuple[bytes | int, ...]]) -> None:
        if not rows:
            return
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                self._connection.executemany(statement, rows)
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise KnowledgeError(f"the token states {self._path} cannot be written: {error}") from error

    def _unreadable(self, error: sqlite3.Error) -> KnowledgeError:
        return KnowledgeError(f"the token states {self._path} cannot be read ({error}); delete the file and `reindex`")


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA mmap_size=0")
    connection.execute("CREATE TABLE IF NOT EXISTS state (key BLOB UNIQUE NOT NULL, value BLOB NOT NULL)")
    return connection
