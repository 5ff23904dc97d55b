"""Opening the bot's answer to a callback: an encrypted JSON object (§1.6; rules 4 and 6)."""

import hmac
import json
import re
from typing import Any

from simulator.crypto import CryptoError, decrypt, signature
from simulator.sealing import Sealer

_NO_REPLY = (b"", b"success")


class BadReply(ValueError):
    """An answer that WeCom would not show; ``str()`` is a constant word, ``rule`` the rule it breaks."""

    def __init__(self, fault: str, rule: int = 6, **details: Any) -> None:
        self.rule = rule
        self.details = details
        super().__init__(fault)


def open_reply(body: bytes, *, sealer: Sealer, nonce: str) -> str:
    """The plain text in ``body``, empty where the bot gave none (an empty body).

    ``nonce`` is that of the callback, which the answer must repeat; its timestamp may be a number or digits. Raises
    :class:`BadReply`.
    """
    if body.strip() in _NO_REPLY:
        return ""
    sealed = read_object(body)
    encrypted, given = sealed.get("encrypt"), sealed.get("msgsignature")
    if not isinstance(encrypted, str) or not isinstance(given, str):
        raise BadReply("incomplete_reply")
    timestamp = sealed.get("timestamp")
    if isinstance(timestamp, bool) or not re.fullmatch(r"[0-9]{1,12}", str(timestamp)):
        raise BadReply("bad_reply_timestamp")
    if sealed.get("nonce") != nonce:
        raise BadReply("wrong_reply_nonce")
    expected = signature(sealer.token, str(timestamp), nonce, encrypted)
    if not hmac.compare_digest(expected.encode(), given.encode()):
        raise BadReply("bad_reply_signature")
    try:
        opened = decrypt(sealer.key, encrypted)
        plain = opened.message.decode()
    except (CryptoError, UnicodeDecodeError) as error:
        raise BadReply("undecryptable_reply") from error
    if opened.receive_id != sealer.receive_id:
        raise BadReply("wrong_receive_id")
    return plain


def read_object(body: bytes | str) -> dict[str, Any]:
    """The JSON object in ``body``, all of whose text is UTF-8. Raises :class:`BadReply`."""
    try:
        content = json.loads(body)
        json.dumps(content, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise BadReply("unreadable_reply") from error
    if not isinstance(content, dict):
        raise BadReply("unreadable_reply")
    return content
