"""Signed links that show a professional the one-time code made for them, and how it is sent.

Opening a link uses nothing up, so that a scanner of links cannot: the code binds whoever sends it to the bot in a chat,
where the platform says who that is (:mod:`bot.identity.bindings`). Where the platform has links into a chat and says
what the one carried by which somebody came, the code is brought along, and coming is sending it.
"""

import base64
import hmac
import re
import struct
from typing import Self

from bot.links import ExpiredLink, ForgedLink, signing_secret
from bot.settings import Settings

_CLAIMS = struct.Struct(">10sI")
"""The code, expiry in epoch seconds."""
_SIGNATURE_BYTES = 16
_TOKEN = re.compile(r"[A-Za-z0-9_-]{40}", re.ASCII)  # 30 bytes without spare bits: no second spelling of a token
_ENTRY = "verify-"
"""How what a link into a chat carries begins, where it is ours: operators mark other links with words of their own."""
_PURPOSE = b"verification link, first format"


class VerificationLinks:
    """Makes and opens links; ``secret`` is the installation's, ``base_url`` where people reach the web process."""

    def __init__(self, secret: bytes, base_url: str) -> None:
        self._key = hmac.digest(secret, _PURPOSE, "sha256")
        self._base_url = base_url

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Those of this installation. Raises :class:`~bot.errors.ConfigError` when it has no usable secret."""
        return cls(signing_secret(settings), settings.public_url)

    def url_for(self, code: str, expires_at: float) -> str:
        """The address that shows ``code`` until ``expires_at`` (epoch seconds)."""
        return f"{self._base_url}/verify/{self._token(code, expires_at)}"

    def entry_param(self, code: str, expires_at: float) -> str:
        """What a link into a chat carries that stands for ``code`` until ``expires_at``: printable ASCII, 47 bytes."""
        return f"{_ENTRY}{self._token(code, expires_at)}"

    def open_entry(self, param: str, now: float) -> str | None:
        """The code that somebody brought who came by a link with ``param``; ``None`` for another's. Raises
        :class:`~bot.links.ForgedLink` and :class:`~bot.links.ExpiredLink`."""
        return self.open(param.removeprefix(_ENTRY), now) if param.startswith(_ENTRY) else None

    def open(self, token: str, now: float) -> str:
        """The code that ``token`` shows. Raises :class:`~bot.links.ForgedLink` and :class:`~bot.links.ExpiredLink`."""
        if not _TOKEN.fullmatch(token):
            raise ForgedLink("not the form of a verification link")
        raw = base64.urlsafe_b64decode(token)
        claims, signature = raw[: _CLAIMS.size], raw[_CLAIMS.size :]
        if not hmac.compare_digest(signature, self._sign(claims)):
            raise ForgedLink("the signature of a verification link is wrong")
        code, expires_at = _CLAIMS.unpack(claims)
        if now >= expires_at:
            raise ExpiredLink(f"the verification link expired {now - expires_at:.0f} s ago")
        shown = base64.b32encode(code).decode()
        return "-".join(shown[at : at + 4] for at in range(0, len(shown), 4))

    def _token(self, code: str, expires_at: float) -> str:
        claims = _CLAIMS.pack(base64.b32decode(code.replace("-", "")), int(expires_at))
        return base64.urlsafe_b64encode(claims + self._sign(claims)).decode()

    def _sign(self, claims: bytes) -> bytes:
        return hmac.digest(self._key, claims, "sha256")[:_SIGNATURE_BYTES]
