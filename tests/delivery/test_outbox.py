"""The outbox: every part once, in order, whatever fails; and no reply ends without its fate being told."""

from collections.abc import Callable

import pytest
import redis
from structlog.testing import capture_logs

from bot import keys
from bot.channel import Refused, Retry, Unknown
from bot.errors import LeaseLost
from bot.lease import Lease, Leases
from bot.messages import ConversationId
from bot.outbox import Outbox
from bot.parts import Text
from bot.records.turns import TurnRecord
from bot.replies import Delivery, OutboxReply
from tests.delivery.conftest import DOCTOR, RecordingChannel

NOW = 1_800_000_000.0


class Desk:
    """An outbox over a real Redis with a clock to turn and a note of every conclusion."""

    def __init__(self, client: redis.Redis, leases: Leases, channel: RecordingChannel) -> None:
        self.client, self.leases, self.channel, self.now = client, leases, channel, NOW
        self.concluded: list[Delivery] = []
        self.counted: list[tuple[str, dict[str, str]]] = []
        self.woken: list[str] = []
        self.slept: list[float] = []
        self.alerted: list[tuple[str, str]] = []
        self.outbox = Outbox(
            client,
            wake=self.woken.append,
            concluded=lambda _conversation, delivery: self.concluded.append(delivery),
            count=lambda event, **labels: self.counted.append((event, labels)),
            useful_s=600,
            alert=lambda conversation, code: self.alerted.append((conversation.channel, code)),
            clock=lambda: self.now,
            sleep=self._sleep,
        )

    def _sleep(self, seconds: float) -> None:
        """Sleeping is skipped: what waits in Redis becomes ready at once."""
        self.slept.append(seconds)
        self.ready_now()

    def ready_now(self) -> None:
        self.client.hset(keys.progress(DOCTOR), "not_before", 0)

    def post(self, key: str, *texts: str) -> bool:
        reply = OutboxReply(key=key, parts=tuple(Text(text) for text in texts), created_at=NOW, record="{}")
        return self.outbox.post(DOCTOR, reply)

    def lease(self) -> Lease:
        lease = self.leases.acquire(DOCTOR)
        assert lease is not None
        return lease

    def flush(self) -> float:
        lease = self.lease()
        flushed = self.outbox.flush(lease, self.channel)
        if not flushed.idle:
            lease.release(flushed.wait_s)
        return flushed.wait_s

    @property
    def texts(self) -> list[str]:
        return [content for _, content in self.channel.sent]


@pytest.fixture
def desk(redis_client: redis.Redis, leases: Leases, channel: RecordingChannel) -> Desk:
    return Desk(redis_client, leases, channel)


def test_parts_go_out_in_order_and_the_fate_is_told_once(desk: Desk) -> None:
    desk.post("t1", "一", "二")
    desk.post("t2", "三")
    assert desk.flush() == 0
    assert desk.channel.sent == [("t1:0", "一"), ("t1:1", "二"), ("t2:0", "三")]
    assert [(d.reply.key, d.sent, d.message_ids, d.failure) for d in desk.concluded] == [
        ("t1", 2, ("m1", "m2"), ""),
        ("t2", 1, ("m3",), ""),
    ]
    assert desk.client.exists(keys.outbox(DOCTOR), keys.progress(DOCTOR)) == 0


def test_a_notice_posted_twice_is_sent_once_and_wakes_once(desk: Desk) -> None:
    assert desk.post("t1:notice", "您好") is True
    assert desk.post("t1:notice", "您好") is False
    desk.flush()
    assert desk.texts == ["您好"]
    assert desk.woken == [DOCTOR.key]


def test_a_busy_platform_is_asked_three_times_and_then_again_later(desk: Desk) -> None:
    desk.channel.script = [Retry(0.5, "-1")] * 3
    desk.post("t1", "一")
    wait_s = desk.flush()
    assert 0.5 < wait_s <= 2
    assert desk.channel.calls == ["t1:0"] * 3
    assert desk.texts == []
    assert 0 < desk.flush() <= 2, "not due yet: nothing is attempted"
    assert desk.channel.calls == ["t1:0"] * 3
    desk.ready_now()
    assert desk.flush() == 0
    assert desk.texts == ["一"]


def test_waits_grow_to_a_minute(desk: Desk) -> None:
    desk.channel.script = [Retry(0.1, "45009")] * 40
    desk.post("t1", "一")
    waits = []
    for _ in range(10):
        waits.append(desk.flush())
        desk.ready_now()
    assert waits[0] < 3
    assert 40 < max(waits) <= 72


def test_a_paced_part_waits_without_using_up_its_tries(desk: Desk) -> None:
    desk.channel.script = [Retry(7.0, "paced", paced=True)]
    desk.post("t1", "一")
    assert desk.flush() == pytest.approx(7.0)
    assert desk.client.hget(keys.progress(DOCTOR), "tries") == b"0"
    desk.ready_now()
    assert desk.flush() == 0
    assert desk.texts == ["一"]


def test_an_unknown_outcome_is_resent_unchanged_under_the_same_key_and_counted(desk: Desk) -> None:
    desk.channel.script = [Unknown("timeout")]
    desk.post("t1", "一")
    assert desk.flush() == 0
    assert desk.channel.calls == ["t1:0", "t1:0"]
    assert desk.concluded[0].unknown == 1
    assert ("send_unknown", {"cause": "timeout"}) in desk.counted


def test_a_platform_that_knows_no_repetition_is_sent_the_same_twice_and_never_three_times(desk: Desk) -> None:
    desk.channel.knows_repeats = False
    desk.channel.script = [Unknown("timeout"), None, Unknown("timeout"), Unknown("timeout")]
    desk.post("t1", "一")
    desk.post("t2", "二")
    desk.post("t3", "三")
    assert desk.flush() == 0
    assert desk.channel.calls == ["t1:0", "t1:0", "t2:0", "t2:0", "t3:0"]
    assert [(d.reply.key, d.unknown, d.failure) for d in desk.concluded] == [
        ("t1", 1, ""),
        ("t2", 2, "outcome_unknown"),
        ("t3", 0, ""),
    ]


def test_a_refused_part_ends_the_reply_and_the_next_one_goes_out(desk: Desk) -> None:
    desk.channel.script = [None, Refused("60111")]
    desk.post("t1", "一", "二", "三")
    desk.post("t2", "四")
    assert desk.flush() == 0
    assert desk.texts == ["一", "四"]
    assert [(d.reply.key, d.sent, d.failure) for d in desk.concluded] == [("t1", 1, "60111"), ("t2", 1, "")]


def test_what_an_operator_must_mend_is_told_and_what_concerns_one_message_is_not(desk: Desk) -> None:
    desk.channel.script = [Refused("60111"), Refused("token_refused", alert=True)]
    desk.post("t1", "一")
    desk.post("t2", "二")
    desk.flush()
    assert desk.alerted == [("app", "token_refused")]


def test_a_part_is_given_up_when_it_is_no_longer_useful(desk: Desk) -> None:
    desk.channel.script = [Retry(0.1, "-1")] * 3
    desk.post("t1", "一")
    desk.flush()
    desk.now += 601
    desk.ready_now()
    assert desk.flush() == 0
    assert desk.texts == []
    assert desk.concluded[0].failure == "no_longer_useful"


def test_a_new_owner_waits_for_a_send_under_way_and_then_resends(desk: Desk) -> None:
    desk.post("t1", "一")
    dead = desk.lease()

    def die() -> None:
        raise KeyboardInterrupt

    desk.channel.during = die
    with pytest.raises(KeyboardInterrupt):
        desk.outbox.flush(dead, desk.channel)
    desk.client.delete(keys.lease(DOCTOR))
    desk.channel.during = lambda: None
    assert 9 < desk.flush() <= 11, "the dead owner's call may still arrive"
    assert desk.channel.calls == ["t1:0"]
    desk.client.hset(keys.progress(DOCTOR), "until", 0)
    assert desk.flush() == 0
    assert desk.channel.calls == ["t1:0", "t1:0"]
    assert ("send_unknown", {"cause": "owner_lost"}) in desk.counted
    assert desk.concluded[0].unknown == 1


def test_a_part_is_marked_only_while_the_lease_outlives_the_call(desk: Desk) -> None:
    desk.post("t1", "一")
    lease = desk.lease()
    desk.client.pexpire(keys.lease(DOCTOR), 3000)
    left: list[int] = []
    states: list[bytes | None] = []

    def look() -> None:
        left.append(desk.client.pttl(keys.lease(DOCTOR)))
        states.append(desk.client.hget(keys.progress(DOCTOR), "state"))

    desk.channel.during = look
    desk.outbox.flush(lease, desk.channel)
    assert left[0] > 10_000
    assert states == [b"sending"], "marked all the same"


def test_an_owner_that_lost_its_lease_sends_nothing(desk: Desk) -> None:
    desk.post("t1", "一")
    frozen = desk.lease()
    desk.client.delete(keys.lease(DOCTOR))
    with pytest.raises(LeaseLost):
        desk.outbox.flush(frozen, desk.channel)
    assert desk.channel.calls == []


@pytest.mark.parametrize("outcome", [None, Retry(0.1, "-1")], ids=["sent", "failed"])
def test_an_owner_that_lost_its_lease_during_a_call_changes_nothing(desk: Desk, outcome: Exception | None) -> None:
    desk.channel.script = [outcome]
    desk.post("t1", "一", "二")
    frozen = desk.lease()

    def lose() -> None:
        desk.client.delete(keys.lease(DOCTOR))
        assert desk.leases.acquire(DOCTOR) is not None
        left.update(desk.client.hgetall(keys.progress(DOCTOR)))

    left: dict[bytes, bytes] = {}
    desk.channel.during = lose
    with pytest.raises(LeaseLost):
        desk.outbox.flush(frozen, desk.channel)
    assert left[b"state"] == b"sending"
    assert desk.client.hgetall(keys.progress(DOCTOR)) == left


def test_an_owner_that_lost_its_lease_just_before_a_call_does_not_make_it(desk: Desk) -> None:
    desk.post("t1", "一")
    frozen = desk.lease()

    def lose() -> float:
        """The clock is read between the look at the head and the mark."""
        desk.client.delete(keys.lease(DOCTOR))
        assert desk.leases.acquire(DOCTOR) is not None
        return NOW

    outbox = _outbox(desk.client, lambda *_: None, clock=lose)
    with pytest.raises(LeaseLost):
        outbox.flush(frozen, desk.channel)
    assert desk.channel.calls == []
    assert desk.client.exists(keys.progress(DOCTOR)) == 0


def test_an_owner_that_lost_its_lease_while_it_told_the_fate_takes_no_reply_away(
    redis_client: redis.Redis, leases: Leases, channel: RecordingChannel
) -> None:
    def lose(_conversation: ConversationId, _delivery: Delivery) -> None:
        redis_client.delete(keys.lease(DOCTOR))
        assert leases.acquire(DOCTOR) is not None

    outbox = _outbox(redis_client, lose)
    outbox.post(DOCTOR, OutboxReply(key="t1", parts=(Text("一"),), created_at=NOW))
    frozen = leases.acquire(DOCTOR)
    assert frozen is not None
    with pytest.raises(LeaseLost):
        outbox.flush(frozen, channel)
    assert redis_client.llen(keys.outbox(DOCTOR)) == 1


def test_the_tries_of_a_part_do_not_lengthen_the_waits_of_the_next(desk: Desk) -> None:
    desk.channel.script = [Retry(0.1, "-1"), Retry(0.1, "-1"), None, Retry(0.1, "-1")]
    desk.post("t1", "一", "二")
    assert desk.flush() == 0
    assert desk.texts == ["一", "二"]
    assert max(desk.slept) <= 1.2


def test_a_crash_before_the_reply_left_the_outbox_tells_its_fate_again(
    redis_client: redis.Redis, leases: Leases, channel: RecordingChannel
) -> None:
    class Crash(BaseException):
        pass

    fates: list[str] = []

    def crash_once(_conversation: ConversationId, delivery: Delivery) -> None:
        fates.append(delivery.reply.key)
        if len(fates) == 1:
            raise Crash

    outbox = _outbox(redis_client, crash_once)
    outbox.post(DOCTOR, OutboxReply(key="t1", parts=(Text("一"),), created_at=NOW))
    lease = leases.acquire(DOCTOR)
    assert lease is not None
    with pytest.raises(Crash):
        outbox.flush(lease, channel)
    outbox.flush(lease, channel)
    assert fates == ["t1", "t1"]
    assert channel.calls == ["t1:0"], "what was sent is not sent again"


def test_a_reply_that_cannot_be_concluded_is_set_aside_and_holds_nobody_up(
    redis_client: redis.Redis, leases: Leases, channel: RecordingChannel
) -> None:
    def conclude(_conversation: ConversationId, delivery: Delivery) -> None:
        if delivery.reply.key == "t1":
            TurnRecord.decode(delivery.reply.record)

    outbox = _outbox(redis_client, conclude)
    broken = OutboxReply(key="t1", parts=(Text("一"),), created_at=NOW, record="{}")
    for reply in (broken, OutboxReply(key="t2", parts=(Text("二"),), created_at=NOW)):
        outbox.post(DOCTOR, reply)
    lease = leases.acquire(DOCTOR)
    assert lease is not None
    with capture_logs() as logs:
        assert outbox.flush(lease, channel).idle
    assert channel.calls == ["t1:0", "t2:0"]
    assert [log["event"] for log in logs] == ["reply_not_concluded"]
    assert redis_client.lrange(keys.parked(DOCTOR), 0, -1) == [broken.encode()]


def _outbox(
    client: redis.Redis,
    concluded: Callable[[ConversationId, Delivery], None],
    clock: Callable[[], float] = lambda: NOW,
) -> Outbox:
    return Outbox(
        client,
        wake=lambda _: None,
        concluded=concluded,
        count=lambda *_args, **_labels: None,
        useful_s=600,
        clock=clock,
        sleep=lambda _: None,
    )
