"""The secret of the cases: who has it can read who is behind one, and nobody else can.

Several keys are made from one secret of the installation: one encrypts (Fernet: AES-128-CBC with an HMAC), one makes
the digests that stand for people, one those of their words, one keeps a masker's placeholders apart, one draws lots.
Whoever loses the secret loses the people's names and words of every case, so it belongs into the backup, apart from the
database.

A new secret seals what comes; those before it, one a line in ``DATA_DIR/case_keys_before``, still open and recognise
what is there. What is sealed cannot be sealed anew: the database refuses to change it.
"""

import base64
import hmac
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from bot.errors import ConfigError, UsageError
from bot.links import installation_secret
from bot.safety.personal_data import Masker
from bot.settings import Settings

_SEALS = b"case seal, first format"
_REPORTERS = b"case reporter, first format"
_WORDS = b"case words, first format"
_MASKS = b"case mask, first format"
_LOTS = b"case lot, first format"
_DIGEST_BYTES = 16


class CaseKey:
    """Seals what tells who somebody is, with keys made from ``secret``; opens what one ``before`` it sealed, too."""

    def __init__(self, secret: bytes, before: Sequence[bytes] = ()) -> None:
        ring = (secret, *before)
        sealing = [base64.urlsafe_b64encode(hmac.digest(key, _SEALS, "sha256")) for key in ring]
        self._seals = MultiFernet([Fernet(key) for key in sealing])
        self._reporters = [hmac.digest(key, _REPORTERS, "sha256") for key in ring]
        self._words = hmac.digest(secret, _WORDS, "sha256")
        self._masks = hmac.digest(secret, _MASKS, "sha256")
        self._lots = hmac.digest(secret, _LOTS, "sha256")

    @classmethod
    def from_settings(cls, settings: Settings) -> "CaseKey":
        """The key of this installation: CASE_KEY, else one below DATA_DIR, made at the first use; with those before it.

        Raises :class:`~bot.errors.ConfigError` when there is no usable one.
        """
        before = _before(settings.data_dir / "case_keys_before")
        if settings.case_key:
            return cls(settings.case_key.get_secret_value().encode(), before)
        return cls(installation_secret(settings.data_dir / "case_key", "CASE_KEY").encode(), before)

    def reporter(self, tenant: str, person: str) -> str:
        """What stands for ``person`` in new cases of ``tenant``: 32 hexadecimal digits."""
        return self.reporters(tenant, person)[0]

    def reporters(self, tenant: str, person: str) -> list[str]:
        """What stands for ``person`` in any case of ``tenant``, whichever key was in use."""
        named = f"{tenant}\0{person}".encode("utf-8", "surrogatepass")
        return [hmac.digest(key, named, "sha256")[:_DIGEST_BYTES].hex() for key in self._reporters]

    def lot(self, name: str) -> float:
        """A number from 0 to below 1 that ``name`` always draws, and that nobody can foresee without the key."""
        return int.from_bytes(hmac.digest(self._lots, name.encode(), "sha256")[:6], "big") / 2**48

    def digest(self, words: str) -> str:
        """What stands for what was written: 64 hexadecimal digits, keyed lest somebody try all telephone numbers."""
        return hmac.digest(self._words, words.encode("utf-8", "surrogatepass"), "sha256").hex()

    def masker(self, known: Mapping[str, str]) -> Masker:
        """A masker that gives the values of one case the placeholders they had before, which are ``known``."""
        return Masker(self._masks, known)

    def seal(self, content: Mapping[str, Any]) -> bytes:
        """``content``, which is JSON, encrypted."""
        return self._seals.encrypt(json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass"))

    def open(self, sealed: bytes) -> dict[str, Any]:
        """The inverse of :meth:`seal`. Raises :class:`~bot.errors.UsageError` for another secret."""
        try:
            content: dict[str, Any] = json.loads(self._seals.decrypt(bytes(sealed)).decode("utf-8", "surrogatepass"))
        except InvalidToken as error:
            raise UsageError(
                "a case was sealed with another CASE_KEY; put that one into DATA_DIR/case_keys_before, one a line"
            ) from error
        return content


def _before(path: Path) -> list[bytes]:
    """The secrets in the file at ``path``, one a line; none where there is no such file."""
    try:
        return [line.strip().encode() for line in path.read_text("utf-8").splitlines() if line.strip()]
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read ({type(error).__name__})"]) from error
