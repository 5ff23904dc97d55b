"""One HTTP exchange that ends by a deadline whatever the other side does, and that knows whether the request left.

A library's read time-out is per read of the socket, so a server that drips one byte at a time holds the caller for
ever, and no time-out covers the look-up of a name. The exchange therefore runs in another thread, which is left behind
at the deadline; from then on it cannot begin to write, and ends with the next byte of a body. Nothing that is raised or
returned here carries the URL, because the token or secret is in its query string.

Connections are kept alive. One that the platform closed while it was idle is noticed before anything is written to it,
and another takes its place; nothing is ever repeated here.
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
from urllib.parse import unquote, urlencode

import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as HTTPTimeoutError

from channels.wecom.threads import Threads

if TYPE_CHECKING:  # the module io has no buffer type at run time
    from _typeshed import ReadableBuffer

MAX_ANSWER_BYTES = 64 * 1024
JSON_TYPE = "application/json; charset=utf-8"
TOO_LARGE = "too_large"
"""The code of :class:`NoAnswer` for content that is larger than its receiver takes."""
ANSWER_TOO_LARGE = "answer_too_large"
"""The code of :class:`NoAnswer` for an answer of more bytes than its request lets it have."""
Http = Callable[[str], urllib3.PoolManager]
"""The pool of connections that leads to a URL; see :class:`~bot.channel.ChannelKit`."""
_CHUNK_BYTES = 4096
_THREADS = Threads("wecom-http", idle_s=30)
_NO_RETRIES = urllib3.Retry(False)
_MAX_LENGTH_DIGITS = 18
"""Of a length that is announced: a longer one is too large for anybody, and Python refuses to read it."""


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
    """What to ask; ``query``, or ``url`` itself, holds a token or secret and stays out of every text.

    ``content_type`` is that of ``body``; ``headers`` are those besides. An answer may have ``answer_bytes`` at most.
    """

    method: str
    url: str = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    content_type: str = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)
    answer_bytes: int = MAX_ANSWER_BYTES


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A whole answer; ``headers`` do not tell case apart."""

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


class TooLarge(Exception):
    """More content than a receiver takes."""


class IncomingBody:
    """Where the content of an answer goes, chunk by chunk; nobody writes there once the caller gave up.

    ``write`` takes the chunks and raises :class:`TooLarge` or ``OSError``; ``most_bytes`` is the largest length that an
    answer may announce. ``is_content(status, headers)`` tells the content from an answer about it, such as an error.
    """

    def __init__(
        self,
        write: Callable[[bytes], object],
        most_bytes: int,
        is_content: Callable[[int, Mapping[str, str]], bool],
    ) -> None:
        self._write = write
        self._most_bytes = most_bytes
        self._is_content = is_content
        self._lock = threading.Lock()
        self._abandoned = False
        self.taken = 0

    def begin(self, status: int, headers: Mapping[str, str]) -> bool:
        """Whether the answer with this head is content. Raises :class:`TooLarge` for a length announced as such."""
        if not self._is_content(status, headers):
            return False
        announced = headers.get("Content-Length", "")
        if announced.isascii() and announced.isdigit():
            digits = announced.lstrip("0") or "0"
            if len(digits) > _MAX_LENGTH_DIGITS or int(digits) > self._most_bytes:
                raise TooLarge
        return True

    def write(self, chunk: bytes) -> None:
        """Pass ``chunk`` on, unless the caller gave up. Raises :class:`TooLarge` and ``OSError``."""
        with self._lock:
            if self._abandoned:
                raise OSError("nobody waits for it any more")
            self._write(chunk)
            self.taken += len(chunk)

    def abandon(self) -> None:
        """Take nothing from now on."""
        with self._lock:
            self._abandoned = True


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


def exchange(http: Http, request: HttpRequest, deadline: Deadline, incoming: IncomingBody | None = None) -> HttpAnswer:
    """Make one request and read its whole answer by ``deadline``; redirects are not followed.

    An answer that is content for ``incoming`` goes there, and comes back without a body. Raises :class:`NoAnswer`.
    """
    if not deadline.left_s:
        raise NoAnswer("timeout", written=False)
    outgoing = OutgoingBody(request.body, deadline)
    results: list[HttpAnswer | str] = []
    ended: queue.SimpleQueue[None] = queue.SimpleQueue()
    _THREADS.run(lambda: results.append(_perform(http, request, outgoing, incoming, deadline)), lambda: ended.put(None))
    try:
        ended.get(timeout=deadline.left_s)
    except queue.Empty:
        result: HttpAnswer | str = "timeout"
        if incoming is not None:
            incoming.abandon()
    else:
        result = results[0] if results else "client_error"  # a bug ended the thread, and threading reports it
    if isinstance(result, str):
        raise NoAnswer(result, written=outgoing.abandon())
    return result


def _perform(
    http: Http,
    request: HttpRequest,
    outgoing: OutgoingBody,
    incoming: IncomingBody | None,
    deadline: Deadline,
) -> HttpAnswer | str:
    """The answer, or a constant word for why there is none; exceptions stay here, for their texts show the URL."""
    timeout_s = max(0.001, deadline.left_s)
    try:
        url, headers = _address(request)
        response = http(url).urlopen(
            request.method,
            url,
            body=outgoing if request.body else None,
            headers=headers,
            timeout=urllib3.Timeout(connect=timeout_s, read=timeout_s),
            retries=_NO_RETRIES,
            redirect=False,
            preload_content=False,
        )
        with response:  # one that was read to its end has left its connection to the next request
            return _read(response, incoming, deadline, request.answer_bytes)
    except TooLarge:
        return TOO_LARGE
    except NewConnectionError:  # urllib3 counts it among the time-outs
        return "connection_lost"
    except HTTPTimeoutError:
        return "timeout"
    except SSLError:
        return "tls_error"
    except (HTTPError, OSError):
        return "connection_lost"


def _address(request: HttpRequest) -> tuple[str, dict[str, str]]:
    """The whole URL and all headers of ``request``; a name and password in the URL become a header (RFC 7617)."""
    url, headers = request.url, dict(request.headers)
    if request.query:
        url = f"{url}?{urlencode(request.query)}"
    if request.body:
        headers |= {"Content-Type": request.content_type, "Content-Length": str(len(request.body))}
    if "@" in url and (parts := urllib3.util.parse_url(url)).auth:
        headers |= urllib3.make_headers(basic_auth=unquote(parts.auth))
        url = parts._replace(auth=None).url
    return url, headers


def _read(
    response: urllib3.BaseHTTPResponse, incoming: IncomingBody | None, deadline: Deadline, most_bytes: int
) -> HttpAnswer | str:
    """The answer with its body, of at most ``most_bytes``, or without one that went to ``incoming``; or a word as in
    :func:`_perform`.

    Each chunk is what one read of the socket brings, decompressed, and never more than asked for: neither a drip nor a
    little that unfolds to very much gets between two looks at the clock and at the limit.
    """
    status, headers = response.status, response.headers
    taker = incoming if incoming is not None and incoming.begin(status, headers) else None
    body = bytearray()  # grown in place: a page of customer service has megabytes, and each chunk is small
    while chunk := response.read1(_CHUNK_BYTES, decode_content=True):
        if not deadline.left_s:
            return "timeout"
        if taker is not None:
            try:
                taker.write(chunk)
            except OSError:
                return "not_stored"
            continue
        body += chunk
        if len(body) > most_bytes:
            return ANSWER_TOO_LARGE
    return HttpAnswer(status, bytes(body), headers)


class _HideSecrets(logging.Filter):
    """Blanks the queries of the URLs that urllib3 logs (at DEBUG each request, at WARNING odd headers).

    They hold tokens, secrets, and the signatures of links to media; only what names no secret stays.
    """

    _IN_URL = re.compile(r"([?&](?:(?!corpid=|type=)[^=&\s\"']+=)?)(?!corpid=|type=)[^=&\s\"'][^&\s\"']*")

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
