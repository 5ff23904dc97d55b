"""The plain text of the bot's callbacks: messages, events, refreshes (§4.2 to 4.4)."""

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from typing import Any

from simulator.entries import Entry
from simulator.media import Media
from simulator.rules import Rules
from simulator.uploads import Upload, Uploads

ONE_TO_ONE_KINDS = ("image", "voice", "file", "video")
"""Kinds that never come from groups (rule 26)."""

WITH_UPLOAD = ("image", "mixed", "file", "video")


def new_msgid() -> str:
    """A message id in WeCom's shape."""
    return base64.b64encode(b"\x08\x02\x10" + secrets.token_bytes(20)).decode()


def mentions(content: str, name: str) -> bool:
    """Whether ``content`` holds the mention text of the bot ``name`` (rule 26)."""
    return re.search(rf"@{re.escape(name)}(?=\s|$)", content) is not None


def with_mention_space(content: str, name: str) -> str:
    """``content`` with the space that a client puts after a mention, where a mention ends it."""
    return content + " " if content.endswith(f"@{name}") else content


class Bodies:
    """Builds the bodies for one bot. ``key`` is its callback's AES key, which media are encrypted with."""

    def __init__(self, *, bot_id: str, key: bytes, rules: Rules, media: Media, uploads: Uploads) -> None:
        self._bot_id = bot_id
        self._key = key
        self._rules = rules
        self._media = media
        self._uploads = uploads
        self._members: dict[str, str] = {}  # encrypted userid -> userid

    def message(self, entry: Entry, content: Mapping[str, Any], quoted: Entry | None, response_url: str) -> bytes:
        """A message callback; ``content`` is what :meth:`content` made of it."""
        return _json(
            {
                "msgid": entry.msg_id,
                "aibotid": self._bot_id,
                **_where(entry),
                "from": {"userid": self.userid(entry.member)},
                "response_url": response_url,
                **content,
                **({"quote": self.quote(quoted)} if quoted else {}),
            }
        )

    def content(self, kind: str, text: str, upload: Upload | None, fields: Mapping[str, Any]) -> dict[str, Any]:
        """``msgtype`` and the body of that name."""
        body: Any = fields
        if kind == "text" or (kind == "voice" and text):
            body = {"content": text}
        elif kind == "mixed" and upload:
            body = {
                "msg_item": [
                    {"msgtype": "text", "text": {"content": text}},
                    {"msgtype": "image", "image": {"url": self._media.bot_url(upload, self._key)}},
                ]
            }
        elif upload:
            body = {"url": self._media.bot_url(upload, self._key)}
        return {"msgtype": kind, kind: body}

    def quote(self, quoted: Entry) -> dict[str, Any]:
        """What a message quotes, in the shape of a message; kinds that have none there are quoted as text."""
        upload = self._uploads.find(quoted.upload["id"]) if quoted.upload else None
        if quoted.type == "voice" or (quoted.type in WITH_UPLOAD and upload):
            return self.content(quoted.type, quoted.content, upload, {})
        return self.content("text", quoted.content, None, {})

    def event(self, entry: Entry, content: Mapping[str, Any], now: float, response_url: str = "") -> bytes:
        """An event callback with ``{eventtype: content}``; ``enter_chat`` has no ``chattype`` (§4.3)."""
        name = entry.content
        return _json(
            {
                "msgid": entry.msg_id,
                "create_time": int(now),
                "aibotid": self._bot_id,
                "from": {"userid": self.userid(entry.member)},
                **({} if name == "enter_chat" else _where(entry)),
                **({"response_url": response_url} if response_url else {}),
                "msgtype": "event",
                "event": {"eventtype": name, **({name: content} if content else {})},
            }
        )

    def refresh(self, entry: Entry, stream_id: str) -> bytes:
        """A refresh callback for the stream that answers ``entry``."""
        return _json(
            {
                "msgid": new_msgid(),
                "aibotid": self._bot_id,
                **_where(entry),
                "from": {"userid": self.userid(entry.member)},
                "msgtype": "stream",
                "stream": {"id": stream_id},
            }
        )

    def userid(self, member: str) -> str:
        """How the bot is told a member's userid: plain, or encrypted by a switch (rule 26)."""
        if not self._rules.encrypted_userids:
            return member
        digest = hmac.digest(self._key, member.encode(), hashlib.sha256)
        encrypted = "wo" + base64.b32encode(digest).decode().rstrip("=")[:30]
        self._members[encrypted] = member
        return encrypted

    def member(self, userid: str) -> str:
        """The member that the bot means by ``userid``."""
        return self._members.get(userid, userid)


def _where(entry: Entry) -> dict[str, str]:
    return {"chatid": entry.chat, "chattype": "group"} if entry.chat else {"chattype": "single"}


def _json(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()
