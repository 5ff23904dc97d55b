"""The lease: one owner, fenced writes, nothing lost when the owner dies."""

import math
from typing import Any

import pytest
import redis

from bot import keys
from bot.channel import LONGEST_SEND_S, Limits
from bot.errors import LeaseLost
from bot.inbox import Inbox, InboxLimits
from bot.lease import LEASE_S, RENEW_EVERY_S, Leases
from bot.outbox import MARK_MARGIN_S
from tests.delivery.conftest import DOCTOR, make_message


@pytest.fixture
def inbox(redis_client: redis.Redis) -> Inbox:
    return Inbox(
        redis_client, InboxLimits(person_per_minute=99, conversation_waiting=99, bot_waiting=99), lambda _: None
    )


def due_in(client: redis.Redis) -> float | None:
    score = client.zscore(keys.due(DOCTOR.tag), DOCTOR.key)
    seconds, micro = client.time()
    return None if score is None else score - seconds - micro / 1e6


def test_one_owner_at_a_time(leases: Leases) -> None:
    first = leases.acquire(DOCTOR)
    assert first is not None
    assert leases.acquire(DOCTOR) is None
    first.release()
    assert leases.acquire(DOCTOR) is not None


def test_tokens_grow_even_when_redis_forgot_the_last_one(redis_client: redis.Redis, leases: Leases) -> None:
    first = leases.acquire(DOCTOR)
    assert first is not None
    first.release()
    redis_client.delete(keys.fence(DOCTOR))
    second = leases.acquire(DOCTOR)
    assert second is not None
    assert int(second.token) > int(first.token)


def test_tokens_grow_even_when_the_clock_was_set_back(redis_client: redis.Redis, leases: Leases) -> None:
    an_hour_ahead_us = (redis_client.time()[0] + 3600) * 1_000_000
    redis_client.set(keys.fence(DOCTOR), an_hour_ahead_us)
    for later in (1, 2):
        lease = leases.acquire(DOCTOR)
        assert lease is not None
        assert int(lease.token) == an_hour_ahead_us + later
        lease.release()


@pytest.mark.parametrize("write", ["renew", "begin", "commit", "park", "release"])
def test_a_frozen_owner_is_refused_every_write(redis_client: redis.Redis, leases: Leases, write: str) -> None:
    frozen = leases.acquire(DOCTOR)
    assert frozen is not None
    redis_client.delete(keys.lease(DOCTOR))
    assert leases.acquire(DOCTOR) is not None
    arguments: dict[str, tuple[Any, ...]] = {"commit": ([b"1"], b"{}"), "park": (b"1",)}
    with pytest.raises(LeaseLost):
        getattr(frozen, write)(*arguments.get(write, ()))
    assert redis_client.exists(keys.outbox(DOCTOR)) == 0


def test_commit_moves_messages_into_a_reply_in_one_step(
    redis_client: redis.Redis, inbox: Inbox, leases: Leases
) -> None:
    for n in range(3):
        inbox.accept(make_message(str(n)))
    lease = leases.acquire(DOCTOR)
    assert lease is not None
    assert lease.begin().tries == 1
    assert lease.begin().tries == 2
    taken = lease.peek(2)
    assert lease.commit(taken, b"reply").messages == 2
    assert redis_client.lrange(keys.queue(DOCTOR), 0, -1) == [make_message("2").encode()]
    assert redis_client.lrange(keys.outbox(DOCTOR), 0, -1) == [b"reply"]
    assert lease.begin().tries == 1, "tries are counted for each head anew"
    assert lease.commit(taken, b"reply").messages == 0, "a command that is repeated because its answer was lost"
    assert redis_client.lrange(keys.outbox(DOCTOR), 0, -1) == [b"reply"]
    assert redis_client.llen(keys.queue(DOCTOR)) == 1


def test_release_of_an_idle_conversation_leaves_nothing_due(redis_client: redis.Redis, leases: Leases) -> None:
    lease = leases.acquire(DOCTOR)
    assert lease is not None
    assert lease.release() is False
    assert due_in(redis_client) is None


def test_release_with_work_left_asks_for_a_worker(inbox: Inbox, leases: Leases) -> None:
    lease = leases.acquire(DOCTOR)
    assert lease is not None
    inbox.accept(make_message("1"))
    assert lease.release() is True


def test_release_with_an_unsent_reply_alone_stays_due(redis_client: redis.Redis, inbox: Inbox, leases: Leases) -> None:
    inbox.accept(make_message("1"))
    lease = leases.acquire(DOCTOR)
    assert lease is not None
    lease.commit(lease.peek(), b"reply")
    assert lease.release(look_again_s=30) is False
    assert due_in(redis_client) == pytest.approx(30, abs=2)


def test_while_it_is_owned_nobody_else_is_woken_and_it_is_due_when_the_lease_ends(
    redis_client: redis.Redis, inbox: Inbox, leases: Leases
) -> None:
    inbox.accept(make_message("1"))
    redis_client.zadd(keys.due(DOCTOR.tag), {DOCTOR.key: 1})
    assert leases.acquire(DOCTOR) is not None
    assert due_in(redis_client) == pytest.approx(LEASE_S, abs=2)
    assert inbox.sweep() == 0


def test_release_until_later_is_due_then_and_wakes_nobody(
    redis_client: redis.Redis, inbox: Inbox, leases: Leases
) -> None:
    inbox.accept(make_message("1"))
    lease = leases.acquire(DOCTOR)
    assert lease is not None
    assert lease.release(look_again_s=30) is False
    assert due_in(redis_client) == pytest.approx(30, abs=2)


def test_an_undecodable_message_is_kept_byte_for_byte(redis_client: redis.Redis, leases: Leases) -> None:
    redis_client.rpush(keys.queue(DOCTOR), b"\xff not ours", b"the next")
    lease = leases.acquire(DOCTOR)
    assert lease is not None
    for _ in ("done", "repeated because its answer was lost"):
        lease.park(b"\xff not ours")
    assert redis_client.lrange(keys.parked(DOCTOR), 0, -1) == [b"\xff not ours"]
    assert redis_client.lrange(keys.queue(DOCTOR), 0, -1) == [b"the next"]


def test_a_reply_that_is_set_aside_takes_none_behind_it_along(redis_client: redis.Redis, leases: Leases) -> None:
    redis_client.rpush(keys.outbox(DOCTOR), b"\xff not ours", b"the next")
    redis_client.hset(keys.progress(DOCTOR), "part", 1)
    lease = leases.acquire(DOCTOR)
    assert lease is not None
    lease.park_reply(b"\xff not ours")
    redis_client.hset(keys.progress(DOCTOR), "part", 2)
    lease.park_reply(b"\xff not ours")
    assert redis_client.lrange(keys.parked(DOCTOR), 0, -1) == [b"\xff not ours"]
    assert redis_client.lrange(keys.outbox(DOCTOR), 0, -1) == [b"the next"]
    assert redis_client.hgetall(keys.progress(DOCTOR)) == {b"part": b"2"}, "the next one's"


def test_a_lease_outlives_the_longest_call_of_a_channel_though_it_was_not_renewed_just_now() -> None:
    assert LONGEST_SEND_S + MARK_MARGIN_S <= LEASE_S - RENEW_EVERY_S
    for seconds in (0.0, LONGEST_SEND_S + 1, math.inf, math.nan):
        with pytest.raises(ValueError, match="send_timeout_s"):
            Limits(text_bytes=1, markdown_bytes=1, send_timeout_s=seconds, pushes=True)
