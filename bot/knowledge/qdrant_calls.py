"""Calls to a Qdrant server: each within a deadline, repeated when that may help, its failures made ours.

Every call made through here is idempotent (points are named by their content, collections by their build), so that all
of them may be repeated: after a refused or broken connection, after a 429 and after a 5xx. An answer may take all the
time there is, so that one which is late is not asked for again: whoever asked comes again later.
"""

import json
import math
import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import count
from typing import TypeVar
from urllib.parse import urlsplit

import httpx
import structlog
from qdrant_client import QdrantClient
from qdrant_client.common.client_exceptions import QdrantException, ResourceExhaustedResponse
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse

from bot.errors import BotError, KnowledgeError, Unavailable
from bot.knowledge.qdrant_deadline import DeadlineTransport, deadline

log = structlog.get_logger()

T = TypeVar("T")

ATTEMPTS = 4
"""Tries of one call; between them 0.1, 0.2 and 0.4 s, each half to whole."""
FIRST_WAIT_S = 0.1
OLDEST_SERVER = (1, 19)
"""The first that counts the idf over what a reader may see; an older one would count it over everybody's entries."""
_RETRYABLE_STATUSES = frozenset({408, 425, 429})
"""Beside every 5xx."""
_SERVER_FAULTS = (ApiException, QdrantException, json.JSONDecodeError, AssertionError)
"""What the client raises; it asserts that an answer has a result."""


class Gone(Unavailable):
    """What was asked for is not on the server (404)."""


class AlreadyThere(KnowledgeError):
    """What was to be made is on the server already (409)."""


class QdrantCalls:
    """Runs calls of ``client`` for at most ``timeout_s`` seconds each, repeats included. Safe for threads.

    ``server`` is how the server is named in errors and logs: its host, never its key.
    """

    def __init__(self, client: QdrantClient, server: str, timeout_s: float) -> None:
        self.client = client
        self.timeout_s = timeout_s
        self._server = server
        self._version_is_good = False

    def within(self, seconds: float | None = None) -> AbstractContextManager[float]:
        """A block whose calls all together have ``seconds``, or what one call has."""
        return deadline(time.monotonic() + (seconds or self.timeout_s))

    def run(self, call: Callable[[], T]) -> T:
        """What ``call`` returns.

        Raises :class:`~bot.errors.Unavailable` when the server does not answer, and
        :class:`~bot.errors.KnowledgeError` when it refuses.
        """
        with self.within() as ends_at:
            for attempt in count(1):
                try:
                    return call()
                except _SERVER_FAULTS as error:
                    failure = _failure(error, self._server)
                    wait_s = failure.wait_s or _wait_s(attempt)
                    if not failure.retry or attempt == ATTEMPTS or time.monotonic() + wait_s >= ends_at:
                        raise failure.error from error
                    log.warning("qdrant_retry", attempt=attempt, error=str(failure.error))
                time.sleep(wait_s)
        raise AssertionError("unreachable")

    def check_version(self) -> None:
        """Raises :class:`~bot.errors.KnowledgeError` for a server that is too old; asks once."""
        if self._version_is_good:
            return
        version = self.run(self.client.info).version
        numbers = tuple(int(part) for part in version.split("-")[0].split(".")[:2] if part.isdigit())
        if numbers < OLDEST_SERVER:
            wanted = ".".join(map(str, OLDEST_SERVER))
            raise KnowledgeError(
                f"{self._server} is version {version}; version {wanted} or newer is needed: upgrade it"
            )
        self._version_is_good = True

    @property
    def server_timeout_s(self) -> int:
        """Seconds after which the server itself may give a request up."""
        return math.ceil(self.timeout_s)


def connect(url: str, api_key: str | None, timeout_s: float) -> QdrantCalls:
    """Calls to the server at ``url``; nothing is asked yet.

    Logs one warning when the way there, or the server, is open to others.
    """
    parts = urlsplit(url)
    encrypted = parts.scheme == "https"
    if not _is_local(parts.hostname or "") and not (encrypted and api_key):
        log.warning(
            "qdrant_exposed",
            host=parts.hostname,
            encrypted=encrypted,
            key=api_key is not None,
            cure="use https and set QDRANT_API_KEY, unless nobody else reaches that network",
        )
    client = QdrantClient(
        url=url,
        port=None,  # a URL without one means 80 or 443 as everywhere, not 6333
        timeout=math.ceil(timeout_s),
        headers={"api-key": api_key} if api_key else None,  # as api_key= the client would warn a second time
        check_compatibility=False,  # it would ask in a thread of its own, and warn on standard error
        transport=DeadlineTransport(),
    )
    return QdrantCalls(client, f"the Qdrant server at {parts.hostname}", timeout_s)


@dataclass(frozen=True, slots=True)
class _Failure:
    """``wait_s`` is the server's own wish, 0 for none."""

    error: BotError
    retry: bool = False
    wait_s: float = 0.0


def _failure(error: Exception, server: str) -> _Failure:
    match error:
        case UnexpectedResponse():
            return _refusal(error, server)
        case ResourceExhaustedResponse():
            return _Failure(Unavailable(f"{server} is overloaded"), retry=True, wait_s=float(error.retry_after_s))
        case ResponseHandlingException(source=httpx.TransportError() as source):
            return _Failure(Unavailable(f"{server} does not answer: {type(source).__name__}"), retry=True)
    return _Failure(Unavailable(f"{server} answered what no Qdrant server answers; is QDRANT_URL right?"))


def _refusal(error: UnexpectedResponse, server: str) -> _Failure:
    status, said = error.status_code or 0, _words(error)
    if status in (401, 403):
        cure = "check QDRANT_API_KEY: it is missing, wrong, or may not write"
        return _Failure(KnowledgeError(f"{server} answered {status} ({said}): {cure}"))
    if status == 404:
        return _Failure(Gone(f"{server} answered 404 ({said}): the collection is gone, or QDRANT_URL is not right"))
    if status == 409:
        return _Failure(AlreadyThere(f"{server} answered 409 ({said})"))
    if status < 400:
        return _Failure(Unavailable(f"{server} answered {status}, as no Qdrant server does; is QDRANT_URL right?"))
    if status in _RETRYABLE_STATUSES or status >= 500:
        return _Failure(Unavailable(f"{server} answered {status} ({said})"), retry=True)
    return _Failure(KnowledgeError(f"{server} refused a request with {status} ({said}): a fault of this program"))


def _words(error: UnexpectedResponse) -> str:
    """What the server says of the error, at most 200 characters on one line."""
    try:
        said = str(json.loads(error.content)["status"]["error"])
    except (ValueError, KeyError, TypeError):
        said = error.content.decode("utf-8", "replace") or error.reason_phrase
    return " ".join(said.split())[:200]


def _wait_s(attempt: int) -> float:
    longest: float = FIRST_WAIT_S * 2 ** (attempt - 1)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, no secret


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
