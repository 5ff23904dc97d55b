"""What a channel promises that speaks in one group and hears nobody: all that is said of sends, and what it has alone.

A test module offers ``subject``, a :class:`~tests.contracts.sending.Speaker`, and ``scene``, a :class:`GroupScene`.
That a channel may keep this instead of the whole contract is what its own :class:`~bot.channel.Limits` declare.
"""

import io
from abc import abstractmethod

import pytest

from bot.channel import NOTHING, CallbackRequest, Channel, Messages, Refused, Rejected, Retry, Unknown
from bot.messages import Attachment, ConversationId, MessageKind
from bot.parts import Text
from tests.channels.groups import Installation
from tests.contracts.scene import Stage
from tests.contracts.sending import ADDRESS, NOW, PlatformSendContract, SendContract, Speaker
from tests.simulator.parties import Clock


class GroupSpeaker(Speaker):
    """A channel under test that speaks in its group."""

    @property
    def conversation(self) -> ConversationId:
        return ConversationId(bot=ADDRESS.bot, channel=ADDRESS.channel, person="")

    def permit(self) -> None:
        """Nobody has to write first."""


class OutgoingContract(SendContract):
    """Inherited by the test class of each channel that hears nobody."""

    def test_it_declares_that_it_speaks_in_one_group_and_hears_nobody(self, subject: Speaker) -> None:
        limits = subject.channel.limits
        assert limits.announces
        assert not limits.pushes, "it reaches no person"
        assert not limits.recall_s

    def test_nothing_comes_in(self, subject: Speaker) -> None:
        with pytest.raises(Rejected, match="send_only") as caught:
            subject.channel.receive(CallbackRequest(method="POST", query={}, body=b"{}", received_at=NOW))
        assert caught.value.status == 405
        assert subject.channel.respond(Messages(messages=()), NOTHING).body == b""

    def test_there_is_nothing_to_verify_to_fetch_or_to_take_back(self, subject: Speaker) -> None:
        channel = subject.channel
        with pytest.raises(Refused, match="send_only"):
            channel.verification_request()
        with pytest.raises(Refused, match="not_fetchable"):
            channel.fetch(Attachment(kind=MessageKind.IMAGE, media_id="m"), io.BytesIO(), 100, NOW + 5)
        with pytest.raises(Refused, match="recall_unsupported"):
            channel.recall("m1", NOW + 5)
        assert subject.platform.requests == []

    def test_whatever_conversation_is_named_the_group_is_spoken_to(self, subject: Speaker) -> None:
        somebody = ConversationId(bot=ADDRESS.bot, channel=ADDRESS.channel, person="wang.fang")
        subject.channel.send(somebody, Text("周五停机"), "turn:0", NOW + 5)
        subject.send("周五停机")
        first, second = subject.platform.to(subject.send_path)
        assert first.body == second.body


class GroupScene(Stage):
    """A channel that speaks in a group of the simulator, on a clock that a test moves.

    ``chat`` is the group; ``per_minute`` how many messages the platform takes in a minute, by its own documentation.
    """

    people = ("wang.fang", "li.na")
    chat: str
    per_minute: int

    def __init__(self, here: Installation) -> None:
        self.here = here
        self.simulator = here.platform
        self._channel = self.build()

    @abstractmethod
    def build(self) -> Channel:
        """The channel as another process has it."""

    @abstractmethod
    def stop(self) -> str:
        """Let the platform take nothing more from the channel; the code with which it says so."""

    @property
    def channel(self) -> Channel:
        return self._channel

    @property
    def clock(self) -> Clock:
        clock = self.here.clock
        assert isinstance(clock, Clock)
        return clock

    def now(self) -> float:
        return self.clock()

    def conversation(self, person: str) -> ConversationId:
        return ConversationId(bot=ADDRESS.bot, channel=ADDRESS.channel, person="")

    def reads(self, person: str) -> list[str]:
        return [one["content"] for one in self.simulator.entries(person, chat=self.chat)]

    def permit(self, person: str) -> None:
        """Nobody has to write first."""


class OutgoingPlatformContract(PlatformSendContract):
    """Inherited by the test class of each channel that hears nobody, against the simulated platform."""

    def test_a_resend_after_a_lost_answer_is_read_once(self, scene: GroupScene) -> None:
        """It is read twice: no page names a check for duplicates in groups. The channel declares so, and the outbox
        then sends nothing a third time (:data:`bot.outbox.UNKNOWN_SENDS`)."""
        scene.fault(kind="close_after")
        with pytest.raises(Unknown):
            scene.says("只说一次")
        scene.says("只说一次")
        assert scene.reads(scene.people[0]) == ["只说一次", "只说一次"]
        assert not scene.channel.limits.knows_repeats

    def test_everybody_in_the_group_reads_it(self, scene: GroupScene) -> None:
        scene.says("周五停机")
        assert [scene.reads(person) for person in scene.people] == [["周五停机"], ["周五停机"]]

    def test_words_are_shown_as_they_are_and_format_nothing(self, scene: GroupScene) -> None:
        words = '**重要** [点这里](https://evil.example) <font color="warning">x</font>\n> "引用" \\ {name}'
        scene.says(words)
        (entry,) = scene.simulator.entries(scene.people[0], chat=scene.chat)
        assert (entry["type"], entry["content"]) == ("text", words)

    def test_all_processes_together_keep_the_pace_and_what_is_over_it_waits(self, scene: GroupScene) -> None:
        processes = (scene.channel, scene.build())
        group = scene.conversation("")

        def say(number: int) -> None:
            processes[number % 2].send(group, Text(str(number)), f"broadcast:{number}:0", scene.now() + 5)

        for number in range(scene.per_minute):
            say(number)
        for number in range(scene.per_minute, scene.per_minute + 2):
            with pytest.raises(Retry) as wait:
                say(number)
            assert wait.value.paced
        assert len(scene.reads(scene.people[0])) == scene.per_minute
        scene.clock.now += wait.value.after_s
        say(scene.per_minute)
        assert scene.reads(scene.people[0]) == [str(number) for number in range(scene.per_minute + 1)]

    def test_a_channel_that_was_stopped_alerts_once_and_lets_what_follows_wait(self, scene: GroupScene) -> None:
        code = scene.stop()
        with pytest.raises(Refused) as refusal:
            scene.says("一")
        assert (refusal.value.code, refusal.value.alert) == (code, True)
        for _ in range(3):
            with pytest.raises(Retry, match="circuit_open"):
                scene.says("二")
        assert scene.reads(scene.people[0]) == []
