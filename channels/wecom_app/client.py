"""The platform's HTTP API: base URL, JSON in and out, and nothing of what the codes mean (that is :mod:`.errors`)."""

from typing import Any

import requests

from bot.channel import Unknown
from channels.wecom.api import RETRY_S, json_answer, retry
from channels.wecom.transport import Deadline, HttpRequest, NoAnswer, exchange


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
            if (content := json_answer(answer)) is not None:
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
        content = json_answer(answer)
        if content is None:
            raise Unknown("no_errcode" if answer.status == 200 else f"http_{answer.status}")
        return content
