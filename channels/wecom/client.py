"""The platform's HTTP API: base URL, JSON in and out, and nothing of what the codes mean.

For that see :mod:`channels.wecom.errors`.
"""

from collections.abc import Mapping
from typing import Any

from channels.wecom.api import RETRY_S, ask, json_answer, retry
from channels.wecom.downloads import download
from channels.wecom.transport import (
    MAX_ANSWER_BYTES,
    Deadline,
    Http,
    HttpAnswer,
    HttpRequest,
    IncomingBody,
    NoAnswer,
    exchange,
)

SEND_MESSAGE = "message/send"
UPDATE_CARD = "message/update_template_card"
RECALL_MESSAGE = "message/recall"


class WeComClient:
    """The calls to one WeCom API. Safe to share between threads; requests carry their token in the query."""

    def __init__(self, http: Http, base_url: str) -> None:
        self.base_url = base_url
        self._http = http

    def get_token(self, corp_id: str, secret: str, deadline: Deadline) -> dict[str, Any]:
        """``gettoken`` (page 91039): the JSON answer, whatever its ``errcode``.

        Raises :class:`~bot.channel.Retry` for everything that is no such answer: asking for a token sends nothing.
        """
        query = {"corpid": corp_id, "corpsecret": secret}
        request = HttpRequest(method="GET", url=f"{self.base_url}/cgi-bin/gettoken", query=query)
        try:
            answer = exchange(self._http, request, deadline)
        except NoAnswer as failure:
            code = f"token_{failure.code}"
        else:
            if (content := json_answer(answer)) is not None:
                return content
            code = f"token_http_{answer.status}"
        raise retry(RETRY_S, code)

    def post(self, call: str, token: str, body: bytes, deadline: Deadline) -> dict[str, Any]:
        """``call``, which people notice, with the UTF-8 JSON ``body``: see :func:`channels.wecom.api.ask`."""
        url = f"{self.base_url}/cgi-bin/{call}"
        return ask(self._http, HttpRequest(method="POST", url=url, query={"access_token": token}, body=body), deadline)

    def look(
        self, call: str, token: str, body: bytes, deadline: Deadline, answer_bytes: int = MAX_ANSWER_BYTES
    ) -> dict[str, Any]:
        """``call``, which nobody notices, with the UTF-8 JSON ``body``: the JSON answer, whatever its
        ``errcode``.

        Raises :class:`~bot.channel.Retry` for everything that is no such answer.
        """
        request = HttpRequest(
            method="POST",
            url=f"{self.base_url}/cgi-bin/{call}",
            query={"access_token": token},
            body=body,
            answer_bytes=answer_bytes,
        )
        return self._answer(request, deadline)

    def get(self, call: str, token: str, query: Mapping[str, str], deadline: Deadline) -> dict[str, Any]:
        """``call``, a GET: as :meth:`look`."""
        url = f"{self.base_url}/cgi-bin/{call}"
        return self._answer(HttpRequest(method="GET", url=url, query={"access_token": token, **query}), deadline)

    def upload(self, kind: str, token: str, body: bytes, content_type: str, deadline: Deadline) -> dict[str, Any]:
        """``media/upload`` (page 90253) of the multipart ``body``: the JSON answer, whatever its ``errcode``.

        Raises :class:`~bot.channel.Retry` for everything that is no such answer: nobody sees an upload.
        """
        request = HttpRequest(
            method="POST",
            url=f"{self.base_url}/cgi-bin/media/upload",
            query={"access_token": token, "type": kind},
            body=body,
            content_type=content_type,
        )
        try:
            answer = exchange(self._http, request, deadline)
        except NoAnswer as failure:
            raise retry(RETRY_S, f"upload_{failure.code}") from None
        if (content := json_answer(answer)) is not None:
            return content
        raise retry(RETRY_S, f"upload_http_{answer.status}")

    def download(
        self, media_id: str, token: str, bytes_range: str, incoming: IncomingBody, deadline: Deadline
    ) -> HttpAnswer:
        """``media/get`` (page 90254), whole or the ``bytes_range`` of it: see
        :func:`channels.wecom.downloads.download`."""
        request = HttpRequest(
            method="GET",
            url=f"{self.base_url}/cgi-bin/media/get",
            query={"access_token": token, "media_id": media_id},
            headers={"Accept-Encoding": "identity"} | ({"Range": bytes_range} if bytes_range else {}),
        )
        return download(self._http, request, incoming, deadline)

    def _answer(self, request: HttpRequest, deadline: Deadline) -> dict[str, Any]:
        try:
            answer = exchange(self._http, request, deadline)
        except NoAnswer as failure:
            raise retry(RETRY_S, failure.code) from None
        if (content := json_answer(answer)) is not None:
            return content
        raise retry(RETRY_S, f"http_{answer.status}")
