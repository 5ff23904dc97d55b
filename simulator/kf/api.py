"""Customer service in qyapi: ``/cgi-bin/kf/…`` (§6)."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, request

from simulator.api_call import Api, Concerns
from simulator.errcodes import ApiError
from simulator.kf.kf import Kf
from simulator.platform import Platform
from simulator.sending import read_body

MAX_BODY_BYTES = 262_144
_NUMBER = re.compile(r"[0-9]{1,9}")

Call = Callable[[Mapping[str, Any], str], dict[str, Any]]


def add_kf_routes(blueprint: Blueprint, api: Api, platform: Platform, kf: Kf) -> None:
    """All calls; each wants the token of an app that may use customer service (48002)."""

    def answered(name: str, call: Call) -> Response:
        raw = request.get_data()

        def work(request_id: str) -> dict[str, Any]:
            if "kf" not in api.check_token():
                raise ApiError(48002, 14)
            if len(raw) > MAX_BODY_BYTES:
                raise ApiError(45002, None)
            body = read_body(raw, platform.rules) if raw else _query()
            with kf.lock:
                return call(body, request_id)

        return api.answer(name, work, Concerns(peer="kf", members=_customers(raw)))

    def add(name: str, call: Call, methods: tuple[str, ...] = ("POST",)) -> None:
        blueprint.add_url_rule(
            f"/cgi-bin/{name}", name.replace("/", "_"), lambda: answered(name, call), methods=list(methods)
        )

    add("kf/sync_msg", kf.pulls.answer)
    add("kf/send_msg", kf.sender.send)
    add("kf/send_msg_on_event", kf.sender.send_on_event)
    administration = kf.administration
    add("kf/service_state/get", administration.get_state)
    add("kf/service_state/trans", administration.move)
    add("kf/servicer/add", administration.add_servicers)
    add("kf/servicer/del", administration.delete_servicers)
    add("kf/servicer/list", administration.list_servicers, ("GET",))
    add("kf/account/add", administration.add_account)
    add("kf/account/del", administration.delete_account)
    add("kf/account/update", administration.update_account)
    add("kf/account/list", administration.list_accounts, ("GET", "POST"))
    add("kf/add_contact_way", administration.add_contact_way)
    add("kf/customer/batchget", administration.customers)


def _query() -> dict[str, Any]:
    """The parameters of a GET, numbers as such."""
    return {name: int(text) if _NUMBER.fullmatch(text) else text for name, text in request.args.items()}


def _customers(raw: bytes) -> tuple[str, ...]:
    """The customer that a call names; what is wrong with it is said elsewhere."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return ()
    named = (body.get("touser") or body.get("external_userid")) if isinstance(body, dict) else None
    return (named,) if isinstance(named, str) else ()
