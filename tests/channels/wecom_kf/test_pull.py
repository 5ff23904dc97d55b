"""Pulling: every message of every page, once, in each customer's order, whatever happens on the way."""

import io
from dataclasses import replace
from typing import Any

import pytest
import redis

from bot import keys
from bot.account import Page
from bot.channel import ChannelError, Refused, Retry
from bot.events import Change, Entered, ServicerWrote, SessionChanged, Undelivered
from bot.messages import Attachment, MessageKind
from tests.channels.wecom_kf.conftest import ADDRESS, FIRST_PULL_S, Practice
from tests.simulator.kf_desk import CHEN, LIN, OTHER_KF
from tests.simulator.media_files import AMR, PNG
from tests.simulator.parties import Clock


class Interrupted:
    """A channel whose pulls end as told: a page may be handed over and the process die before it is stored."""

    def __init__(self, practice: Practice, *failures: ChannelError) -> None:
        self._channel = practice.channel
        self._failures = list(failures)
        self.cursors: list[str] = []
        self.pull_every_s = self._channel.pull_every_s
        self.first_pull_s = self._channel.first_pull_s

    def pull(self, cursor: str, token: str, most: int, deadline: float) -> Page:
        self.cursors.append(cursor)
        if self._failures:
            raise self._failures.pop(0)
        return self._channel.pull(cursor, token, most, deadline)


def test_every_message_of_every_page_arrives_in_order(practice: Practice) -> None:
    practice.begins()
    for number in range(250):  # more than a page of ours, of two customers in turn
        practice.desk.writes(str(number), CHEN if number % 2 else LIN)
    practice.clock.now += 120  # they waited: how fast they come now says nothing of who wrote them
    practice.pulls()
    assert practice.texts(CHEN) == [str(number) for number in range(1, 250, 2)]
    assert practice.texts(LIN) == [str(number) for number in range(0, 250, 2)]


@pytest.mark.parametrize("page", [1, 7])
def test_small_pages_are_walked_to_the_end(practice: Practice, page: int) -> None:
    practice.begins()
    practice.desk.rules(kf_page_messages=page)
    for number in range(15):
        practice.desk.writes(str(number))
    practice.pulls()
    assert practice.texts() == [str(number) for number in range(15)]


def test_an_empty_page_is_not_the_end(practice: Practice) -> None:
    practice.begins()
    practice.desk.writes("在吗")
    practice.desk.fault(on="kf_page", kind="empty", times=2)
    practice.pulls()
    assert practice.texts() == ["在吗"]


def test_what_was_pulled_is_not_pulled_again(practice: Practice) -> None:
    practice.begins()
    practice.desk.writes("一")
    practice.pulls()
    practice.desk.writes("二")
    practice.pulls()
    practice.pulls()
    assert practice.texts() == ["一", "二"]


def test_a_page_is_stored_before_the_cursor_moves(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process dies between the two: the page comes again, and its messages are known."""
    practice.begins()
    before = practice.state()["cursor"]
    practice.desk.writes("一")
    puller = practice.puller()

    class Died(BaseException):
        """The process is gone."""

    def die(*_: object) -> bool:
        raise Died

    monkeypatch.setattr(puller, "_turn_page", die)
    with pytest.raises(Died):
        puller.pull(ADDRESS.bot, ADDRESS.channel)
    assert practice.texts() == ["一"]
    assert practice.state()["cursor"] == before
    practice.redis.delete(keys.account_lease(ADDRESS.bot, ADDRESS.channel))  # it ran out
    practice.pulls()
    assert practice.texts() == ["一"]
    assert practice.state()["cursor"] != before


def test_an_inbox_that_does_not_take_a_page_leaves_the_cursor(practice: Practice, redis_client: "redis.Redis") -> None:
    practice.begins()
    before = practice.state()["cursor"]
    practice.desk.writes("一")
    practice.limits = replace(practice.limits, wait_replicas=1)  # there is none
    practice.pulls()
    assert practice.state()["cursor"] == before
    practice.limits = replace(practice.limits, wait_replicas=0)
    practice.clock.now += 10
    practice.pulls()
    assert practice.texts() == ["一"]


def test_one_process_pulls_an_account_at_a_time(practice: Practice) -> None:
    practice.begins()
    practice.desk.writes("一")
    practice.redis.set(keys.account_lease(ADDRESS.bot, ADDRESS.channel), "another", px=30_000)
    practice.pulls()
    assert practice.texts() == []
    practice.redis.delete(keys.account_lease(ADDRESS.bot, ADDRESS.channel))
    practice.pulls()
    assert practice.texts() == ["一"]


def test_who_lost_the_lease_moves_no_cursor(practice: Practice) -> None:
    practice.begins()
    before = practice.state()["cursor"]
    practice.desk.writes("一")

    class Overtaken(Interrupted):
        def pull(self, cursor: str, token: str, most: int, deadline: float) -> Page:
            page = super().pull(cursor, token, most, deadline)
            practice.redis.set(keys.account_lease(ADDRESS.bot, ADDRESS.channel), "another", px=30_000)
            return page

    practice.pulls(Overtaken(practice))  # type: ignore[arg-type]  # as much of a channel as pulling needs
    assert practice.state()["cursor"] == before
    assert ("lease_lost", {}) in practice.counted


def test_a_first_start_leaves_old_history_alone(practice: Practice) -> None:
    practice.desk.writes("三天前的问题")
    practice.clock.now += FIRST_PULL_S + 1
    practice.desk.writes("刚才的问题")
    practice.clock.now += 30
    practice.pulls()
    assert practice.texts() == ["刚才的问题"]
    assert practice.counted.count(("message", {"bot": "imaging", "result": "history"})) == 1


def test_what_waited_while_we_were_away_is_answered(practice: Practice) -> None:
    practice.begins()
    practice.desk.writes("停机时的问题")
    practice.clock.now += 10 * 3600
    practice.pulls()
    (message,) = practice.stored()
    assert message.text == "停机时的问题"
    assert (message.received_at, message.sent_at) == (practice.clock.now, practice.clock.now - 10 * 3600)


def test_a_servicers_own_words_are_no_question(practice: Practice) -> None:
    """``origin`` 5 comes back with the customer's ``external_userid``."""
    practice.begins()
    practice.desk.writes("请转人工")
    practice.desk.moves(3, servicer_userid="li.na")
    practice.desk.writes("您好，我是李娜", servicer="li.na")
    practice.pulls()
    question, words = practice.stored()
    assert (question.text, question.event) == ("请转人工", None)
    assert (words.kind, words.text, words.event) == (MessageKind.EVENT, "", ServicerWrote(servicer="li.na"))


def test_another_accounts_messages_stay_there(practice: Practice) -> None:
    practice.begins()
    practice.desk.writes("设备坏了", open_kfid=OTHER_KF)
    practice.pulls()
    assert practice.texts() == []


class TestBell:
    """Late, twice, or never."""

    def test_two_bells_for_one_message_bring_it_once(self, practice: Practice) -> None:
        practice.begins()
        practice.desk.writes("一")
        practice.pulls()
        practice.pulls()
        assert practice.texts() == ["一"]

    def test_a_token_older_than_ten_minutes_is_left_out(self, practice: Practice) -> None:
        """95007: the page is had without a token, and the dead one is forgotten."""
        practice.begins()
        practice.desk.writes("一")
        practice.redis.hset(
            keys.account(ADDRESS.bot, ADDRESS.channel),
            mapping={"token": "ENCAdead", "token_at": practice.clock.now, "rings": 1},
        )
        practice.pulls()
        assert practice.texts() == ["一"]
        assert "token" not in practice.state()
        assert practice.desk.log(39)

    def test_a_bell_that_never_rang_is_made_up_for(self, practice: Practice) -> None:
        practice.begins()
        practice.desk.writes("一")
        practice.clock.now = float(practice.state()["pulled_at"]) + practice.channel.pull_every_s - 1
        assert practice.puller().sweep() == 0
        practice.clock.now += 1
        assert practice.puller().sweep() == 1
        assert practice.woken == [(ADDRESS.bot, ADDRESS.channel)]

    def test_a_bell_during_a_pull_brings_another(self, practice: Practice) -> None:
        practice.begins()

        class RungMeanwhile(Interrupted):
            def pull(self, cursor: str, token: str, most: int, deadline: float) -> Page:
                page = super().pull(cursor, token, most, deadline)
                practice.redis.hincrby(keys.account(ADDRESS.bot, ADDRESS.channel), "rings", 1)
                return page

        practice.pulls(RungMeanwhile(practice))  # type: ignore[arg-type]
        assert practice.woken == [(ADDRESS.bot, ADDRESS.channel)]


class TestFailures:
    """A platform that is slow, busy, broken or says no."""

    @pytest.mark.parametrize(
        "fault",
        [
            {"kind": "errcode", "errcode": -1},
            {"kind": "errcode", "errcode": 45009},
            {"kind": "errcode", "errcode": 42001},
            {"kind": "http_500"},
            {"kind": "close_before"},
            {"kind": "close_after"},
        ],
        ids=lambda fault: f"{fault['kind']} {fault.get('errcode', '')}".strip(),
    )
    def test_a_pull_that_fails_is_made_again(self, practice: Practice, fault: dict[str, Any]) -> None:
        practice.begins()
        practice.desk.writes("一")
        practice.desk.fault(on="kf/sync_msg", **fault)
        practice.pulls()
        practice.clock.now += 90
        practice.pulls()
        assert practice.texts() == ["一"]

    def test_a_busy_platform_is_left_alone_for_as_long_as_it_asks(self, practice: Practice) -> None:
        practice.begins()
        practice.desk.fault(on="kf/sync_msg", kind="errcode", errcode=45009)
        practice.pulls()
        practice.desk.writes("一")
        practice.clock.now += 59
        practice.pulls()
        assert practice.puller().sweep() == 0
        assert practice.texts() == []

    def test_a_cursor_that_the_platform_refuses_is_dropped_once(self, practice: Practice) -> None:
        practice.begins()
        practice.desk.writes("一")
        practice.redis.hset(keys.account(ADDRESS.bot, ADDRESS.channel), "cursor", "nonsense")
        practice.pulls()
        assert practice.degraded() == ["cursor_dropped"]
        practice.clock.now += 5
        practice.pulls()
        assert practice.texts() == ["一"]

    def test_a_secret_that_is_refused_moves_nothing(self, practice: Practice) -> None:
        channel = practice.build(secret="wrong")
        practice.pulls(channel)
        assert "cursor" not in practice.state()
        assert practice.puller().sweep() == 0, "left alone for a while"

    def test_a_page_that_leads_nowhere_is_not_asked_for_in_a_circle(self, practice: Practice) -> None:
        class Stuck(Interrupted):
            def pull(self, cursor: str, token: str, most: int, deadline: float) -> Page:
                self.cursors.append(cursor)
                return Page(messages=(), cursor=cursor, more=True)

        stuck = Stuck(practice)
        practice.pulls(stuck)  # type: ignore[arg-type]
        assert stuck.cursors == [""]


class TestLimits:
    """Who writes too much, and a bot that cannot keep up."""

    def test_who_writes_too_fast_is_told(self, practice: Practice) -> None:
        practice.begins()
        for number in range(22):
            practice.desk.writes(str(number))
        practice.pulls()
        assert practice.texts() == [str(number) for number in range(20)]
        assert [message.text for message in practice.refused] == ["20", "21"]

    def test_what_a_bot_has_no_room_for_waits_at_the_platform(self, practice: Practice) -> None:
        practice.begins()
        practice.limits = replace(practice.limits, bot_waiting=3)
        for number in range(5):
            practice.desk.writes(str(number))
        practice.pulls()
        assert practice.texts() == ["0", "1", "2"]
        assert practice.refused == []
        practice.redis.set(keys.waiting(ADDRESS.bot), 0)
        practice.clock.now += 5
        practice.pulls()
        assert practice.texts() == ["0", "1", "2", "3", "4"]


class TestKinds:
    """What a customer can send (page 94670)."""

    @pytest.mark.parametrize(
        ("kind", "content", "expected"),
        [
            ("image", PNG, MessageKind.IMAGE),
            ("voice", AMR, MessageKind.VOICE),
            ("video", b"\0\0\0\x18ftypmp42" + b"\0" * 64, MessageKind.VIDEO),
            ("file", b"%PDF-1.7 and more", MessageKind.FILE),
        ],
        ids=["image", "voice", "video", "file"],
    )
    def test_media_can_be_fetched(self, practice: Practice, kind: str, content: bytes, expected: MessageKind) -> None:
        practice.begins()
        practice.desk.writes("", type=kind, upload=practice.desk.uploads(content, f"a.{kind}"))
        practice.pulls()
        (message,) = practice.stored()
        assert (message.kind, message.text) == (expected, "")
        (attachment,) = message.attachments
        into = io.BytesIO()
        practice.channel.fetch(attachment, into, 1_000_000, practice.clock() + 5)
        assert into.getvalue() == content

    def test_a_place_and_a_link_are_words_and_an_address(self, practice: Practice) -> None:
        practice.begins()
        place = {"latitude": 31.25, "longitude": 121.5, "name": "影像中心", "address": "延安路 1 号"}
        practice.desk.writes("", type="location", fields=place)
        link = {"title": "指南", "desc": "第二版", "url": "https://example.com/a", "pic_url": ""}
        practice.desk.writes("", type="link", fields=link)
        practice.pulls()
        first, second = practice.stored()
        assert (first.kind, first.text) == (MessageKind.LOCATION, "影像中心\n延安路 1 号")
        assert first.attachments == (Attachment(kind=MessageKind.LOCATION, url="geo:31.25,121.5"),)
        assert (second.kind, second.text) == (MessageKind.LINK, "指南\n第二版")
        assert second.attachments == (Attachment(kind=MessageKind.LINK, url="https://example.com/a"),)

    @pytest.mark.parametrize("kind", ["miniprogram", "business_card", "merged_msg", "channels", "meeting", "hologram"])
    def test_what_nobody_can_read_is_a_message_that_can_be_answered(self, practice: Practice, kind: str) -> None:
        practice.begins()
        practice.desk.writes("", type=kind, fields={"title": "小程序"})
        practice.pulls()
        (message,) = practice.stored()
        assert message.kind is MessageKind.UNSUPPORTED

    def test_a_choice_in_a_menu_is_a_text(self, practice: Practice) -> None:
        practice.begins()
        practice.desk.writes("禁食多久", menu_id="1")
        practice.pulls()
        (message,) = practice.stored()
        assert (message.kind, message.text) == (MessageKind.TEXT, "禁食多久")


class TestEvents:
    """What the product works on."""

    def test_who_enters_for_the_first_time_is_to_be_welcomed(self, practice: Practice) -> None:
        practice.begins()
        practice.desk.enters()
        practice.pulls()
        (message,) = practice.stored()
        assert message.event == Entered(welcome_until=practice.clock.now + 20)

    def test_who_enters_again_is_not(self, practice: Practice) -> None:
        practice.begins()
        practice.desk.writes("你好")
        practice.desk.enters()
        practice.pulls()
        assert practice.texts() == ["你好"]

    def test_what_a_servicer_does_with_the_chat(self, practice: Practice) -> None:
        practice.begins()
        practice.desk.writes("请转人工")
        practice.desk.moves(2)
        practice.desk.acts("take")
        practice.desk.acts("transfer", to="zhang.wei")
        practice.desk.acts("end", "zhang.wei")
        practice.desk.acts("reopen")
        practice.pulls()
        changes = [message.event for message in practice.stored()[1:]]
        assert changes == [
            SessionChanged(change=Change.TAKEN, servicer="li.na"),
            SessionChanged(change=Change.MOVED, servicer="zhang.wei"),
            SessionChanged(change=Change.ENDED, servicer="zhang.wei"),
            SessionChanged(change=Change.REOPENED, servicer="li.na"),
        ]

    def test_a_failure_is_matched_to_its_part(self, practice: Practice) -> None:
        practice.begins()
        practice.desk.writes("你好")
        practice.pulls()
        practice.desk.fault(on="kf_delivery", kind="send_fail", fail_type=13)
        practice.says("有害内容", key="abcdefghijklmnopqrst:1")
        practice.pulls()
        _, failure = practice.stored()
        assert failure.event == Undelivered(part="abcdefghijklmnopqrst:1", reason="security")
        assert failure.conversation.person == CHEN

    def test_a_failure_of_something_that_was_never_sent_is_left_out(self, practice: Practice) -> None:
        practice.begins()
        practice.desk.writes("你好")
        practice.desk.fault(on="kf_delivery", kind="send_fail", fail_type=13)
        practice.desk.sends("别的系统发的")
        practice.pulls()
        assert practice.texts() == ["你好"]
        assert practice.degraded() == ["failure_of_unknown_part"]


@pytest.mark.parametrize("error", [Retry(1.0, "x"), Refused("x")], ids=["retry", "refused"])
def test_a_failure_gives_the_account_back(practice: Practice, error: ChannelError, clock: Clock) -> None:
    practice.pulls(Interrupted(practice, error))  # type: ignore[arg-type]
    assert not practice.redis.exists(keys.account_lease(ADDRESS.bot, ADDRESS.channel))
