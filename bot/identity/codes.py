"""One-time codes that bind whoever sends them to a record: random, of 80 bits, and kept as a digest only."""

import base64
import hashlib
import re
import secrets
import unicodedata

CODE_LIFE_S = 3 * 86_400.0
"""Seconds that a code may be used, where nothing else is said."""
_BYTES = 10
_FORM = re.compile(r"[A-Z2-7]{16}")
_SENT = re.compile(r"(?:绑定|验证|bind|verify)[\s:]*(?P<code>(?:[A-Za-z2-7]{4}[\s-]?){4})", re.IGNORECASE)
_WRITTEN = re.compile(
    r"(?P<word>(?:绑定|验证|bind|verify)[\s:]*)(?:[A-Za-z2-7]{4}[\s-]?){3}[A-Za-z2-7]{4}"
    r"|(?<![A-Za-z0-9-])(?:[A-Za-z2-7]{4}-){3}[A-Za-z2-7]{4}(?![A-Za-z0-9-])",
    re.IGNORECASE,
)
_LONGEST = 60


def new_code() -> str:
    """A code as people see it: ``ABCD-EFGH-IJKL-MNOP``."""
    code = base64.b32encode(secrets.token_bytes(_BYTES)).decode()
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))


def digest_of(code: str) -> str:
    """What is kept of ``code``, however it was typed; empty for what has not the form of one."""
    folded = "".join(each for each in unicodedata.normalize("NFKC", code).upper() if each.isalnum())
    return hashlib.sha256(folded.encode()).hexdigest() if _FORM.fullmatch(folded) else ""


def code_in(text: str) -> str | None:
    """The code that a whole message brings in plain words (``绑定 ABCD-…``); else ``None``."""
    if len(text) > _LONGEST:
        return None
    found = _SENT.fullmatch(unicodedata.normalize("NFKC", text).strip())
    return found["code"] if found else None


def without_codes(text: str) -> str:
    """``text`` as it may be kept: who reads what was said need not find a code that still opens something."""
    folded = unicodedata.normalize("NFKC", text)
    hidden = _WRITTEN.sub(lambda found: f"{found['word'] or ''}…", folded)
    return text if hidden == folded else hidden
