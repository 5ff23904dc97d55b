"""What WeCom's JSON APIs have in common: bodies, answers with an ``errcode``, and waits (pages 90313, 90455)."""

import json
import random
from collections.abc import Mapping
from typing import Any

from bot.channel import Retry, Unknown
from channels.wecom.transport import Deadline, Http, HttpAnswer, HttpRequest, NoAnswer, exchange

OK = 0
RETRY_S = 1.0
"""Wait after a fault that carries no time of its own (network, HTTP 5xx)."""
JITTER = 0.25
"""Waits are lengthened by up to this share, so that many workers do not come back at once."""
_MAX_DETAIL_LENGTH = 300


def encode_json(content: Mapping[str, Any]) -> bytes:
    """UTF-8 JSON without ``\\u`` escapes, which the platform refuses (40033); the same content, the same bytes.

    A lone surrogate, which UTF-8 cannot carry, becomes ``?`` rather than a message that can never be sent.
    """
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def json_answer(answer: HttpAnswer) -> dict[str, Any] | None:
    """The answer's object, if it is one with an integer ``errcode``; errors too have status 200 (page 90313)."""
    if answer.status >= 500:
        return None
    try:
        content = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or type(content.get("errcode")) is not int:
        return None
    return content


def ask(http: Http, request: HttpRequest, deadline: Deadline) -> dict[str, Any]:
    """Make a call that people notice: the JSON answer, whatever its ``errcode``.

    Raises :class:`~bot.channel.Retry` when the request did not leave or the answer is an HTTP 5xx, and
    :class:`~bot.channel.Unknown` when it left and no answer with an ``errcode`` came.
    """
    try:
        answer = exchange(http, request, deadline)
    except NoAnswer as failure:
        raise (Unknown(failure.code) if failure.written else retry(RETRY_S, failure.code)) from None
    if answer.status >= 500:
        raise retry(RETRY_S, f"http_{answer.status}")
    content = json_answer(answer)
    if content is None:
        raise Unknown("no_errcode" if answer.status == 200 else f"http_{answer.status}")
    return content


def detail_of(answer: Mapping[str, Any], *secrets: str) -> str:
    """``errmsg`` for an operator's eyes: one short line in which none of ``secrets`` appears."""
    text = str(answer.get("errmsg", ""))
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return " ".join(text.split())[:_MAX_DETAIL_LENGTH]


def retry(after_s: float, code: str) -> Retry:
    """A :class:`~bot.channel.Retry` after at least ``after_s`` seconds, with jitter on top."""
    return Retry(after_s * random.uniform(1.0, 1.0 + JITTER), code)  # noqa: S311 - jitter, not a secret
