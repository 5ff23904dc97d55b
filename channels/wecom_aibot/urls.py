"""URLs that came from outside: whether they may be asked at all."""

import re
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from channels.wecom.json_fields import MAX_URL_LENGTH

_HTTPS_PORTS = (None, 443)
_AUTHORITY = re.compile(r"(?:[0-9A-Za-z_-]+(?:\.[0-9A-Za-z_-]+)*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
"""A name or an address, and perhaps a port: nobody to log in, nothing encoded, and no zone of an IPv6 address, which
could end like a name."""


def may_ask(url: str, hosts: Iterable[str], api_base: str) -> bool:
    """Whether ``url`` may be asked: over TLS and at its usual port one of ``hosts``, or the very host of ``api_base``.
    A host that begins with a dot stands for every name that ends with it.

    A callback is signed with secrets that whoever administers the robot knows, so its URLs are checked like a
    stranger's. Names are what is checked, and TLS proves them. What they resolve to is not: inside Tencent's cloud the
    platform's store has private addresses.
    """
    target = _read(url)
    if target is None or target.hostname is None:
        return False
    if _is_at(target, api_base):
        return True
    if target.scheme != "https" or target.port not in _HTTPS_PORTS:
        return False
    name = target.hostname
    return any(name.endswith(host) if host.startswith(".") else name == host for host in hosts)


def host_of(url: str) -> str:
    """The host that ``url`` names, for an operator who may want to allow it; empty where no one name can be told."""
    target = _read(url)
    return target.hostname or "" if target else ""


def _read(url: str) -> SplitResult | None:
    """The pieces of ``url``; ``None`` where it is none, or holds characters that two parsers could read differently."""
    if len(url) > MAX_URL_LENGTH or re.fullmatch(r"[\x21-\x7e]+", url) is None:
        return None
    try:
        target = urlsplit(url)
        port = target.port
    except ValueError:
        return None
    if port == 0 or _AUTHORITY.fullmatch(target.netloc) is None:
        return None
    return target


def _is_at(target: SplitResult, api_base: str) -> bool:
    base = urlsplit(api_base)
    return (target.scheme, target.netloc) == (base.scheme, base.netloc)
