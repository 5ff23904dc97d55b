"""The parties around a simulator under test: the app that it calls, and whoever calls it."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, TypeVar
from urllib.parse import parse_qsl, urlsplit

import requests
from wechatpy.work.crypto import WeChatCrypto

CORP_ID = "ww1436e0e65a779aee"
AGENT_ID = 1000002
SECRET = "app-secret-of-the-tests"
TOKEN = "hJqcu3uJ9Tn2gXPmxx2w9kkCkCE2EPYo"
AES_KEY = "6qkdMrq68nTKduznJYO1A37W2oEgpkMUvkttRToqhUt"

_WAIT_S = 10.0
T = TypeVar("T")


class Clock:
    """Epoch seconds that a test moves by hand."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """One request that reached the webhook; ``plain`` is the decrypted XML of a POST."""

    method: str
    query: dict[str, str]
    body: bytes
    plain: str


Answer = tuple[int, bytes]
Script = Callable[[Received], Answer]


class Webhook:
    """An app's callback URL that answers as scripted, with wechatpy's crypto: not ours, not the simulator's."""

    def __init__(self) -> None:
        self.crypto = WeChatCrypto(TOKEN, AES_KEY, CORP_ID)
        self.received: list[Received] = []
        self.answer: Script = lambda _received: (200, b"")
        self.drip_s = 0.0
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                webhook._handle(self)

            do_POST = do_GET  # noqa: N815 -- the name http.server looks for

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/callback/imaging/app"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait_for(self, count: int) -> list[Received]:
        """All requests, once there are ``count``."""
        return until(lambda: list(self.received) if len(self.received) >= count else None)

    def reply(self, content: str, *, corp_id: str = CORP_ID, to: str = "wang.fang", source: str = CORP_ID) -> bytes:
        """An encrypted passive reply with a text; the receive id is ``corp_id``."""
        xml = (
            f"<xml><ToUserName>{to}</ToUserName><FromUserName>{source}</FromUserName>"
            f"<CreateTime>1</CreateTime><MsgType>text</MsgType><Content><![CDATA[{content}]]></Content></xml>"
        )
        sealed: str = WeChatCrypto(TOKEN, AES_KEY, corp_id).encrypt_message(xml, "nonce", "1411525903")
        return sealed.encode()

    def reply_xml(self, kind: str, elements: str, *, to: str = "wang.fang") -> bytes:
        """An encrypted passive reply of another kind; ``elements`` are its own."""
        xml = (
            f"<xml><ToUserName>{to}</ToUserName><FromUserName>{CORP_ID}</FromUserName>"
            f"<CreateTime>1</CreateTime><MsgType>{kind}</MsgType>{elements}</xml>"
        )
        sealed: str = self.crypto.encrypt_message(xml, "nonce", "1411525903")
        return sealed.encode()

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        query = dict(parse_qsl(urlsplit(handler.path).query))
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        plain = ""
        if handler.command == "POST":
            plain = self.crypto.decrypt_message(body, query["msg_signature"], query["timestamp"], query["nonce"])
        received = Received(method=handler.command, query=query, body=body, plain=_text(plain))
        self.received.append(received)
        status, content = self.answer(received)
        try:
            handler.send_response(status)
            handler.send_header("Content-Length", str(len(content)))
            handler.end_headers()
            for begin in range(len(content) if self.drip_s else 0):
                handler.wfile.write(content[begin : begin + 1])
                time.sleep(self.drip_s)
            if not self.drip_s:
                handler.wfile.write(content)
        except ConnectionError:
            pass  # cut by the simulator, as rule 5 wants


class Simulator:
    """A running simulator as its callers see it: HTTP only."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = requests.Session()

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """The JSON answer to a GET of the control API or qyapi."""
        answer: dict[str, Any] = self._http.get(self.url + path, params=query, timeout=20).json()
        return answer

    def call(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        """The JSON answer to a change through the control API; fails unless it is 2xx."""
        response = self._http.request(method, self.url + path, json=body, timeout=20)
        assert response.ok, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def says(self, content: str, member: str = "wang.fang", **more: Any) -> dict[str, Any]:
        """A member writes a text."""
        return self.call("POST", "/_sim/messages", member=member, content=content, **more)

    def fault(self, **fault: Any) -> None:
        """Let something go wrong."""
        self.call("POST", "/_sim/faults", **fault)

    def rules(self, **changes: Any) -> None:
        """Change rules."""
        self.call("PATCH", "/_sim/rules", **changes)

    def entries(self, member: str = "wang.fang", **query: Any) -> list[dict[str, Any]]:
        """What a member sees, oldest first."""
        found: list[dict[str, Any]] = self.get("/_sim/messages", member=member, **query)["messages"]
        return found

    def entry(self, wanted: Callable[[dict[str, Any]], bool], member: str = "wang.fang") -> dict[str, Any]:
        """The first entry in a member's chats that is ``wanted``, once there is one."""
        return until(lambda: next(filter(wanted, self.entries(member)), None))

    def stream(self, member: str = "wang.fang") -> dict[str, Any]:
        """The first stream in a member's chats, once it has ended."""
        return self.entry(
            lambda entry: bool(entry["stream"]) and (entry["stream"]["finished"] or entry["stream"]["expired"]), member
        )

    def uploads(self, data: bytes, name: str = "picture.png") -> str:
        """The id of a new upload."""
        response = self._http.post(f"{self.url}/_sim/uploads", params={"name": name}, data=data, timeout=20)
        assert response.status_code == 201, response.text
        upload_id: str = response.json()["id"]
        return upload_id

    def upload_media(self, kind: str, data: bytes, name: str = "a.bin") -> dict[str, Any]:
        """The answer to media/upload of ``data`` by the app."""
        query = {"access_token": self.token(), "type": kind}
        files = {"media": (name, data)}
        response = self._http.post(f"{self.url}/cgi-bin/media/upload", params=query, files=files, timeout=20)
        answer: dict[str, Any] = response.json()
        return answer

    def media_id(self, kind: str, data: bytes, name: str = "a.bin") -> str:
        """The media id of ``data``, which the app uploads as ``kind``."""
        answer = self.upload_media(kind, data, name)
        assert answer["errcode"] == 0, answer
        media_id: str = answer["media_id"]
        return media_id

    def seen(self, member: str = "wang.fang", *, via: tuple[str, ...] = ("send", "passive")) -> list[str]:
        """The texts in a member's chat that came ``via``, in order."""
        messages = self.get("/_sim/messages", member=member)["messages"]
        return [message["content"] for message in messages if message["via"] in via]

    def from_bot(self, member: str = "wang.fang") -> list[str]:
        """The words of what did not come from members, in order."""
        return [entry["content"] for entry in self.entries(member) if entry["via"] != "member"]

    def rates(self, target: dict[str, Any], **feedback: Any) -> requests.Response:
        """The answer when 王芳 rates an entry."""
        body = {"member": "wang.fang", "event": "feedback_event", "target": target["id"], "feedback": feedback}
        return requests.post(f"{self.url}/_sim/messages", json=body, timeout=5)

    def ended(self, entry: dict[str, Any]) -> dict[str, Any]:
        """How the delivery of ``entry`` ended."""

        def look() -> dict[str, Any] | None:
            for message in self.get("/_sim/messages", member=entry["member"])["messages"]:
                if message["id"] == entry["id"] and message["delivery"]["state"] in ("delivered", "failed", "dropped"):
                    delivery: dict[str, Any] = message["delivery"]
                    return delivery
            return None

        return until(look)

    def log(self, rule: int) -> list[str]:
        """The events written down for one rule."""
        return [record["event"] for record in self.get("/_sim/log", rule=rule)["log"]]

    def token(self) -> str:
        """An access token."""
        token: str = self.get("/cgi-bin/gettoken", corpid=CORP_ID, corpsecret=SECRET)["access_token"]
        return token

    def send(self, content: str = "", *, token: str | None = None, **body: Any) -> dict[str, Any]:
        """The answer to message/send of a text to 王芳, or of what ``body`` says instead."""
        message = {"touser": "wang.fang", "msgtype": "text", "agentid": AGENT_ID, "text": {"content": content}, **body}
        answer: dict[str, Any] = self.post_send(json.dumps(message, ensure_ascii=False).encode(), token).json()
        return answer

    def post_send(self, raw: bytes, token: str | None = None) -> requests.Response:
        """The HTTP answer to message/send with a raw body."""
        query = {"access_token": self.token() if token is None else token}
        return self._http.post(self.url + "/cgi-bin/message/send", params=query, data=raw, timeout=20)

    def errcode(self, content: str = "", **body: Any) -> int:
        """The errcode of :meth:`send`."""
        code: int = self.send(content, **body)["errcode"]
        return code


def until(look: Callable[[], T | None]) -> T:
    """What ``look`` returns once it is something."""
    ends = time.monotonic() + _WAIT_S
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < ends, "waited too long"
        time.sleep(0.005)


def _text(plain: str | bytes) -> str:
    return plain.decode() if isinstance(plain, bytes) else plain
