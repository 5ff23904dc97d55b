"""Callbacks as WeCom would make them, and a channel that only receives."""

import json
from pathlib import Path
from typing import Any

import redis

from bot.channel import CallbackRequest, ChannelKit, Messages, Received
from bot.connections import Connections
from bot.messages import InboundMessage
from bot.streams import Streams
from channels.wecom.crypto import CallbackCrypto
from channels.wecom_aibot import WeComAiBotChannel, build
from tests.channels.wecom_aibot.conftest import ADDRESS, ENCODING_AES_KEY, TOKEN, config
from tests.media_sources import NO_MEDIA

PAYLOADS = Path(__file__).parents[2] / "payloads" / "wecom_aibot"
NOW = 1_700_000_002.5
NONCE = "1372623149"
CRYPTO = CallbackCrypto(TOKEN, ENCODING_AES_KEY, "")


def _ignore(*_: str, **__: str) -> None:
    """Receiving counts nothing."""


def channel_of(**changes: object) -> WeComAiBotChannel:
    """A channel that only receives and responds: its Redis and HTTP session are never used."""
    unused = redis.Redis()
    kit = ChannelKit(
        redis=unused,
        http=Connections(environment=False),
        api_base={"wecom": "http://127.0.0.1:9"},
        callback_max_skew_s=3600,
        pace_per_minute=30,
        pace_per_hour=1000,
        bubbles=Streams(unused),
        media=NO_MEDIA,
        count=_ignore,
        clock=lambda: NOW,
    )
    return build(ADDRESS, config(**changes), kit)


CHANNEL = channel_of()


def payload(name: str) -> dict[str, Any]:
    """The decrypted body in the file ``name``."""
    content: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_bytes())
    return content


def signed_query(encrypted: str, timestamp: str = str(int(NOW))) -> dict[str, str]:
    signature = CRYPTO.signature(timestamp, NONCE, encrypted)
    return {"msg_signature": signature, "timestamp": timestamp, "nonce": NONCE}


def post(plain: bytes, timestamp: str = str(int(NOW))) -> CallbackRequest:
    """The request WeCom would make to deliver ``plain``."""
    encrypted = CRYPTO.encrypt(plain)
    return CallbackRequest(
        method="POST",
        query=signed_query(encrypted, timestamp),
        body=json.dumps({"encrypt": encrypted}).encode(),
        received_at=NOW,
    )


def receive(content: object, channel: WeComAiBotChannel = CHANNEL) -> Received:
    """What the channel makes of a callback that carries ``content``."""
    return channel.receive(post(json.dumps(content, ensure_ascii=False).encode()))


def message_in(content: object, channel: WeComAiBotChannel = CHANNEL) -> InboundMessage:
    """The one message of such a callback."""
    received = receive(content, channel)
    assert isinstance(received, Messages)
    (message,) = received.messages
    return message
