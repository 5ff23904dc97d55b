"""The control API ``/_sim/…`` for tests and the page: write as a member, see what members see, let things go wrong.

All bodies and answers are JSON. A request that cannot be served is answered 4xx with ``{"error": "what is wrong"}``.

========================================= ============================================================================
``GET healthz``                           ``{"ok": true}`` once it serves
``GET config``                            the app, its members, the example questions
``GET messages?member=&after=&wait=``     ``{"run", "rev", "messages"}``: entries changed since revision ``after``,
                                          of all members or one; waits up to ``wait`` seconds (25) for the first.
                                          Another ``run`` than before: numbering began anew, start with ``after=0``
``POST messages``                         ``{"member", "content"}`` a text, ``{"member", "event", "event_key"}`` an
                                          event, ``{"member", "type", "fields"}`` anything; also ``create_time``,
                                          ``xml`` (``cdata`` or ``bare``). 202 and the entry
``POST members``                          ``{"userid", "name", "role"}`` joins the corp
``GET callbacks?after=``                  every try: status, milliseconds, attempt, error
``GET log?rule=&after=``                  every rule enforced, with the request id (rule 43)
``GET state``                             callback URL, callbacks waiting, counts by event
``GET``, ``POST``, ``DELETE faults``      see :mod:`simulator.faults`
``GET``, ``PATCH rules``                  see :mod:`simulator.rules`
``POST tokens/kill``                      ``{"how": "revoked"}`` (40014) or ``"expired"`` (42001)
``POST callback-url``                     verify ``{"url"}``, or the present one, and save it if it passes (rule 1)
``POST reset``                            forget everything but members and tokens
========================================= ============================================================================
"""

from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from simulator.envelope import BadXml, Style, Value, check_fields
from simulator.faults import BadFault, Fault
from simulator.guard import refusal
from simulator.platform import COMMON_FIELDS, Overloaded, Platform
from simulator.rules import BadRule
from simulator.settings import Member, SettingsError, url_problem

MAX_CONTENT_CHARACTERS = 20_000
MAX_WAIT_S = 25.0
_STYLES: tuple[Style, ...] = ("cdata", "bare")


class BadRequest(ValueError):
    """A control call that cannot be served; ``status`` is the HTTP status."""

    def __init__(self, error: str, status: int = 400) -> None:
        self.status = status
        super().__init__(error)


def create_control(platform: Platform) -> Blueprint:
    """The routes below ``/_sim``."""
    blueprint = Blueprint("control", __name__, url_prefix="/_sim")
    _add_guard(blueprint, platform)
    _add_chat_routes(blueprint, platform)
    _add_record_routes(blueprint, platform)
    _add_steering_routes(blueprint, platform)
    return blueprint


def _add_guard(blueprint: Blueprint, platform: Platform) -> None:
    @blueprint.before_request
    def guard() -> tuple[Response, int] | None:
        refused = refusal(request, platform.settings.allowed_hosts)
        return (jsonify(error=refused[0]), refused[1]) if refused else None

    @blueprint.errorhandler(BadRequest)
    def bad_request(error: BadRequest) -> tuple[Response, int]:
        return jsonify(error=str(error)), error.status

    @blueprint.errorhandler(BadFault)
    @blueprint.errorhandler(BadRule)
    @blueprint.errorhandler(BadXml)
    @blueprint.errorhandler(SettingsError)
    def bad_value(error: ValueError) -> tuple[Response, int]:
        return jsonify(error=str(error)), 400

    @blueprint.errorhandler(Overloaded)
    def overloaded(_error: Overloaded) -> tuple[Response, int]:
        return jsonify(error="too many callbacks or members wait already"), 503

    @blueprint.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> tuple[Response, int]:
        return jsonify(error=error.name), error.code or 500


def _add_chat_routes(blueprint: Blueprint, platform: Platform) -> None:
    @blueprint.get("/config")
    def config() -> Response:
        settings = platform.settings
        return jsonify(
            run=platform.chats.run,
            app={"name": settings.app_name, "corp_id": settings.corp_id, "agent_id": settings.agent_id},
            members=[_member_json(member) for member in list(platform.members.values())],
            examples=list(settings.examples),
        )

    @blueprint.get("/messages")
    def messages() -> Response:
        run = platform.chats.run
        wait_s = min(_query_number("wait", 0.0), MAX_WAIT_S)
        after = int(_query_number("after", 0))
        rev, found = platform.chats.news(member=request.args.get("member", ""), after=after, wait_s=wait_s)
        return jsonify(run=run, rev=rev, messages=found)

    @blueprint.post("/messages")
    def post_message() -> tuple[Response, int]:
        body = _body("member", "type", "content", "event", "event_key", "fields", "create_time", "xml")
        member = _text(body, "member")
        if member not in platform.members:
            raise BadRequest("member must be one of the corp's members", 404)
        style = body.get("xml")
        if style not in (None, *_STYLES):
            raise BadRequest("xml must be cdata or bare")
        create_time = body.get("create_time")
        if create_time is not None and (isinstance(create_time, bool) or not isinstance(create_time, int)):
            raise BadRequest("create_time must be an integer, seconds since the epoch")
        kind, fields = _kind_and_fields(body)
        entry = platform.post(member=member, type=kind, fields=fields, create_time=create_time, style=style)
        return jsonify(entry.to_json()), 202

    @blueprint.post("/members")
    def add_member() -> tuple[Response, int]:
        body = _body("userid", "name", "role")
        userid, name, role = (_text(body, field) for field in ("userid", "name", "role"))
        member = Member.checked(userid, name or userid, role)
        platform.add_member(member)
        return jsonify(_member_json(member)), 201


def _add_record_routes(blueprint: Blueprint, platform: Platform) -> None:
    @blueprint.get("/healthz")
    def healthz() -> Response:
        return jsonify(ok=True)

    @blueprint.get("/state")
    def state() -> Response:
        return jsonify(
            run=platform.chats.run,
            callback_url=platform.deliveries.callback_url,
            waiting=platform.deliveries.waiting,
            counts=platform.journal.counts(),
        )

    @blueprint.get("/log")
    def log() -> Response:
        records = platform.journal.records("log", int(_query_number("after", 0)))
        if "rule" in request.args:
            rule = int(_query_number("rule", 0))
            records = [record for record in records if record["rule"] == rule]
        return jsonify(log=records)

    @blueprint.get("/callbacks")
    def callbacks() -> Response:
        return jsonify(callbacks=platform.journal.records("callbacks", int(_query_number("after", 0))))


def _add_steering_routes(blueprint: Blueprint, platform: Platform) -> None:
    @blueprint.get("/faults")
    def faults() -> Response:
        return jsonify(faults=platform.faults.pending())

    @blueprint.post("/faults")
    def add_fault() -> tuple[Response, int]:
        platform.faults.add(Fault.parse(_body("on", "kind", "times", "errcode", "seconds", "member")))
        return jsonify(faults=platform.faults.pending()), 201

    @blueprint.delete("/faults")
    def clear_faults() -> Response:
        platform.faults.clear()
        platform.deliveries.release()
        return jsonify(faults=[])

    @blueprint.get("/rules")
    def rules() -> Response:
        return jsonify(platform.rules.to_json())

    @blueprint.patch("/rules")
    def change_rules() -> Response:
        platform.rules.update(_body())
        return jsonify(platform.rules.to_json())

    @blueprint.post("/tokens/kill")
    def kill_tokens() -> Response:
        how = _body("how").get("how", "revoked")
        if how not in ("revoked", "expired"):
            raise BadRequest("how must be revoked or expired")
        return jsonify(killed=platform.kill_tokens(expire=how == "expired"))

    @blueprint.post("/callback-url")
    def callback_url() -> Response:
        url = _text(_body("url"), "url") or platform.deliveries.callback_url
        problem = url_problem(url)
        if problem:
            raise BadRequest(problem)
        return jsonify(platform.save_callback_url(url).to_json())

    @blueprint.post("/reset")
    def reset() -> Response:
        platform.reset()
        return jsonify(run=platform.chats.run)


def _body(*known: str) -> dict[str, Any]:
    """The request's JSON object; with ``known``, no other names are in it. An empty body is an empty object."""
    body = request.get_json(silent=True) if request.get_data() else {}
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    unknown = [name for name in body if known and name not in known]
    if unknown:
        raise BadRequest(f"unknown: {', '.join(unknown)}; known: {', '.join(known)}")
    return body


def _kind_and_fields(body: dict[str, Any]) -> tuple[str, dict[str, Value]]:
    """MsgType and fields; ``content`` is short for ``fields.Content``, ``event`` and ``event_key`` for an event's."""
    kind = _text(body, "type") or ("event" if "event" in body else "text")
    shorthand = {"Content": "content", "Event": "event", "EventKey": "event_key"}
    fields: dict[str, Any] = {field: _text(body, name) for field, name in shorthand.items() if name in body}
    if kind == "event":
        fields.setdefault("EventKey", "")
    fields.update(check_fields(body.get("fields", {})))
    check_fields({"MsgType": kind, **fields})
    if any(name in COMMON_FIELDS for name in fields):
        raise BadRequest(f"the platform fills in {', '.join(COMMON_FIELDS)} itself")
    if kind == "text" and not fields.get("Content"):
        raise BadRequest("content is missing")
    if kind == "event" and not fields.get("Event"):
        raise BadRequest("event is missing")
    if len(str(fields)) > MAX_CONTENT_CHARACTERS:
        raise BadRequest(f"more than {MAX_CONTENT_CHARACTERS} characters")
    return kind, fields


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str):
        raise BadRequest(f"{name} must be text")
    return value


def _query_number(name: str, default: float) -> float:
    text = request.args.get(name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError as error:
        raise BadRequest(f"{name} must be a number") from error
    if not 0 <= value <= 1e15:
        raise BadRequest(f"{name} must be from 0 to 1e15")
    return value


def _member_json(member: Member) -> dict[str, str]:
    return {"userid": member.userid, "name": member.name, "role": member.role}
