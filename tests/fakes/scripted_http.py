"""A real HTTP server on loopback that answers what a test tells it to, and misbehaves on request.

::

    with ScriptedServer() as server:
        server.on("/api", reply({"errcode": 40014}), reply({"errcode": 0}))   # in this order, the last one for ever
        server.on("/slow", Answer(delay_s=60))                                # ended early when the server closes
        server.on("/echo", lambda request: reply(request.json))
        server.on("/gone", Cut())
        ...
        assert [request.path for request in server.requests] == ["/api", "/api"]
"""

import json
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.http_server import FakeServer


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """A request that arrived whole."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An HTTP answer, ``delay_s`` after the request was read; a ``Content-Length`` among ``headers`` may lie."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Cut:
    """The request is read, then the connection is reset without an answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Drip:
    """An answer that never ends: one byte every ``every_s``, of the headers or of the body behind ``headers``."""

    part: str = "body"
    every_s: float = 0.02
    headers: Mapping[str, str] = field(default_factory=dict)


Scripted = Answer | Cut | Drip
Step = Scripted | Callable[[Recorded], Scripted]


def reply(content: object, *, status: int = 200, delay_s: float = 0.0) -> Answer:
    """``content`` as a JSON answer."""
    return Answer(status=status, body=json.dumps(content, ensure_ascii=False).encode(), delay_s=delay_s)


class ScriptedServer:
    """The server; a context manager. ``url`` has no trailing slash; ``requests`` holds what arrived, in order."""

    def __init__(self) -> None:
        self.requests: list[Recorded] = []
        self._steps: dict[str, list[Step]] = {}
        self._lock = threading.Lock()
        self._cut_connections = 0
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.script = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="scripted-http")

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

    def on(self, path: str, *steps: Step) -> None:
        """Answer requests for ``path`` with ``steps`` in turn, the last one for ever. Replaces an earlier script."""
        with self._lock:
            self._steps[path] = list(steps)

    def off(self, path: str) -> None:
        """Forget what :meth:`on` said of ``path``."""
        with self._lock:
            self._steps.pop(path, None)

    def cut_next_connections(self, count: int) -> None:
        """Reset the next ``count`` connections before anything is read from them."""
        with self._lock:
            self._cut_connections = count

    @property
    def open_connections(self) -> int:
        """How many connections are open now."""
        return self._server.open_connections

    def hang_up(self) -> None:
        """Close every connection, as a server does with one that was idle for long."""
        self._server.cut_open_connections()

    def to(self, path: str) -> list[Recorded]:
        """The requests that arrived for ``path``, in order."""
        with self._lock:
            return [request for request in self.requests if request.path == path]

    def _record(self, request: Recorded) -> Scripted:
        with self._lock:
            self.requests.append(request)
            steps = self._steps.get(request.path, [Answer(status=404)])
            step = steps.pop(0) if len(steps) > 1 else steps[0]
        return step(request) if callable(step) else step

    def _cuts_this_connection(self) -> bool:
        with self._lock:
            self._cut_connections -= 1
            return self._cut_connections >= 0

    def _wait(self, seconds: float) -> bool:
        """Wait, unless the server closes first; True when it goes on."""
        return not self._closing.wait(seconds)


class _Server(FakeServer):
    script: ScriptedServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each answer waits 40 ms for the client's delayed acknowledgement
    server: _Server

    def handle(self) -> None:
        if self.server.script._cuts_this_connection():
            self._reset()
            return
        super().handle()

    def _serve(self) -> None:
        target = urlsplit(self.path)
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:  # the client gave up half way; nothing arrived
            self.close_connection = True
            return
        request = Recorded(
            method=self.command,
            path=target.path,
            query=dict(parse_qsl(target.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
        )
        step = self.server.script._record(request)
        if isinstance(step, Cut):
            self._reset()
        elif isinstance(step, Drip):
            self._drip(step)
        elif self.server.script._wait(step.delay_s):
            self.send_response(step.status)
            announced = str(len(step.body))
            headers = {"Content-Type": step.content_type, "Content-Length": announced, **step.headers}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(step.body)
            self.close_connection = self.close_connection or headers["Content-Length"] != announced

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the names BaseHTTPRequestHandler looks for

    def _drip(self, step: Drip) -> None:
        lines = ["HTTP/1.1 200 OK", *(f"{name}: {value}" for name, value in step.headers.items())]
        end = "\r\nX-Drip: " if step.part == "headers" else "\r\n\r\n"
        self.close_connection = True
        self.wfile.write(("\r\n".join(lines) + end).encode())
        while self.server.script._wait(step.every_s):
            self.wfile.write(b"x")

    def _reset(self) -> None:
        """Close with RST instead of FIN."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""
