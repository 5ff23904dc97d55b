"""qyapi as the peers see it: tokens, sending, cards, recall, and active replies.

Media are in :mod:`media_api`, customer service in :mod:`kf.api`, robots and the app's groups in :mod:`group_api`.
"""

import json
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request

from simulator.api_call import Api, Concerns
from simulator.errcodes import ApiError
from simulator.group_api import add_appchat_routes, add_webhook_routes
from simulator.kf.api import add_kf_routes
from simulator.media_api import add_media_routes
from simulator.platform import Platform
from simulator.sending import read_body

MAX_BODY_BYTES = 262_144


def create_api(platform: Platform) -> Blueprint:
    """The routes below ``/cgi-bin``, and ``/media`` where links to media lead."""
    blueprint = Blueprint("qyapi", __name__)
    api = Api(platform)
    _add_token_routes(blueprint, api, platform)
    _add_message_routes(blueprint, api, platform)
    _add_bot_routes(blueprint, api, platform)
    add_media_routes(blueprint, api, platform)
    add_webhook_routes(blueprint, api, platform)
    if platform.app:
        add_appchat_routes(blueprint, api, platform)
    if platform.kf:
        add_kf_routes(blueprint, api, platform, platform.kf)
    return blueprint


def _add_token_routes(blueprint: Blueprint, api: Api, platform: Platform) -> None:
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


def _add_message_routes(blueprint: Blueprint, api: Api, platform: Platform) -> None:
    def called(name: str, work: Callable[[bytes, str], dict[str, Any]]) -> Response:
        raw = request.get_data()

        def checked(request_id: str) -> dict[str, Any]:
            if "app" not in api.check_token():
                raise ApiError(301002, 14)
            if len(raw) > MAX_BODY_BYTES:
                raise ApiError(45002, None)
            return work(raw, request_id)

        return api.answer(name, checked, Concerns(members=_recipients(raw)))

    @blueprint.post("/cgi-bin/message/send")
    def send() -> Response:
        return called("message/send", platform.sender.send)

    @blueprint.post("/cgi-bin/message/update_template_card")
    def update_template_card() -> Response:
        def work(raw: bytes, _request_id: str) -> dict[str, Any]:
            body = read_body(raw, platform.rules)
            platform.sender.check_agent(body)
            return platform.app_cards.update(body)

        return called("message/update_template_card", work)

    @blueprint.post("/cgi-bin/message/recall")
    def recall() -> Response:
        def work(raw: bytes, request_id: str) -> dict[str, Any]:
            answer = platform.sent.recall(read_body(raw, platform.rules))
            platform.journal.rule(22, "message_recalled", request_id)
            return answer

        return called("message/recall", work)


def _add_bot_routes(blueprint: Blueprint, api: Api, platform: Platform) -> None:
    @blueprint.post("/cgi-bin/aibot/response")
    def response_url() -> Response:
        raw = request.get_data()
        code = request.args.get("response_code", "")
        entry = platform.bot.response_urls.entry(code) if platform.bot else None

        def work(request_id: str) -> dict[str, Any]:
            if platform.bot is None:
                raise ApiError(platform.rules.response_url_errcode, 30)
            return platform.bot.response_urls.reply(code, raw, request_id)

        concerns = Concerns(members=(entry.member,) if entry else (), entry=entry)
        return api.answer("response_url", work, concerns)


def _recipients(raw: bytes) -> tuple[str, ...]:
    """Whom a call names; what is wrong with it is said elsewhere."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return ()
    named = body.get("touser") or body.get("userids") if isinstance(body, dict) else None
    if isinstance(named, str):
        return tuple(named.split("|"))
    return tuple(map(str, named)) if isinstance(named, list) else ()
