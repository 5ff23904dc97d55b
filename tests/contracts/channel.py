"""What every channel promises, whatever platform it speaks to: one suite that each of them inherits.

A channel's test module offers two fixtures, and each has a class of tests to inherit: ``subject``, a :class:`Subject`
over a real Redis and a scripted platform (:class:`ChannelContract`: what bytes mean, to the last of them), and
``scene``, a :class:`~tests.contracts.scene.Scene` over the simulated platform (:class:`PlatformContract`: what people
write and read, and what goes wrong on the way).
"""

import logging
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace

import pytest
import redis
from structlog.testing import capture_logs

from bot.channel import (
    CallbackRequest,
    Channel,
    ChannelAddress,
    ChannelError,
    ChannelKit,
    Echo,
    Immediate,
    Messages,
    Refused,
    Rejected,
    Retry,
    Unknown,
)
from bot.connections import Connections
from bot.messages import ConversationId, InboundMessage, MessageKind
from bot.parts import Article, Button, Card, Markdown, Menu, News, Part, Text
from bot.shaping import parts_of
from bot.streams import Streams
from tests.contracts.scene import Scene
from tests.fakes.scripted_http import Answer, Cut, ScriptedServer, reply
from tests.media_sources import NO_MEDIA, PNG

NOW = 1_800_000_000.0
ADDRESS = ChannelAddress(bot="imaging", channel="c", bot_name="影像助手")
DOCTOR = "wang.fang"


@dataclass
class Subject(ABC):
    """A channel under test, and the platform's side of it."""

    redis: "redis.Redis"
    http: Connections
    platform: ScriptedServer
    counted: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @property
    @abstractmethod
    def channel(self) -> Channel:
        """The channel."""

    @property
    @abstractmethod
    def send_path(self) -> str:
        """Where its messages arrive at the platform."""

    @abstractmethod
    def callback(self, text: str, message_id: str, *, kind: str = "text", at: float = NOW) -> CallbackRequest:
        """A genuine callback of :data:`DOCTOR`, signed and sealed at ``at``."""

    @abstractmethod
    def misdirected(self) -> CallbackRequest:
        """A callback that is signed and sealed right, for somebody else."""

    @abstractmethod
    def verification(self, plain: str) -> CallbackRequest:
        """A genuine verification of the callback URL that wants ``plain`` back."""

    @abstractmethod
    def readable(self, body: bytes) -> str:
        """The text that the platform would show of an answer's body."""

    @abstractmethod
    def permit(self) -> None:
        """Let the channel send to the doctor once."""

    def kit(self) -> ChannelKit:
        """What the installation lends."""
        return ChannelKit(
            redis=self.redis,
            http=self.http,
            api_base={"wecom": self.platform.url},
            callback_max_skew_s=3600,
            pace_per_minute=30,
            pace_per_hour=1000,
            bubbles=Streams(self.redis, lambda: NOW),
            media=NO_MEDIA,
            count=lambda event, **labels: self.counted.append((event, labels)),
            clock=lambda: NOW,
        )

    def receive(self, request: CallbackRequest) -> Messages:
        received = self.channel.receive(request)
        assert isinstance(received, Messages)
        return received

    def message(self, request: CallbackRequest) -> InboundMessage:
        (message,) = self.receive(request).messages
        return message

    def send(self, text: str) -> None:
        conversation = ConversationId(bot=ADDRESS.bot, channel=ADDRESS.channel, person=DOCTOR)
        self.permit()
        self.channel.send(conversation, Text(text), "turn:0", NOW + 5)

    def arrived(self) -> int:
        return len(self.platform.to(self.send_path))


class ChannelContract:
    """Inherited by the test class of each channel."""

    def test_a_url_is_verified_with_exactly_the_plain_text(self, subject: Subject) -> None:
        received = subject.channel.receive(subject.verification("1288432023552776189"))
        assert received == Echo(plain="1288432023552776189")
        response = subject.channel.respond(received, Immediate())
        assert (response.status, response.body) == (200, b"1288432023552776189")

    def test_its_own_verification_of_the_url_is_a_genuine_one(self, subject: Subject) -> None:
        verification = subject.channel.verification_request()
        request = CallbackRequest(method="GET", query=verification.query, body=b"", received_at=NOW)
        assert subject.channel.receive(request) == Echo(plain=verification.plain)
        assert subject.channel.verification_request().query["echostr"] != verification.query["echostr"]

    def test_a_text_arrives_whole_with_its_person_and_time(self, subject: Subject) -> None:
        message = subject.message(subject.callback("增强 CT 前要禁食吗？😀\n谢谢", "4561255354251345929"))
        assert (message.kind, message.text) == (MessageKind.TEXT, "增强 CT 前要禁食吗？😀\n谢谢")
        assert message.sender.id == message.conversation.person == DOCTOR
        assert (message.conversation.bot, message.conversation.channel) == (ADDRESS.bot, ADDRESS.channel)
        assert message.message_id == "4561255354251345929"
        assert message.sent_at == NOW

    def test_a_redelivery_is_the_same_message(self, subject: Subject) -> None:
        first = subject.message(subject.callback("你好", "77"))
        again = subject.message(subject.callback("你好", "77", at=NOW + 6))
        assert again.message_id == first.message_id
        assert again.stream_id == first.stream_id

    def test_a_message_survives_its_way_through_redis(self, subject: Subject) -> None:
        message = subject.message(subject.callback("你好", "77"))
        assert InboundMessage.decode(message.encode()) == message

    def test_a_kind_nobody_knows_is_a_message_that_can_be_answered(self, subject: Subject) -> None:
        message = subject.message(subject.callback("", "78", kind="hologram"))
        assert message.kind is MessageKind.UNSUPPORTED

    def test_an_event_nobody_knows_asks_for_no_work(self, subject: Subject) -> None:
        received = subject.receive(subject.callback("nobody_knows_this", "79", kind="event"))
        assert received.messages == ()
        assert subject.channel.respond(received, Immediate()).body == b""

    def test_a_notice_is_readable_in_the_answer(self, subject: Subject) -> None:
        received = subject.receive(subject.callback("你好", "80"))
        response = subject.channel.respond(received, Immediate(notice="太忙了，请稍候"))
        assert response.status == 200
        assert subject.readable(response.body) == "太忙了，请稍候"

    @pytest.mark.parametrize("offset", [-3601.0, 3601.0], ids=["old", "from the future"])
    def test_a_stale_callback_is_refused(self, subject: Subject, offset: float) -> None:
        with pytest.raises(Rejected, match="stale") as caught:
            subject.channel.receive(replace(subject.callback("你好", "81", at=NOW + offset), received_at=NOW))
        assert caught.value.status == 403

    def test_a_forged_callback_is_refused(self, subject: Subject) -> None:
        genuine = subject.callback("你好", "82")
        forged = {**genuine.query, "msg_signature": "0" * 40}
        with pytest.raises(Rejected, match="bad_signature") as caught:
            subject.channel.receive(replace(genuine, query=forged))
        assert caught.value.status == 403

    def test_a_callback_for_somebody_else_is_refused(self, subject: Subject) -> None:
        with pytest.raises(Rejected, match="wrong_receive_id") as caught:
            subject.channel.receive(subject.misdirected())
        assert caught.value.status == 403

    def test_a_replayed_callback_is_the_same_message(self, subject: Subject) -> None:
        request = subject.callback("你好", "85")
        assert subject.receive(request) == subject.receive(request)

    @pytest.mark.parametrize("body", [b"", b"<xml", b"{", b"[]", b"\xff\xfe", b"[" * 100_000], ids=range(6))
    def test_a_malformed_body_is_refused(self, subject: Subject, body: bytes) -> None:
        with pytest.raises(Rejected) as caught:
            subject.channel.receive(replace(subject.callback("你好", "83"), body=body))
        assert 400 <= caught.value.status < 500

    def test_an_oversized_body_is_refused(self, subject: Subject) -> None:
        genuine = subject.callback("你好", "84")
        with pytest.raises(Rejected, match="too_large"):
            subject.channel.receive(replace(genuine, body=genuine.body + b" " * 1_000_000))

    def test_a_part_is_sent_with_one_call(self, subject: Subject) -> None:
        subject.send("开放时间是 9:00 至 17:00。")
        assert subject.arrived() == 1
        assert "开放时间是 9:00 至 17:00。" in subject.platform.to(subject.send_path)[0].body.decode()
        assert ("send", {"outcome": "sent", "code": "0"}) in subject.counted

    def test_a_server_error_may_be_tried_again(self, subject: Subject) -> None:
        subject.platform.on(subject.send_path, Answer(status=500))
        with pytest.raises(Retry):
            subject.send("一")

    def test_a_cut_after_the_request_is_an_unknown_outcome(self, subject: Subject) -> None:
        subject.platform.on(subject.send_path, Cut())
        with pytest.raises(Unknown):
            subject.send("一")

    def test_what_the_platform_refuses_for_good_is_not_tried_again(self, subject: Subject) -> None:
        subject.platform.on(subject.send_path, reply({"errcode": 40201, "errmsg": "anti-spam"}))
        with pytest.raises(Refused, match="40201"):
            subject.send("一")
        assert subject.arrived() == 1

    def test_a_busy_platform_may_be_tried_again(self, subject: Subject) -> None:
        subject.platform.on(subject.send_path, reply({"errcode": -1, "errmsg": "system busy"}))
        with pytest.raises(Retry):
            subject.send("一")

    def test_what_is_too_long_never_leaves(self, subject: Subject) -> None:
        with pytest.raises(Refused, match="too_long"):
            subject.send("好" * subject.channel.limits.text_bytes)
        assert subject.arrived() == 0

    def test_a_link_names_its_address_and_its_label(self, subject: Subject) -> None:
        link = subject.channel.link("课程指南", "https://bot.example/source/abc#cited")
        assert "课程指南" in link
        assert "https://bot.example/source/abc#cited" in link


PARTS: tuple[Part, ...] = (
    Text("字"),
    Markdown("**字**"),
    Menu("您想问的是？", ("增强 CT 前禁食多久", "能不能喝水")),
    Card(task_id="t1", title="这个回答有用吗？", text="请选", buttons=(Button("有用", "rate:useful"),)),
    News((Article("标题", "描述", "https://a.example/1", "https://a.example/1.png"),)),
)
LATE_S = 0.3
"""How long a send may take in a test whose platform does not answer in time; the platform takes ten times as long."""


class PlatformContract:
    """Inherited by the test class of each channel, against the simulated platform."""

    def test_what_people_write_arrives_in_their_order_and_apart(self, scene: Scene) -> None:
        for number in range(3):
            for person in scene.people:
                scene.writes(person, f"第 {number} 句，{person}")
        for person in scene.people:
            stored = scene.stored(person)
            assert [message.text for message in stored] == [f"第 {number} 句，{person}" for number in range(3)]
            assert {message.sender.id for message in stored} == {person}
            assert {message.conversation.chat for message in stored} == {""}

    def test_what_comes_again_is_stored_once(self, scene: Scene) -> None:
        scene.writes_and_it_comes_again(scene.people[0], "增强 CT 前要禁食吗？")
        assert [message.text for message in scene.stored(scene.people[0])] == ["增强 CT 前要禁食吗？"]

    def test_a_long_text_arrives_whole_in_order_and_in_bytes_that_fit(self, scene: Scene) -> None:
        limit = scene.channel.limits.text_bytes
        text = "禁食😀" * (limit * 2 // 10)  # no border to cut at, and characters of three and four bytes
        parts = parts_of(text, scene.channel.limits)
        assert len(parts) == 3
        for number, part in enumerate(parts):
            scene.permit(scene.people[0])
            scene.send(part, f"turn:{number}")
        read = scene.reads(scene.people[0])
        assert [words.partition("\n")[0] for words in read] == ["（1/3）", "（2/3）", "（3/3）"]
        assert "".join(words.partition("\n")[2] for words in read) == text
        assert all(len(words.encode()) <= limit for words in read)

    @pytest.mark.parametrize(
        ("fault", "failure", "code"),
        [
            ({"kind": "errcode", "errcode": -1}, Retry, "-1"),
            ({"kind": "errcode", "errcode": 45009}, Retry, "45009"),
            ({"kind": "errcode", "errcode": 45033}, Retry, "45033"),
            ({"kind": "http_500"}, Retry, "http_500"),
            ({"kind": "errcode", "errcode": 40201}, Refused, "40201"),
            ({"kind": "errcode", "errcode": 40003}, Refused, "40003"),
            ({"kind": "errcode", "errcode": 987654}, Refused, "987654"),
            ({"kind": "hang", "seconds": 10 * LATE_S}, Unknown, "timeout"),
            ({"kind": "answer_late", "seconds": 10 * LATE_S}, Unknown, "timeout"),
            ({"kind": "close_after"}, Unknown, "connection_lost"),
        ],
        ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
    )
    def test_what_a_failed_send_means(
        self, scene: Scene, fault: dict[str, object], failure: type[ChannelError], code: str
    ) -> None:
        scene.permit(scene.people[0])
        scene.fault(**fault)
        with pytest.raises(failure) as caught:
            scene.says("只说一次", within_s=LATE_S if "seconds" in fault else 5.0)
        assert vars(caught.value)["code"] == code

    def test_a_rate_limit_is_waited_out(self, scene: Scene) -> None:
        scene.permit(scene.people[0])
        scene.fault(kind="errcode", errcode=45009)
        with pytest.raises(Retry) as caught:
            scene.says("一")
        assert caught.value.after_s >= 60

    @pytest.mark.parametrize("errcode", [-1, 45009])
    def test_what_was_not_sent_is_sent_by_the_next_try(self, scene: Scene, errcode: int) -> None:
        scene.permit(scene.people[0])
        scene.fault(kind="errcode", errcode=errcode)
        with pytest.raises(Retry):
            scene.says("只说一次")
        scene.says("只说一次")
        assert scene.reads(scene.people[0]) == ["只说一次"]

    def test_a_resend_after_a_lost_answer_is_read_once(self, scene: Scene) -> None:
        scene.permit(scene.people[0])
        scene.fault(kind="close_after")
        with pytest.raises(Unknown):
            scene.says("只说一次")
        if scene.resends:
            scene.says("只说一次")
        else:
            with pytest.raises(Refused):
                scene.says("只说一次")
        assert scene.reads(scene.people[0]) == ["只说一次"]

    def test_an_expired_token_is_renewed_and_nobody_notices(self, scene: Scene) -> None:
        scene.permit(scene.people[0])
        if scene.refused_token:
            scene.fault(kind="errcode", errcode=scene.refused_token)
        scene.says("一")
        assert scene.reads(scene.people[0]) == ["一"]

    def test_after_the_deadline_nothing_leaves(self, scene: Scene) -> None:
        scene.permit(scene.people[0])
        with pytest.raises(Retry):
            scene.says("太晚了", within_s=-1)
        assert scene.reads(scene.people[0]) == []

    @pytest.mark.parametrize("part", PARTS, ids=lambda part: type(part).__name__)
    def test_a_part_is_shown_or_refused_and_never_lost(self, scene: Scene, part: Part) -> None:
        shows = scene.channel.limits.shows(part)
        scene.permit(scene.people[0])
        if shows:
            scene.send(part)
        else:
            with pytest.raises(Refused, match="part_unsupported"):
                scene.send(part)
        assert len(scene.reads(scene.people[0])) == shows

    def test_choices_are_a_menu_or_the_words_they_are(self, scene: Scene) -> None:
        words = "您想问的是？\n· 禁食多久\n· 能不能喝水"
        (part,) = parts_of(words, scene.channel.limits, choices=("禁食多久", "能不能喝水"))
        scene.permit(scene.people[0])
        scene.send(part)
        (read,) = scene.reads(scene.people[0])
        assert isinstance(part, Menu) or read == words

    def test_a_picture_comes_whole_or_not_at_all(self, scene: Scene) -> None:
        content = PNG * 100 + b"."  # what it is padded with alone must not betray that it is too large
        attachment = scene.picture(content)
        assert scene.fetch(attachment, len(content)) == content
        with pytest.raises(Refused, match="too_large"):
            scene.fetch(attachment, len(content) - 1)
        scene.simulator.fault(on=scene.download, kind="cut")
        with pytest.raises(Retry):
            scene.fetch(attachment, len(content))
        scene.simulator.fault(on=scene.download, kind="drip", seconds=30)
        with pytest.raises(Retry, match="timeout"):
            scene.fetch(attachment, len(content), LATE_S)

    @pytest.mark.parametrize("kind", ["errcode", "http_500", "close_after", "hang"])
    def test_no_secret_is_in_an_error_or_a_log(self, scene: Scene, kind: str, caplog: pytest.LogCaptureFixture) -> None:
        faults: dict[str, dict[str, float]] = {"errcode": {"errcode": 40201}, "hang": {"seconds": 10 * LATE_S}}
        caplog.set_level(logging.DEBUG)
        scene.permit(scene.people[0])
        secrets = scene.secrets()
        scene.fault(kind=kind, **faults.get(kind, {}))
        with capture_logs() as logged, pytest.raises(ChannelError) as caught:
            scene.says("一", within_s=LATE_S if kind == "hang" else 5.0)
        said = repr([str(caught.value), vars(caught.value), logged, caplog.text])
        assert [secret for secret in secrets if secret in said] == []
