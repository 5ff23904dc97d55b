"""Who writes at the same time writes in one transaction, and everybody hears what became of their own row."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from bot.errors import Unavailable
from bot.records.group_commit import MOST, GroupCommit

PATIENCE_S = 10.0


class Table:
    """Writes rows; the first transaction waits until the test lets it go on."""

    def __init__(self, refuse: Callable[[Sequence[int]], BaseException | None] = lambda _rows: None) -> None:
        self.transactions: list[list[int]] = []
        self.entered, self.go_on = threading.Event(), threading.Event()
        self._refuse = refuse

    def write(self, rows: Sequence[int]) -> None:
        self.transactions.append(list(rows))
        if not self.entered.is_set():
            self.entered.set()
            assert self.go_on.wait(PATIENCE_S)
        if error := self._refuse(rows):
            raise error


def save_together(table: Table, rows: int) -> "list[Future[None]]":
    """Row 0 is being written while 1 … ``rows`` come; returns when all have ended."""
    commits = GroupCommit(table.write)
    with ThreadPoolExecutor(rows + 1) as threads:
        saved = [threads.submit(commits.save, 0)]
        assert table.entered.wait(PATIENCE_S)
        saved += [threads.submit(commits.save, row) for row in range(1, rows + 1)]
        while len(commits._waiting) < rows:  # all stand behind the first
            threading.Event().wait(0.001)
        table.go_on.set()
    return saved


def test_a_lone_writer_writes_at_once() -> None:
    table = Table()
    table.go_on.set()
    commits = GroupCommit(table.write)
    commits.save(1)
    commits.save(2)
    assert table.transactions == [[1], [2]]


def test_who_comes_meanwhile_shares_the_next_transaction() -> None:
    table = Table()
    saved = save_together(table, 20)
    assert [one.result() for one in saved] == [None] * 21
    assert table.transactions[0] == [0]
    assert [sorted(rows) for rows in table.transactions[1:]] == [list(range(1, 21))]


def test_a_transaction_is_bounded_and_nobody_is_forgotten() -> None:
    table = Table()
    saved = save_together(table, MOST + 20)
    assert all(one.result() is None for one in saved)
    assert [len(rows) for rows in table.transactions] == [1, MOST, 20]


def test_a_row_that_cannot_be_written_harms_nobody_else() -> None:
    table = Table(lambda rows: ValueError("bad row") if 3 in rows else None)
    saved = save_together(table, 5)
    for row, one in enumerate(saved):
        if row == 3:
            with pytest.raises(ValueError, match="bad row"):
                one.result()
        else:
            assert one.result() is None
    written = [row for rows in table.transactions if 3 not in rows for row in rows]
    assert sorted(written) == [0, 1, 2, 4, 5]


def test_a_writer_that_is_interrupted_leaves_nobody_s_row_behind() -> None:
    interruptions = [SystemExit()]
    table = Table(lambda rows: interruptions.pop() if len(rows) > 1 and interruptions else None)
    saved = save_together(table, 5)
    errors = [one.exception() for one in saved]
    assert [type(error) for error in errors if error] == [SystemExit], "of the one who wrote for all"
    assert sorted(table.transactions[-1]) == [1, 2, 3, 4, 5]


def test_a_database_that_does_not_answer_is_asked_once_for_all() -> None:
    table = Table(lambda _rows: Unavailable("locked"))
    saved = save_together(table, 5)
    for one in saved:
        with pytest.raises(Unavailable, match="locked"):
            one.result()
    assert len(table.transactions) == 2
