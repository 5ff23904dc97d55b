"""The channel ``wecom-app`` keeps the contract of all channels."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import pytest
import redis

from bot.channel import CallbackRequest, Channel
from bot.connections import Connections
from channels.wecom.crypto import CallbackCrypto
from channels.wecom_app import Config, build
from tests.contracts.channel import ADDRESS, DOCTOR, NOW, ChannelContract, PlatformContract, Subject
from tests.contracts.installation import installation
from tests.contracts.members import Members
from tests.fakes.scripted_http import ScriptedServer, reply
from tests.simulator.parties import AES_KEY, SECRET
from tests.simulator.parties import TOKEN as CALLBACK_TOKEN

CORP_ID = "ww1436e0e65a779aee"
TOKEN = "hJqcu3uJ9Tn2gXPmxx2w9kkCkCE2EPYo"
KEY = "6qkdMrq68nTKduznJYO1A37W2oEgpkMUvkttRToqhUt"
CRYPTO = CallbackCrypto(TOKEN, KEY, CORP_ID)


class App(Subject):
    """A self-built app."""

    send_path = "/cgi-bin/message/send"

    @cached_property
    def channel(self) -> Channel:
        fields = {"corp_id": CORP_ID, "agent_id": 1000002, "secret": "s", "token": TOKEN, "encoding_aes_key": KEY}
        return build(ADDRESS, Config.model_validate(fields), self.kit())

    def misdirected(self) -> CallbackRequest:
        encrypted = CallbackCrypto(TOKEN, KEY, "ww0000000000000000").encrypt(b"<xml></xml>")
        body = f"<xml><ToUserName>{CORP_ID}</ToUserName><Encrypt>{encrypted}</Encrypt></xml>"
        return self._request("POST", encrypted, NOW, body.encode())

    def callback(self, text: str, message_id: str, *, kind: str = "text", at: float = NOW) -> CallbackRequest:
        own = f"<Event>{text}</Event>" if kind == "event" else f"<Content><![CDATA[{text}]]></Content>"
        plain = (
            f"<xml><ToUserName>{CORP_ID}</ToUserName><FromUserName>{DOCTOR}</FromUserName>"
            f"<CreateTime>{int(NOW)}</CreateTime><MsgType>{kind}</MsgType>{own}"
            f"<MsgId>{message_id}</MsgId><AgentID>1000002</AgentID></xml>"
        )
        encrypted = CRYPTO.encrypt(plain.encode())
        body = f"<xml><ToUserName>{CORP_ID}</ToUserName><Encrypt>{encrypted}</Encrypt></xml>"
        return self._request("POST", encrypted, at, body.encode())

    def verification(self, plain: str) -> CallbackRequest:
        encrypted = CRYPTO.encrypt(plain.encode())
        return self._request("GET", encrypted, NOW, b"", echostr=encrypted)

    def readable(self, body: bytes) -> str:
        sealed = {child.tag: child.text or "" for child in ET.fromstring(body.decode())}  # noqa: S314 - our own
        plain = CRYPTO.open(sealed["MsgSignature"], sealed["TimeStamp"], sealed["Nonce"], sealed["Encrypt"])
        return ET.fromstring(plain.decode()).findtext("Content") or ""  # noqa: S314 - our own

    def permit(self) -> None:
        """An app may always write."""

    def _request(self, method: str, encrypted: str, at: float, body: bytes, **more: str) -> CallbackRequest:
        timestamp = str(int(at))
        signature = CRYPTO.signature(timestamp, "n1", encrypted)
        query = {"msg_signature": signature, "timestamp": timestamp, "nonce": "n1", **more}
        return CallbackRequest(method=method, query=query, body=body, received_at=at)


@pytest.fixture
def subject(redis_client: "redis.Redis", http: Connections, platform: ScriptedServer) -> Subject:
    platform.on("/cgi-bin/gettoken", reply({"errcode": 0, "access_token": "t", "expires_in": 7200}))
    platform.on(App.send_path, reply({"errcode": 0, "errmsg": "ok", "msgid": "m1"}))
    return App(redis_client, http, platform)


class TestWeComApp(ChannelContract):
    """All of it."""


class AppScene(Members):
    """A self-built app."""

    name, peer, bell, via = "app", "app", "callback", "send"
    call, download = "message/send", "media/get"

    def permit(self, person: str) -> None:
        """An app may always write."""

    def secrets(self) -> tuple[str, ...]:
        return SECRET, CALLBACK_TOKEN, AES_KEY, self.simulator.token()


@pytest.fixture
def scene(redis_client: "redis.Redis", tmp_path: Path) -> Iterator[AppScene]:
    with installation(redis_client, tmp_path) as both:
        yield AppScene(both)


class TestWeComAppOnThePlatform(PlatformContract):
    """All of it."""
