"""One HTTP exchange with a peer's callback URL, cut at one deadline for everything together (rules 1 and 5)."""

import contextlib
import io
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

from simulator.sealing import Sealed

MAX_ANSWER_BYTES = 65536
_USER_AGENT = "Mozilla/4.0"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """How the peer answered.

    ``status`` is ``None`` and ``error`` one of ``timeout``, ``connection``, ``bad_http`` when it did not; ``ms`` is the
    duration in milliseconds.
    """

    status: int | None
    body: bytes
    ms: float
    error: str = ""


def target_of(url: str, query: dict[str, str]) -> str:
    """``url`` with ``query`` added."""
    return url + ("&" if urlsplit(url).query else "?") + urlencode(query)


def verify(url: str, query: dict[str, str], timeout_s: float) -> Answer:
    """GET ``url`` with ``query``; ends within ``timeout_s`` seconds."""
    return _timed(partial(_exchange, url, query, None, MAX_ANSWER_BYTES), timeout_s)


def deliver(url: str, sealed: Sealed, timeout_s: float, max_bytes: int = MAX_ANSWER_BYTES) -> Answer:
    """POST ``sealed`` to ``url``; ends within ``timeout_s`` seconds and reads at most ``max_bytes`` of the answer."""
    return _timed(partial(_exchange, url, sealed.query, sealed, max_bytes), timeout_s)


def _timed(work: Callable[[float], tuple[int, bytes]], timeout_s: float) -> Answer:
    started = time.monotonic()

    def failed(error: str) -> Answer:
        return Answer(status=None, body=b"", ms=_ms_since(started), error=error)

    try:
        status, content = work(started + timeout_s)
    except TimeoutError:
        return failed("timeout")
    except (OSError, UnicodeError):  # the latter from a host name that cannot be looked up
        return failed("connection")
    except HTTPException:
        return failed("bad_http")
    return Answer(status=status, body=content, ms=_ms_since(started))


def _exchange(url: str, query: dict[str, str], sealed: Sealed | None, max_bytes: int, ends: float) -> tuple[int, bytes]:
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_left(ends))
    connection.connect()
    with contextlib.closing(connection.sock) as sock:
        connection.sock = _DeadlineSocket(sock, ends)
        target = (parts.path or "/") + "?" + "&".join(filter(None, [parts.query, urlencode(query)]))
        headers = {"User-Agent": _USER_AGENT, "Connection": "close"}
        if sealed is None:
            connection.request("GET", target, headers=headers)
        else:
            connection.request("POST", target, sealed.body, {**headers, "Content-Type": sealed.content_type})
        response = connection.getresponse()
        content = response.read(max_bytes + 1)
        if len(content) > max_bytes:
            raise HTTPException("the answer is too large")
        return response.status, content


class _DeadlineSocket:
    """The part of a socket that ``http.client`` uses, where every operation ends at the same moment.

    A socket's own timeout begins anew with each byte, so that a peer which drips would never be cut.
    """

    def __init__(self, sock: Any, ends: float) -> None:
        self._sock = sock
        self._ends = ends

    def sendall(self, data: bytes) -> None:
        self._sock.settimeout(_left(self._ends))
        self._sock.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_DeadlineReader(self._sock, self._ends))

    def close(self) -> None:
        """Left to the owner of the real socket: ``http.client`` closes before it has read the answer."""


class _DeadlineReader(io.RawIOBase):
    def __init__(self, sock: socket.socket, ends: float) -> None:
        self._sock = sock
        self._ends = ends

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(_left(self._ends))
        return self._sock.recv_into(buffer)


def _left(ends: float) -> float:
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _ms_since(started: float) -> float:
    return round((time.monotonic() - started) * 1000, 1)
