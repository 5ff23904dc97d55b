"""A verification of a callback URL as the platform makes it (page 90930), for those who want to try their own URL."""

import secrets
from collections.abc import Callable

from bot.channel import UrlVerification
from channels.wecom.crypto import CallbackCrypto

WITHIN_S = 1.0
"""How long the platform waits for the plain text (page 90930)."""


def url_verification(crypto: CallbackCrypto, clock: Callable[[], float]) -> UrlVerification:
    """A fresh one, signed and sealed now; the text is a number, as the platform's is."""
    plain = str(10**18 + secrets.randbelow(9 * 10**18))
    timestamp, nonce = str(int(clock())), str(10**9 + secrets.randbelow(9 * 10**9))
    sealed = crypto.encrypt(plain.encode())
    query = {
        "msg_signature": crypto.signature(timestamp, nonce, sealed),
        "timestamp": timestamp,
        "nonce": nonce,
        "echostr": sealed,
    }
    return UrlVerification(query=query, plain=plain, within_s=WITHIN_S)
