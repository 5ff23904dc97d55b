"""Saving a callback URL: the GET that proves the peer can read what the platform encrypts (rule 1, §1.3)."""

import secrets
from dataclasses import dataclass
from typing import Any

from simulator.sealing import Sealer
from simulator.webhook import verify


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """Whether the URL was accepted.

    ``reason`` is empty, or ``timeout``, ``connection``, ``bad_http``, ``status`` (not 200) or ``body`` (not the plain
    text); ``ms`` is the duration in milliseconds.
    """

    url: str
    status: int | None
    ms: float
    reason: str

    @property
    def ok(self) -> bool:
        """Whether the platform would save this URL."""
        return not self.reason

    def to_json(self) -> dict[str, Any]:
        """All fields and ``ok``, JSON-ready."""
        return {"ok": self.ok, "url": self.url, "status": self.status, "ms": self.ms, "reason": self.reason}


def verify_url(url: str, sealer: Sealer, timeout_s: float) -> Verification:
    """Ask ``url`` to decrypt a fresh echo; anything but status 200 and exactly the plain text in time is refused."""
    plain = str(secrets.randbelow(9 * 10**18) + 10**18).encode()
    answer = verify(url, sealer.echo(plain), timeout_s)
    reason = answer.error
    if not reason and answer.status != 200:
        reason = "status"
    elif not reason and answer.body != plain:
        reason = "body"
    return Verification(url=url, status=answer.status, ms=answer.ms, reason=reason)
