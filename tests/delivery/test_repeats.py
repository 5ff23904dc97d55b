"""A command whose answer did not come is repeated by the client: done twice it does what it does once."""

from typing import Any

import pytest
import redis

from bot import keys
from bot.inbox import Acceptance, Inbox, InboxLimits
from bot.lease import Leases
from bot.outbox import Outbox
from bot.parts import Text
from bot.replies import Delivery, OutboxReply
from tests.delivery.conftest import DOCTOR, RecordingChannel, make_message

NOW = 1_800_000_000.0


class Repeating(redis.Redis):
    """The answer of every command is lost once."""

    def execute_command(self, *arguments: Any, **options: Any) -> Any:
        super().execute_command(*arguments, **options)
        return super().execute_command(*arguments, **options)


@pytest.fixture
def repeating(redis_client: redis.Redis) -> redis.Redis:
    return Repeating(connection_pool=redis_client.connection_pool)


def test_who_is_over_a_limit_hears_so_and_is_not_told_that_the_message_was_taken(
    repeating: redis.Redis, redis_client: redis.Redis
) -> None:
    woken: list[str] = []
    limits = InboxLimits(person_per_minute=1, conversation_waiting=50, bot_waiting=100)
    inbox = Inbox(repeating, limits, woken.append)
    assert inbox.accept(make_message("1")) is Acceptance.ACCEPTED
    assert inbox.accept(make_message("2")) is Acceptance.BUSY
    assert redis_client.lrange(keys.queue(DOCTOR), 0, -1) == [make_message("1").encode()]
    assert redis_client.exists(keys.seen(DOCTOR, "2")) == 0, "it may come again"


def test_a_part_is_not_taken_for_one_of_unknown_outcome(
    repeating: redis.Redis, leases: Leases, channel: RecordingChannel
) -> None:
    fates: list[Delivery] = []
    outbox = Outbox(
        repeating,
        wake=lambda _: None,
        concluded=lambda _conversation, delivery: fates.append(delivery),
        count=lambda *_arguments, **_labels: None,
        useful_s=600,
        clock=lambda: NOW,
    )
    outbox.post(DOCTOR, OutboxReply(key="t1", parts=(Text("一"), Text("二")), created_at=NOW))
    repeating.rpush(keys.queue(DOCTOR), b"more to do")
    lease = leases.acquire(DOCTOR)
    assert lease is not None
    lease.redis = repeating
    outbox.flush(lease, channel, lambda: True)
    assert channel.calls == ["t1:0", "t1:1"]
    assert [(fate.sent, fate.unknown) for fate in fates] == [(2, 0)]
