"""One transaction for all who have something to write at the moment, as databases do it for their own log.

A commit costs the same for one row as for twenty. Whoever comes while a transaction is written waits for the next one
and is written with all who came meanwhile; a lone writer waits for nobody.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from bot.errors import Unavailable

Row = TypeVar("Row")

MOST = 100
"""Rows in one transaction, so that nobody waits long for others' rows."""


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting(Generic[Row]):
    row: Row
    written: "Future[None]" = field(default_factory=Future)


class GroupCommit(Generic[Row]):
    """``write(rows)`` writes them in one transaction, all or none. Has no thread of its own: one of those who wait
    writes for all."""

    def __init__(self, write: Callable[[Sequence[Row]], None]) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._waiting: list[_Waiting[Row]] = []

    def save(self, row: Row) -> None:
        """Return once ``row`` is written; raises what writing it raised."""
        mine = _Waiting(row)
        with self._lock:
            self._waiting.append(mine)
        with self._writing:
            while not mine.written.done():
                self._write_some()
        mine.written.result()

    def _write_some(self) -> None:
        """Write those who have waited longest."""
        with self._lock:
            group, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        try:
            self._write([one.row for one in group])
        except Unavailable as error:
            for one in group:
                one.written.set_exception(error)
        except Exception:  # noqa: BLE001 - each writer hears of its own
            for one in group:  # a row that cannot be written must not keep the others from it
                self._write_alone(one)
        except BaseException:
            with self._lock:
                self._waiting = [*group, *self._waiting]
            raise
        else:
            for one in group:
                one.written.set_result(None)

    def _write_alone(self, one: _Waiting[Row]) -> None:
        try:
            self._write([one.row])
        except Exception as error:  # noqa: BLE001 - raised again where its writer waits
            one.written.set_exception(error)
        else:
            one.written.set_result(None)
