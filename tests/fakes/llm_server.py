"""An OpenAI-compatible server on loopback that answers what a test tells it to, and misbehaves on request.

::

    with LlmServer() as server:
        server.on(Fail(500), Say("渗透压为 290[1]。"))        # in this order, the last one for ever
        server.on(lambda request: Say(request["model"]))
        ...
        assert server.requests[0]["stream"] is True

Untold, it quotes the first sentence of the first source it is given, with ``[1]`` (:class:`Parrot`). As a program it
does that for whole installations: ``python -m tests.fakes.llm_server --port 9100 --delay-ms 30`` prints its URL when
it is ready.
"""

import argparse
import contextlib
import json
import re
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, Self

from tests.fakes.http_server import FakeServer

PATH = "/v1/chat/completions"


@dataclass(frozen=True, slots=True)
class Say:
    """An answer: ``delay_s`` before it, ``every_s`` before each ``piece`` characters of it.

    ``reasoning`` goes before it in a field of its own, and ``then`` is streamed behind it once the test has told the
    server to :meth:`~LlmServer.go_on`. Without ``usage`` the server does not count tokens, and with an
    empty ``finish`` it stops in the middle as if it were done.
    """

    text: str
    delay_s: float = 0.0
    every_s: float = 0.0
    piece: int = 4
    reasoning: str = ""
    usage: bool = True
    finish: str = "stop"
    then: str = ""


@dataclass(frozen=True, slots=True)
class Parrot:
    """The first sentence of source 1 with ``[1]``; without sources, the last message. Times as in :class:`Say`."""

    delay_s: float = 0.0
    every_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Hang:
    """Nothing more comes after the text ``after``; when that is empty, not even the headers."""

    after: str = ""


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection is reset after the text ``after``; when that is empty, before any answer."""

    after: str = ""


@dataclass(frozen=True, slots=True)
class Drip:
    """An answer that never ends and never says a thing: a byte every ``every_s`` of the headers or of one event."""

    part: str = "body"
    every_s: float = 0.02


@dataclass(frozen=True, slots=True)
class Fail:
    """An error status."""

    status: int
    retry_after: str = ""


@dataclass(frozen=True, slots=True)
class Raw:
    """Any body under status 200."""

    body: str
    content_type: str = "text/event-stream"


Scripted = Say | Parrot | Hang | Cut | Drip | Fail | Raw
Step = Scripted | Callable[[dict[str, Any]], Scripted]


class LlmServer:
    """The server; a context manager. ``url`` is what OPENAI_BASE_URL takes; ``requests`` are the bodies that arrived.

    With ``rejects_options`` every request that asks for more than an answer is refused with 400.
    """

    def __init__(self, port: int = 0, default: Scripted = Parrot()) -> None:
        self.requests: list[dict[str, Any]] = []
        self.authorizations: list[str] = []
        self.arrived_at: list[float] = []
        self.rejects_options = False
        self._steps: list[Step] = [default]
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._go_on = threading.Event()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.script = self
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="fake-llm")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.cut_open_connections()
        self._server.server_close()

    def on(self, *steps: Step) -> None:
        """Answer with ``steps`` in turn, the last one for ever. Replaces an earlier script."""
        with self._lock:
            self._steps = list(steps)
            self._go_on.clear()

    def go_on(self) -> None:
        """Let an answer that waits in its middle be said to its end."""
        self._go_on.set()

    @property
    def connections(self) -> int:
        """How many are open now."""
        return self._server.open_connections

    def _next(self, request: dict[str, Any], authorization: str) -> Scripted:
        with self._lock:
            self.requests.append(request)
            self.authorizations.append(authorization)
            self.arrived_at.append(time.monotonic())
            if self.rejects_options and {"stream_options", "temperature"} & set(request):
                return Fail(400)
            step = self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]
        return step(request) if callable(step) else step

    def _wait(self, seconds: float) -> bool:
        """Wait, unless the server closes first; True when it goes on."""
        return not self._closing.wait(seconds)

    def _wait_for_the_test(self) -> bool:
        """Wait until the test says so, unless the server closes first; True when it goes on."""
        while not self._go_on.wait(0.05):
            if self._closing.is_set():
                return False
        return True


class _Server(FakeServer):
    script: LlmServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each answer waits 40 ms for the client's delayed acknowledgement
    server: _Server

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != PATH:
            self._answer(404, b'{"error": {"message": "no such path"}}')
            return
        self._play(self.server.script._next(request, self.headers.get("Authorization", "")), request)

    def _play(self, step: Scripted, request: dict[str, Any]) -> None:
        match step:
            case Say():
                self._say(step, request)
            case Parrot():
                self._say(Say(_quote(request), delay_s=step.delay_s, every_s=step.every_s), request)
            case Hang(after=""):
                self._hang()
            case Hang(after):
                self._stream(_content(after))
                self._hang()
            case Cut(""):
                self._reset()
            case Cut(after):
                self._stream(_content(after))
                self._reset()
            case Drip():
                self._drip(step)
            case Fail(status, retry_after):
                self._answer(status, b'{"error": {"message": "told to fail"}}', retry_after=retry_after)
            case Raw(body, content_type):
                self._answer(200, body.encode(), content_type)

    def _say(self, step: Say, request: dict[str, Any]) -> None:
        if not self.server.script._wait(step.delay_s):
            return
        usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120} if step.usage else None
        if not request.get("stream"):
            message = {"role": "assistant", "content": step.text}
            choice = {"index": 0, "message": message, "finish_reason": step.finish}
            answer = {"id": "c", "object": "chat.completion", "created": 0, "model": request["model"]}
            self._answer(200, json.dumps(answer | {"choices": [choice], "usage": usage}).encode())
            return
        if step.reasoning:
            self._stream(_chunk({"reasoning_content": step.reasoning}))
        for at in range(0, len(step.text), step.piece):
            if not self.server.script._wait(step.every_s):
                return
            self._stream(_content(step.text[at : at + step.piece]))
        if step.then:
            if not self.server.script._wait_for_the_test():
                return
            self._stream(_content(step.then))
        if step.finish:
            self._stream(_chunk({}, finish=step.finish))
        if usage and request.get("stream_options", {}).get("include_usage"):
            self._stream({"id": "c", "object": "chat.completion.chunk", "choices": [], "usage": usage})
        self._start()
        self._write("data: [DONE]\n\n" if step.finish else "")
        self.wfile.write(b"0\r\n\r\n")

    def _start(self) -> None:
        """The headers of a stream, once a request."""
        if not getattr(self, "_started", False):
            self._started = True
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()

    def _stream(self, chunk: dict[str, Any]) -> None:
        self._start()
        self._write(f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n")

    def _write(self, text: str) -> None:
        if body := text.encode():
            self.wfile.write(f"{len(body):x}\r\n".encode() + body + b"\r\n")

    def parse_request(self) -> bool:
        self._started = False
        return super().parse_request()

    def _answer(self, status: int, body: bytes, content_type: str = "application/json", retry_after: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if retry_after:
            self.send_header("Retry-After", retry_after)
        self.end_headers()
        self.wfile.write(body)

    def _hang(self) -> None:
        """Until the other side hangs up or the server closes."""
        self.close_connection = True
        with contextlib.suppress(ConnectionError):
            self.connection.recv(1)

    def _drip(self, step: Drip) -> None:
        head = b"HTTP/1.1 200 OK\r\nX-Drip: "
        if step.part == "body":
            head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: "
        self.close_connection = True
        self.wfile.write(head)
        while self.server.script._wait(step.every_s):
            self.wfile.write(b"x")

    def _reset(self) -> None:
        """Close with RST instead of FIN, after what was written has arrived."""
        time.sleep(0.05)  # a reset overtakes what the other side has not read yet
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""


def _content(text: str) -> dict[str, Any]:
    return _chunk({"content": text})


def _chunk(delta: dict[str, str], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "fake", "choices": [choice]}


_FIRST_SOURCE = re.compile(r'<source n="1"[^>]*>\s*(.*?)\s*</source>', re.DOTALL)
_FIRST_SENTENCE = re.compile(r".+?(?:[。！？!?]|\.(?=\s|$)|\n|$)", re.DOTALL)


def _quote(request: dict[str, Any]) -> str:
    """The first sentence of the first source, its mark before the full stop."""
    said = "\n".join(message["content"] for message in request["messages"])
    source = _FIRST_SOURCE.search(said)
    if source is None:
        return str(request["messages"][-1]["content"])
    found = _FIRST_SENTENCE.match(source[1])
    sentence = found.group().strip() if found else source[1]
    stop = sentence[-1] if sentence[-1] in "。！？!?." else ""
    return f"{sentence.removesuffix(stop)}[1]{stop or '。'}"


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description="An OpenAI-compatible server that quotes the first source it is given")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay-ms", type=float, default=0.0, help="before the first words")
    arguments = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with LlmServer(arguments.port, Parrot(delay_s=arguments.delay_ms / 1000)) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        stop.wait()


if __name__ == "__main__":
    main()
