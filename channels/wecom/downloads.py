"""Content from the platform: asked for, written as it comes, within a limit, and what the head of its answer says of
it."""

import re
from collections.abc import Mapping
from typing import IO
from urllib.parse import unquote

from bot.channel import Fetched, Refused
from channels.wecom.api import RETRY_S, retry
from channels.wecom.transport import (
    TOO_LARGE,
    Deadline,
    Http,
    HttpAnswer,
    HttpRequest,
    IncomingBody,
    NoAnswer,
    TooLarge,
    exchange,
)

_EXTENDED_NAME = re.compile(r"(?:^|;)\s*filename\*\s*=\s*([\w.-]+)'[^']*'([^;\s]+)", re.IGNORECASE)
_PLAIN_NAME = re.compile(r'(?:^|;)\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))', re.IGNORECASE)


def download(http: Http, request: HttpRequest, incoming: IncomingBody, deadline: Deadline) -> HttpAnswer:
    """The answer to ``request``, whose content went to ``incoming``.

    Raises :class:`~bot.channel.Refused` ``too_large`` and :class:`~bot.channel.Retry` where no answer came.
    """
    try:
        return exchange(http, request, deadline, incoming)
    except NoAnswer as cut:
        if cut.code == TOO_LARGE:
            raise Refused(TOO_LARGE) from None
        raise retry(RETRY_S, cut.code) from None


class BoundedWriter:
    """Writes to ``into``, at most ``limit`` bytes."""

    def __init__(self, into: IO[bytes], limit: int) -> None:
        self._into = into
        self._left = limit

    def write(self, chunk: bytes) -> None:
        """Raises :class:`~channels.wecom.transport.TooLarge` instead of writing more, and ``OSError``."""
        self._left -= len(chunk)
        if self._left < 0:
            raise TooLarge
        self._into.write(chunk)


def file_name(disposition: str) -> str:
    """The name in a ``Content-Disposition``, empty without one: ``filename*`` (RFC 5987) counts before ``filename``.

    The second often holds raw UTF-8, which HTTP clients hand over as Latin-1.
    """
    if extended := _EXTENDED_NAME.search(disposition):
        try:
            return unquote(extended[2], encoding=extended[1], errors="replace")
        except (LookupError, UnicodeError):  # no such encoding, or none for such words: the plain name is as good
            pass
    plain = _PLAIN_NAME.search(disposition)
    if plain is None:
        return ""
    name = re.sub(r"\\(.)", r"\1", plain[1]) if plain[1] is not None else plain[2]
    try:
        return name.encode("latin-1").decode()
    except UnicodeError:
        return name


def fetched(headers: Mapping[str, str]) -> Fetched:
    """What the head of an answer says of its content."""
    content_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return Fetched(name=file_name(headers.get("Content-Disposition", "")), content_type=content_type)
