"""The receiving side of an AI bot, for the tests of the page."""

import json
from typing import Any
from xml.etree.ElementTree import fromstring

from wechatpy.work.crypto import WeChatCrypto

from tests.simulator.parties import AES_KEY, TOKEN, Webhook, until


class BotWebhook(Webhook):
    """The callback URL of an AI bot in JSON (§1.6, §4.4) that answers messages and refreshes with one stream."""

    def __init__(self) -> None:
        super().__init__()
        self.crypto = self
        self._sealing = WeChatCrypto(TOKEN, AES_KEY, "")
        self.stream("", finish=True)
        self.answer = lambda received: (200, self._seal(received.query["nonce"]))

    def stream(self, content: str, *, finish: bool = False) -> None:
        """Say ``content`` from now on."""
        stream = {"id": "stream-of-the-tests", "finish": finish, "content": content}
        self._reply = json.dumps({"msgtype": "stream", "stream": stream})

    def messages(self, count: int) -> list[dict[str, Any]]:
        """The messages that came, without events and refreshes, once there are ``count``."""

        def look() -> list[dict[str, Any]] | None:
            bodies = [json.loads(received.plain) for received in list(self.received)]
            found = [body for body in bodies if body["msgtype"] not in ("event", "stream")]
            return found if len(found) >= count else None

        return until(look)

    def decrypt_message(self, body: bytes, *signed: str) -> str:
        """The plain JSON in a callback, as :class:`Webhook` asks its crypto for it."""
        plain: str = self._sealing.decrypt_message({"Encrypt": json.loads(body)["encrypt"]}, *signed)
        return plain

    def _seal(self, nonce: str) -> bytes:
        sealed = fromstring(self._sealing.encrypt_message(self._reply, nonce, "1"))  # noqa: S314 -- written by wechatpy
        names = {"encrypt": "Encrypt", "msgsignature": "MsgSignature", "timestamp": "TimeStamp", "nonce": "Nonce"}
        return json.dumps({name: sealed.findtext(tag) for name, tag in names.items()}).encode()
