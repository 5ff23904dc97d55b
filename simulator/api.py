"""qyapi as the app sees it: tokens, sending, callback addresses, and everything that can go wrong on the way."""

import contextlib
import secrets
import socket
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

from flask import Blueprint, Response, jsonify, request

from simulator.errcodes import ApiError
from simulator.faults import Fault
from simulator.platform import Platform

MAX_BODY_BYTES = 262_144

Work = Callable[[str], dict[str, Any]]
"""What a call does: request id to answer; raises :class:`ApiError`."""


def create_api(platform: Platform) -> Blueprint:
    """The routes below ``/cgi-bin``."""
    blueprint = Blueprint("qyapi", __name__, url_prefix="/cgi-bin")
    api = _Api(platform)

    @blueprint.get("/gettoken")
    def gettoken() -> Response:
        corp_id, secret = request.args.get("corpid", ""), request.args.get("corpsecret", "")
        ip = request.remote_addr or ""
        return api.answer("gettoken", lambda request_id: platform.tokens.issue(corp_id, secret, ip, request_id))

    @blueprint.post("/message/send")
    def send() -> Response:
        raw = request.get_data()

        def work(request_id: str) -> dict[str, Any]:
            platform.tokens.check(request.args.get("access_token", ""))
            if len(raw) > MAX_BODY_BYTES:
                raise ApiError(45002, None)
            return platform.sender.send(raw, request_id)

        return api.answer("message/send", work)

    @blueprint.get("/getcallbackip")
    def getcallbackip() -> Response:
        def work(_request_id: str) -> dict[str, Any]:
            platform.tokens.check(request.args.get("access_token", ""))
            return {"ip_list": ["127.0.0.1"], "errcode": 0, "errmsg": "ok"}

        return api.answer("getcallbackip", work)

    return blueprint


class _Api:
    """What all calls have in common: faults, call limits, one lock, and the shape of an error."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def answer(self, name: str, work: Work) -> Response:
        """The HTTP answer to a call of the API ``name``."""
        request_id = secrets.token_hex(16)
        fault = self._platform.faults.take(name)
        kind = fault.kind if fault else ""
        if fault:
            self._platform.journal.rule(None, f"fault_{kind}", request_id, api=name)
        if kind == "http_500":
            return Response("internal error", status=500, content_type="text/plain")
        if kind == "close_before":
            return _cut_connection()
        body = self._call(name, work, request_id, fault)
        if kind == "close_after":
            return _cut_connection()
        return jsonify(body)

    def _call(self, name: str, work: Work, request_id: str, fault: Fault | None) -> dict[str, Any]:
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


def _refuse(errcode: int, _request_id: str) -> NoReturn:
    raise ApiError(errcode, None)


def _cut_connection() -> Response:
    """Close the connection under the server's feet; what is returned goes nowhere."""
    connection: socket.socket = request.environ["werkzeug.socket"]
    with contextlib.suppress(OSError):  # the caller may have gone first
        connection.shutdown(socket.SHUT_RDWR)
    return Response(status=500)
