"""Bubbles: one text that every process knows, finished once, closed honestly when it takes too long."""

from dataclasses import replace

import pytest
import redis

from bot import keys, streams
from bot.channel import LateReply
from bot.errors import LeaseLost
from bot.events import CardClick
from bot.inbox import Acceptance, Inbox, InboxLimits
from bot.lease import Leases
from bot.messages import InboundMessage, MessageKind
from bot.streams import LIFE_S, Bubble, Display, Streams
from tests.delivery.conftest import DOCTOR, make_message

URL = "https://qyapi.weixin.qq.com/cgi-bin/aibot/response?response_code=c"
NOW = 1_800_000_000.5
LIMITS = InboxLimits(person_per_minute=99, conversation_waiting=2, bot_waiting=99)


def streamed(message_id: str = "m1", stream_id: str = "s1", url: str = URL) -> InboundMessage:
    return replace(make_message(message_id), stream_id=stream_id, response_url=url)


@pytest.fixture
def bubbles(redis_client: redis.Redis) -> Streams:
    return Streams(redis_client, lambda: NOW)


@pytest.fixture
def inbox(redis_client: redis.Redis) -> Inbox:
    return Inbox(redis_client, LIMITS, lambda _: None)


def ask(bubbles: Streams, stream_id: str = "s1") -> Bubble | None:
    return bubbles.ask(DOCTOR, stream_id, waiting="稍候…", late="太久了")


def grow_old(client: redis.Redis, stream_id: str = "s1") -> None:
    client.hincrby(keys.stream(DOCTOR, stream_id), "at", -int(LIFE_S) - 1)


def test_an_accepted_message_opens_a_bubble_and_a_redelivery_does_not_reset_it(inbox: Inbox, bubbles: Streams) -> None:
    assert inbox.accept(streamed(), "稍候…") is Acceptance.ACCEPTED
    assert ask(bubbles) == Bubble(text="稍候…", finished=False)
    bubbles.finish(DOCTOR, "s1", "答案")
    assert inbox.accept(streamed(), "稍候…") is Acceptance.DUPLICATE
    assert ask(bubbles) == Bubble(text="答案", finished=True)


def test_a_refused_message_leaves_no_bubble(inbox: Inbox, bubbles: Streams) -> None:
    for n in (1, 2):
        inbox.accept(streamed(f"m{n}", f"s{n}"), "稍候…")
    assert inbox.accept(streamed("m3", "s3"), "稍候…") is Acceptance.BUSY
    assert ask(bubbles, "s3") is None
    assert bubbles.take_late_reply(DOCTOR, "s3") is None


def test_the_owner_writes_and_a_frozen_one_is_refused(
    redis_client: redis.Redis, inbox: Inbox, bubbles: Streams, leases: Leases
) -> None:
    inbox.accept(streamed(), "稍候…")
    frozen = leases.acquire(DOCTOR)
    assert frozen is not None
    assert bubbles.show(frozen, "s1", "写到一半")
    assert ask(bubbles) == Bubble(text="写到一半", finished=False)
    redis_client.delete(keys.lease(DOCTOR))
    owner = leases.acquire(DOCTOR)
    assert owner is not None
    bubbles.show(owner, "s1", "新主人重写")
    with pytest.raises(LeaseLost):
        bubbles.show(frozen, "s1", "旧主人")
    assert ask(bubbles) == Bubble(text="新主人重写", finished=False)


def test_a_display_writes_rarely(redis_client: redis.Redis, inbox: Inbox, bubbles: Streams, leases: Leases) -> None:
    inbox.accept(streamed(), "稍候…")
    lease = leases.acquire(DOCTOR)
    assert lease is not None
    display = Display(bubbles, lease, "s1")
    for text in ("一", "一二", "一二三"):
        display.show(text)
    assert ask(bubbles) == Bubble(text="一", finished=False), "what follows at once is left to a later frame"
    Display(bubbles, lease, "").show("没有气泡的渠道")


def test_a_finished_bubble_never_changes_back(inbox: Inbox, bubbles: Streams, leases: Leases) -> None:
    inbox.accept(streamed(), "稍候…")
    lease = leases.acquire(DOCTOR)
    assert lease is not None
    assert bubbles.finish(DOCTOR, "s1", "答案")
    assert not bubbles.show(lease, "s1", "迟到的半句")
    assert bubbles.finish(DOCTOR, "s1", "答案"), "a resend of the same reply is no second reply"
    assert ask(bubbles) == Bubble(text="答案", finished=True)


def test_a_bubble_ends_with_pictures_by_their_ids_and_a_resend_shows_them_again(inbox: Inbox, bubbles: Streams) -> None:
    inbox.accept(streamed(), "稍候…")
    for _ in range(2):
        assert bubbles.finish(DOCTOR, "s1", "见图", ("a" * 32, "b" * 32))
        assert ask(bubbles) == Bubble(text="见图", finished=True, pictures=("a" * 32, "b" * 32))
    assert bubbles.finish(DOCTOR, "s1", "没有图")
    assert ask(bubbles) == Bubble(text="没有图", finished=True)


@pytest.mark.parametrize(
    ("shown", "end"),
    [("稍候…", "太久了"), ("写到一半。", "写到一半。\n\n太久了")],
    ids=["only waiting", "half written"],
)
def test_an_old_bubble_is_closed_honestly_and_a_late_finish_is_refused(
    redis_client: redis.Redis, inbox: Inbox, bubbles: Streams, shown: str, end: str
) -> None:
    inbox.accept(streamed(), "稍候…")
    redis_client.hset(keys.stream(DOCTOR, "s1"), "text", shown)
    grow_old(redis_client)
    assert ask(bubbles) == Bubble(text=end, finished=True)
    assert not bubbles.finish(DOCTOR, "s1", "太迟的答案")
    assert ask(bubbles) == Bubble(text=end, finished=True)


def test_an_old_finished_bubble_stays_as_it_is(redis_client: redis.Redis, inbox: Inbox, bubbles: Streams) -> None:
    inbox.accept(streamed(), "稍候…")
    bubbles.finish(DOCTOR, "s1", "答案")
    grow_old(redis_client)
    assert ask(bubbles) == Bubble(text="答案", finished=True)


def test_a_late_reply_is_permitted_once_for_its_own_bubble_or_the_newest(inbox: Inbox, bubbles: Streams) -> None:
    inbox.accept(streamed("m1", "s1"), "")
    later = replace(streamed("m2", "s2", URL + "2"), received_at=NOW + 60)
    inbox.accept(later, "")
    newest = bubbles.take_late_reply(DOCTOR)
    assert newest is not None
    assert (newest.stream_id, newest.url) == ("s2", URL + "2")
    own = bubbles.take_late_reply(DOCTOR, "s1")
    assert own is not None
    assert own.url == URL
    assert bubbles.take_late_reply(DOCTOR) is None
    bubbles.give_back(DOCTOR, own)
    assert bubbles.take_late_reply(DOCTOR) == own


PRESSED = CardClick(task_id="rate_1", key="rate:useful:1")


def test_what_was_pressed_may_be_answered_once_though_it_has_no_bubble(inbox: Inbox, bubbles: Streams) -> None:
    event = replace(streamed(stream_id=""), kind=MessageKind.EVENT, event=PRESSED)
    assert inbox.accept(event) is Acceptance.ACCEPTED
    permission = bubbles.take_late_reply(DOCTOR)
    assert permission is not None
    assert permission.url == URL
    assert inbox.accept(event) is Acceptance.DUPLICATE
    assert bubbles.take_late_reply(DOCTOR) is None, "a redelivery gives no second permission"


def test_a_press_that_is_not_kept_permits_nothing(inbox: Inbox, bubbles: Streams) -> None:
    for n in (1, 2, 3):
        event = replace(streamed(f"e{n}", ""), kind=MessageKind.EVENT, event=PRESSED)
        last = inbox.accept(event)
    assert last is Acceptance.BUSY
    assert [bubbles.take_late_reply(DOCTOR) is not None for _ in range(3)] == [True, True, False]


def test_an_expired_permission_is_not_used(redis_client: redis.Redis, inbox: Inbox) -> None:
    inbox.accept(streamed(), "")
    an_hour_later = Streams(redis_client, lambda: NOW + streams.LATE_REPLY_S)
    assert an_hour_later.take_late_reply(DOCTOR) is None
    fresh = LateReply(stream_id="s9", url=URL, expires_at=NOW + 8999.5)
    an_hour_later.give_back(DOCTOR, fresh)
    assert an_hour_later.take_late_reply(DOCTOR) == fresh
