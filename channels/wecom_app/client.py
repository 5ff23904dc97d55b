"""The platform's HTTP API: base URL, JSON in and out, and nothing of what the codes mean (that is :mod:`.errors`)."""

import json
from collections.abc import Mapping
from typing import Any

import requests

from bot.channel import Unknown
from channels.wecom_app.errors import RETRY_S, retry
from channels.wecom_app.transport import Deadline, HttpAnswer, HttpRequest, NoAnswer, exchange

_MAX_DETAIL_LENGTH = 300


class WeComClient:
    """Two calls to one WeCom API. Thread-safe as far as ``session`` is; requests carry their token in the query."""

    def __init__(self, session: requests.Session, base_url: str) -> None:
        self.base_url = base_url
        self._session = session

    def get_token(self, corp_id: str, secret: str, deadline: Deadline) -> dict[str, Any]:
        """``gettoken`` (page 91039): the JSON answer, whatever its ``errcode``.

        Raises :class:`~bot.channel.Retry` for everything that is no such answer: asking for a token sends nothing.
        """
        query = {"corpid": corp_id, "corpsecret": secret}
        request = HttpRequest(method="GET", url=f"{self.base_url}/cgi-bin/gettoken", query=query)
        try:
            answer = exchange(self._session, request, deadline)
        except NoAnswer as failure:
            code = f"token_{failure.code}"
        else:
            if (content := _json_answer(answer)) is not None:
                return content
            code = f"token_http_{answer.status}"
        raise retry(RETRY_S, code)

    def send_message(self, token: str, body: bytes, deadline: Deadline) -> dict[str, Any]:
        """``message/send`` (page 90236) with the UTF-8 JSON ``body``: the JSON answer, whatever its ``errcode``.

        Raises :class:`~bot.channel.Retry` when the request did not leave or the answer is an HTTP 5xx, and
        :class:`~bot.channel.Unknown` when it left and no answer with an ``errcode`` came.
        """
        url = f"{self.base_url}/cgi-bin/message/send"
        request = HttpRequest(method="POST", url=url, query={"access_token": token}, body=body)
        try:
            answer = exchange(self._session, request, deadline)
        except NoAnswer as failure:
            raise (Unknown(failure.code) if failure.written else retry(RETRY_S, failure.code)) from None
        if answer.status >= 500:
            raise retry(RETRY_S, f"http_{answer.status}")
        content = _json_answer(answer)
        if content is None:
            raise Unknown("no_errcode" if answer.status == 200 else f"http_{answer.status}")
        return content


def _json_answer(answer: HttpAnswer) -> dict[str, Any] | None:
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


def detail_of(answer: Mapping[str, Any], *secrets: str) -> str:
    """``errmsg`` for an operator's eyes: one short line in which none of ``secrets`` appears."""
    text = str(answer.get("errmsg", ""))
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return " ".join(text.split())[:_MAX_DETAIL_LENGTH]


def encode_json(content: Mapping[str, Any]) -> bytes:
    """UTF-8 JSON without ``\\u`` escapes, which the platform refuses (40033); the same content, the same bytes.

    A lone surrogate, which UTF-8 cannot carry, becomes ``?`` rather than a message that can never be sent.
    """
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
