"""A worker that hears of no sweep sweeps by itself, and says whether beat is silent or it was too busy to hear."""

from dataclasses import dataclass, field
from typing import Any

import pytest
import redis
from structlog.testing import capture_logs

from bot import keys
from workers.housekeeping import SWEEP_SILENCE_S, Housekeeping


@dataclass
class Chores:
    """What a worker does between turns."""

    redis: "redis.Redis"
    done: list[str] = field(default_factory=list)

    def sweep(self) -> None:
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
