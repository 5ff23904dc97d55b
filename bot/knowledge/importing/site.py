"""The pages that a sitemap names, as files: of one host, within bounds, as its ``robots.txt`` allows.

An address is resolved once and the connection goes to what was found, so that a name that changes its address between
the look and the call leads nowhere. Addresses inside a company's network are refused unless they are asked for.
"""

import gzip
import hashlib
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


_NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""RFC 6052: its last 32 bits are the IPv4 address that it leads to."""
_UNICAST = ipaddress.ip_network("2000::/3")
"""RFC 4291, 2.4: whatever of IPv6 lies elsewhere is nobody's on the internet, or leads to an IPv4 address."""


def is_public(address: IPAddress) -> bool:
    """Whether it is reachable from the whole internet, and so nothing inside a network of ours."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or (ipaddress.IPv4Address(address.packed[-4:]) if address in _NAT64 else None)
        if inner is None:
            return address in _UNICAST and address.is_global and address.sixtofour is None
        address = inner
    return address.is_global and not address.is_multicast


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
    """One address that was not fetched; the text says why. ``unknown``: what it would have said may matter, since its
    server was not there."""

    def __init__(self, why: str, *, unknown: bool = False) -> None:
        super().__init__(why)
        self.unknown = unknown


class _Site:
    def __init__(self, sitemap: str, folder: Path, allowed: Callable[[IPAddress], bool], limits: SiteLimits) -> None:
        self._sitemap = sitemap
        self._home = _home(sitemap)
        if self._home[0] not in ("http", "https") or not self._home[1]:
            raise KnowledgeError(f"{_shown(sitemap)} is no address of a sitemap: it begins with https://")
        self._folder = folder / re.sub(r"[^\w.-]", "_", self._home[1])
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
                self._notes.append(f"{_shown(address)}: {error}")
            progress(number, len(wanted))
            time.sleep(self._limits.pause_s)
        return FetchedSite(folder=self._folder, pages=done, notes=tuple(self._notes))

    def _read_robots(self) -> None:
        """A site without one allows everything, a server that is not there nothing (RFC 9309, 2.3.1)."""
        try:
            body, _ = self._get(urljoin(self._sitemap, "/robots.txt"))
        except _Unfetched as error:
            if error.unknown:
                raise KnowledgeError(
                    f"{_shown(self._sitemap)}: what its robots.txt allows is not known: {error}"
                ) from error
            body = b""
        self._robots.parse(body.decode("utf-8", "replace").splitlines())

    def _addresses(self, sitemap: str, depth: int) -> Iterator[str]:
        """The pages that a sitemap names, and those of the sitemaps in it; what is wrong with one of these is a
        note."""
        try:
            body, _ = self._get(sitemap)
            tree = ElementTree.fromstring(_unzipped(body, self._limits.page_bytes))
        except (_Unfetched, ElementTree.ParseError, DefusedXmlException, ValueError) as error:
            why = str(error) if isinstance(error, _Unfetched) else "it is no sitemap: it is no XML that can be read"
            if depth == _DEPTH:
                raise KnowledgeError(f"{_shown(sitemap)}: {why}") from error
            self._notes.append(f"{_shown(sitemap)}: {why}")
            return
        index = tree.tag.rpartition("}")[2] == "sitemapindex"
        found = [(each.text or "").strip() for each in tree.iter() if each.tag.rpartition("}")[2] == "loc"]
        if not index:
            yield from filter(None, found)
            return
        followed = found[:_MAX_SITEMAPS] if depth > 1 else []
        if left := len(found) - len(followed):
            self._notes.append(f"{_shown(sitemap)}: {left} of the {len(found)} sitemaps in it were not followed")
        for inner in followed:
            yield from self._addresses(inner, depth - 1)

    def _keep(self, address: str) -> None:
        body, content_type = self._get(address, page=True)
        path = unquote(urlsplit(address).path)
        suffix = Path(path).suffix.lower()
        kind = suffix if suffix in KINDS else _TYPES.get(content_type)
        if kind is None:
            raise _Unfetched(f"{content_type or 'what it sends'} is not read")
        self._place(address, path, kind).write_bytes(body)

    def _place(self, address: str, path: str, kind: str) -> Path:
        """Where a page is kept: its own path below the folder, or a name of ours where that cannot be a file's here or
        is another page's."""
        parts = [re.sub(r"[^\w.-]", "_", part) for part in path.strip("/").split("/") if part.strip(".")] or ["index"]
        if query := urlsplit(address).query:
            parts[-1] += "_" + re.sub(r"[^\w.-]", "_", unquote(query))
        name = parts[-1].removesuffix(kind).encode()[:_NAME_BYTES].decode("utf-8", "ignore") + kind
        above = (part.encode()[:_NAME_BYTES].decode("utf-8", "ignore") for part in parts[:-1])
        place = self._folder.joinpath(*above, name)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            if not place.exists():
                return place
        except OSError as error:
            log.info("page_renamed", address=_shown(address), reason=error.strerror)
        return self._folder / f"{hashlib.sha256(address.encode()).hexdigest()[:16]}{kind}"

    def _get(self, address: str, *, page: bool = False) -> tuple[bytes, str]:
        """The body and the content type behind an address of this host; a ``page`` only where robots may go, wherever
        it redirects."""
        for _ in range(_MAX_REDIRECTS + 1):
            if _home(address) != self._home:
                raise _Unfetched("it lies on another host")
            if page and not self._robots.can_fetch(AGENT, address):
                raise _Unfetched("robots.txt forbids it")
            answer = self._call(address)
            if not 300 <= answer.status < 400:
                break
            address = _joined(address, answer.headers.get("Location", ""))
            answer.release_conn()
        else:
            raise _Unfetched("it redirects in a circle")
        if answer.status != 200:
            raise _Unfetched(f"HTTP {answer.status}", unknown=answer.status >= 500)
        return self._body(answer), answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    def _call(self, address: str) -> "urllib3.BaseHTTPResponse":
        parts = urlsplit(address)
        target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._") + (
            f"?{quote(parts.query, safe=_SAFE)}" * bool(parts.query)
        )
        pool = self._pool(*self._home)
        try:
            return pool.request(
                "GET",
                target,
                headers={
                    "User-Agent": AGENT,
                    "Accept-Encoding": "identity",
                    "Host": parts.netloc.rpartition("@")[2],
                },
                redirect=False,
                retries=False,
                preload_content=False,
                timeout=urllib3.Timeout(self._limits.call_s),
            )
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise _Unfetched(f"no answer ({type(error).__name__})", unknown=True) from error

    def _pool(self, scheme: str, host: str, port: int | None) -> urllib3.HTTPConnectionPool:
        """Connections to the address that was looked at, under the name that was asked for."""
        try:
            found = socket.getaddrinfo(host, port or scheme, type=socket.SOCK_STREAM)
        except OSError as error:
            raise _Unfetched("its name leads nowhere", unknown=True) from error
        addresses = [ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found]
        if not addresses or not all(map(self._allowed, addresses)):
            raise _Unfetched("it lies inside a private network", unknown=True)
        if scheme == "https":
            return urllib3.HTTPSConnectionPool(
                str(addresses[0]), port or 443, server_hostname=host, assert_hostname=host, cert_reqs="CERT_REQUIRED"
            )
        return urllib3.HTTPConnectionPool(str(addresses[0]), port or 80)

    def _body(self, answer: "urllib3.BaseHTTPResponse") -> bytes:
        whole = bytearray()
        try:
            while piece := answer.read1(_PIECE):  # what is there: one that drips must not hold us up
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
_Home = tuple[str, str, int | None]
"""Scheme, host and port."""


def _home(address: str) -> _Home:
    """Where an address lies. Raises :class:`_Unfetched` for what is none."""
    try:
        parts = urlsplit(address)
        return parts.scheme, parts.hostname or "", parts.port
    except ValueError as error:
        raise _Unfetched(f"it is no address ({error})") from error


def _joined(address: str, location: str) -> str:
    try:
        return urljoin(address, location)
    except ValueError as error:
        raise _Unfetched("it redirects to what is no address") from error


def _shown(address: str) -> str:
    """``address`` for people, without a password in it."""
    return re.sub(r"//[^/@\s]+@", "//…@", address)[:200]


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
