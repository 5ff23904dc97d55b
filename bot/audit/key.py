"""The secret behind the audit log: it makes pseudonyms, and seals what this installation wrote.

It is a secret of its own, as it must live as long as the log: who changes it can neither check the seals nor find the
pseudonyms of the entries before.
"""

import hmac
import re

from bot.links import installation_secret
from bot.settings import Settings

_PSEUDONYM = b"audit pseudonym, first format"
_SEAL = b"audit seal, first format"
_PSEUDONYM_BYTES = 16
_PSEUDONYM_FORM = re.compile(rf"person:[0-9a-f]{{{2 * _PSEUDONYM_BYTES}}}")


class AuditKey:
    """Makes pseudonyms and seals out of ``secret``."""

    def __init__(self, secret: bytes) -> None:
        self._pseudonym_key = hmac.digest(secret, _PSEUDONYM, "sha256")
        self._seal_key = hmac.digest(secret, _SEAL, "sha256")

    @classmethod
    def from_settings(cls, settings: Settings) -> "AuditKey":
        """The key of this installation: AUDIT_KEY, else one below DATA_DIR, made at the first use.

        Raises :class:`~bot.errors.ConfigError` when there is no usable one.
        """
        if settings.audit_key:
            return cls(settings.audit_key.get_secret_value().encode())
        return cls(installation_secret(settings.data_dir / "audit_key", "AUDIT_KEY").encode())

    def pseudonym(self, tenant: str, person: str) -> str:
        """What stands for ``person`` in the entries of ``tenant``: ``person:`` and 32 hexadecimal digits.

        The same id in another tenant has another pseudonym. Only who has the key can try which id it stands for.
        WeCom's user ids do not tell case apart (page 90196), and administrators write them as they like.
        """
        named = f"{tenant}\0{person.casefold()}".encode("utf-8", "surrogatepass")
        return "person:" + hmac.digest(self._pseudonym_key, named, "sha256")[:_PSEUDONYM_BYTES].hex()

    def seal(self, hash_: str) -> str:
        """The HMAC-SHA256 of ``hash_``, in hexadecimal digits."""
        return hmac.digest(self._seal_key, hash_.encode(), "sha256").hex()

    def sealed(self, hash_: str, seal: str) -> bool:
        """Whether ``seal`` is that of ``hash_`` under this key."""
        return hmac.compare_digest(self.seal(hash_).encode(), str(seal).encode())


def is_pseudonym(text: str) -> bool:
    """Whether ``text`` has the form of :meth:`AuditKey.pseudonym`."""
    return _PSEUDONYM_FORM.fullmatch(text) is not None
