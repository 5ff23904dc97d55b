"""Wake-ups go out at once while little happens, and together when much does; none is lost when the process ends."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from bot.gathered_wakes import MOST_TOGETHER, GatheredWakes

PATIENCE_S = 10.0


class Broker:
    """Takes tasks, each when the test lets it."""

    def __init__(self) -> None:
        self.tasks: list[tuple[str, ...]] = []
        self.asked = threading.Semaphore(0)
        self.takes = threading.Semaphore(0)

    def publish(self, *conversations: str) -> None:
        self.asked.release()
        assert self.takes.acquire(timeout=PATIENCE_S)
        self.tasks.append(conversations)

    def wait_until_asked(self) -> None:
        assert self.asked.acquire(timeout=PATIENCE_S)


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def wakes(broker: Broker) -> Iterator[GatheredWakes]:
    wakes = GatheredWakes(broker.publish)
    yield wakes
    broker.takes.release(1000)
    wakes.close()


def test_who_is_in_a_hurry_goes_out_at_once_with_those_who_are_not(broker: Broker, wakes: GatheredWakes) -> None:
    wakes.later("patient")
    wakes("first")
    broker.wait_until_asked()
    names = [f"c{number}" for number in range(MOST_TOGETHER + 3)]
    for name in names:
        wakes(name)
    broker.takes.release(3)
    wakes.close()
    assert broker.tasks == [("patient", "first"), tuple(names[:MOST_TOGETHER]), tuple(names[MOST_TOGETHER:])]


def test_who_is_in_no_hurry_goes_out_all_the_same(broker: Broker, wakes: GatheredWakes) -> None:
    wakes.later("patient")
    broker.takes.release(1)
    broker.wait_until_asked()
    wakes.close()
    assert broker.tasks == [("patient",)]


def test_whoever_wakes_does_not_wait_for_the_broker(broker: Broker, wakes: GatheredWakes) -> None:
    wakes("first")
    broker.wait_until_asked()
    wakes("second")
    assert broker.tasks == []


def test_what_waits_when_the_process_ends_is_published(broker: Broker, wakes: GatheredWakes) -> None:
    broker.takes.release(100)
    for number in range(40):
        wakes(f"c{number}")
    wakes.close()
    assert [name for task in broker.tasks for name in task] == [f"c{number}" for number in range(40)]


def test_it_goes_on_after_it_was_closed(broker: Broker, wakes: GatheredWakes) -> None:
    broker.takes.release(100)
    wakes.close()
    wakes("late")
    wakes.close()
    assert broker.tasks == [("late",)]


def test_a_bug_while_publishing_costs_these_wakes_and_no_other() -> None:
    published: list[str] = []
    seen = threading.Semaphore(0)

    def publish(*conversations: str) -> None:
        seen.release()
        if "bad" in conversations:
            raise ValueError("a bug")
        published.extend(conversations)

    wakes = GatheredWakes(publish)
    with capture_logs() as logs:
        wakes("bad")
        assert seen.acquire(timeout=PATIENCE_S)
        wakes("good")
        wakes.close()
    assert published == ["good"]
    assert [log["event"] for log in logs] == ["wake_not_published"]


def test_a_child_process_wakes_whatever_the_parent_was_doing(wakes: GatheredWakes, broker: Broker) -> None:
    with wakes._lock:
        child = os.fork()
        if child == 0:
            signal.alarm(int(PATIENCE_S))  # rather than wait for ever
            broker.takes.release(100)
            wakes("child's")
            wakes.close()
            os._exit(0 if broker.tasks == [("child's",)] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_child_process_publishes_by_itself(wakes: GatheredWakes, broker: Broker) -> None:
    wakes("parent's")
    broker.wait_until_asked()
    child = os.fork()
    if child == 0:  # the parent's thread is not here, and what it waits for is not the child's
        broker.takes.release(100)
        wakes("child's")
        wakes.close()
        os._exit(0 if broker.tasks == [("child's",)] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
