"""Reading calls of the control API."""

import json
from typing import Any

from flask import request

from simulator.chats import Chats
from simulator.entries import Entry
from simulator.platform import Platform
from simulator.uploads import Upload


class BadRequest(ValueError):
    """A control call that cannot be served; ``status`` is the HTTP status."""

    def __init__(self, error: str, status: int = 400) -> None:
        self.status = status
        super().__init__(error)


def read_body(*known: str) -> dict[str, Any]:
    """The request's JSON object; with ``known``, no other names are in it. An empty body is an empty object."""
    body = request.get_json(silent=True) if request.get_data() else {}
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    try:
        json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise BadRequest("the body holds half of a character") from error
    unknown = [name for name in body if known and name not in known]
    if unknown:
        raise BadRequest(f"unknown: {', '.join(unknown)}; known: {', '.join(known)}")
    return body


def text_in(body: dict[str, Any], name: str) -> str:
    """``body[name]``, empty if it is not there."""
    value = body.get(name, "")
    if not isinstance(value, str):
        raise BadRequest(f"{name} must be text")
    return value


def integer_in(body: dict[str, Any], name: str) -> int | None:
    """``body[name]``, ``None`` if it is not there."""
    value = body.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise BadRequest(f"{name} must be an integer")
    return value


def object_in(body: dict[str, Any], name: str) -> dict[str, Any]:
    """``body[name]``, empty if it is not there."""
    value = body.get(name, {})
    if not isinstance(value, dict):
        raise BadRequest(f"{name} must be an object")
    return value


def entry_in(body: dict[str, Any], name: str, platform: Platform) -> Entry | None:
    """The entry whose id is ``body[name]``, ``None`` if none is named."""
    return None if integer_in(body, name) is None else entry_of(body, name, platform.chats)


def entry_of(body: dict[str, Any], name: str, chats: Chats) -> Entry:
    """The entry of ``chats`` whose id is ``body[name]``."""
    entry = chats.find(integer_in(body, name) or 0)
    if entry is None:
        raise BadRequest(f"{name} is no entry's id", 404)
    return entry


def upload_in(body: dict[str, Any], platform: Platform, name: str = "upload") -> Upload | None:
    """The upload that ``body[name]`` names, ``None`` if it names none."""
    upload_id = text_in(body, name)
    if not upload_id:
        return None
    upload = platform.uploads.find(upload_id)
    if upload is None:
        raise BadRequest(f"{name} is no upload's id", 404)
    return upload


def query_number(name: str, default: float) -> float:
    """A number from 0 to 1e15 in the query."""
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
