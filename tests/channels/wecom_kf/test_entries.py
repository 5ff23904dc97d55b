"""What stands on a page: what customers and servicers send, and what happens to a chat."""

import io
from typing import Any

import pytest
import structlog

from bot.events import Change, Entered, ServicerWrote, SessionChanged, Undelivered
from bot.messages import Attachment, MessageKind
from channels.wecom_kf.entries import Entry, EntryReader
from tests.channels.wecom_kf.conftest import ADDRESS, Practice
from tests.simulator.kf_desk import CHEN, KF, OTHER_KF
from tests.simulator.media_files import AMR, PNG


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


GOOD: dict[str, Any] = {
    "msgid": "m1",
    "open_kfid": KF,
    "external_userid": CHEN,
    "send_time": 1_800_000_000,
    "origin": 3,
    "msgtype": "text",
    "text": {"content": "你好"},
}


class Reading:
    """Entries read one by one, and what was counted."""

    def __init__(self) -> None:
        self.degraded: list[str] = []
        self._reader = EntryReader(ADDRESS, KF, lambda _event, what: self.degraded.append(what))

    def read(self, raw: object) -> Entry | None:
        return self._reader.read(raw, 1_800_000_001.0)


@pytest.mark.parametrize(
    "changed",
    [
        {"text": {"content": 7}},
        {"text": None},
        {"text": "你好"},
        {"msgtype": "location", "location": {"latitude": "31.2", "longitude": 121.5}},
        {"msgtype": "link", "link": {"title": "指南", "url": "https://a.example/" + "x" * 5000}},
        {"msgtype": "image", "image": {"media_id": "m" * 2000}},
    ],
    ids=["a number", "nothing", "no object", "a place in words", "a long address", "a long media id"],
)
def test_words_that_cannot_be_read_are_a_message_that_can_be_answered(changed: dict[str, Any]) -> None:
    reading = Reading()
    entry = reading.read(GOOD | changed)
    assert entry is not None
    assert (entry.message.kind, entry.message.text, entry.opens) == (MessageKind.UNSUPPORTED, "", True)
    assert reading.degraded == ["content_unreadable"]


@pytest.mark.parametrize(
    "raw",
    [
        {**GOOD, "origin": 6},
        {**GOOD, "origin": "3"},
        {**GOOD, "origin": None},
        {**GOOD, "external_userid": ""},
        {**GOOD, "external_userid": "wm\u202e"},
        {**GOOD, "external_userid": ["wm"]},
        {**GOOD, "send_time": None},
        {**GOOD, "send_time": 1e9},
        {**GOOD, "send_time": -1},
        {**GOOD, "msgid": "m" * 129},
        {**GOOD, "msgtype": "event"},
        {"msgtype": "event", "event": {"event_type": "enter_session", "welcome_code": "x"}},
        "你好",
        None,
        [],
    ],
    ids=range(15),
)
def test_what_is_nobodys_message_is_left_out_and_counted(raw: object) -> None:
    reading = Reading()
    assert reading.read(raw) is None
    assert reading.degraded == ["entry_unreadable"]


def test_an_entry_of_another_account_is_no_fault() -> None:
    reading = Reading()
    assert reading.read({**GOOD, "open_kfid": OTHER_KF}) is None
    assert reading.degraded == []


def test_nothing_of_a_customer_is_in_the_log() -> None:
    reading = Reading()
    with structlog.testing.capture_logs() as lines:
        for changed in ({"text": {"content": ["私密"]}}, {"send_time": "私密"}, {"msgtype": "note"}):
            reading.read(GOOD | changed)
    assert len(lines) == 3
    assert not [piece for piece in (CHEN, "私密", "m1") if piece in str(lines)]


def test_a_message_that_is_taken_back_is_worked_all_the_same(practice: Practice) -> None:
    """It may have told of a side effect, of which the company has known since."""
    practice.begins()
    entry = practice.desk.writes("吃药后起了皮疹")
    practice.desk.call("POST", "/_sim/kf/recall", target=entry["id"])
    practice.pulls()
    assert practice.texts() == ["吃药后起了皮疹"]
    assert len(practice.stored()) == 1


def test_a_message_that_comes_on_two_pages_comes_once(practice: Practice) -> None:
    practice.begins()
    practice.desk.rules(kf_page_messages=1)
    practice.desk.fault(on="kf_stream", kind="duplicate")
    practice.desk.writes("一")
    practice.desk.fault(on="kf_stream", kind="swap")
    practice.desk.writes("二")
    practice.desk.writes("三")
    practice.pulls()
    assert practice.texts() == ["一", "三", "二"], "in the platform's own order"


def test_two_accounts_are_kept_apart(practice: Practice) -> None:
    other = practice.build(open_kfid=OTHER_KF)
    practice.begins()
    practice.desk.writes("影像的问题")
    practice.desk.writes("设备的问题", open_kfid=OTHER_KF)
    practice.pulls()
    page = other.pull("", "", 200, practice.clock() + 5)
    assert practice.texts() == ["影像的问题"]
    assert [message.text for message in page.messages] == ["设备的问题"]
