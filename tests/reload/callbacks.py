"""Callbacks as WeCom makes them, with the simulator's crypto and not ours, and a web process that answers them."""

import time

from werkzeug.test import Client, TestResponse

from bot.web.app import create_app
from simulator import crypto, envelope
from tests.reload.conftest import Corp, Installation
from tests.web.library import web_services


def web(installation: Installation) -> Client:
    """A client of the web process that follows the installation's file."""
    return create_app(web_services(installation.kit.redis, reloader=installation.reloader)).test_client()


def message(
    client: Client, corp: Corp, *, sealed_for: Corp | None = None, receive_id: str = "", message_id: str = "1"
) -> TestResponse:
    """A text for the bot of ``corp``, sealed with the keys of ``sealed_for`` and for the receive id given, its own
    unless told otherwise."""
    keys = sealed_for or corp
    fields = {
        "ToUserName": corp.corp_id,
        "FromUserName": "wang.fang",
        "CreateTime": int(time.time()),
        "MsgType": "text",
        "Content": "你好",
        "MsgId": message_id,
        "AgentID": 1000002,
    }
    plain = envelope.write_plain(fields, "cdata")
    encrypted = crypto.encrypt(crypto.aes_key(keys.encoding_aes_key), plain, receive_id or keys.corp_id)
    query = _signed(keys, encrypted)
    body = envelope.write_envelope(corp.corp_id, 1000002, encrypted)
    return client.post(f"/callback/{corp.bot}/app", query_string=query, data=body)


def verification(client: Client, corp: Corp, plain: str = "1288432023552776189") -> TestResponse:
    """WeCom verifies the callback URL of the bot of ``corp`` and wants ``plain`` back."""
    encrypted = crypto.encrypt(crypto.aes_key(corp.encoding_aes_key), plain.encode(), corp.corp_id)
    query = _signed(corp, encrypted) | {"echostr": encrypted}
    return client.get(f"/callback/{corp.bot}/app", query_string=query)


def _signed(keys: Corp, encrypted: str) -> dict[str, str]:
    timestamp = str(int(time.time()))
    signature = crypto.signature(keys.token, timestamp, "n1", encrypted)
    return {"msg_signature": signature, "timestamp": timestamp, "nonce": "n1"}
