"""Callbacks as WeCom would make them, and a channel that only receives."""

from pathlib import Path

import redis

from bot.channel import CallbackRequest, ChannelKit
from bot.connections import Connections
from bot.streams import Streams
from channels.wecom.crypto import CallbackCrypto
from channels.wecom_app import WeComAppChannel, build
from tests.channels.wecom_app.conftest import ADDRESS, config
from tests.channels.wecom_app.vectors import SAMPLE, Keys
from tests.media_sources import NO_MEDIA

PAYLOADS = Path(__file__).parents[2] / "payloads" / "wecom"
NOW = 1_348_831_862.5
CRYPTO = CallbackCrypto(SAMPLE.token, SAMPLE.encoding_aes_key, SAMPLE.receive_id)


def _ignore(*_: str, **__: str) -> None:
    """Receiving counts nothing."""


def channel_of(keys: Keys = SAMPLE) -> WeComAppChannel:
    """A channel that only receives: its Redis and HTTP session are never used."""
    kit = ChannelKit(
        redis=redis.Redis(),
        http=Connections(environment=False),
        api_base={"wecom": "http://127.0.0.1:9"},
        callback_max_skew_s=3600,
        pace_per_minute=30,
        pace_per_hour=1000,
        bubbles=Streams(redis.Redis()),
        media=NO_MEDIA,
        count=_ignore,
        clock=lambda: NOW,
    )
    changes = {"corp_id": keys.receive_id, "token": keys.token, "encoding_aes_key": keys.encoding_aes_key}
    return build(ADDRESS, config(**changes), kit)


CHANNEL = channel_of()


def envelope(encrypted: str) -> bytes:
    return (
        f"<xml><ToUserName><![CDATA[{SAMPLE.receive_id}]]></ToUserName>"
        f"<Encrypt><![CDATA[{encrypted}]]></Encrypt><AgentID><![CDATA[1000002]]></AgentID></xml>"
    ).encode()


def signed_query(encrypted: str, timestamp: str) -> dict[str, str]:
    signature = CRYPTO.signature(timestamp, "nonce", encrypted)
    return {"msg_signature": signature, "timestamp": timestamp, "nonce": "nonce"}


def post(plain: bytes, timestamp: str = str(int(NOW))) -> CallbackRequest:
    """The request WeCom would make to deliver ``plain``."""
    encrypted = CRYPTO.encrypt(plain)
    return CallbackRequest(
        method="POST", query=signed_query(encrypted, timestamp), body=envelope(encrypted), received_at=NOW
    )
