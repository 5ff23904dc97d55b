"""Callbacks over connections that stay open, at a cost of some 0.1 ms of processor time each."""

import asyncio
import select
import selectors
from collections import deque
from collections.abc import Callable

from benchmarks import http1

Done = Callable[[int, bytes], None]
"""Called with the status and the body of an answer."""


class FineSelector(selectors.EpollSelector):
    """Waits to the microsecond; epoll alone waits whole milliseconds, as long as an acknowledgement takes."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout > 0:
            select.select([self.fileno()], [], [], timeout)
            timeout = 0
        return super().select(timeout)


class Sender:
    """Sends requests to 127.0.0.1:``port`` over at most ``most`` connections, which take turns.

    A request for which no connection is free waits for one; so does one whose connection the server closes, as it may
    when it was idle for long. ``sent_again`` counts those: the same message again is one message.
    """

    def __init__(self, port: int, most: int) -> None:
        self.sent_again = 0
        self._port = port
        self._most = most
        self._open = 0
        self._idle: deque[_Connection] = deque()
        self._waiting: deque[tuple[bytes, Done]] = deque()
        self._connecting: set[asyncio.Task[None]] = set()

    def send(self, request: bytes, done: Done) -> None:
        """Send ``request`` as soon as a connection is free; ``done`` hears of the answer."""
        if self._idle:
            self._idle.popleft().send(request, done)
            return
        self._waiting.append((request, done))
        self._connect()

    def close(self) -> None:
        """Close what is open; nothing may be under way."""
        while self._idle:
            self._idle.popleft().close()

    def free(self, connection: "_Connection") -> None:
        """``connection`` has nothing to do."""
        if self._waiting:
            connection.send(*self._waiting.popleft())
        else:
            self._idle.append(connection)

    def lost(self, connection: "_Connection", unanswered: tuple[bytes, Done] | None) -> None:
        """``connection`` was closed by the server."""
        self._open -= 1
        if connection in self._idle:
            self._idle.remove(connection)
        if unanswered is not None:
            self.sent_again += 1
            self._waiting.appendleft(unanswered)
        if self._waiting:
            self._connect()

    def _connect(self) -> None:
        if self._open >= self._most:
            return
        self._open += 1
        loop = asyncio.get_running_loop()
        task = loop.create_task(self._make_connection(loop))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _make_connection(self, loop: asyncio.AbstractEventLoop) -> None:
        await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self._port)


class _Connection(asyncio.Protocol):
    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._buffer = bytearray()
        self._under_way: tuple[bytes, Done] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._sender.free(self)

    def send(self, request: bytes, done: Done) -> None:
        self._under_way = request, done
        self._transport.write(request)

    def close(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        message = http1.take_message(self._buffer)
        if message is None or self._under_way is None:
            return
        head, body = message
        _, done = self._under_way
        self._under_way = None
        done(int(head[9:12]), body)
        if b"\r\nconnection: close" not in head.lower():
            self._sender.free(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._sender.lost(self, self._under_way)
