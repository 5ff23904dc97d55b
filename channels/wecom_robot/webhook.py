"""The calls of one robot: its key in the query, JSON in and out, and a minute's silence after what only an operator can
mend (page 99110)."""

import hashlib
from collections.abc import Mapping
from typing import Any

import structlog

from bot.channel import ChannelKit, Refused
from channels.wecom.api import OK, RETRY_S, ask, detail_of, encode_json, json_answer, retry
from channels.wecom.circuit import Circuit
from channels.wecom.errors import RULES, failure
from channels.wecom.transport import Deadline, HttpRequest, NoAnswer, exchange

log = structlog.get_logger()


class Webhook:
    """One robot at the platform; safe to share between threads. ``name`` begins the Redis keys about it."""

    def __init__(self, key: str, kit: ChannelKit) -> None:
        self._key = key
        self._http = kit.http
        self._base_url = kit.api_base["wecom"]
        digest = hashlib.sha256("\0".join((self._base_url, key)).encode()).hexdigest()[:16]
        self.name = f"wecom:{{robot:{digest}}}"
        self._circuit = Circuit(kit.redis, f"robot:{digest}")

    def check(self) -> None:
        """Raise :class:`~bot.channel.Retry` ``circuit_open`` while an error stands that only an operator can mend;
        and ``redis.RedisError``."""
        self._circuit.check()

    def send(self, kind: str, content: Mapping[str, Any], deadline: Deadline) -> None:
        """``webhook/send``. Raises :class:`~bot.channel.Retry`, :class:`~bot.channel.Refused`,
        :class:`~bot.channel.Unknown`."""
        answer = self.ask(kind, content, deadline)
        if answer["errcode"] != OK:
            self._fail(answer)

    def ask(self, kind: str, content: Mapping[str, Any], deadline: Deadline) -> dict[str, Any]:
        """The answer to ``webhook/send``, whatever its ``errcode``. Raises :class:`~bot.channel.Retry` and
        :class:`~bot.channel.Unknown`."""
        body = encode_json({"msgtype": kind, kind: content})
        url = f"{self._base_url}/cgi-bin/webhook/send"
        return ask(self._http, HttpRequest(method="POST", url=url, query={"key": self._key}, body=body), deadline)

    def said_of(self, answer: Mapping[str, Any]) -> str:
        """The ``errmsg`` of ``answer`` without the key."""
        return detail_of(answer, self._key)

    def upload(self, kind: str, body: bytes, content_type: str, deadline: Deadline) -> str:
        """The media id of ``webhook/upload_media``, which works for this robot alone.

        Raises :class:`~bot.channel.Retry`, also where no answer came, for nobody sees an upload; and
        :class:`~bot.channel.Refused`.
        """
        request = HttpRequest(
            method="POST",
            url=f"{self._base_url}/cgi-bin/webhook/upload_media",
            query={"key": self._key, "type": kind},
            body=body,
            content_type=content_type,
        )
        try:
            answer = exchange(self._http, request, deadline)
        except NoAnswer as lost:
            raise retry(RETRY_S, f"upload_{lost.code}") from None
        content = json_answer(answer)
        if content is None:
            raise retry(RETRY_S, f"upload_http_{answer.status}")
        if content["errcode"] != OK:
            self._fail(content)
        media_id = content.get("media_id")
        if not isinstance(media_id, str) or not media_id:
            raise retry(RETRY_S, "upload_without_media_id")
        return media_id

    def _fail(self, answer: Mapping[str, Any]) -> None:
        code, detail = answer["errcode"], self.said_of(answer)
        error = failure(code, detail)
        if isinstance(error, Refused) and error.alert:
            log.error("robot_stopped", code=code, detail=detail)
            self._circuit.open(error.code)
        elif code not in RULES:
            log.warning("error_code_unknown", code=code, detail=detail)
        raise error
