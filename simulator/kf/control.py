"""The control API of customer service, ``/_sim/kf/…``: be a WeChat customer, be a servicer, see both sides.

Its conventions are those of :mod:`simulator.control`; without customer service all of it is 404. ``customer`` is an
external_userid, ``servicer`` a member's userid; ``open_kfid`` left out is the first account.

================================ =====================================================================================
``GET kf/config``                ``{"run", "accounts": [{"open_kfid", "name", "avatar", "manage_privilege", "servicers":
                                 [{"userid", "name", "status", "stop_type"?}]}], "customers": [{"external_userid",
                                 "nickname", "avatar", "gender", "unionid"?, "refuses"}], "examples"}``
``GET kf/messages?after=&wait=`` entries as ``GET messages`` gives them; ``customer=`` and ``open_kfid=`` restrict them
``GET kf/sessions``              ``{"sessions": [{"open_kfid", "customer", "state", "servicer", "left", "wrote_at",
                                 "context"}]}``: state 0 to 4 (§6.7), and how many messages may still be sent
``POST kf/customers``            ``{"customer"?, "nickname"?, "unionid"?}``: somebody new, or a change. 201
``POST kf/enter``                ``{"customer", "open_kfid"?, "scene"?, "scene_param"?,
                                 "wechat_channels"?}`` or, by a link of ``add_contact_way``, ``"enc_scene"``: the event
                                 ``enter_session``. 202 and its entry
``POST kf/messages``             ``{"customer", "open_kfid"?, …}``: the customer writes; with ``"servicer"`` that one
                                 does. ``content``; ``"type": "image" | "voice" | "video" | "file"`` with ``upload``
                                 (and ``silk``, the same voice for ``voice_format`` 1); any other ``type`` with
                                 ``fields``; or ``target`` and ``menu_id``: an item of a menu is pressed. 202
``POST kf/recall``               ``{"target", "servicer"?}``: the customer, or the servicer who wrote it, takes it back
``POST kf/refuse``               ``{"customer", "on"}``: the customer takes no messages; each fails later (10)
``POST kf/session``              ``{"customer", "open_kfid"?, "servicer", "act", "to"?}``: by hand ``take`` from the
                                 pool, ``transfer``, ``end``, ``reopen``
``POST kf/servicers``            ``{"open_kfid"?, "servicer", "status": "serving" | "stopped" | "away"}``
``POST kf/reject``               ``{"customer", "open_kfid"?, "servicer", "on"}``: the servicer takes no messages of the
                                 customer. Only the event: what becomes of the messages is not documented †
``POST kf/manage``               ``{"open_kfid"?, "on"}``: whether the API may use the account (95017)
``POST kf/bell``                 ``{"open_kfid"?}``: the bell rings though there is nothing new
================================ =====================================================================================

**An entry**: ``peer`` is ``kf``, ``chat`` the open_kfid, ``member`` the customer; ``via`` is ``member`` (the customer),
``servicer``, ``send`` (``send_msg``), ``event`` (``send_msg_on_event``) or ``system``: a line in the chat whose
``content`` is an event's name, or ``session_moved`` by the API. ``fields``: ``servicer_userid``, ``menu_id``, a menu's
``head_content``, ``list`` and ``tail_content``; ``fail_type`` of a message that never reached the customer.
``delivery`` is ``delivered`` once ``sync_msg`` has given it out.
"""

import secrets
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, request

from simulator.control_input import BadRequest, entry_of, object_in, query_number, read_body, text_in, upload_in
from simulator.entries import Entry
from simulator.kf.customers import Written, has_come
from simulator.kf.kf import Kf
from simulator.kf.people import Account, Customer
from simulator.kf.servicers import ACTS, STATUSES
from simulator.kf.sessions import Place, Session
from simulator.platform import Platform
from simulator.settings import KfCustomer

MAX_CONTENT_CHARACTERS = 20_000
MAX_WAIT_S = 25.0
MAX_CUSTOMERS = 5000


def add_kf_control_routes(blueprint: Blueprint, platform: Platform, kf: Kf) -> None:
    """All routes below ``kf/``."""
    _add_seen_routes(blueprint, platform, kf)
    _add_customer_routes(blueprint, kf)
    _add_message_routes(blueprint, platform, kf)
    _add_servicer_routes(blueprint, kf)
    _add_account_routes(blueprint, kf)


def _add_seen_routes(blueprint: Blueprint, platform: Platform, kf: Kf) -> None:
    @blueprint.get("/kf/config")
    def kf_config() -> Response:
        names = {userid: member.name for userid, member in list(platform.corp.members.items())}
        with kf.lock:
            return jsonify(
                run=kf.chats.run,
                accounts=[_account_json(account, names) for account in kf.people.accounts.values()],
                customers=[_customer_json(customer) for customer in kf.people.customers.values()],
                examples=list(platform.settings.examples),
            )

    @blueprint.get("/kf/messages")
    def kf_messages() -> Response:
        run = kf.chats.run
        wait_s = min(query_number("wait", 0.0), MAX_WAIT_S)
        after = int(query_number("after", 0))
        customer, account = request.args.get("customer"), request.args.get("open_kfid")

        def wanted(entry: Entry) -> bool:
            return customer in (None, entry.member) and account in (None, entry.chat)

        rev, found = kf.chats.news(wanted=wanted, after=after, wait_s=wait_s)
        return jsonify(run=run, rev=rev, messages=found)

    @blueprint.get("/kf/sessions")
    def kf_sessions() -> Response:
        with kf.lock:
            return jsonify(sessions=[_session_json(session, kf) for session in kf.sessions.all() if has_come(session)])


def _add_customer_routes(blueprint: Blueprint, kf: Kf) -> None:
    @blueprint.post("/kf/customers")
    def kf_add_customer() -> tuple[Response, int]:
        body = read_body("customer", "nickname", "unionid")
        new = KfCustomer.checked(
            text_in(body, "customer") or f"wm{secrets.token_urlsafe(22)}",
            text_in(body, "nickname") or "微信用户",
            text_in(body, "unionid"),
        )
        with kf.lock:
            if len(kf.people.customers) >= MAX_CUSTOMERS:
                raise BadRequest("too many customers already", 503)
            return jsonify(_customer_json(kf.people.add_customer(new))), 201

    @blueprint.post("/kf/refuse")
    def kf_refuse() -> Response:
        body = read_body("customer", "on")
        with kf.lock:
            customer = kf.people.customers[_customer(body, kf)]
            customer.refuses = _switch(body)
            return jsonify(_customer_json(customer))

    @blueprint.post("/kf/enter")
    def kf_enter() -> tuple[Response, int]:
        body = read_body("customer", "open_kfid", "scene", "scene_param", "enc_scene", "wechat_channels")
        with kf.lock:
            link = kf.administration.scene_of(text_in(body, "enc_scene")) if "enc_scene" in body else None
            if "enc_scene" in body and link is None:
                raise BadRequest("enc_scene is no link's", 404)
            account = {"open_kfid": link[0]} if link else {}
            place = _place({**body, **account}, kf)
            entry = kf.customers.enter(
                place,
                scene=link[1] if link else text_in(body, "scene"),
                scene_param=text_in(body, "scene_param"),
                channels=object_in(body, "wechat_channels"),
            )
            return jsonify(entry.to_json()), 202


def _add_message_routes(blueprint: Blueprint, platform: Platform, kf: Kf) -> None:
    @blueprint.post("/kf/messages")
    def kf_post_message() -> tuple[Response, int]:
        names = ("type", "content", "upload", "silk", "fields", "menu_id", "target")
        body = read_body("customer", "open_kfid", "servicer", *names)
        upload, silk = (upload_in(body, platform, name) for name in ("upload", "silk"))
        written = Written(
            type=text_in(body, "type") or "text",
            content=text_in(body, "content"),
            upload=upload,
            silk=silk,
            fields=object_in(body, "fields"),
            menu_id=text_in(body, "menu_id"),
        )
        if written.type == "text" and not written.content and "target" not in body:
            raise BadRequest("content is missing")
        if len(written.content) + len(str(written.fields)) > MAX_CONTENT_CHARACTERS:
            raise BadRequest(f"more than {MAX_CONTENT_CHARACTERS} characters")
        with kf.lock:
            place = _place(body, kf)
            if "servicer" in body:
                entry = kf.servicers.write(place, text_in(body, "servicer"), written)
            elif "target" in body:
                entry = kf.customers.choose(place, entry_of(body, "target", kf.chats), written.menu_id)
            else:
                entry = kf.customers.write(place, written)
            return jsonify(entry.to_json()), 202

    @blueprint.post("/kf/recall")
    def kf_recall() -> tuple[Response, int]:
        body = read_body("target", "servicer")
        with kf.lock:
            target = entry_of(body, "target", kf.chats)
            if target.via == "servicer":
                entry = kf.servicers.recall(target, text_in(body, "servicer"))
            elif target.via == "member":
                entry = kf.customers.recall(target)
            else:
                raise BadRequest("target must be a customer's or a servicer's message")
            return jsonify(entry.to_json()), 202


def _add_servicer_routes(blueprint: Blueprint, kf: Kf) -> None:
    @blueprint.post("/kf/servicers")
    def kf_servicer_status() -> tuple[Response, int]:
        body = read_body("open_kfid", "servicer", "status")
        status = STATUSES.get(text_in(body, "status"))
        if status is None:
            raise BadRequest(f"status must be one of {', '.join(STATUSES)}")
        with kf.lock:
            account = _account(body, kf)
            entry = kf.servicers.set_status(account.open_kfid, text_in(body, "servicer"), status)
            return jsonify(entry.to_json()), 202

    @blueprint.post("/kf/session")
    def kf_session() -> tuple[Response, int]:
        body = read_body("customer", "open_kfid", "servicer", "act", "to")
        act = ACTS.get(text_in(body, "act"))
        if act is None:
            raise BadRequest(f"act must be one of {', '.join(ACTS)}")
        with kf.lock:
            entry = kf.servicers.act(_place(body, kf), text_in(body, "servicer"), act, text_in(body, "to"))
            return jsonify(entry.to_json()), 202

    @blueprint.post("/kf/reject")
    def kf_reject() -> tuple[Response, int]:
        body = read_body("customer", "open_kfid", "servicer", "on")
        with kf.lock:
            entry = kf.servicers.reject(_place(body, kf), text_in(body, "servicer"), is_on=_switch(body))
            return jsonify(entry.to_json()), 202


def _add_account_routes(blueprint: Blueprint, kf: Kf) -> None:
    @blueprint.post("/kf/manage")
    def kf_manage() -> Response:
        body = read_body("open_kfid", "on")
        with kf.lock:
            account = _account(body, kf)
            account.is_managed = _switch(body)
            return jsonify(account.to_json())

    @blueprint.post("/kf/bell")
    def kf_bell() -> tuple[Response, int]:
        body = read_body("open_kfid")
        with kf.lock:
            kf.bells.ring(_account(body, kf).open_kfid, "")
            return jsonify(rung=True), 202


def _place(body: dict[str, Any], kf: Kf) -> Place:
    return Place(_account(body, kf).open_kfid, _customer(body, kf))


def _account(body: dict[str, Any], kf: Kf) -> Account:
    """The account that is named; where none is, the first."""
    named = text_in(body, "open_kfid") or next(iter(kf.people.accounts), "")
    if named not in kf.people.accounts:
        raise BadRequest("open_kfid must be one of the accounts", 404)
    return kf.people.accounts[named]


def _customer(body: dict[str, Any], kf: Kf) -> str:
    named = text_in(body, "customer")
    if named not in kf.people.customers:
        raise BadRequest("customer must be one of the customers", 404)
    return named


def _switch(body: dict[str, Any]) -> bool:
    on = body.get("on")
    if not isinstance(on, bool):
        raise BadRequest("on must be true or false")
    return on


def _account_json(account: Account, names: Mapping[str, str]) -> dict[str, Any]:
    servicers = [
        {**servicer.to_json(), "name": names.get(servicer.userid, servicer.userid)}
        for servicer in account.servicers.values()
    ]
    return {**account.to_json(), "servicers": servicers}


def _customer_json(customer: Customer) -> dict[str, Any]:
    return {**customer.to_json(), "refuses": customer.refuses}


def _session_json(session: Session, kf: Kf) -> dict[str, Any]:
    return {
        "open_kfid": session.open_kfid,
        "customer": session.external_userid,
        "state": int(session.state),
        "servicer": session.servicer,
        "left": kf.sessions.left(session),
        "wrote_at": session.wrote_at,
        "context": session.context,
    }
