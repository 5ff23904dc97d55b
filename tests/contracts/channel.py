"""What every channel promises that hears people, whatever platform it speaks to: one suite that each of them inherits.

A channel's test module offers two fixtures, and each has a class of tests to inherit: ``subject``, a :class:`Subject`
over a real Redis and a scripted platform (:class:`ChannelContract`: what bytes mean, to the last of them), and
``scene``, a :class:`~tests.contracts.scene.Scene` over the simulated platform (:class:`PlatformContract`: what people
write and read, and what goes wrong on the way). A channel that hears nobody has :mod:`tests.contracts.outgoing`, and
which of the two a channel must keep is what its own :class:`~bot.channel.Limits` declare.
"""

from abc import abstractmethod
from dataclasses import dataclass, replace

import pytest

from bot.channel import CallbackRequest, Echo, Immediate, Messages, Refused, Rejected, Retry
from bot.messages import InboundMessage, MessageKind
from tests.contracts.scene import Scene
from tests.contracts.sending import (
    ADDRESS,
    DOCTOR,
    LATE_S,
    NOW,
    PlatformSendContract,
    SendContract,
    Speaker,
)
from tests.media_sources import PNG

__all__ = ["ADDRESS", "DOCTOR", "NOW", "ChannelContract", "PlatformContract", "Subject"]


@dataclass
class Subject(Speaker):
    """A channel under test that hears :data:`DOCTOR`, too."""

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

    def receive(self, request: CallbackRequest) -> Messages:
        received = self.channel.receive(request)
        assert isinstance(received, Messages)
        return received

    def message(self, request: CallbackRequest) -> InboundMessage:
        (message,) = self.receive(request).messages
        return message


class ChannelContract(SendContract):
    """Inherited by the test class of each channel that hears people."""

    def test_it_declares_that_it_hears_people(self, subject: Subject) -> None:
        assert not subject.channel.limits.announces

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


class PlatformContract(PlatformSendContract):
    """Inherited by the test class of each channel that hears people, against the simulated platform."""

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
