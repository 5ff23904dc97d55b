"""Links to the sources of an answer, and to an answer too long for a chat: signed, short, and for a while.

A link opens one entry of the knowledge to whoever holds it, as far as its reader's audience may see, until it
expires; or one answer. It carries no name and no words; the pages behind it are :mod:`bot.web.reader` and
:mod:`bot.web.answers`.
"""

import base64
import hashlib
import hmac
import os
import re
import secrets
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from bot.errors import BotError, ConfigError
from bot.knowledge.entries import Audience
from bot.settings import Settings

DAY_S = 86_400
RESTRICTED_LIFE_S = DAY_S
"""The longest life of a link to what is not for everybody: whoever gets hold of it may be anybody, and it opens after
the person it was made for may read no more."""

_SHORTEST_SECRET = 32  # characters, as SECRET_KEY must have
_CLAIMS = struct.Struct(">16sBI8s")
"""Entry id, audience, expiry in epoch seconds, tenant tag."""
_SIGNATURE_BYTES = 16  # half of SHA-256, the least that RFC 2104, section 5, advises
_TOKEN = re.compile(r"[A-Za-z0-9_-]{60}", re.ASCII)  # 45 bytes without spare bits: no second spelling of a token
_PURPOSE = b"source link, first format"
_ANSWER = struct.Struct(">20sI")
"""Turn id, expiry in epoch seconds."""
_ANSWER_SIGNATURE_BYTES = 18
_ANSWER_TOKEN = re.compile(r"[A-Za-z0-9_-]{56}", re.ASCII)  # 42 bytes without spare bits
_ANSWER_PURPOSE = b"answer link, first format"
_AUDIENCES = {Audience.PUBLIC: 0, Audience.HCP: 1, Audience.STAFF: 2}  # fixed for ever: links in chats carry it
_AUDIENCE_OF = {code: audience for audience, code in _AUDIENCES.items()}


class BadLink(BotError):
    """A link that opens nothing."""


class ForgedLink(BadLink):
    """A link that this installation never made, or made with another secret."""


class ExpiredLink(BadLink):
    """A link of ours whose time is over."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceToken:
    """What a link says: the entry it opens, for whom, in which tenant (see :func:`tenant_tag`), and until when, in
    epoch seconds."""

    entry_id: str
    reader: Audience
    tenant: str
    expires_at: int


def tenant_tag(tenant: str) -> str:
    """``tenant`` as a link carries it: 16 hexadecimal digits, so that every link has the same length."""
    return hashlib.sha256(tenant.encode()).hexdigest()[:16]


class SourceLinks:
    """Makes and opens links.

    ``secret`` is the installation's; every process needs the same. ``base_url`` is where people reach the web process,
    without a trailing slash; ``life_s`` is how long a link opens, in seconds; at most :data:`RESTRICTED_LIFE_S` for
    readers who see more than the public.
    """

    def __init__(self, secret: bytes, base_url: str, life_s: int) -> None:
        self._key = hmac.digest(secret, _PURPOSE, "sha256")
        self._answer_key = hmac.digest(secret, _ANSWER_PURPOSE, "sha256")
        self._base_url = base_url
        self._life_s = life_s

    def url_for(self, entry_id: str, reader: Audience, tenant: str, now: float) -> str:
        """The address of an entry for ``reader``, made at epoch second ``now``: 74 characters after the base URL.

        The page scrolls to the passage by its fragment. Raises ``ValueError`` for an id that is not a UUID.
        """
        claims = _CLAIMS.pack(
            UUID(entry_id).bytes,
            _AUDIENCES[reader],
            self._end(reader, now),
            bytes.fromhex(tenant_tag(tenant)),
        )
        token = base64.urlsafe_b64encode(claims + self._sign(claims)).decode()
        return f"{self._base_url}/source/{token}#cited"

    def open(self, token: str, now: float) -> SourceToken:
        """What ``token`` says, when it is ours and epoch second ``now`` lies before its end.

        Raises :class:`ForgedLink` and :class:`ExpiredLink`.
        """
        if not _TOKEN.fullmatch(token):
            raise ForgedLink("not the form of a source link")
        raw = base64.urlsafe_b64decode(token)
        claims, signature = raw[: _CLAIMS.size], raw[_CLAIMS.size :]
        if not hmac.compare_digest(signature, self._sign(claims)):
            raise ForgedLink("the signature of a source link is wrong")
        entry, audience, expires_at, tenant = _CLAIMS.unpack(claims)
        if now >= expires_at:
            raise ExpiredLink(f"the source link expired {now - expires_at:.0f} s ago")
        return SourceToken(
            entry_id=str(UUID(bytes=entry)),
            reader=_AUDIENCE_OF[audience],
            tenant=tenant.hex(),
            expires_at=expires_at,
        )

    def answer_url(self, turn_id: str, reader: Audience, now: float) -> str:
        """The address of the whole answer to ``reader`` in a turn (:attr:`bot.messages.InboundMessage.turn_id`), made
        at epoch second ``now``."""
        claims = _ANSWER.pack(turn_id.encode(), self._end(reader, now))
        token = base64.urlsafe_b64encode(claims + self._sign_answer(claims)).decode()
        return f"{self._base_url}/answer/{token}"

    def open_answer(self, token: str, now: float) -> str:
        """The turn whose answer ``token`` opens at epoch second ``now``.

        Raises :class:`ForgedLink` and :class:`ExpiredLink`.
        """
        if not _ANSWER_TOKEN.fullmatch(token):
            raise ForgedLink("not the form of a link to an answer")
        raw = base64.urlsafe_b64decode(token)
        claims, signature = raw[: _ANSWER.size], raw[_ANSWER.size :]
        if not hmac.compare_digest(signature, self._sign_answer(claims)):
            raise ForgedLink("the signature of a link to an answer is wrong")
        turn_id, expires_at = _ANSWER.unpack(claims)
        if now >= expires_at:
            raise ExpiredLink(f"the link to an answer expired {now - expires_at:.0f} s ago")
        return str(turn_id.decode())

    def _end(self, reader: Audience, now: float) -> int:
        return int(now) + (self._life_s if reader is Audience.PUBLIC else min(self._life_s, RESTRICTED_LIFE_S))

    def _sign_answer(self, claims: bytes) -> bytes:
        return hmac.digest(self._answer_key, claims, "sha256")[:_ANSWER_SIGNATURE_BYTES]

    def _sign(self, claims: bytes) -> bytes:
        return hmac.digest(self._key, claims, "sha256")[:_SIGNATURE_BYTES]


def source_links(settings: Settings) -> SourceLinks:
    """The links of this installation. Raises :class:`~bot.errors.ConfigError` when it has no usable secret."""
    return SourceLinks(signing_secret(settings), settings.public_url, settings.citation_link_days * DAY_S)


def signing_secret(settings: Settings) -> bytes:
    """The secret that every process of this installation shares. Raises :class:`~bot.errors.ConfigError` when there is
    no usable one."""
    given = settings.secret_key
    secret = given.get_secret_value() if given else installation_secret(settings.data_dir / "secret_key")
    return secret.encode()


def installation_secret(path: Path, variable: str = "SECRET_KEY") -> str:
    """The secret kept at ``path``, made there once at random, for its owner's eyes only; ``variable`` is what sets it
    instead.

    Several processes may ask first at the same time: all get the same. Raises :class:`~bot.errors.ConfigError` when
    it can be neither read nor made.
    """
    try:
        if not path.exists():
            _create(path, secrets.token_urlsafe(48))
        secret = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not ASCII"
        raise ConfigError([f"{variable}: unset, and {path} cannot be used ({why}); set {variable}"]) from error
    if len(secret) < _SHORTEST_SECRET:
        raise ConfigError([f"{path}: found {len(secret)} characters; delete the file and a new secret is made"])
    return secret


def _create(path: Path, secret: str) -> None:
    """Write ``path`` unless it exists: a link appears with the whole content, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secret + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another process was first: its secret counts
            os.link(draft, path)
    finally:
        draft.unlink()
