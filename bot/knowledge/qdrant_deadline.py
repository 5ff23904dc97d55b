"""HTTP connections that end with a deadline, whatever the other side does meanwhile.

httpx' own time-outs are per read of the socket, so a server that drips one byte at a time holds the caller for ever.
Here every wait on the socket is bounded by what is left of the :func:`deadline` around the call. The look-up of a name
is the system's and has its own bounds (``resolv.conf``).
"""

import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx

CONNECT_TIMEOUT_S = 3.0

_ends_at: ContextVar[float | None] = ContextVar("qdrant_deadline", default=None)
"""On the monotonic clock; ``None`` outside of a deadline."""


@contextmanager
def deadline(ends_at: float) -> Iterator[float]:
    """Every wait on a :class:`DeadlineTransport` in this block and thread ends at ``ends_at`` (monotonic seconds).

    A deadline around this one stays in force. Gives the one that holds.
    """
    outer = _ends_at.get()
    ends_at = ends_at if outer is None else min(ends_at, outer)
    token = _ends_at.set(ends_at)
    try:
        yield ends_at
    finally:
        _ends_at.reset(token)


class DeadlineTransport(httpx.HTTPTransport):
    """httpx' transport, without proxies, over connections that keep the deadline."""

    def __init__(self) -> None:
        super().__init__()
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            max_connections=None,  # each waits for its own thread
            max_keepalive_connections=32,
            keepalive_expiry=5.0,
            network_backend=_Backend(),
        )


class _Backend(httpcore.NetworkBackend):
    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        bound = _left(min(timeout or CONNECT_TIMEOUT_S, CONNECT_TIMEOUT_S), httpcore.ConnectTimeout)
        return _Stream(self._inner.connect_tcp(host, port, bound, local_address, socket_options))


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        bound = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, bound))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _left(timeout: float | None, late: type[httpcore.TimeoutException]) -> float | None:
    """The shorter of ``timeout`` and what is left of the deadline. Raises ``late`` when nothing is."""
    ends_at = _ends_at.get()
    if ends_at is None:
        return timeout
    left = ends_at - time.monotonic()
    if left <= 0:
        raise late
    return left if timeout is None else min(timeout, left)
