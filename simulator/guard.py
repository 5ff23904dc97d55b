"""Who may use the page and the control API: people and programs on this machine, not web pages of others."""

from collections.abc import Collection
from urllib.parse import urlsplit

from flask import Request

_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def refusal(request: Request, allowed_hosts: Collection[str], *, any_type: bool = False) -> tuple[str, int] | None:
    """Why ``request`` is refused, with the HTTP status; ``None`` when it is not.

    A foreign Host name means DNS rebinding: a page of somebody else that made its name point here. A change must come
    as JSON, which a page of another origin cannot send without asking first, and nobody answers that question; where
    ``any_type`` of body is taken, it must come from no page or from ours.
    """
    try:
        host = urlsplit(f"//{request.headers.get('Host', '')}").hostname
    except ValueError:
        host = None
    if host not in _THIS_MACHINE and host not in allowed_hosts:
        return "this Host is not allowed here; see --allowed-host", 403
    if request.method in _SAFE_METHODS:
        return None
    if any_type:
        origin = request.headers.get("Origin")
        return None if origin in (None, request.host_url.rstrip("/")) else ("a page of another origin", 403)
    return None if request.mimetype == "application/json" else ("send application/json", 415)
