"""Clocks that jump: nothing waits for a moment that only a clock set back has made distant, and nothing is lost."""

import time
from dataclasses import replace

import pytest
import redis

from bot import keys
from bot.channel import Messages, Rejected
from bot.inbox import Acceptance, Inbox, InboxLimits
from bot.lease import LEASE_S, Leases
from bot.outbox import Outbox
from bot.parts import Text
from bot.replies import OutboxReply
from channels.wecom.transport import Deadline
from tests.channels.wecom_aibot import callbacks as robot
from tests.channels.wecom_app import callbacks as app
from tests.delivery.conftest import DOCTOR, RecordingChannel, make_message
from tests.hard_inputs.bodies import text_from

HOUR_S = 3600.0
LIMITS = InboxLimits(person_per_minute=20, conversation_waiting=50, bot_waiting=100)
NOW = 1_800_000_000.0


@pytest.mark.parametrize(("age_s", "taken"), [(3600, True), (3601, False), (-3600, True), (-3601, False)])
@pytest.mark.parametrize("side", [app, robot], ids=["app", "robot"])
def test_the_border_of_what_is_fresh_belongs_to_it(side: object, age_s: int, taken: bool) -> None:
    plain = text_from("wang") if side is app else (robot.PAYLOADS / "text_single.json").read_bytes()
    stamp = 1_348_831_862 if side is app else 1_700_000_002
    request = replace(side.post(plain, str(stamp)), received_at=float(stamp + age_s))  # type: ignore[attr-defined]
    if taken:
        assert isinstance(side.CHANNEL.receive(request), Messages)  # type: ignore[attr-defined]
    else:
        with pytest.raises(Rejected, match="stale"):
            side.CHANNEL.receive(request)  # type: ignore[attr-defined]


def test_what_was_due_before_the_clock_was_set_back_is_due_now(redis_client: "redis.Redis") -> None:
    woken: list[str] = []
    inbox = Inbox(redis_client, LIMITS, woken.append)
    assert inbox.accept(make_message("m1")) is Acceptance.ACCEPTED
    redis_client.zadd(keys.due(DOCTOR.tag), {DOCTOR.key: time.time() + 30 * HOUR_S})
    woken.clear()
    assert inbox.sweep() == 1
    assert woken == [DOCTOR.key]
    assert inbox.sweep() == 0, "and it is not woken twice"
    redis_client.zadd(keys.due(DOCTOR.tag), {DOCTOR.key: time.time() + HOUR_S})
    assert inbox.sweep() == 0, "an hour may be meant"


def test_a_lease_from_before_ends_like_any_other(redis_client: "redis.Redis", leases: Leases) -> None:
    redis_client.set(keys.lease(DOCTOR), "1", px=int(30 * HOUR_S * 1000))
    assert leases.acquire(DOCTOR) is None
    assert redis_client.pttl(keys.lease(DOCTOR)) <= LEASE_S * 1000
    redis_client.delete(keys.lease(DOCTOR))
    assert leases.acquire(DOCTOR) is not None


def test_tokens_go_up_however_the_clock_goes(redis_client: "redis.Redis", leases: Leases) -> None:
    redis_client.set(keys.fence(DOCTOR), int((time.time() + 30 * HOUR_S) * 1_000_000))
    before = int(redis_client.get(keys.fence(DOCTOR)) or 0)
    lease = leases.acquire(DOCTOR)
    assert lease is not None
    assert int(lease.token) > before


@pytest.mark.parametrize(
    "progress",
    [
        {"state": "ready", "not_before": str(time.time() + 30 * HOUR_S)},
        {"state": "sending", "until": str(time.time() + 30 * HOUR_S), "tries": "1"},
    ],
    ids=["to be tried again", "marked"],
)
def test_a_part_that_waited_before_is_sent(
    redis_client: "redis.Redis", leases: Leases, progress: dict[str, str]
) -> None:
    channel = RecordingChannel()
    outbox = Outbox(
        redis_client,
        wake=lambda _: None,
        concluded=lambda *_: None,
        count=lambda *_, **__: None,
        useful_s=600,
        clock=lambda: NOW,
    )
    outbox.post(DOCTOR, OutboxReply(key="t", parts=(Text("您好"),), created_at=NOW + HOUR_S))
    redis_client.hset(keys.progress(DOCTOR), mapping=progress)
    lease = leases.acquire(DOCTOR)
    assert lease is not None
    assert outbox.flush(lease, channel).wait_s == 0
    assert channel.sent == [("t:0", "您好")]


def test_a_deadline_keeps_its_length_when_the_clock_jumps() -> None:
    now = [NOW]
    deadline = Deadline(NOW + 10, lambda: now[0])
    for jump in (HOUR_S, -2 * HOUR_S):
        now[0] += jump
        assert 9 < deadline.left_s <= 10
    assert Deadline(NOW - HOUR_S, lambda: NOW).left_s == 0
