"""Both channels against the simulated platform: every part is shown, every medium comes, every event is answered."""

import io
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from bot.channel import Channel, Refused, Retry
from bot.events import CardClick, Entered, MenuClick, Rating, Subscribed, Verdict, Warned
from bot.messages import Attachment, InboundMessage, MessageKind
from bot.parts import (
    Article,
    Button,
    Card,
    CardUpdate,
    Choice,
    Markdown,
    Medium,
    News,
    Part,
    Stream,
    Text,
    Vote,
)
from channels.wecom import fetch as app_fetch
from simulator.app_events import APP_EVENTS
from tests.contracts.installation import DOCTOR, GROUP, ROBOT_NAME, Both, installation
from tests.media_sources import AMR, GIF, JPEG, MP4, PDF, PNG, put

LIMIT = 1_000_000
TURN_ID = "abcdefghijklmnop2345"


@pytest.fixture
def both(redis_client: "redis.Redis", tmp_path: Path) -> Iterator[Both]:
    with installation(redis_client, tmp_path) as running:
        for media, content in {"png": PNG, "jpeg": JPEG, "gif": GIF, "amr": AMR, "mp4": MP4, "pdf": PDF}.items():
            put(running.media, media, content, f"文件.{media}")
        yield running


def say(both: Both, name: str, part: Part, key: str = "turn:0") -> None:
    channel = both.channel(name)
    channel.send(both.conversation(name), part, key, time.time() + channel.limits.send_timeout_s)


BUTTONS = Card(
    task_id="rate_1",
    title="这个回答有用吗？",
    text="请选一项",
    buttons=(Button("有用", f"rate:useful:{TURN_ID}"), Button("转人工", f"human:{TURN_ID}")),
)
VOTE = Card(
    task_id="vote_1",
    title="请评价",
    text="工单 7",
    vote=Vote(
        key="score",
        choices=(Choice("3", "满意"), Choice("1", "不满意")),
        submit=Button("提交", "ticket:7"),
        multiple=True,
    ),
)
NOTICE = Card(task_id="notice_1", title="资料已更新", text="点开查看", url="https://bot.example/source/1")
NEWS = News((Article("标题", "描述", "https://a.example/1", "https://a.example/1.png"),))

PARTS: list[tuple[Part, str, str]] = [
    (Text("您好"), "text", "您好"),
    (Markdown("**您好**"), "markdown", "**您好**"),
    (NEWS, "news", "标题"),
    (BUTTONS, "template_card", "这个回答有用吗？"),
    (VOTE, "template_card", "请评价"),
    (NOTICE, "template_card", "资料已更新"),
    (Medium(MessageKind.IMAGE, "png"), "image", "__.png"),
    (Medium(MessageKind.IMAGE, "jpeg"), "image", "__.jpeg"),
    (Medium(MessageKind.IMAGE, "gif"), "file", "__.gif"),
    (Medium(MessageKind.VOICE, "amr"), "voice", "__.amr"),
    (Medium(MessageKind.VIDEO, "mp4"), "video", "__.mp4"),
    (Medium(MessageKind.FILE, "pdf"), "file", "__.pdf"),
]


@pytest.mark.parametrize(("part", "kind", "words"), PARTS, ids=lambda value: type(value).__name__)
def test_the_app_shows_every_part_it_claims(both: Both, part: Part, kind: str, words: str) -> None:
    assert both.channel("app").limits.shows(part)
    say(both, "app", part)
    shown = both.newest("send")
    assert shown["type"] == kind
    assert words in (shown["upload"]["name"] if isinstance(part, Medium) else shown["content"])


def test_the_members_see_the_name_of_a_file_as_the_operator_chose(both: Both) -> None:
    for name, shown in (("app", "__.pdf"), ("named", "文件.pdf")):
        say(both, name, Medium(MessageKind.FILE, "pdf"), key=f"{name}:0")
        assert both.newest("send")["upload"]["name"] == shown


def test_what_a_channel_cannot_show_is_refused(both: Both) -> None:
    both.does("bot", content="你好")  # the robot may reply
    unsupported: list[tuple[str, Part]] = [
        ("app", Stream("您好", "s1")),
        ("app", Medium(MessageKind.LOCATION, "png")),
        ("robot", NEWS),
        ("robot", CardUpdate("rate_1", "code", "已收到")),
        *[("robot", Medium(kind, "png")) for kind in MessageKind],
    ]
    for name, part in unsupported:
        assert name == "app" or not both.channel(name).limits.shows(part)
        with pytest.raises(Refused, match="part_unsupported"):
            say(both, name, part)
    assert [entry for entry in both.simulator.entries(DOCTOR) if entry["via"] in ("send", "response_url")] == []


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        (Markdown("**您好**"), "markdown"),
        (BUTTONS, "template_card"),
        (VOTE, "template_card"),
        (NOTICE, "template_card"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_robot_says_late_what_it_claims(both: Both, part: Part, kind: str) -> None:
    both.does("bot", content="你好")
    say(both, "robot", part, f"{TURN_ID}:0")
    shown = both.newest("response_url")
    assert shown["type"] == kind
    assert shown["feedback"] == (TURN_ID if kind == "markdown" else "")


def test_a_bubble_ends_with_words_and_pictures_and_can_be_rated(both: Both) -> None:
    both.does("bot", content="示意图？")
    (question,) = both.stored("robot")
    say(both, "robot", Stream("见图", question.stream_id, ("png", "gif", "jpeg")), f"{question.turn_id}:0")
    bubble = both.simulator.stream(DOCTOR)
    assert (bubble["content"], bubble["feedback"]) == ("见图", question.turn_id)
    pictures = [
        both.simulator._http.get(f"{both.simulator.url}/_sim/uploads/{one}").content
        for one in bubble["fields"]["images"]
    ]
    assert pictures == [PNG, JPEG]
    both.does(
        "bot",
        event="feedback_event",
        target=bubble["id"],
        feedback={"type": 2, "content": "再详细些", "inaccurate_reason_list": [2]},
    )
    assert both.stored("robot")[-1].event == Rating(
        turn_id=question.turn_id, verdict=Verdict.USELESS, reasons=("incomplete",), words="再详细些"
    )


def test_anybody_in_a_group_rates_an_answer_and_presses_a_card_in_their_own_name(both: Both) -> None:
    both.does("bot", chat=GROUP, content=f"@{ROBOT_NAME} 示意图？")
    (question,) = both.stored("robot", GROUP)
    channel, conversation = both.channel("robot"), both.conversation("robot", GROUP)
    channel.send(conversation, Stream("见图", question.stream_id), f"{question.turn_id}:0", time.time() + 10)
    bubble = both.simulator.stream(DOCTOR)
    channel.send(conversation, BUTTONS, f"{question.turn_id}:1", time.time() + 10)
    card = both.newest("response_url")
    for event in (
        {"event": "feedback_event", "target": bubble["id"], "feedback": {"type": 1}},
        {"event": "template_card_event", "target": card["id"], "event_key": f"human:{TURN_ID}"},
    ):
        posted = both.simulator.call("POST", "/_sim/messages", member="li.na", chat=GROUP, **event)
        assert both.simulator.ended(posted)["state"] == "delivered"
    rated, pressed = both.stored("robot", GROUP, person="li.na")
    assert rated.event == Rating(turn_id=question.turn_id, verdict=Verdict.USEFUL)
    assert isinstance(pressed.event, CardClick)
    assert (rated.sender.id, pressed.sender.id) == ("li.na", "li.na")
    assert both.sees(card["id"])["fields"]["updates"].keys() == {"li.na"}, "the doctor's card can still be pressed"
    assert both.stored("robot", GROUP) == [question]


def test_a_picture_that_has_gone_is_left_out_of_the_bubble(both: Both) -> None:
    both.does("bot", content="示意图？")
    (question,) = both.stored("robot")
    medium = both.media.find("png")
    assert medium is not None
    medium.path.unlink()
    say(both, "robot", Stream("见图", question.stream_id, ("png", "jpeg")))
    bubble = both.simulator.stream(DOCTOR)
    assert (bubble["content"], len(bubble["fields"]["images"])) == ("见图", 1)


def press(both: Both, peer: str, card: dict[str, Any], key: str, **more: Any) -> None:
    both.does(peer, event="template_card_event", target=card["id"], event_key=key, **more)


def test_a_press_on_the_apps_card_is_kept_once_and_shown_on_its_button(both: Both) -> None:
    say(both, "app", BUTTONS)
    card = both.newest("send")
    both.simulator.fault(on="callback", kind="duplicate")
    press(both, "app", card, f"rate:useful:{TURN_ID}")
    (message,) = both.stored("app")
    assert isinstance(message.event, CardClick)
    assert (message.event.task_id, message.event.key) == ("rate_1", f"rate:useful:{TURN_ID}")
    assert both.sees(card["id"])["fields"]["replace_text"] == "已记录：有用"
    say(both, "app", CardUpdate("rate_1", message.event.response_code, "谢谢您的评价"))
    assert both.sees(card["id"])["fields"]["replace_text"] == "谢谢您的评价"
    with pytest.raises(Refused, match="40058"):
        say(both, "app", CardUpdate("rate_1", message.event.response_code, "再一次"))


@pytest.mark.parametrize(("name", "peer", "via"), [("app", "app", "send"), ("robot", "bot", "response_url")])
def test_a_vote_arrives_with_what_was_chosen(both: Both, name: str, peer: str, via: str) -> None:
    if peer == "bot":
        both.does("bot", content="你好")
    say(both, name, VOTE)
    press(both, peer, both.newest(via), "ticket:7", selected={"score": ["3", "1"]})
    event = both.stored(name)[-1].event
    assert isinstance(event, CardClick)
    assert (event.task_id, event.key, event.chosen) == ("vote_1", "ticket:7", {"score": ("3", "1")})


def test_a_press_that_is_one_too_many_is_told_on_the_card(redis_client: "redis.Redis", tmp_path: Path) -> None:
    with installation(redis_client, tmp_path, person_per_minute=1) as both:
        both.does("app", event="enter_agent")
        say(both, "app", BUTTONS)
        card = both.newest("send")
        press(both, "app", card, f"human:{TURN_ID}")
        assert both.sees(card["id"])["fields"]["replace_text"] == "太忙，没有处理"
        assert [message.event for message in both.stored("app")] == [Entered()]
        both.does("bot", content="你好")
        say(both, "robot", BUTTONS)
        card = both.newest("response_url")
        press(both, "bot", card, f"human:{TURN_ID}")
        assert both.sees(card["id"])["fields"]["updates"][DOCTOR]["main_title"] == {"title": "太忙，没有处理"}
        with pytest.raises(Refused, match="no_response_url"):
            say(both, "robot", Text("这次点击没有留下许可"))


def test_a_press_on_the_robots_card_replaces_it_and_permits_a_reply(both: Both) -> None:
    both.does("bot", content="你好")
    say(both, "robot", BUTTONS)
    card = both.newest("response_url")
    with pytest.raises(Refused, match="no_response_url"):
        say(both, "robot", Text("没有许可"))
    both.simulator.fault(on="bot_callback", kind="duplicate")
    press(both, "bot", card, f"human:{TURN_ID}")
    assert [type(message.event) for message in both.stored("robot")] == [type(None), CardClick]
    shown = both.sees(card["id"])["fields"]
    assert shown["updates"][DOCTOR]["main_title"] == {"title": "正在转人工"}
    say(both, "robot", Text("已为您转接人工"))
    assert both.newest("response_url")["content"] == "已为您转接人工"


def fetch(channel: Channel, attachment: Attachment, limit: int = LIMIT, within_s: float = 5.0) -> tuple[str, bytes]:
    into = io.BytesIO()
    said = channel.fetch(attachment, into, limit, time.time() + within_s)
    return said.name, into.getvalue()


def bring(both: Both, name: str, kind: str, content: bytes, file_name: str, **more: Any) -> Attachment:
    """A member sends a medium; what arrived of it."""
    upload = both.simulator.uploads(content, file_name)
    both.does("app" if name == "app" else "bot", type=kind, upload=upload, **more)
    (message,) = both.stored(name)
    (attachment,) = message.attachments
    return attachment


MEDIA = [
    ("app", "image", PNG, "图.png"),
    ("app", "voice", AMR, "voice.amr"),
    ("app", "video", MP4, "演示.mp4"),
    ("robot", "image", PNG, "图.png"),
    ("robot", "file", PDF, "说明 书.pdf"),
    ("robot", "video", MP4, "演示.mp4"),
    ("robot", "file", secrets.token_bytes(300_000), "big.bin"),
]


@pytest.mark.parametrize(
    ("name", "kind", "content", "file_name"), MEDIA, ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_medium_comes_whole(both: Both, name: str, kind: str, content: bytes, file_name: str) -> None:
    attachment = bring(both, name, kind, content, file_name)
    assert (attachment.kind, attachment.format) == (MessageKind(kind), "amr" if kind == "voice" else "")
    assert fetch(both.channel(name), attachment) == (file_name, content)


def test_a_picture_among_words_comes_from_a_group(both: Both) -> None:
    upload = both.simulator.uploads(PNG, "图.png")
    both.does("bot", chat=GROUP, type="mixed", content=f"@{ROBOT_NAME} 这是什么？", upload=upload)
    (message,) = both.stored("robot", GROUP)
    assert message.text == "这是什么？"
    assert fetch(both.channel("robot"), message.attachments[0])[1] == PNG


def test_a_medium_too_big_for_one_answer_comes_in_pieces(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    content = AMR + secrets.token_bytes(10_000)
    attachment = bring(both, "app", "voice", content, "voice.amr")
    both.simulator.rules(whole_download_bytes=len(content) - 1)
    monkeypatch.setattr(app_fetch, "PIECE_BYTES", 4096)
    assert fetch(both.channel("app"), attachment) == ("voice.amr", content)
    assert both.simulator.log(23) == ["errcode"]
    both.simulator.rules(whole_download_bytes=len(content))
    assert fetch(both.channel("app"), attachment) == ("voice.amr", content)
    assert both.simulator.log(23) == ["errcode"]


@pytest.mark.parametrize(("name", "fault"), [("app", "media/get"), ("robot", "media_url")])
class TestMediaThatDoNotCome:
    """Each way in which a download ends without its medium."""

    @pytest.fixture
    def attachment(self, both: Both, name: str) -> Attachment:
        return bring(both, name, "image", PNG * 100, "图.png")

    def test_too_large(self, both: Both, name: str, fault: str, attachment: Attachment) -> None:
        del fault
        with pytest.raises(Refused, match="too_large"):
            fetch(both.channel(name), attachment, limit=len(PNG) * 100 - 1)

    def test_expired(self, both: Both, name: str, fault: str, attachment: Attachment) -> None:
        del fault
        both.simulator.rules(media_url_life_s=0, media_id_life_s=0)
        with pytest.raises(Refused, match="expired"):
            fetch(both.channel(name), attachment)

    def test_dripping(self, both: Both, name: str, fault: str, attachment: Attachment) -> None:
        both.simulator.fault(on=fault, kind="drip", seconds=30)
        with pytest.raises(Retry, match="timeout"):
            fetch(both.channel(name), attachment, within_s=0.5)

    @pytest.mark.parametrize("kind", ["cut", "http_500", "close_before"])
    def test_broken_off(self, both: Both, name: str, fault: str, attachment: Attachment, kind: str) -> None:
        both.simulator.fault(on=fault, kind=kind)
        with pytest.raises(Retry):
            fetch(both.channel(name), attachment)
        assert fetch(both.channel(name), attachment)[1] == PNG * 100


def test_bytes_of_the_robot_that_end_too_early_are_no_medium(both: Both) -> None:
    attachment = bring(both, "robot", "file", PDF * 100, "a.pdf")
    both.simulator.fault(on="media_url", kind="wrong_length")
    with pytest.raises((Refused, Retry)):
        fetch(both.channel("robot"), attachment)


WORKED_ON = {
    "subscribe": Subscribed(),
    "enter_agent": Entered(),
    "click": MenuClick("k"),
    **{
        name: Warned(name)
        for name in (
            "inactive_alert",
            "low_active_alert",
            "close_inactive_agent",
            "reopen_inactive_agent",
            "low_active",
            "active_restored",
        )
    },
}
PRESSES = {"template_card_event", "template_card_menu_event"}


def test_every_event_of_the_app_is_answered_and_kept_only_if_it_is_worked_on(both: Both) -> None:
    for name in [*sorted(set(APP_EVENTS) - PRESSES), "brand_new_event"]:
        before = len(kept(both))
        both.does("app", event=name, event_key="k")
        assert [message.event for message in kept(both)[before:]] == ([WORKED_ON[name]] if name in WORKED_ON else [])


def kept(both: Both) -> list[InboundMessage]:
    """What the app's callbacks left, of members and of the system, in order of their coming."""
    return sorted(both.stored("app") + both.stored("app", person="sys"), key=lambda message: message.received_at)


def test_an_event_of_the_robot_that_needs_no_work_is_answered_and_not_kept(both: Both) -> None:
    both.does("bot", event="brand_new_event")
    assert both.simulator.from_bot(DOCTOR) == []
    both.does("bot", event="enter_chat")
    assert len(both.simulator.from_bot(DOCTOR)) == 1
    assert both.stored("robot") == []
