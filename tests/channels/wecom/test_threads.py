"""Threads that are used again, and that are not missed when they do not come back."""

import os
import queue
import threading
from collections.abc import Iterator

import pytest

from channels.wecom.threads import Threads

IDLE_S = 30.0


def _nothing() -> None:
    """A job."""


def _broken() -> None:
    raise AssertionError("a bug")


class Crew:
    """Threads under test, and who did what."""

    def __init__(self, idle_s: float = IDLE_S) -> None:
        self.threads = Threads("crew", idle_s)
        self.ended: queue.SimpleQueue[threading.Thread] = queue.SimpleQueue()

    def run(self, until: threading.Event | None = None) -> None:
        """A job that ends at once, or with ``until``."""
        self.threads.run(until.wait if until else _nothing, self.end)

    def next_ended(self) -> threading.Thread:
        """The thread of the next job that ended."""
        return self.ended.get(timeout=10)

    def end(self) -> None:
        """Called when a job has ended."""
        self.ended.put(threading.current_thread())


@pytest.fixture
def held() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_one_job_after_another_needs_one_thread() -> None:
    crew = Crew()
    used = set()
    for _ in range(50):
        crew.run()
        used.add(crew.next_ended())
    assert len(used) == 1


def test_as_many_threads_as_jobs_at_once_and_then_no_more() -> None:
    crew = Crew()
    for _ in range(2):
        release = threading.Event()
        for _ in range(5):
            crew.run(release)
        release.set()
        used = {crew.next_ended() for _ in range(5)}
        assert len(used) == 5
    assert sum(thread.name.startswith("crew") for thread in threading.enumerate()) >= 5
    crew.run()
    assert crew.next_ended() in used


def test_a_job_that_never_ends_keeps_its_own_thread_only(held: threading.Event) -> None:
    crew = Crew()
    crew.run(held)
    for _ in range(3):
        crew.run()
        assert crew.next_ended().name == "crew idle"


def test_an_idle_thread_ends_after_a_while_and_another_takes_its_place() -> None:
    crew = Crew(idle_s=0.02)
    crew.run()
    first = crew.next_ended()
    first.join(10)
    assert not first.is_alive()
    crew.run()
    assert crew.next_ended() is not first


def test_jobs_that_come_just_as_threads_end_are_all_done() -> None:
    """Without patience, a thread looks in vain before its first job is handed over."""
    crew = Crew(idle_s=0)
    for _ in range(200):
        crew.run()
        crew.next_ended()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_in_a_job_is_reported_and_its_end_too() -> None:
    crew = Crew()
    crew.threads.run(_broken, crew.end)
    broken = crew.next_ended()
    broken.join(10)
    crew.run()
    assert crew.next_ended() is not broken


def test_a_forked_process_starts_threads_of_its_own() -> None:
    """What was idle in the parent does not exist in the child: a job given to it would never be done."""
    crew = Crew()
    crew.run()
    crew.next_ended()
    child = os.fork()
    if not child:
        try:
            crew.run()
            crew.next_ended()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
