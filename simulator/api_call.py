"""What all calls of qyapi have in common: faults, limits, one lock, the shape of an error, and the trace."""

import contextlib
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn

from flask import Response, jsonify, request

from simulator.downloads import DOWNLOAD_FAULTS, spoiled
from simulator.entries import Entry, PeerId
from simulator.errcodes import ApiError
from simulator.faults import Fault
from simulator.platform import Platform
from simulator.rules import is_trusted
from simulator.tokens import Owner
from simulator.trace import Request
from simulator.trace import Response as Answered

Work = Callable[[str], dict[str, Any] | Response]
"""What a call does: request id to answer; raises :class:`ApiError`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Concerns:
    """Whom a call concerns, so that faults of theirs happen to it; ``entry`` is the message that it answers.

    ``read`` reads a body that is a file, as badly as a fault wants, and tells whether the call goes on.
    """

    members: tuple[str, ...] = ()
    peer: PeerId = "app"
    entry: Entry | None = None
    read: Callable[[Fault | None], bool] | None = None


class Api:
    """Answers the calls of the peers."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def check_token(self) -> frozenset[Owner]:
        """Whose access token the request carries. Raises :class:`ApiError` unless it is alive (rule 14) and comes from
        a trusted address (rule 15)."""
        owners = self._platform.tokens.check(request.args.get("access_token", ""))
        if not is_trusted(request.remote_addr or "0.0.0.0", self._platform.rules.trusted_ips):  # noqa: S104 -- nobody's
            raise ApiError(60020, 15)
        return owners

    def answer(self, name: str, work: Work, concerns: Concerns | None = None) -> Response:
        """The HTTP answer to a call of the API ``name``."""
        about = concerns or Concerns()
        request_id = secrets.token_hex(16)
        fault = self._platform.faults.take(name, *about.members)
        if fault:
            self._platform.journal.rule(None, f"fault_{fault.kind}", request_id, api=name)
        started = time.monotonic()
        response = self._answer(name, work, request_id, fault, about.read)
        self._write_down(name, request_id, response, started, about)
        return response or cut_connection()

    def _answer(
        self, name: str, work: Work, request_id: str, fault: Fault | None, read: Callable[[Fault | None], bool] | None
    ) -> Response | None:
        """The answer; ``None`` where the connection is to be cut."""
        kind = fault.kind if fault else ""
        # Read before the lock is held: the peer may send as slowly as it likes.
        if read and not read(fault):
            return None
        if kind == "http_500":
            return Response("internal error", status=500, content_type="text/plain")
        if kind == "close_before":
            return None
        answer = self._call(name, work, request_id, fault)
        if kind == "close_after":
            return None
        response = answer if isinstance(answer, Response) else jsonify(answer)
        if read is None and fault and kind in DOWNLOAD_FAULTS:
            return spoiled(response, fault, self._platform.closing)
        return response

    def _call(self, name: str, work: Work, request_id: str, fault: Fault | None) -> dict[str, Any] | Response:
        platform = self._platform
        waits = {fault.kind: fault.seconds} if fault else {}
        if fault and fault.kind == "errcode":
            work = partial(_refuse, fault.errcode)
        try:
            with platform.calls.counted(name):
                platform.faults.hold(waits.get("hang", 0))
                with platform.api_lock:
                    answer = work(request_id)
                platform.faults.hold(waits.get("answer_late", 0))
                return answer
        except ApiError as error:
            platform.journal.rule(error.rule, "errcode", request_id, api=name, errcode=error.errcode)
            return error.to_json(request_id, request.remote_addr or "", platform.clock())

    def _write_down(
        self, name: str, request_id: str, response: Response | None, started: float, about: Concerns
    ) -> None:
        peer = {"peer": about.peer, "request_id": request_id} if about.entry is None else {}
        is_file = about.read is not None
        body = f"[{request.content_length} bytes]" if is_file else request.get_data().decode(errors="replace")
        self._platform.trace.add(
            "reply" if name == "response_url" else "api",
            name,
            about.entry,
            request=Request(
                method=request.method,
                url=request.full_path.rstrip("?"),
                headers={"Content-Type": request.content_type or ""},
                body=body,
            ),
            response=Answered(status=None, error="connection") if response is None else _shown(response),
            ms=round((time.monotonic() - started) * 1000, 1),
            **peer,
        )


def _shown(response: Response) -> Answered:
    if response.is_json:
        return Answered(status=response.status_code, body=response.get_data(as_text=True))
    return Answered(status=response.status_code, body=f"[{response.content_type}, {response.content_length} bytes]")


def _refuse(errcode: int, _request_id: str) -> NoReturn:
    raise ApiError(errcode, None)


def cut_connection() -> Response:
    """Close the connection under the server's feet; what is returned goes nowhere."""
    connection: socket.socket = request.environ["werkzeug.socket"]
    with contextlib.suppress(OSError):  # the caller may have gone first
        connection.shutdown(socket.SHUT_RDWR)
    return Response(status=500)
