"""HTTP/1.1 as bytes, as far as the load generator needs it: messages with a length or without a body.

A library would spend more processor time on an exchange than the part of the product that is measured.
"""

import asyncio
from collections.abc import Callable


class BadMessage(Exception):
    """Bytes that are no HTTP message with a ``Content-Length``."""


def take_message(buffer: bytearray) -> tuple[bytes, bytes] | None:
    """Head and body of the first whole message, taken off ``buffer``; ``None`` while part of it is missing.

    Raises :class:`BadMessage` for one whose body is chunked.
    """
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(buffer[:end])
    lower = head.lower()
    at = lower.find(b"\r\ncontent-length:")
    if at < 0 and b"\r\ntransfer-encoding:" in lower:
        raise BadMessage("a body without a length")
    length = 0 if at < 0 else int(lower[at + 17 :].split(b"\r\n", 1)[0])
    if len(buffer) < end + 4 + length:
        return None
    body = bytes(buffer[end + 4 : end + 4 + length])
    del buffer[: end + 4 + length]
    return head, body


def request(path: str, body: bytes) -> bytes:
    """A POST over a connection that stays open."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def answer(body: bytes) -> bytes:
    """A 200 with a JSON body."""
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


class Served(asyncio.Protocol):
    """One connection of a client; ``answer(head, body, transport)`` answers each of its requests."""

    def __init__(self, answer: Callable[[bytes, bytes, asyncio.Transport], None]) -> None:
        self._answer = answer
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (message := take_message(self._buffer)) is not None:
            self._answer(*message, self._transport)
