"""qyapi as the peers see it: tokens, sending, media, active replies, and everything that can go wrong on the way."""

import contextlib
import io
import json
import secrets
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

from flask import Blueprint, Response, jsonify, request, send_file

from simulator.entries import Entry
from simulator.errcodes import ApiError
from simulator.faults import Fault
from simulator.media import LinkExpired
from simulator.platform import Platform
from simulator.trace import Request
from simulator.trace import Response as Answered
from simulator.uploads import Upload

MAX_BODY_BYTES = 262_144

Work = Callable[[str], dict[str, Any] | Response]
"""What a call does: request id to answer; raises :class:`ApiError`."""


def create_api(platform: Platform) -> Blueprint:
    """The routes below ``/cgi-bin``, and ``/media`` where links to media lead."""
    blueprint = Blueprint("qyapi", __name__)
    api = _Api(platform)
    _add_token_routes(blueprint, api, platform)
    _add_message_routes(blueprint, api, platform)
    _add_media_routes(blueprint, api, platform)
    return blueprint


def _add_token_routes(blueprint: Blueprint, api: "_Api", platform: Platform) -> None:
    @blueprint.get("/cgi-bin/gettoken")
    def gettoken() -> Response:
        corp_id, secret = request.args.get("corpid", ""), request.args.get("corpsecret", "")
        ip = request.remote_addr or ""
        return api.answer("gettoken", lambda request_id: platform.tokens.issue(corp_id, secret, ip, request_id))

    @blueprint.get("/cgi-bin/getcallbackip")
    def getcallbackip() -> Response:
        def work(_request_id: str) -> dict[str, Any]:
            api.check_token()
            return {"ip_list": ["127.0.0.1"], "errcode": 0, "errmsg": "ok"}

        return api.answer("getcallbackip", work)


def _add_message_routes(blueprint: Blueprint, api: "_Api", platform: Platform) -> None:
    @blueprint.post("/cgi-bin/message/send")
    def send() -> Response:
        raw = request.get_data()

        def work(request_id: str) -> dict[str, Any]:
            api.check_token()
            if len(raw) > MAX_BODY_BYTES:
                raise ApiError(45002, None)
            return platform.sender.send(raw, request_id)

        return api.answer("message/send", work, members=_recipients(raw))

    @blueprint.post("/cgi-bin/aibot/response")
    def response_url() -> Response:
        raw = request.get_data()
        code = request.args.get("response_code", "")
        entry = platform.bot.response_urls.entry(code) if platform.bot else None

        def work(request_id: str) -> dict[str, Any]:
            if platform.bot is None:
                raise ApiError(platform.rules.response_url_errcode, 30)
            return platform.bot.response_urls.reply(code, raw, request_id)

        return api.answer("response_url", work, members=(entry.member,) if entry else (), entry=entry)


def _add_media_routes(blueprint: Blueprint, api: "_Api", platform: Platform) -> None:
    @blueprint.get("/cgi-bin/media/get")
    def media_get() -> Response:
        def work(_request_id: str) -> Response:
            api.check_token()
            upload = platform.media.by_media_id(request.args.get("media_id", ""))
            return _attachment(upload, upload.data)

        return api.answer("media/get", work)

    @blueprint.get("/media/<code>")
    def media(code: str) -> Response:
        try:
            return _attachment(*platform.media.by_link(code))
        except LinkExpired:
            platform.journal.rule(29, "media_url_refused", secrets.token_hex(16))
            return Response("forbidden", status=403, content_type="text/plain")


class _Api:
    """What all calls have in common: faults, call limits, one lock, the shape of an error, and the trace."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def check_token(self) -> None:
        """Raises :class:`ApiError` unless the request carries an access token that is alive (rule 14)."""
        self._platform.tokens.check(request.args.get("access_token", ""))

    def answer(self, name: str, work: Work, members: tuple[str, ...] = (), entry: Entry | None = None) -> Response:
        """The HTTP answer to a call of the API ``name``, which concerns ``members``, maybe as a reply to ``entry``."""
        request_id = secrets.token_hex(16)
        fault = self._platform.faults.take(name, *members)
        if fault:
            self._platform.journal.rule(None, f"fault_{fault.kind}", request_id, api=name)
        started = time.monotonic()
        response = self._answer(name, work, request_id, fault)
        self._write_down(name, request_id, response, started, entry)
        return response or _cut_connection()

    def _answer(self, name: str, work: Work, request_id: str, fault: Fault | None) -> Response | None:
        """The answer; ``None`` where the connection is to be cut."""
        kind = fault.kind if fault else ""
        if kind == "http_500":
            return Response("internal error", status=500, content_type="text/plain")
        if kind == "close_before":
            return None
        answer = self._call(name, work, request_id, fault)
        if kind == "close_after":
            return None
        return answer if isinstance(answer, Response) else jsonify(answer)

    def _call(self, name: str, work: Work, request_id: str, fault: Fault | None) -> dict[str, Any] | Response:
        platform = self._platform
        waits = {fault.kind: fault.seconds} if fault else {}
        if fault and fault.kind == "errcode":
            work = partial(_refuse, fault.errcode)
        try:
            with platform.calls.counted(name):
                platform.closing.wait(waits.get("hang", 0))
                with platform.api_lock:
                    answer = work(request_id)
                platform.closing.wait(waits.get("answer_late", 0))
                return answer
        except ApiError as error:
            platform.journal.rule(error.rule, "errcode", request_id, api=name, errcode=error.errcode)
            return error.to_json(request_id, request.remote_addr or "", platform.clock())

    def _write_down(
        self, name: str, request_id: str, response: Response | None, started: float, entry: Entry | None
    ) -> None:
        peer = {"peer": "app", "request_id": request_id} if entry is None else {}
        self._platform.trace.add(
            "reply" if name == "response_url" else "api",
            name,
            entry,
            request=Request(
                method=request.method,
                url=request.full_path.rstrip("?"),
                headers={"Content-Type": request.content_type or ""},
                body=request.get_data().decode(errors="replace"),
            ),
            response=Answered(status=None, error="connection") if response is None else _shown(response),
            ms=round((time.monotonic() - started) * 1000, 1),
            **peer,
        )


def _shown(response: Response) -> Answered:
    if response.is_json:
        return Answered(status=response.status_code, body=response.get_data(as_text=True))
    return Answered(status=response.status_code, body=f"[{response.content_type}, {response.content_length} bytes]")


def _recipients(raw: bytes) -> tuple[str, ...]:
    """Whom a send names; what is wrong with it is said elsewhere."""
    try:
        body = json.loads(raw)
    except ValueError:
        return ()
    named = body.get("touser") if isinstance(body, dict) else None
    return tuple(named.split("|")) if isinstance(named, str) else ()


def _attachment(upload: Upload, data: bytes) -> Response:
    """The bytes, or the range of them that was asked for (§2.11)."""
    response = send_file(io.BytesIO(data), mimetype=upload.content_type, conditional=True, etag=False)
    response.headers["Content-Disposition"] = upload.disposition()
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _refuse(errcode: int, _request_id: str) -> NoReturn:
    raise ApiError(errcode, None)


def _cut_connection() -> Response:
    """Close the connection under the server's feet; what is returned goes nowhere."""
    connection: socket.socket = request.environ["werkzeug.socket"]
    with contextlib.suppress(OSError):  # the caller may have gone first
        connection.shutdown(socket.SHUT_RDWR)
    return Response(status=500)
