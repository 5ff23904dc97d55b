"""The channel ``wecom-kf`` keeps the contract of all channels; what others are brought, it pulls."""

from functools import cached_property
from typing import Any

import pytest
import redis

from bot.channel import Bell, CallbackRequest, Channel, Immediate, Messages
from bot.connections import Connections
from channels.wecom.crypto import CallbackCrypto
from channels.wecom_kf import Config, WeComKfChannel, build
from tests.contracts.channel import ADDRESS, DOCTOR, NOW, ChannelContract, Subject
from tests.fakes.scripted_http import ScriptedServer, reply

CORP_ID = "ww1436e0e65a779aee"
TOKEN = "hJqcu3uJ9Tn2gXPmxx2w9kkCkCE2EPYo"
KEY = "6qkdMrq68nTKduznJYO1A37W2oEgpkMUvkttRToqhUt"
ACCOUNT = "wkAJ2GCAAASSm4_FhToWMFea0xAFfd3Q"
CRYPTO = CallbackCrypto(TOKEN, KEY, CORP_ID)
PULL_PATH = "/cgi-bin/kf/sync_msg"


class Account(Subject):
    """An account of customer service."""

    send_path = "/cgi-bin/kf/send_msg"

    @cached_property
    def channel(self) -> Channel:
        return self.account

    @cached_property
    def account(self) -> WeComKfChannel:
        fields = {"corp_id": CORP_ID, "secret": "s", "token": TOKEN, "encoding_aes_key": KEY, "open_kfid": ACCOUNT}
        return build(ADDRESS, Config.model_validate(fields), self.kit())

    def callback(self, text: str, message_id: str, *, kind: str = "text", at: float = NOW) -> CallbackRequest:
        """The bell for one entry, which the platform gives out from now on."""
        entry: dict[str, Any] = {"msgid": message_id, "send_time": int(NOW), "origin": 3, "msgtype": kind}
        place = {"open_kfid": ACCOUNT, "external_userid": DOCTOR}
        entry |= {"event": {"event_type": text, **place}} if kind == "event" else {kind: {"content": text}, **place}
        page = {"errcode": 0, "errmsg": "ok", "next_cursor": "c1", "has_more": 0, "msg_list": [entry]}
        self.platform.on(PULL_PATH, reply(page))
        plain = (
            f"<xml><ToUserName>{CORP_ID}</ToUserName><CreateTime>{int(NOW)}</CreateTime><MsgType>event</MsgType>"
            f"<Event>kf_msg_or_event</Event><Token>ENCA</Token><OpenKfId>{ACCOUNT}</OpenKfId></xml>"
        )
        encrypted = CRYPTO.encrypt(plain.encode())
        body = f"<xml><ToUserName>{CORP_ID}</ToUserName><Encrypt>{encrypted}</Encrypt></xml>"
        return self._request("POST", encrypted, at, body.encode())

    def receive(self, request: CallbackRequest) -> Messages:
        """What the bell stood for."""
        bell = self.account.receive(request)
        assert isinstance(bell, Bell)
        page = self.account.pull("", bell.token, 200, NOW + 5)
        assert not page.more
        return Messages(messages=page.messages)

    def verification(self, plain: str) -> CallbackRequest:
        encrypted = CRYPTO.encrypt(plain.encode())
        return self._request("GET", encrypted, NOW, b"", echostr=encrypted)

    def readable(self, body: bytes) -> str:
        return body.decode()

    def permit(self) -> None:
        """What was never pulled says nothing against a send."""

    def _request(self, method: str, encrypted: str, at: float, body: bytes, **more: str) -> CallbackRequest:
        timestamp = str(int(at))
        signature = CRYPTO.signature(timestamp, "n1", encrypted)
        query = {"msg_signature": signature, "timestamp": timestamp, "nonce": "n1", **more}
        return CallbackRequest(method=method, query=query, body=body, received_at=at)


@pytest.fixture
def subject(redis_client: "redis.Redis", http: Connections, platform: ScriptedServer) -> Subject:
    platform.on("/cgi-bin/gettoken", reply({"errcode": 0, "access_token": "t", "expires_in": 7200}))
    platform.on(Account.send_path, reply({"errcode": 0, "errmsg": "ok", "msgid": "m1"}))
    return Account(redis_client, http, platform)


class TestWeComKf(ChannelContract):
    """All of it, but for what only an answer to a message could say."""

    def test_a_notice_is_readable_in_the_answer(self, subject: Subject) -> None:
        """Nobody reads the answer to a bell, so it says nothing: what is to be said is sent (:mod:`bot.busy`)."""
        received = subject.channel.receive(subject.callback("你好", "80"))
        assert isinstance(received, Bell)
        assert subject.channel.respond(received, Immediate(notice="太忙了，请稍候")).body == b""
