"""The part of qyapi that speaks in groups: the webhook of a robot (§3), and the groups that the app made (§2.12)."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, request

from simulator.api_call import Api, Concerns
from simulator.downloads import read_form
from simulator.errcodes import ApiError
from simulator.platform import Platform
from simulator.sending import read_body

_MOST_BODY_BYTES = 4 * 1024 * 1024
"""A picture travels in the body, a third longer than it is."""
_MOST_FILE_BYTES = 32 * 1024 * 1024


def add_webhook_routes(blueprint: Blueprint, api: Api, platform: Platform) -> None:
    """``webhook/send`` and ``webhook/upload_media``: no token, the key is the secret."""

    @blueprint.post("/cgi-bin/webhook/send")
    def webhook_send() -> Response:
        request.max_content_length = _MOST_BODY_BYTES
        raw, key = request.get_data(), request.args.get("key", "")

        def work(request_id: str) -> dict[str, Any]:
            return platform.robots.send(key, raw, request_id)

        return api.answer("webhook/send", work, Concerns(peer="bot"))

    @blueprint.post("/cgi-bin/webhook/upload_media")
    def webhook_upload() -> Response:
        request.max_content_length = _MOST_FILE_BYTES

        def work(_request_id: str) -> dict[str, Any]:
            part = request.files.get("media")
            data = b""
            if part is not None:
                part.stream.seek(0)
                data = part.stream.read()
            key, named = request.args.get("key", ""), request.args.get("type", "")
            return platform.robots.upload(key, named, (part.filename or "") if part else "", data)

        reading = Concerns(peer="bot", read=lambda fault: read_form(fault, platform.closing))
        return api.answer("webhook/upload_media", work, reading)


def add_appchat_routes(blueprint: Blueprint, api: Api, platform: Platform) -> None:
    """``appchat/create``, ``update``, ``get`` and ``send``; each wants the app's token."""

    def answered(name: str, call: Callable[[Mapping[str, Any], str], dict[str, Any]]) -> Response:
        raw = request.get_data()

        def work(request_id: str) -> dict[str, Any]:
            if "app" not in api.check_token():
                raise ApiError(301002, 14)
            return call(read_body(raw, platform.rules) if raw else {}, request_id)

        return api.answer(name, work)

    @blueprint.post("/cgi-bin/appchat/create")
    def appchat_create() -> Response:
        return answered("appchat/create", lambda body, _request_id: platform.appchats.create(body))

    @blueprint.post("/cgi-bin/appchat/update")
    def appchat_update() -> Response:
        return answered("appchat/update", lambda body, _request_id: platform.appchats.update(body))

    @blueprint.get("/cgi-bin/appchat/get")
    def appchat_get() -> Response:
        chatid = request.args.get("chatid", "")
        return answered("appchat/get", lambda _body, _request_id: platform.appchats.get(chatid))

    @blueprint.post("/cgi-bin/appchat/send")
    def appchat_send() -> Response:
        return answered("appchat/send", platform.appchats.send)
