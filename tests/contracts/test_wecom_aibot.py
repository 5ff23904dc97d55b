"""The channel ``wecom-aibot`` keeps the contract of all channels, and what only bubbles promise."""

import json
from functools import cached_property
from typing import Any

import pytest
import redis

from bot.channel import CallbackRequest, Channel, Greeting, Immediate, LateReply, Poll, StreamState
from bot.connections import Connections
from bot.messages import ConversationId
from bot.streams import Streams
from channels.wecom.crypto import CallbackCrypto
from channels.wecom_aibot import Config, build
from tests.contracts.channel import ADDRESS, DOCTOR, NOW, ChannelContract, Subject
from tests.fakes.scripted_http import ScriptedServer, reply

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
