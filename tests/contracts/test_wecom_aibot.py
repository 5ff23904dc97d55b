"""The channel ``wecom-aibot`` keeps the contract of all channels, and what only bubbles promise."""

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import redis

from bot.channel import CallbackRequest, Channel, Greeting, Immediate, LateReply, Poll, StreamState
from bot.connections import Connections
from bot.messages import ConversationId
from bot.streams import Streams
from channels.wecom.crypto import CallbackCrypto
from channels.wecom_aibot import Config, build
from tests.contracts.channel import ADDRESS, DOCTOR, NOW, ChannelContract, PlatformContract, Subject
from tests.contracts.installation import GROUP, ROBOT_NAME, installation
from tests.contracts.members import Members
from tests.fakes.scripted_http import ScriptedServer, reply
from tests.simulator.parties import AES_KEY
from tests.simulator.parties import TOKEN as CALLBACK_TOKEN

TOKEN = "QDG6eK"
KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
CRYPTO = CallbackCrypto(TOKEN, KEY, "")
SINGLE = ConversationId(bot=ADDRESS.bot, channel=ADDRESS.channel, person=DOCTOR)


class Robot(Subject):
    """An intelligent robot in callback mode."""

    send_path = "/cgi-bin/aibot/response"

    @cached_property
    def channel(self) -> Channel:
        return build(ADDRESS, Config.model_validate({"token": TOKEN, "encoding_aes_key": KEY}), self.kit())

    def misdirected(self) -> CallbackRequest:
        encrypted = CallbackCrypto(TOKEN, KEY, "somebody-else").encrypt(b"{}")
        return self._request("POST", encrypted, NOW, json.dumps({"encrypt": encrypted}).encode())

    def callback(self, text: str, message_id: str, *, kind: str = "text", at: float = NOW) -> CallbackRequest:
        own = {"event": {"eventtype": text}} if kind == "event" else {kind: {"content": text}}
        content = {"msgid": message_id, "aibotid": "b", "chattype": "single", "create_time": int(NOW), **own}
        return self.sealed({**content, "msgtype": kind, "from": {"userid": DOCTOR}}, at)

    def sealed(self, content: dict[str, Any], at: float = NOW) -> CallbackRequest:
        encrypted = CRYPTO.encrypt(json.dumps(content, ensure_ascii=False).encode())
        return self._request("POST", encrypted, at, json.dumps({"encrypt": encrypted}).encode())

    def verification(self, plain: str) -> CallbackRequest:
        encrypted = CRYPTO.encrypt(plain.encode())
        return self._request("GET", encrypted, NOW, b"", echostr=encrypted)

    def opened(self, body: bytes) -> dict[str, Any]:
        """The reply in an answer's body; its nonce must be the callback's (page 101033)."""
        sealed = json.loads(body)
        assert sealed["nonce"] == "n1"
        plain = CRYPTO.open(sealed["msgsignature"], str(sealed["timestamp"]), "n1", sealed["encrypt"])
        content: dict[str, Any] = json.loads(plain)
        return content

    def readable(self, body: bytes) -> str:
        reply_ = self.opened(body)
        shown: dict[str, Any] = reply_[reply_["msgtype"]]
        assert shown.get("finish", True)
        return str(shown["content"])

    def permit(self) -> None:
        url = f"{self.platform.url}{self.send_path}?response_code=c"
        Streams(self.redis).give_back(SINGLE, LateReply(stream_id="s1", url=url, expires_at=NOW + 3000))

    def _request(self, method: str, encrypted: str, at: float, body: bytes, **more: str) -> CallbackRequest:
        timestamp = str(int(at))
        signature = CRYPTO.signature(timestamp, "n1", encrypted)
        query = {"msg_signature": signature, "timestamp": timestamp, "nonce": "n1", **more}
        return CallbackRequest(method=method, query=query, body=body, received_at=at)


@pytest.fixture
def subject(redis_client: "redis.Redis", http: Connections, platform: ScriptedServer) -> Robot:
    platform.on(Robot.send_path, reply({"errcode": 0, "errmsg": "ok"}))
    return Robot(redis_client, http, platform)


class TestWeComAiBot(ChannelContract):
    """All of it, and bubbles."""

    def test_a_message_is_answered_with_its_open_bubble(self, subject: Robot) -> None:
        received = subject.receive(subject.callback("你好", "1"))
        state = StreamState(text="稍候…", finished=False)
        answer = subject.opened(subject.channel.respond(received, Immediate(stream=state)).body)
        stream_id = received.messages[0].stream_id
        assert answer == {"msgtype": "stream", "stream": {"id": stream_id, "finish": False, "content": "稍候…"}}

    def test_a_poll_is_answered_with_what_the_bubble_says_now(self, subject: Robot) -> None:
        poll = {"msgid": "p", "aibotid": "b", "chattype": "group", "chatid": "G", "from": {"userid": DOCTOR}}
        received = subject.channel.receive(subject.sealed({**poll, "msgtype": "stream", "stream": {"id": "s9"}}))
        assert isinstance(received, Poll)
        in_group = ConversationId(bot=ADDRESS.bot, channel=ADDRESS.channel, person=DOCTOR, chat="G")
        assert (received.conversation, received.stream_id) == (in_group, "s9")
        done = Immediate(stream=StreamState(text="答案 [1]", finished=True))
        answer = subject.opened(subject.channel.respond(received, done).body)
        assert answer["stream"] == {"id": "s9", "finish": True, "content": "答案 [1]"}
        unknown = subject.opened(subject.channel.respond(received, Immediate(notice="找不到了")).body)
        assert unknown["stream"] == {"id": "s9", "finish": True, "content": "找不到了"}

    def test_whoever_enters_is_greeted_in_the_answer(self, subject: Robot) -> None:
        event = {"msgid": "e", "aibotid": "b", "from": {"userid": DOCTOR}, "msgtype": "event"}
        received = subject.channel.receive(subject.sealed({**event, "event": {"eventtype": "enter_chat"}}))
        assert received == Greeting(conversation=SINGLE, context={"nonce": "n1"})
        answer = subject.opened(subject.channel.respond(received, Immediate(notice="您好")).body)
        assert answer == {"msgtype": "text", "text": {"content": "您好"}}


class RobotScene(Members):
    """An intelligent robot, which may speak once for each message that it was sent."""

    name, peer, bell, via = "robot", "bot", "bot_callback", "response_url"
    call, download, refused_token = "response_url", "media_url", 0
    resends = False

    def permit(self, person: str) -> None:
        self.writes(person, "请讲")

    def secrets(self) -> tuple[str, ...]:
        permission = self.stored(self.people[0])[-1].response_url
        return CALLBACK_TOKEN, AES_KEY, permission, permission.partition("=")[2]

    def writes_in_the_group(self, person: str, text: str) -> None:
        """``person`` mentions the robot in the group."""
        mention = {"chat": GROUP, "content": f"@{ROBOT_NAME} {text}"}
        entry = self.simulator.call("POST", "/_sim/messages", member=person, **mention)
        assert self.simulator.ended(entry)["state"] == "delivered"

    def stored_of_the_group(self, person: str) -> list[str]:
        """The words of ``person`` in the group that wait for a worker."""
        return [message.text for message in self._both.stored(self.name, GROUP, person)]


@pytest.fixture
def scene(redis_client: "redis.Redis", tmp_path: Path) -> Iterator[RobotScene]:
    with installation(redis_client, tmp_path) as both:
        yield RobotScene(both)


class TestWeComAiBotOnThePlatform(PlatformContract):
    """All of it, and groups."""

    def test_what_is_said_in_a_group_is_kept_apart_from_single_chats_and_from_each_other(
        self, scene: RobotScene
    ) -> None:
        for person in scene.people:
            scene.writes_in_the_group(person, f"群里，{person}")
            scene.writes(person, f"单聊，{person}")
        for person in scene.people:
            assert scene.stored_of_the_group(person) == [f"群里，{person}"]
            assert [message.text for message in scene.stored(person)] == [f"单聊，{person}"]
