"""A worker that must end before its turns do gives them up at once, instead of letting their leases run out."""

import pytest
import redis

from bot import keys
from bot.errors import LeaseLost
from bot.inbox import Inbox, InboxLimits
from bot.lease import RENEW_EVERY_S, Leases
from tests.delivery.conftest import DOCTOR, make_message


@pytest.fixture
def inbox(redis_client: redis.Redis) -> Inbox:
    limits = InboxLimits(person_per_minute=99, conversation_waiting=99, bot_waiting=99)
    return Inbox(redis_client, limits, lambda _: None)


def test_what_was_handed_back_is_another_worker_s_at_once(
    redis_client: redis.Redis, leases: Leases, inbox: Inbox
) -> None:
    inbox.accept(make_message("1"))
    ending = leases.acquire(DOCTOR)
    assert ending is not None
    assert leases.hand_back() == 1
    assert redis_client.zscore(keys.due(DOCTOR.tag), DOCTOR.key) <= redis_client.time()[0] + RENEW_EVERY_S + 1
    successor = leases.acquire(DOCTOR)
    assert successor is not None
    assert len(successor.peek()) == 1
    with pytest.raises(LeaseLost):
        ending.begin()


def test_a_lease_that_was_lost_meanwhile_is_left_alone(redis_client: redis.Redis, leases: Leases) -> None:
    assert leases.acquire(DOCTOR) is not None
    redis_client.delete(keys.lease(DOCTOR))
    others = Leases(redis_client)
    successor = others.acquire(DOCTOR)
    assert successor is not None
    assert leases.hand_back() == 0
    successor.renew()
    others.close()
