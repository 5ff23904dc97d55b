"""Conversations that came in one task are worked side by side where threads are free, and each once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from workers.sharing import Sharing

PATIENCE_S = 10.0


def test_free_threads_help() -> None:
    meet = threading.Barrier(4)
    with ThreadPoolExecutor(4) as pool:
        sharing = Sharing(lambda _name: _ignore(meet.wait(PATIENCE_S)), pool.submit)
        pool.submit(sharing.work, ["a", "b", "c", "d"]).result(PATIENCE_S)
    assert sharing.helping == 0


def test_without_a_free_thread_one_does_them_all_in_turn() -> None:
    worked: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        sharing = Sharing(worked.append, pool.submit)
        pool.submit(sharing.work, ["a", "b", "c"]).result(PATIENCE_S)
    assert worked == ["a", "b", "c"]


def test_a_bug_in_one_keeps_no_other_from_being_worked() -> None:
    worked: list[str] = []

    def drain(name: str) -> None:
        if name == "bad":
            raise ValueError(name)
        worked.append(name)

    helpers: list[Callable[[], None]] = []
    sharing = Sharing(drain, helpers.append)
    with pytest.raises(ValueError, match="bad"):
        sharing.work(["bad", "a", "bad", "b"])
    for help_out in helpers:
        help_out()
    assert worked == ["a", "b"]
    assert sharing.helping == 0


def test_nothing_is_begun_once_the_worker_ends() -> None:
    worked: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        sharing = Sharing(worked.append, pool.submit)
    sharing.stop()
    sharing.work(["a", "b"])  # and the pool, which has ended, is not asked for help
    assert worked == []


def _ignore(_: object) -> None:
    return None
