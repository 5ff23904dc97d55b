"""The thread that keeps leases alive."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import redis
from structlog.testing import capture_logs

from bot import keys
from bot.lease import LEASE_S, Leases
from bot.messages import ConversationId

PATIENCE_S = 10.0
SOON_S = 9.0
"""Left of a lease that was not renewed for long."""
TALKS = [ConversationId(bot="imaging", channel="app", person=f"p{number}") for number in range(300)]


@contextmanager
def keeping(client: redis.Redis, **patience: float) -> Iterator[Leases]:
    leases = Leases(client, renew_every_s=0.02, **patience)
    try:
        yield leases
    finally:
        leases.close()


def left_s(client: redis.Redis, talk: ConversationId) -> float:
    return client.pttl(keys.lease(talk)) / 1000


def until(true: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


def test_all_leases_in_use_are_renewed_and_what_is_lost_is_left_alone(redis_client: redis.Redis) -> None:
    with keeping(redis_client) as leases:
        assert all(map(leases.acquire, TALKS))
        redis_client.set(keys.lease(TALKS[0]), "another's", px=int(SOON_S * 1000))
        for talk in TALKS[1:]:
            redis_client.pexpire(keys.lease(talk), int(SOON_S * 1000))
        until(lambda: all(LEASE_S - 5 < left_s(redis_client, talk) <= LEASE_S for talk in TALKS[1:]))
        assert left_s(redis_client, TALKS[0]) <= SOON_S
        assert leases.hand_back() == len(TALKS) - 1


def test_a_lease_is_not_renewed_for_one_who_hangs(redis_client: redis.Redis) -> None:
    with keeping(redis_client, renewed_for_s=-1) as leases, capture_logs() as logs:
        assert leases.acquire(TALKS[0])
        redis_client.pexpire(keys.lease(TALKS[0]), int(SOON_S * 1000))
        until(lambda: any(log["event"] == "turn_hangs" for log in logs))
        assert left_s(redis_client, TALKS[0]) <= SOON_S


def test_the_thread_outlives_what_nobody_thought_of(redis_client: redis.Redis) -> None:
    class Surprising(redis.Redis):
        surprises = 1

        def pipeline(self, *arguments: Any, **options: Any) -> Any:
            if self.surprises:
                self.surprises -= 1
                raise ValueError("a surprise")
            return super().pipeline(*arguments, **options)

    client = Surprising(connection_pool=redis_client.connection_pool)
    with keeping(client) as leases, capture_logs() as logs:
        assert leases.acquire(TALKS[0])
        redis_client.pexpire(keys.lease(TALKS[0]), int(SOON_S * 1000))
        until(lambda: left_s(redis_client, TALKS[0]) > SOON_S)
        assert [log["event"] for log in logs] == ["leases_not_renewed"]
