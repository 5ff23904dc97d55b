"""The secret of the cases: who has it can read who is behind one, and nobody else can.

Three keys are made from one secret of the installation: one encrypts (Fernet: AES-128-CBC with an HMAC), one makes the
digests that stand for people, one keeps a masker's placeholders apart. Whoever loses the secret loses the people's
names and words of every case, so it belongs into the backup, apart from the database.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from bot.errors import UsageError
from bot.links import installation_secret
from bot.safety.personal_data import Masker
from bot.settings import Settings

_SEALS = b"case seal, first format"
_REPORTERS = b"case reporter, first format"
_MASKS = b"case mask, first format"
_DIGEST_BYTES = 16


class CaseKey:
    """Seals what tells who somebody is, with keys made from ``secret``."""

    def __init__(self, secret: bytes) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(hmac.digest(secret, _SEALS, "sha256")))
        self._reporters = hmac.digest(secret, _REPORTERS, "sha256")
        self._masks = hmac.digest(secret, _MASKS, "sha256")

    @classmethod
    def from_settings(cls, settings: Settings) -> "CaseKey":
        """The key of this installation: CASE_KEY, else one below DATA_DIR, made at the first use.

        Raises :class:`~bot.errors.ConfigError` when there is no usable one.
        """
        if settings.case_key:
            return cls(settings.case_key.get_secret_value().encode())
        return cls(installation_secret(settings.data_dir / "case_key", "CASE_KEY").encode())

    def reporter(self, tenant: str, person: str) -> str:
        """What stands for ``person`` in the cases of ``tenant``: 32 hexadecimal digits."""
        named = f"{tenant}\0{person}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._reporters, named, "sha256")[:_DIGEST_BYTES].hex()

    def masker(self, known: Mapping[str, str]) -> Masker:
        """A masker that gives the values of one case the placeholders they had before, which are ``known``."""
        return Masker(self._masks, known)

    def seal(self, content: Mapping[str, Any]) -> bytes:
        """``content``, which is JSON, encrypted."""
        return self._fernet.encrypt(json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass"))

    def open(self, sealed: bytes) -> dict[str, Any]:
        """The inverse of :meth:`seal`. Raises :class:`~bot.errors.UsageError` for another secret."""
        try:
            content: dict[str, Any] = json.loads(self._fernet.decrypt(bytes(sealed)).decode("utf-8", "surrogatepass"))
        except InvalidToken as error:
            raise UsageError("a case was sealed with another CASE_KEY than this one; put the old one back") from error
        return content


def verbatim_digest(words: str) -> str:
    """SHA-256 of what was written, in hexadecimal digits."""
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()
