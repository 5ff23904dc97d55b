"""What every channel promises, whatever platform it speaks to: one suite that each of them inherits.

A channel's test module offers a fixture ``subject``: a :class:`Subject` over a real Redis and a scripted platform.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace

import pytest
import redis

from bot.channel import (
    CallbackRequest,
    Channel,
    ChannelAddress,
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
from bot.parts import Text
from bot.streams import Streams
from tests.fakes.scripted_http import Answer, Cut, ScriptedServer, reply
from tests.media_sources import NO_MEDIA

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
