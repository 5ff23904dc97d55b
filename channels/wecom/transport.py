"""One HTTP exchange that ends by a deadline whatever the other side does, and that knows whether the request left.

A library's read time-out is per read of the socket, so a server that drips one byte at a time holds the caller for
ever, and no time-out covers the look-up of a name. The exchange therefore runs in a thread of its own (0.1 ms) that is
left behind at the deadline; from then on it cannot begin to write. Nothing that is raised or returned here carries
the URL, because the token or secret is in its query string.
"""

import io
import logging
import queue
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import requests
import urllib3

if TYPE_CHECKING:  # the module io has no buffer type at run time
    from _typeshed import ReadableBuffer

MAX_ANSWER_BYTES = 64 * 1024
_CHUNK_BYTES = 4096


class Deadline:
    """A moment by which something must have ended.

    Made once from the wall clock, then kept by the monotonic one, so that a clock being set cannot lengthen a call.
    """

    def __init__(self, epoch_s: float, clock: Callable[[], float]) -> None:
        self._end = time.monotonic() + (epoch_s - clock())

    @property
    def left_s(self) -> float:
        """Seconds left; zero when it has passed."""
        return max(0.0, self._end - time.monotonic())


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpRequest:
    """What to ask; ``query``, or ``url`` itself, holds a token or secret and stays out of every text."""

    method: str
    url: str = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A whole answer; ``body`` has at most :data:`MAX_ANSWER_BYTES`, ``headers`` do not tell case apart."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class NoAnswer(Exception):
    """No usable answer came. ``code`` is a constant word such as ``timeout``; ``written`` tells whether any of the
    request's body may have reached the other side."""

    def __init__(self, code: str, *, written: bool) -> None:
        self.code = code
        self.written = written
        super().__init__(code)


class OutgoingBody(io.BytesIO):
    """A request body that knows whether anybody began to read it, and that nobody can begin to read too late.

    The HTTP client reads it only after the connection stands and the head is written; without its body the platform
    cannot act on a request. Too late is after the deadline, also for a process that was frozen until then, or once
    the caller gave up.
    """

    def __init__(self, body: "ReadableBuffer", deadline: Deadline) -> None:
        super().__init__(body)
        self._deadline = deadline
        self._lock = threading.Lock()
        self._begun = False
        self._abandoned = False

    def read(self, size: int | None = -1, /) -> bytes:
        with self._lock:
            if not self._begun and (self._abandoned or not self._deadline.left_s):
                raise OSError("too late to begin")
            self._begun = True
        return super().read(size)

    def abandon(self) -> bool:
        """Forbid the first read from now on; True when it had already happened."""
        with self._lock:
            self._abandoned = True
            return self._begun


def exchange(session: requests.Session, request: HttpRequest, deadline: Deadline) -> HttpAnswer:
    """Make one request and read its whole answer by ``deadline``; redirects are not followed.

    Raises :class:`NoAnswer`.
    """
    if not deadline.left_s:
        raise NoAnswer("timeout", written=False)
    outgoing = OutgoingBody(request.body, deadline)
    results: queue.SimpleQueue[HttpAnswer | str] = queue.SimpleQueue()

    def run() -> None:
        result: HttpAnswer | str = "client_error"  # stays when a bug ends this thread; threading reports it
        try:
            result = _perform(session, request, outgoing, deadline)
        finally:
            results.put(result)

    threading.Thread(target=run, name="wecom-http", daemon=True).start()
    try:
        result = results.get(timeout=deadline.left_s)
    except queue.Empty:
        result = "timeout"
    if isinstance(result, str):
        raise NoAnswer(result, written=outgoing.abandon())
    return result


def _perform(
    session: requests.Session, request: HttpRequest, outgoing: OutgoingBody, deadline: Deadline
) -> HttpAnswer | str:
    """The answer, or a constant word for why there is none; exceptions stay here, for their texts show the URL."""
    headers = {"Content-Type": "application/json; charset=utf-8"} if request.body else {}
    timeout_s = max(0.001, deadline.left_s)
    try:
        with session.request(
            request.method,
            request.url,
            params=request.query,
            data=outgoing if request.body else None,
            headers=headers,
            timeout=(timeout_s, timeout_s),
            stream=True,
            allow_redirects=False,
        ) as response:
            content = b""
            for chunk in response.iter_content(_CHUNK_BYTES):
                content += chunk
                if len(content) > MAX_ANSWER_BYTES:
                    return "answer_too_large"
                if not deadline.left_s:
                    return "timeout"
            return HttpAnswer(response.status_code, content, response.headers)
    except requests.Timeout:
        return "timeout"
    except requests.exceptions.SSLError:
        return "tls_error"
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError):
        return "connection_lost"


class _HideSecrets(logging.Filter):
    """Blanks tokens and secrets in the URLs that urllib3 logs (at DEBUG each request, at WARNING odd headers)."""

    _IN_URL = re.compile(r"((?:access_token|corpsecret|response_code)=)[^&\s\"']*")

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if self._IN_URL.search(message):
            record.msg, record.args = self._IN_URL.sub(r"\1***", message), ()
        return True


_HIDE_SECRETS = _HideSecrets()


def hide_secrets_in_http_logs() -> None:
    """Put the filter on urllib3's loggers that print URLs; calling it again changes nothing."""
    for name in ("urllib3.connectionpool", "urllib3.util.retry"):
        logging.getLogger(name).addFilter(_HIDE_SECRETS)
