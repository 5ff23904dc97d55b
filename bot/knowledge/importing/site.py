"""The pages that a sitemap names, as files: of one host, within bounds, as its ``robots.txt`` allows.

An address is resolved once and the connection goes to what was found, so that a name that changes its address between
the look and the call leads nowhere. Addresses inside a company's network are refused unless they are asked for.
"""

import gzip
import io
import ipaddress
import re
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urljoin, urlsplit
from urllib.robotparser import RobotFileParser

import structlog
import urllib3
from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from bot.errors import KnowledgeError
from bot.knowledge.loaders.kinds import KINDS

log = structlog.get_logger()

AGENT = "wecom-knowledge-import"
_MAX_REDIRECTS = 5
_MAX_SITEMAPS = 50
_DEPTH = 2
_PIECE = 64 * 1024
_NAME_BYTES = 180
_TYPES = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "application/pdf": ".pdf",
    "text/plain": ".txt",
    "text/markdown": ".md",
}
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_public(address: IPAddress) -> bool:
    """Whether it is reachable from the whole internet, and so nothing inside a network of ours."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_global and not (mapped or address).is_multicast


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteLimits:
    """``pages`` and ``total_bytes`` of all, ``page_bytes`` of one, ``seconds`` in all, ``pause_s`` between two."""

    pages: int = 2_000
    page_bytes: int = 20 * 1024 * 1024
    total_bytes: int = 1024 * 1024 * 1024
    seconds: float = 3_600.0
    call_s: float = 20.0
    pause_s: float = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchedSite:
    """The folder with the pages, named after the host; ``notes`` say what was left out."""

    folder: Path
    pages: int
    notes: tuple[str, ...]


def fetch_site(
    sitemap: str,
    folder: Path,
    *,
    allowed: Callable[[IPAddress], bool] = is_public,
    limits: SiteLimits | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> FetchedSite:
    """Fetch what the sitemap at the URL ``sitemap`` names into ``folder``.

    Raises :class:`~bot.errors.KnowledgeError` when the sitemap itself cannot be had; a page that cannot is a note.
    """
    return _Site(sitemap, folder, allowed, limits or SiteLimits()).fetch(progress)


class _Unfetched(KnowledgeError):
    """One address that was not fetched; the text says why."""


class _Site:
    def __init__(self, sitemap: str, folder: Path, allowed: Callable[[IPAddress], bool], limits: SiteLimits) -> None:
        start = urlsplit(sitemap)
        if start.scheme not in ("http", "https") or not start.hostname:
            raise KnowledgeError(f"{sitemap[:200]} is no address of a sitemap: it begins with https://")
        self._sitemap = sitemap
        self._home = (start.scheme, start.hostname, start.port)
        self._folder = folder / re.sub(r"[^\w.-]", "_", start.hostname)
        self._allowed = allowed
        self._limits = limits
        self._left = limits.total_bytes
        self._until = time.monotonic() + limits.seconds
        self._notes: list[str] = []
        self._robots = RobotFileParser()

    def fetch(self, progress: Callable[[int, int], None]) -> FetchedSite:
        """All pages."""
        self._read_robots()
        addresses = list(dict.fromkeys(self._addresses(self._sitemap, _DEPTH)))
        if len(addresses) > self._limits.pages:
            self._notes.append(f"only the first {self._limits.pages:,} of {len(addresses):,} pages were fetched")
        wanted, done = addresses[: self._limits.pages], 0
        self._folder.mkdir(parents=True, exist_ok=True)
        for number, address in enumerate(wanted, 1):
            if time.monotonic() > self._until:
                self._notes.append(f"after {self._limits.seconds:.0f} s the last {len(wanted) - number + 1} were left")
                break
            try:
                self._keep(address)
                done += 1
            except _Unfetched as error:
                self._notes.append(f"{address[:200]}: {error}")
            progress(number, len(wanted))
            time.sleep(self._limits.pause_s)
        return FetchedSite(folder=self._folder, pages=done, notes=tuple(self._notes))

    def _read_robots(self) -> None:
        try:
            body, _ = self._get(urljoin(self._sitemap, "/robots.txt"))
        except _Unfetched:
            body = b""  # a site without one allows everything
        self._robots.parse(body.decode("utf-8", "replace").splitlines())

    def _addresses(self, sitemap: str, depth: int) -> Iterator[str]:
        try:
            body, _ = self._get(sitemap)
        except _Unfetched as error:
            if sitemap == self._sitemap:
                raise KnowledgeError(f"{sitemap[:200]}: {error}") from error
            self._notes.append(f"{sitemap[:200]}: {error}")
            return
        try:
            tree = ElementTree.fromstring(_unzipped(body, self._limits.page_bytes))
        except (ElementTree.ParseError, DefusedXmlException, ValueError) as error:
            raise KnowledgeError(f"{sitemap[:200]} is no sitemap: it is no XML that can be read") from error
        index = tree.tag.rpartition("}")[2] == "sitemapindex"
        found = [(each.text or "").strip() for each in tree.iter() if each.tag.rpartition("}")[2] == "loc"]
        if not index:
            yield from filter(None, found)
        elif depth > 1:
            for inner in found[:_MAX_SITEMAPS]:
                yield from self._addresses(inner, depth - 1)

    def _keep(self, address: str) -> None:
        if not self._robots.can_fetch(AGENT, address):
            raise _Unfetched("robots.txt forbids it")
        body, content_type = self._get(address)
        path = unquote(urlsplit(address).path)
        suffix = Path(path).suffix.lower()
        kind = suffix if suffix in KINDS else _TYPES.get(content_type)
        if kind is None:
            raise _Unfetched(f"{content_type or 'what it sends'} is not read")
        parts = [re.sub(r"[^\w.-]", "_", part) for part in path.strip("/").split("/") if part.strip(".")] or ["index"]
        if query := urlsplit(address).query:
            parts[-1] += "_" + re.sub(r"[^\w.-]", "_", unquote(query))
        name = parts[-1].removesuffix(kind).encode()[:_NAME_BYTES].decode("utf-8", "ignore") + kind
        target = self._folder.joinpath(*(part.encode()[:_NAME_BYTES].decode("utf-8", "ignore") for part in parts[:-1]))
        target.mkdir(parents=True, exist_ok=True)
        (target / name).write_bytes(body)

    def _get(self, address: str) -> tuple[bytes, str]:
        """The body and the content type behind an address of this host."""
        for _ in range(_MAX_REDIRECTS + 1):
            answer = self._call(address)
            if not 300 <= answer.status < 400:
                break
            address = urljoin(address, answer.headers.get("Location", ""))
            answer.release_conn()
        else:
            raise _Unfetched("it redirects in a circle")
        if answer.status != 200:
            raise _Unfetched(f"HTTP {answer.status}")
        return self._body(answer), answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    def _call(self, address: str) -> "urllib3.BaseHTTPResponse":
        parts = urlsplit(address)
        if (parts.scheme, parts.hostname, parts.port) != self._home or not parts.hostname:
            raise _Unfetched("it lies on another host")
        target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._") + (
            f"?{quote(parts.query, safe=_SAFE)}" * bool(parts.query)
        )
        pool = self._pool(parts.scheme, parts.hostname, parts.port)
        try:
            return pool.request(
                "GET",
                target,
                headers={"User-Agent": AGENT, "Accept-Encoding": "identity"}
                | ({"Host": parts.netloc} if parts.netloc else {}),
                redirect=False,
                retries=False,
                preload_content=False,
                timeout=urllib3.Timeout(self._limits.call_s),
            )
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise _Unfetched(f"no answer ({type(error).__name__})") from error

    def _pool(self, scheme: str, host: str, port: int | None) -> urllib3.HTTPConnectionPool:
        """Connections to the address that was looked at, under the name that was asked for."""
        try:
            found = socket.getaddrinfo(host, port or scheme, type=socket.SOCK_STREAM)
        except OSError as error:
            raise _Unfetched("its name leads nowhere") from error
        addresses = [ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found]
        if not addresses or not all(map(self._allowed, addresses)):
            raise _Unfetched("it lies inside a private network")
        if scheme == "https":
            return urllib3.HTTPSConnectionPool(
                str(addresses[0]), port or 443, server_hostname=host, assert_hostname=host, cert_reqs="CERT_REQUIRED"
            )
        return urllib3.HTTPConnectionPool(str(addresses[0]), port or 80)

    def _body(self, answer: "urllib3.BaseHTTPResponse") -> bytes:
        whole = bytearray()
        try:
            while piece := answer.read(_PIECE):
                whole += piece
                self._left -= len(piece)
                if len(whole) > self._limits.page_bytes or self._left < 0:
                    raise _Unfetched("it is larger than it may be")
                if time.monotonic() > self._until:
                    raise _Unfetched("it takes too long")
        except urllib3.exceptions.HTTPError as error:
            raise _Unfetched(f"cut off ({type(error).__name__})") from error
        finally:
            answer.close()
        return bytes(whole)


_SAFE = "/%:@!$&'()*+,;=~-._?"


def _unzipped(body: bytes, limit: int) -> bytes:
    """The body of a sitemap that may be compressed. Raises ``ValueError`` for one that is damaged or too large."""
    if not body.startswith(b"\x1f\x8b"):
        return body
    try:
        with gzip.open(io.BytesIO(body)) as packed:
            whole = packed.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError("damaged") from error
    if len(whole) > limit:
        raise ValueError("too large")
    return whole
