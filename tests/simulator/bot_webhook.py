"""The receiving side of an AI bot: its callback URL, with wechatpy's crypto and answers that a test scripts."""

import json
from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import fromstring

from wechatpy.work.crypto import WeChatCrypto

from tests.simulator.parties import AES_KEY, TOKEN, Answer, Received, Webhook, until

BOT_ID = "aib-of-the-tests"
BOT_NAME = "影像小助"
STREAM_ID = "stream-of-the-tests"

Body = dict[str, Any]


def stream_reply(content: str, **more: Any) -> Body:
    """An answer with the one stream of the tests."""
    return {"msgtype": "stream", "stream": {"id": STREAM_ID, "content": content, **more}}


class BotWebhook(Webhook):
    """The callback URL of an AI bot in JSON (§1.6, §4.4). ``script`` says what a callback is answered; it starts with
    one finished stream."""

    def __init__(self) -> None:
        super().__init__()
        self.crypto = self
        self.script: Callable[[Body], object] = lambda _body: None
        self.stream("", finish=True)
        self.answer = self._answer

    def stream(self, content: str, *, finish: bool = False, **more: Any) -> None:
        """Say ``content`` from now on, to messages and refreshes."""
        reply = {"msgtype": "stream", "stream": {"id": STREAM_ID, "finish": finish, "content": content, **more}}
        self.script = lambda body: None if body["msgtype"] == "event" else reply

    def messages(self, count: int) -> list[Body]:
        """The messages that came, without events and refreshes, once there are ``count``."""
        return self._came(count, lambda kind: kind not in ("event", "stream"))

    def events(self, count: int) -> list[Body]:
        """The events that came, once there are ``count``."""
        return self._came(count, lambda kind: kind == "event")

    def refreshes(self, count: int) -> list[Body]:
        """The refreshes that came, once there are ``count``."""
        return self._came(count, lambda kind: kind == "stream")

    def seal(
        self, reply: object, nonce: str, *, receive_id: str = "", timestamp: int | str = "1", token: str = TOKEN
    ) -> bytes:
        """An encrypted answer."""
        plain = json.dumps(reply, ensure_ascii=False)
        return self.seal_text(plain, nonce, receive_id=receive_id, timestamp=timestamp, token=token)

    def seal_text(
        self, plain: str, nonce: str, *, receive_id: str = "", timestamp: int | str = "1", token: str = TOKEN
    ) -> bytes:
        """An encrypted answer, whatever it says."""
        sealed = fromstring(  # noqa: S314 -- written by wechatpy
            WeChatCrypto(token, AES_KEY, receive_id).encrypt_message(plain, nonce, str(timestamp))
        )
        names = {"encrypt": "Encrypt", "msgsignature": "MsgSignature", "nonce": "Nonce"}
        return json.dumps(
            {**{name: sealed.findtext(tag) for name, tag in names.items()}, "timestamp": timestamp}
        ).encode()

    def decrypt_message(self, body: bytes, *signed: str) -> str:
        """The plain JSON in a callback, as :class:`Webhook` asks its crypto for it; the receive id is empty."""
        plain: str = WeChatCrypto(TOKEN, AES_KEY, "").decrypt_message({"Encrypt": json.loads(body)["encrypt"]}, *signed)
        return plain

    def _answer(self, received: Received) -> Answer:
        reply = self.script(json.loads(received.plain))
        return 200, b"" if reply is None else self.seal(reply, received.query["nonce"])

    def _came(self, count: int, wanted: Callable[[str], bool]) -> list[Body]:
        def look() -> list[Body] | None:
            bodies = [json.loads(received.plain) for received in list(self.received) if received.method == "POST"]
            found = [body for body in bodies if wanted(body["msgtype"])]
            return found if len(found) >= count else None

        return until(look)
