"""Vectors by the content they were made from, so that nothing is embedded twice.

One SQLite file, shared by every process: ingest, reindex and evaluation read and fill it. The key is a hash of the
embedder's name, the prefix kind and the text; the file may be deleted at any time.
"""

import hashlib
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bot.errors import KnowledgeError

Floats = npt.NDArray[np.float32]

BUSY_TIMEOUT_S = 10.0
_CHUNK = 500
"""Keys a statement: below SQLite's limit on variables, and one short transaction."""


class VectorCache:
    """``path`` is the SQLite file, made when missing. Safe for threads and processes.

    Raises :class:`~bot.errors.KnowledgeError` when the file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self.folder = path.parent
        self._path = path
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS vector (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"
            )
        except (OSError, sqlite3.Error) as error:
            raise KnowledgeError(
                f"the vector cache {path} cannot be opened ({error}); delete it and try again"
            ) from error

    def vectors(self, name: str, kind: str, texts: Sequence[str], compute: Callable[[list[str]], Floats]) -> Floats:
        """The vectors of ``texts``, (n, d); ``compute`` makes those that are missing, which are then kept.

        ``name`` is the embedder's, ``kind`` its prefix kind (``query`` or ``passage``).
        """
        if not texts:
            return compute([])
        keys = [_key(name, kind, text) for text in texts]
        found = self._read(keys)
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        if missing:
            made = compute(list(missing.values()))
            fresh = {key: vector.astype("<f4").tobytes() for key, vector in zip(missing, made, strict=True)}
            self._write(fresh)
            found |= fresh
        return np.stack([np.frombuffer(found[key], dtype="<f4") for key in keys])

    def put(self, name: str, kind: str, texts: Sequence[str], vectors: Sequence[Floats]) -> None:
        """Keep ``vectors``, which are those of ``texts``."""
        keys = [_key(name, kind, text) for text in texts]
        self._write({key: vector.astype("<f4").tobytes() for key, vector in zip(keys, vectors, strict=True)})

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _read(self, keys: list[bytes]) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        with self._lock:
            try:
                for start in range(0, len(keys), _CHUNK):
                    chunk = keys[start : start + _CHUNK]
                    marks = ",".join("?" * len(chunk))
                    found.update(
                        self._connection.execute(f"SELECT key, value FROM vector WHERE key IN ({marks})", chunk)  # noqa: S608 - only marks
                    )
            except sqlite3.Error as error:
                raise KnowledgeError(f"the vector cache {self._path} cannot be read: {error}") from error
        return found

    def _write(self, fresh: dict[bytes, bytes]) -> None:
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                self._connection.executemany("INSERT OR IGNORE INTO vector VALUES (?, ?)", fresh.items())
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise KnowledgeError(f"the vector cache {self._path} cannot be written: {error}") from error


def _key(name: str, kind: str, text: str) -> bytes:
    return hashlib.sha256("\0".join((name, kind, text)).encode("utf-8", "surrogatepass")).digest()
