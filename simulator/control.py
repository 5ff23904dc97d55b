"""The control API ``/_sim/…`` for tests and the page: write as a member, see what members see, let things go wrong.

All bodies and answers are JSON. A request that cannot be served is answered 4xx with ``{"error": "what is wrong"}``.
A *peer* is an account that members write to: ``app`` (self-built app) or ``bot`` (AI bot), each there if configured.
WeChat customer service, ``/_sim/kf/…``, is described in :mod:`simulator.kf.control`.

========================================= ============================================================================
``GET healthz``                           ``{"ok": true}`` once it serves
``GET config``                            ``{"run", "app"?, "corp": {"id"}, "peers": [{"id", "kind", "name"}], "has_kf",
                                          "members": [{"userid", "name", "role"}], "groups": [{"chatid", "name",
                                          "members": [userid]}], "examples", "rules": [{"number", "text"}]}``
``GET chats?member=``                     ``[{"chat", "peer", "name", "kind": "group" or "single", "last": entry or
                                          null}]``: the conversations of one member
``GET messages?member=&after=&wait=``     ``{"run", "rev", "messages": [entry]}``: entries changed since revision
                                          ``after`` that the member sees (left out: all); ``peer=`` and ``chat=``
                                          (empty: single) restrict them; waits up to ``wait`` s (25) for the first.
                                          Another ``run`` than before: numbering began anew, start with ``after=0``
``POST messages``                         a member writes or does something, see below. 202 and the entry
``POST members``                          ``{"userid", "name", "role"}`` joins the corp
``POST groups``                           ``{"chatid"?, "name", "members": [userid]}``: a new group, or a change of one
``POST uploads?name=``                    a picture or file, raw or as multipart part ``file``, at most 20 MB, at least
                                          1 byte. 201 and ``{"id", "name", "content_type", "size"}``
``GET uploads/ID``                        its bytes: pictures inline, anything else as an attachment
``GET trace?after=&wait=``                ``{"run", "rev", "events": [event]}``: what goes over the wire, see below
``GET callbacks?after=``                  every try: status, milliseconds, attempt, error
``GET log?rule=&after=``                  every rule enforced, with the request id (rule 43)
``GET state``                             callback URLs, callbacks waiting, counts by event
``GET``, ``POST``, ``DELETE faults``      see :mod:`simulator.faults`
``GET``, ``PATCH rules``                  see :mod:`simulator.rules`
``POST tokens/kill``                      ``{"how": "revoked"}`` (40014) or ``"expired"`` (42001)
``POST callback-url``                     verify ``{"url", "peer"?}``, or the present one; save it if it passes (rule 1)
``POST robots``                           ``{"key", "disabled": true | false}``: a robot is stopped, or speaks again
``POST reset``                            forget everything but members, groups and tokens
========================================= ============================================================================

**POST messages**: ``{"member", …}`` with ``"peer"`` (``app`` if there is one, else ``bot``) or ``"chat"``, the chatid
of a group the member is in, where the peer is always the bot. ``"quote"``: the id of an entry of the same chat.

- ``"content"``: a text. In a group the bot hears only what mentions it: ``@`` + its name + a space (rule 26).
- ``"type": "image" | "file" | "video"`` with ``"upload": ID``; ``"mixed"`` (bot only) with ``content`` and ``upload``;
  ``"voice"`` with ``content``, what the bot reads instead of hearing, and for the app with ``upload``. The app's other
  kinds: ``{"type", "fields"}``.
- a card of the app or the bot is used: ``"event": "template_card_event"`` with ``"target"`` (the card's entry id),
  ``"event_key"`` and ``"selected": {question_key: [option id]}``; 400 for what the card does not offer that member. A
  menu item of the app's card is ``template_card_menu_event``. The app's callback carries a new response code.
- other events to the app: ``{"event", "event_key", "fields"}``; fields may be nested, a list is a repeated element.
  Without ``fields`` an event of :mod:`simulator.app_events` has those of the documentation's example; some of them come
  from ``sys``.
- other events to the bot: ``enter_chat``; ``feedback_event`` with ``"target"`` and ``"feedback": {"type": 1 | 2 | 3,
  "content"?, "inaccurate_reason_list"?}``; or any other name with ``"fields"`` (rule 12). A second ``enter_chat`` of
  the day is not sent: 200 and ``{"skipped": "enter_chat", "rule": 31}``.
- the app's ``"create_time"`` and ``"xml"`` (``cdata`` or ``bare``).

**An entry**: ``id``, ``rev``, ``at`` (s); ``peer``; ``chat`` (empty: single chat with ``peer``); ``member``: who wrote
it or, for the others, whom it answers; ``via``: ``member``, ``send`` (message/send), ``passive`` (in a callback's
answer), ``stream``, ``response_url``, ``webhook`` and ``appchat`` (a group robot, and the app in a group of its own:
``fields.author`` is the name); ``type``, ``content`` (streams and active replies: type ``markdown``; cards and news:
their words), ``fields`` (a ``template_card`` is its card as it stands now: ``replace_text`` is a dead button,
``updates`` are cards by userid that only those members see; ``news`` have ``articles``; ``images`` of a finished stream
are upload ids); ``upload``: ``null`` or ``{"id", "name", "content_type", "size"}``; ``quote``: ``null`` or ``{"id",
"name", "type", "content"}``; ``stream``: ``null`` or ``{"id", "finished", "polls", "expired"}``; ``feedback``: the id
that a rating carries, empty if it cannot be rated; ``cut``; ``recalled`` (nothing of it is left); ``msg_id``;
``request_id``; ``delivery``: ``null`` (nobody is called back) or ``{"state", "attempts", "status", "ms", "error"}``
with the states ``queued``, ``held``, ``delivering``, ``delivered``, ``failed``, ``dropped``, ``refused``. Entries
change in place.

**A trace event**: ``{"n", "rev", "at", "kind", "peer", "chat", "member", "title", "request", "decrypted", "response",
"ms", "rule", "details", "entry", "request_id", "count"}``; ``n`` numbers it, ``kind`` is ``callback`` (the peer is
called; ``count`` is the try), ``poll`` (refreshes of one stream: one event that changes in place and whose ``count``
grows), ``api`` (the peer calls qyapi), ``reply`` (the peer posts to a response_url) or ``rule`` (a rule enforced:
``title`` is its event, ``rule`` its number or ``null``). ``request`` is ``{"method", "url", "headers", "body"}``,
``response`` ``{"status", "body", "decrypted", "error"}``; both, ``decrypted`` (text), ``ms`` and ``entry`` may be
``null``. Bodies are cut at 16 KB with a note; access tokens and secrets are blanked.
"""

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from simulator.control_chats import MAX_WAIT_S, add_chat_routes, add_people_routes, add_upload_routes
from simulator.control_input import BadRequest, query_number, read_body, text_in
from simulator.entries import PeerId
from simulator.envelope import BadXml
from simulator.faults import BadFault, Fault
from simulator.guard import refusal
from simulator.kf.control import add_kf_control_routes
from simulator.platform import Platform
from simulator.posting import Overloaded, Unpostable
from simulator.rules import BadRule
from simulator.settings import SettingsError, url_problem


def create_control(platform: Platform) -> Blueprint:
    """The routes below ``/_sim``."""
    blueprint = Blueprint("control", __name__, url_prefix="/_sim")
    _add_guard(blueprint, platform)
    add_chat_routes(blueprint, platform)
    add_people_routes(blueprint, platform)
    add_upload_routes(blueprint, platform)
    if platform.kf:
        add_kf_control_routes(blueprint, platform, platform.kf)
    _add_record_routes(blueprint, platform)
    _add_fault_routes(blueprint, platform)
    _add_steering_routes(blueprint, platform)
    return blueprint


def _add_guard(blueprint: Blueprint, platform: Platform) -> None:
    @blueprint.before_request
    def guard() -> tuple[Response, int] | None:
        is_upload = request.endpoint == f"{blueprint.name}.add_upload"
        refused = refusal(request, platform.settings.allowed_hosts, any_type=is_upload)
        return (jsonify(error=refused[0]), refused[1]) if refused else None

    @blueprint.errorhandler(BadRequest)
    def bad_request(error: BadRequest) -> tuple[Response, int]:
        return jsonify(error=str(error)), error.status

    @blueprint.errorhandler(BadFault)
    @blueprint.errorhandler(BadRule)
    @blueprint.errorhandler(BadXml)
    @blueprint.errorhandler(SettingsError)
    @blueprint.errorhandler(Unpostable)
    def bad_value(error: ValueError) -> tuple[Response, int]:
        return jsonify(error=str(error)), 400

    @blueprint.errorhandler(Overloaded)
    def overloaded(_error: Overloaded) -> tuple[Response, int]:
        return jsonify(error="too many callbacks, members or groups already"), 503

    @blueprint.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> tuple[Response, int]:
        return jsonify(error=error.name), error.code or 500


def _add_record_routes(blueprint: Blueprint, platform: Platform) -> None:
    @blueprint.get("/healthz")
    def healthz() -> Response:
        return jsonify(ok=True)

    @blueprint.get("/state")
    def state() -> Response:
        peers = {
            name: {"callback_url": peer.deliveries.callback_url, "waiting": peer.waiting}
            for name, peer in platform.receivers.items()
        }
        return jsonify(
            run=platform.chats.run,
            callback_url=peers[platform.default_peer()]["callback_url"],
            waiting=platform.waiting,
            peers=peers,
            counts=platform.journal.counts(),
        )

    @blueprint.get("/log")
    def log() -> Response:
        records = platform.journal.records("log", int(query_number("after", 0)))
        if "rule" in request.args:
            rule = int(query_number("rule", 0))
            records = [record for record in records if record["rule"] == rule]
        return jsonify(log=records)

    @blueprint.get("/callbacks")
    def callbacks() -> Response:
        return jsonify(callbacks=platform.journal.records("callbacks", int(query_number("after", 0))))

    @blueprint.get("/trace")
    def trace() -> Response:
        run = platform.trace.run
        wait_s = min(query_number("wait", 0.0), MAX_WAIT_S)
        rev, events = platform.trace.news(after=int(query_number("after", 0)), wait_s=wait_s)
        return jsonify(run=run, rev=rev, events=events)


def _add_fault_routes(blueprint: Blueprint, platform: Platform) -> None:
    @blueprint.get("/faults")
    def faults() -> Response:
        return jsonify(faults=platform.faults.pending())

    @blueprint.post("/faults")
    def add_fault() -> tuple[Response, int]:
        platform.faults.add(Fault.parse(read_body("on", "kind", "times", "errcode", "seconds", "member", "fail_type")))
        return jsonify(faults=platform.faults.pending()), 201

    @blueprint.delete("/faults")
    def clear_faults() -> Response:
        platform.clear_faults()
        return jsonify(faults=[])


def _add_steering_routes(blueprint: Blueprint, platform: Platform) -> None:
    @blueprint.get("/rules")
    def rules() -> Response:
        return jsonify(platform.rules.to_json())

    @blueprint.patch("/rules")
    def change_rules() -> Response:
        platform.rules.update(read_body())
        return jsonify(platform.rules.to_json())

    @blueprint.post("/tokens/kill")
    def kill_tokens() -> Response:
        how = read_body("how").get("how", "revoked")
        if how not in ("revoked", "expired"):
            raise BadRequest("how must be revoked or expired")
        return jsonify(killed=platform.kill_tokens(expire=how == "expired"))

    @blueprint.post("/callback-url")
    def callback_url() -> Response:
        body = read_body("url", "peer")
        named = text_in(body, "peer") or platform.default_peer()
        peers: dict[str, PeerId] = {name: name for name in platform.receivers}
        if named not in peers:
            raise BadRequest(f"peer must be one of {', '.join(peers)}")
        url = text_in(body, "url") or platform.receivers[peers[named]].deliveries.callback_url
        problem = url_problem(url)
        if problem:
            raise BadRequest(problem)
        return jsonify(platform.save_callback_url(url, peers[named]).to_json())

    @blueprint.post("/robots")
    def robots() -> Response:
        body = read_body("key", "disabled")
        key = text_in(body, "key")
        if not platform.robots.has(key):
            raise BadRequest("no such robot", 404)
        with platform.api_lock:
            (platform.robots.disabled.add if body.get("disabled") is True else platform.robots.disabled.discard)(key)
        return jsonify(disabled=key in platform.robots.disabled)

    @blueprint.post("/reset")
    def reset() -> Response:
        platform.reset()
        return jsonify(run=platform.chats.run)
