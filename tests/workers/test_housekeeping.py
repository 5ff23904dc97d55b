"""A worker that hears of no sweep sweeps by itself, and says whether beat is silent or it was too busy to hear."""

import threading
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
import redis
from structlog.testing import capture_logs

from bot import keys
from bot.web.health import HEARTBEAT_EVERY_S, HEARTBEAT_PREFIX
from workers.housekeeping import SWEEP_SILENCE_S, Housekeeping


@dataclass
class Chores:
    """What a worker does between turns."""

    redis: "redis.Redis"
    done: list[str] = field(default_factory=list)
    begun: threading.Event = field(default_factory=threading.Event)
    may_end: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.may_end.set()

    def health(self) -> dict[str, Any]:
        return {}

    def sweep(self) -> None:
        self.begun.set()
        self.may_end.wait()
        self.done.append("sweep")

    def upkeep(self) -> None:
        self.done.append("upkeep")

    def tell_desk(self) -> None:
        self.done.append("tell_desk")

    def expire_media(self) -> None:
        self.done.append("expire_media")


@dataclass
class Pool:
    busy: bool = False


@pytest.fixture
def pool() -> Pool:
    return Pool()


@pytest.fixture
def chores(redis_client: "redis.Redis") -> Chores:
    return Chores(redis_client)


@pytest.fixture
def housekeeping(chores: Any, pool: Pool) -> Housekeeping:
    """Of a worker that has been there for a while."""
    worker = Housekeeping(chores, "w1", lambda: pool.busy)
    worker._started_at = 1
    return worker


def swept(client: "redis.Redis", seconds_ago: int) -> None:
    client.set(keys.SWEEP_LAST, client.time()[0] - seconds_ago)


def look(housekeeping: Housekeeping) -> list[str]:
    """What is logged."""
    with capture_logs() as logs:
        housekeeping._sweep_if_silent()
    return [log["event"] for log in logs]


def test_while_sweeps_are_made_nothing_is_done(housekeeping: Housekeeping, chores: Chores) -> None:
    swept(chores.redis, SWEEP_SILENCE_S - 2)
    assert look(housekeeping) == []
    assert chores.done == []


def test_a_silent_beat_is_stood_in_for(housekeeping: Housekeeping, chores: Chores) -> None:
    swept(chores.redis, SWEEP_SILENCE_S + 5)
    assert look(housekeeping) == ["beat_silent"]
    assert chores.done == ["sweep", "upkeep", "tell_desk", "expire_media"]


def test_beat_is_not_blamed_where_no_thread_was_free_for_its_orders(
    housekeeping: Housekeeping, chores: Chores, pool: Pool
) -> None:
    pool.busy = True
    swept(chores.redis, SWEEP_SILENCE_S - 2)
    assert look(housekeeping) == []
    pool.busy = False  # since a moment ago
    swept(chores.redis, SWEEP_SILENCE_S + 5)
    assert look(housekeeping) == ["no_thread_free"]
    assert chores.done == ["sweep", "upkeep", "tell_desk", "expire_media"]


def test_a_worker_that_has_just_started_waits_for_beat(chores: Any) -> None:
    assert look(Housekeeping(chores, "w1", lambda: False)) == []
    assert chores.done == []


def test_a_worker_beats_while_its_chores_take_long(housekeeping: Housekeeping, chores: Chores) -> None:
    swept(chores.redis, SWEEP_SILENCE_S + 5)
    chores.may_end.clear()
    housekeeping.start()
    try:
        assert chores.begun.wait(10)
        chores.redis.delete(HEARTBEAT_PREFIX + "w1")
        until = time.monotonic() + 3 * HEARTBEAT_EVERY_S
        while not chores.redis.exists(HEARTBEAT_PREFIX + "w1") and time.monotonic() < until:
            time.sleep(0.05)
        assert chores.redis.exists(HEARTBEAT_PREFIX + "w1")
        assert chores.done == []
    finally:
        chores.may_end.set()
        housekeeping.close()
