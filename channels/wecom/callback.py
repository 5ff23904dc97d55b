"""A callback's query arguments, and opening what came with them (page 90930)."""

import re

from bot.channel import CallbackRequest, Rejected
from channels.wecom.crypto import CallbackCrypto

MAX_ARGUMENT_LENGTH = 4096
MAX_BODY_BYTES = 256 * 1024
"""A callback carries a text or references to media; the largest documented one stays far below."""
LOGGED_NAME_LENGTH = 64
"""So much of a name that came from outside is written to the log."""


def posted_body(request: CallbackRequest) -> bytes:
    """The body of a POST that is not too large.

    Raises :class:`~bot.channel.Rejected` with ``bad_method`` or ``too_large``.
    """
    if request.method != "POST":
        raise Rejected("bad_method", 405)
    if len(request.body) > MAX_BODY_BYTES:
        raise Rejected("too_large", 413)
    return request.body


def argument(request: CallbackRequest, *names: str) -> str:
    """One argument of the query, visible ASCII: nothing else is ever signed, and it is hashed and compared as bytes.

    Of several ``names`` the first that is there counts. Raises :class:`~bot.channel.Rejected` with
    ``missing_argument`` or ``bad_argument``.
    """
    value = next((found for name in names if (found := request.query.get(name, ""))), "")
    if not value:
        raise Rejected("missing_argument")
    if len(value) > MAX_ARGUMENT_LENGTH or not (value.isascii() and value.isprintable()):
        raise Rejected("bad_argument")
    return value


def open_callback(
    crypto: CallbackCrypto, request: CallbackRequest, encrypted: str, max_skew_s: float, *signature_names: str
) -> bytes:
    """The decrypted content of a request that is genuine and fresh.

    ``signature_names`` are the names its signature may have. Raises :class:`~bot.channel.Rejected` with what
    :func:`argument` and :meth:`.CallbackCrypto.open` raise, or ``stale``.
    """
    timestamp = argument(request, "timestamp")
    signature = argument(request, *(signature_names or ("msg_signature",)))
    plain = crypto.open(signature, timestamp, argument(request, "nonce"), encrypted)
    if re.fullmatch(r"[0-9]{1,12}", timestamp) is None:
        raise Rejected("bad_argument")
    if abs(request.received_at - int(timestamp)) > max_skew_s:
        raise Rejected("stale", 403)
    return plain


def verified_echo(crypto: CallbackCrypto, request: CallbackRequest, max_skew_s: float, *signature_names: str) -> str:
    """The plain text that URL verification wants back (page 90930, 101033).

    ``signature_names`` as in :func:`open_callback`. Raises :class:`~bot.channel.Rejected`.
    """
    echo = argument(request, "echostr")
    if " " in echo:  # base64 has none: something in front of us decoded "+" a second time, a common fault
        raise Rejected("decoded_twice")
    plain = open_callback(crypto, request, echo, max_skew_s, *signature_names)
    try:
        return plain.decode()
    except UnicodeDecodeError as error:
        raise Rejected("bad_charset") from error
