"""Those who ask at the same time share a read that began after they asked, and its error."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from bot.errors import Unavailable
from bot.records.shared_read import SharedRead

PATIENCE_S = 10.0


class Source:
    """Counts its reads; the first waits until the test lets it go on."""

    def __init__(self) -> None:
        self.reads = 0
        self.entered, self.go_on = threading.Event(), threading.Event()
        self.error: Exception | None = None

    def read(self) -> int:
        self.reads += 1
        now = self.reads
        if not self.entered.is_set():
            self.entered.set()
            assert self.go_on.wait(PATIENCE_S)
        elif self.error:
            raise self.error
        return now


def ask_together(source: Source, others: int) -> "list[Future[int]]":
    """One asks, and ``others`` while it reads; returns when all have ended."""
    shared = SharedRead(source.read)
    asking = threading.Semaphore(0)

    def ask() -> int:
        asking.release()
        return shared()

    with ThreadPoolExecutor(others + 1) as threads:
        found = [threads.submit(ask)]
        assert source.entered.wait(PATIENCE_S)
        found += [threads.submit(ask) for _ in range(others)]
        for _ in range(others + 1):
            assert asking.acquire(timeout=PATIENCE_S)
        while shared._next is None:  # the last of them is about to join
            threading.Event().wait(0.001)
        source.go_on.set()
    return found


def test_who_asks_alone_is_read_for_alone() -> None:
    source = Source()
    source.go_on.set()
    shared = SharedRead(source.read)
    assert [shared(), shared()] == [1, 2]


def test_who_asks_meanwhile_gets_what_is_read_afterwards() -> None:
    source = Source()
    first, *others = ask_together(source, 20)
    assert first.result() == 1, "the read that was under way"
    assert all(one.result() > 1 for one in others), "nobody gets what was read before they asked"
    assert source.reads < 10, "and they share it"


def test_an_error_is_everybody_s_and_ends_with_its_read() -> None:
    source = Source()
    source.error = Unavailable("locked")
    first, *others = ask_together(source, 5)
    assert first.result() == 1
    for one in others:
        with pytest.raises(Unavailable, match="locked"):
            one.result()
    source.error = None
    assert SharedRead(source.read)() > 1
