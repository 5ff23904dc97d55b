"""A worker that hears of no sweep sweeps by itself, and says whether beat is silent or it was too busy to hear."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import redis
from structlog.testing import capture_logs

from bot import keys
from bot.errors import Unavailable
from bot.web.health import HEARTBEAT_PREFIX
from workers.housekeeping import SWEEP_SILENCE_S, Housekeeping

PATIENCE_S = 10.0


@dataclass
class Chores:
    """What a worker does between turns."""

    redis: "redis.Redis"
    done: list[str] = field(default_factory=list)
    begun: threading.Event = field(default_factory=threading.Event)
    may_end: threading.Event = field(default_factory=threading.Event)
    faults: dict[str, Exception] = field(default_factory=dict)
    """By chore: what it fails of, once."""

    def __post_init__(self) -> None:
        self.may_end.set()

    def _do(self, chore: str) -> None:
        if fault := self.faults.pop(chore, None):
            raise fault
        self.done.append(chore)

    def health(self) -> dict[str, Any]:
        self._do("health")
        return {}

    def sweep(self) -> None:
        self.begun.set()
        self.may_end.wait()
        self._do("sweep")

    def upkeep(self) -> None:
        self._do("upkeep")

    def tell_desk(self) -> None:
        self._do("tell_desk")

    def expire_media(self) -> None:
        self._do("expire_media")


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
    worker = Housekeeping(chores, "w1", lambda: pool.busy, every_s=0.05)
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


def test_a_chore_that_fails_keeps_no_other_from_being_done(housekeeping: Housekeeping, chores: Chores) -> None:
    chores.faults = {"sweep": Unavailable("Redis"), "upkeep": ValueError("a bug")}
    swept(chores.redis, SWEEP_SILENCE_S + 5)
    assert look(housekeeping) == ["beat_silent", "housekeeping_failed", "housekeeping_failed"]
    assert chores.done == ["tell_desk", "expire_media"]


def test_a_sweep_in_the_future_is_none(housekeeping: Housekeeping, chores: Chores) -> None:
    """Redis' clock was set back since."""
    swept(chores.redis, -3600)
    assert look(housekeeping) == ["beat_silent"]
    assert "sweep" in chores.done


def test_a_worker_beats_while_its_chores_take_long(housekeeping: Housekeeping, chores: Chores) -> None:
    swept(chores.redis, SWEEP_SILENCE_S + 5)
    chores.may_end.clear()
    with started(housekeeping):
        assert chores.begun.wait(PATIENCE_S)
        chores.redis.delete(HEARTBEAT_PREFIX + "w1")
        wait_for_a_beat(chores)
        assert set(chores.done) == {"health"}
        chores.may_end.set()


def test_a_heart_outlives_what_nobody_thought_of(housekeeping: Housekeeping, chores: Chores) -> None:
    swept(chores.redis, 0)
    chores.faults = {"health": ValueError("a bug")}
    with started(housekeeping):
        wait_for_a_beat(chores)


@contextmanager
def started(housekeeping: Housekeeping) -> Iterator[None]:
    housekeeping.start()
    try:
        yield
    finally:
        housekeeping.close()


def wait_for_a_beat(chores: Chores) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while not chores.redis.exists(HEARTBEAT_PREFIX + "w1"):
        assert time.monotonic() < give_up_at
        time.sleep(0.01)
