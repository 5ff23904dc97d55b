"""The part of the control API where members write and see: config, chats, messages, people, uploads."""

import io
import secrets
from functools import partial
from typing import Any

from flask import Blueprint, Response, jsonify, request, send_file

from simulator.app import COMMON_FIELDS
from simulator.app_events import APP_EVENTS
from simulator.chats import in_chat
from simulator.control_input import (
    BadRequest,
    entry_in,
    integer_in,
    object_in,
    query_number,
    read_body,
    text_in,
    upload_in,
)
from simulator.entries import Entry, PeerId
from simulator.envelope import Style, Value, check_fields
from simulator.platform import Platform
from simulator.posting import Posting
from simulator.rule_texts import RULE_TEXTS
from simulator.settings import Group, Member
from simulator.uploads import MAX_UPLOAD_BYTES

MAX_CONTENT_CHARACTERS = 20_000
MAX_WAIT_S = 25.0
_MULTIPART_BYTES = 65_536
"""What the frame around a file may take."""

_STYLES: tuple[Style, ...] = ("cdata", "bare")
_POSTED = (
    *("member", "peer", "chat", "type", "content", "upload", "quote", "event", "event_key", "target", "selected"),
    *("feedback", "fields", "create_time", "xml"),
)


def add_chat_routes(blueprint: Blueprint, platform: Platform) -> None:
    """``config``, ``chats`` and ``messages``."""

    @blueprint.get("/config")
    def config() -> Response:
        return jsonify(_config(platform))

    @blueprint.get("/chats")
    def chats() -> Response:
        return jsonify(_chats_of(_member(request.args.get("member", ""), platform), platform))

    @blueprint.get("/messages")
    def messages() -> Response:
        run = platform.chats.run
        wait_s = min(query_number("wait", 0.0), MAX_WAIT_S)
        after = int(query_number("after", 0))
        member, peer, chat = (request.args.get(name) for name in ("member", "peer", "chat"))

        def wanted(entry: Entry) -> bool:
            seen = not member or platform.corp.sees(member, entry)
            return seen and peer in (None, "", entry.peer) and chat in (None, entry.chat)

        rev, found = platform.chats.news(wanted=wanted, after=after, wait_s=wait_s)
        return jsonify(run=run, rev=rev, messages=found)

    @blueprint.post("/messages")
    def post_message() -> tuple[Response, int]:
        body = read_body(*_POSTED)
        peer = _peer(body, platform)
        entry = platform.post(_posting(body, peer, platform), peer)
        if entry is None:
            return jsonify(skipped="enter_chat", rule=31), 200
        return jsonify(entry.to_json()), 202


def add_people_routes(blueprint: Blueprint, platform: Platform) -> None:
    """``members`` and ``groups``."""

    @blueprint.post("/members")
    def add_member() -> tuple[Response, int]:
        body = read_body("userid", "name", "role")
        userid, name, role = (text_in(body, field) for field in ("userid", "name", "role"))
        member = Member.checked(userid, name or userid, role)
        platform.corp.add_member(member)
        return jsonify(_member_json(member)), 201

    @blueprint.post("/groups")
    def add_group() -> tuple[Response, int]:
        body = read_body("chatid", "name", "members")
        members = body.get("members")
        if not isinstance(members, list) or not all(isinstance(userid, str) for userid in members):
            raise BadRequest("members must be a list of userids")
        chatid = text_in(body, "chatid") or f"wr{secrets.token_hex(12)}"
        group = Group.checked(chatid, text_in(body, "name"), members)
        platform.corp.add_group(group)
        return jsonify(_group_json(group)), 201


def add_upload_routes(blueprint: Blueprint, platform: Platform) -> None:
    """``uploads``."""

    @blueprint.post("/uploads")
    def add_upload() -> tuple[Response, int]:
        request.max_content_length = MAX_UPLOAD_BYTES + _MULTIPART_BYTES
        name = request.args.get("name", "")
        part = request.files.get("file")
        data = part.read() if part else request.get_data()
        if not data or len(data) > MAX_UPLOAD_BYTES:
            raise BadRequest(f"an upload has 1 to {MAX_UPLOAD_BYTES} bytes", 413 if data else 400)
        upload = platform.uploads.add(name or (part.filename if part else "") or "file", data)
        return jsonify(upload.summary()), 201

    @blueprint.get("/uploads/<upload_id>")
    def get_upload(upload_id: str) -> Response:
        upload = platform.uploads.find(upload_id)
        if upload is None:
            raise BadRequest("no such upload", 404)
        response = send_file(io.BytesIO(upload.data), mimetype=upload.content_type, conditional=True, etag=False)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Content-Disposition"] = upload.disposition("inline" if upload.is_shown else "attachment")
        return response


def _config(platform: Platform) -> dict[str, Any]:
    settings = platform.settings
    app = {"name": settings.app_name, "corp_id": settings.corp_id, "agent_id": settings.agent_id}
    return {
        "run": platform.chats.run,
        **({"app": app} if platform.app else {}),
        "corp": {"id": settings.corp_id},
        "peers": [{"id": name, "kind": name, "name": peer.name} for name, peer in platform.peers.items()],
        "has_kf": platform.kf is not None,
        "members": [_member_json(member) for member in list(platform.corp.members.values())],
        "groups": [_group_json(group) for group in list(platform.corp.groups.values())],
        "examples": list(settings.examples),
        "rules": [{"number": number, "text": text} for number, text in RULE_TEXTS.items()],
    }


def _chats_of(member: str, platform: Platform) -> list[dict[str, Any]]:
    groups: list[tuple[PeerId, str, str]] = [
        ("bot", group.chatid, group.name) for group in platform.corp.groups_of(member)
    ]
    singles: list[tuple[PeerId, str, str]] = [(name, "", peer.name) for name, peer in platform.peers.items()]
    found = []
    for peer, chat, name in [*groups, *singles]:
        last = platform.chats.last(partial(in_chat, peer=peer, chat=chat, member=member))
        found.append(
            {
                "chat": chat,
                "peer": peer,
                "name": name,
                "kind": "group" if chat else "single",
                "last": last.to_json() if last else None,
            }
        )
    return found


def _member(userid: str, platform: Platform) -> str:
    if userid not in platform.corp.members:
        raise BadRequest("member must be one of the corp's members", 404)
    return userid


def _peer(body: dict[str, Any], platform: Platform) -> PeerId:
    named = text_in(body, "peer")
    default: PeerId = "bot" if text_in(body, "chat") else platform.default_peer()
    if named not in ("", "app", "bot"):
        raise BadRequest("peer must be app or bot")
    return "app" if named == "app" else "bot" if named == "bot" else default


def _posting(body: dict[str, Any], peer: PeerId, platform: Platform) -> Posting:
    member = _member(text_in(body, "member"), platform)
    chat = text_in(body, "chat")
    if chat and not platform.corp.is_in(member, chat):
        raise BadRequest("chat must be a group that the member is in", 404)
    style = body.get("xml")
    if style not in (None, *_STYLES):
        raise BadRequest("xml must be cdata or bare")
    kind = text_in(body, "type") or ("event" if "event" in body else "text")
    fields = _app_fields(body, kind) if peer == "app" else object_in(body, "fields")
    content = text_in(body, "event" if kind == "event" else "content")
    if len(str(fields)) + len(content) + len(str(body.get("feedback"))) > MAX_CONTENT_CHARACTERS:
        raise BadRequest(f"more than {MAX_CONTENT_CHARACTERS} characters")
    if kind in ("text", "event") and not content and not fields.get("Content"):
        raise BadRequest(f"{'event' if kind == 'event' else 'content'} is missing")
    return Posting(
        member=member,
        type=kind,
        content=content or str(fields.get("Event" if kind == "event" else "Content", "")),
        fields=fields,
        chat=chat,
        upload=upload_in(body, platform),
        quote=entry_in(body, "quote", platform),
        target=entry_in(body, "target", platform),
        event=_event(body) if kind == "event" else {},
        create_time=integer_in(body, "create_time"),
        style=style,
    )


def _event(body: dict[str, Any]) -> dict[str, Any]:
    """What an event to the bot says besides its name and target."""
    selected = {"selected": object_in(body, "selected")} if "selected" in body else {}
    event_key = {"event_key": text_in(body, "event_key")} if "event_key" in body else {}
    return {**event_key, **selected, **object_in(body, "feedback")}


def _app_fields(body: dict[str, Any], kind: str) -> dict[str, Value]:
    """The app's XML fields: ``content`` is short for ``fields.Content``, ``event`` and ``event_key`` for an event's. A
    documented event without ``fields`` has those of the documentation's example."""
    shorthand = {"Content": "content", "Event": "event", "EventKey": "event_key"}
    fields: dict[str, Any] = {field: text_in(body, name) for field, name in shorthand.items() if name in body}
    event = APP_EVENTS.get(fields.get("Event", "")) if kind == "event" else None
    if kind == "event" and (event is None or event.has_key):
        fields.setdefault("EventKey", "")
    fields.update(check_fields(body.get("fields", event.fields if event else {})))
    check_fields({"MsgType": kind, **fields})
    if any(name in COMMON_FIELDS for name in fields):
        raise BadRequest(f"the platform fills in {', '.join(COMMON_FIELDS)} itself")
    return fields


def _member_json(member: Member) -> dict[str, str]:
    return {"userid": member.userid, "name": member.name, "role": member.role}


def _group_json(group: Group) -> dict[str, Any]:
    return {"chatid": group.chatid, "name": group.name, "members": list(group.members)}
