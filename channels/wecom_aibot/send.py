"""One part to one person: into the bubble that waits for it, or by the one late reply that a message permits."""

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import structlog

from bot.channel import ChannelKit, LateReply, Limits, Receipt, Refused, Retry
from bot.messages import ConversationId
from bot.parts import Card, Markdown, Part, Stream, Text
from channels.wecom.api import OK, ask, detail_of, encode_json
from channels.wecom.cards import template_card
from channels.wecom.errors import RULES, failure
from channels.wecom.sending import counted
from channels.wecom.transport import Deadline, HttpRequest
from channels.wecom_aibot.config import Config
from channels.wecom_aibot.replies import CARD_LENGTHS, MAX_CONTENT_BYTES, MAX_PICTURE_BYTES, MAX_PICTURES
from channels.wecom_aibot.urls import host_of, may_ask

log = structlog.get_logger()

LIMITS = Limits(
    text_bytes=MAX_CONTENT_BYTES,
    markdown_bytes=MAX_CONTENT_BYTES,
    send_timeout_s=10.0,
    pushes=False,
    cards=True,
    stream_pictures=MAX_PICTURES,
    ratings=True,
)
"""Pages 101031 and 101138: a late reply is Markdown or a card; pictures end a stream and come nowhere else."""
_PICTURE_TYPES = frozenset({"image/jpeg", "image/png"})
_TURN_KEY = re.compile(r"([a-z2-7]{20}):")
"""The key of a part that answers somebody begins with the turn's id (:attr:`bot.messages.InboundMessage.turn_id`)."""


class Sender:
    """Sends for one robot; safe to share between threads."""

    def __init__(self, config: Config, kit: ChannelKit) -> None:
        self._kit = kit
        self._hosts = config.response_hosts
        self._api_base = kit.api_base["wecom"]

    def send(self, conversation: ConversationId, part: Part, key: str, deadline_epoch_s: float) -> Receipt:
        """Deliver ``part``, named ``key`` for ever, with one platform call at most.

        The platform has no duplicate rule here: a late reply whose outcome is unknown has used its URL up, so a resend
        goes by another message's URL or not at all. No byte is written after the deadline. Raises
        :class:`~bot.channel.Retry`, :class:`~bot.channel.Refused`, :class:`~bot.channel.Unknown`.
        """
        deadline = Deadline(deadline_epoch_s, self._kit.clock)
        return counted(self._kit, lambda: self._send(conversation, part, key, deadline))

    def _send(self, conversation: ConversationId, part: Part, key: str, deadline: Deadline) -> Receipt:
        stream_id = ""
        match part:
            case Text(content):
                body = _markdown(content, "")
            case Markdown(content):
                body = _markdown(content, key)
            case Stream(content, stream_id):
                body = _markdown(content, key)
                if self._end_bubble(conversation, part, key):
                    return Receipt()
            case Card():
                body = {"msgtype": "template_card", "template_card": template_card(part, CARD_LENGTHS)}
            case _:
                raise Refused("part_unsupported")
        self._post(conversation, self._permission(conversation, stream_id), encode_json(body), deadline)
        return Receipt()

    def _end_bubble(self, conversation: ConversationId, part: Stream, key: str) -> bool:
        """Let the bubble end with ``part``; False when it is closed, and all that is left are the words."""
        content, pictures = part.content.encode(errors="replace").decode(), self._usable(part.pictures)
        shown = self._kit.bubbles.finish(conversation, part.stream_id, content, pictures)
        if not shown:
            log.info("bubble_closed", conversation=conversation.key, key=key, stream_id=part.stream_id)
            self._kit.count("degraded", what="bubble_closed")
        if len(part.pictures) > (len(pictures) if shown else 0):
            log.warning("picture_left_out", key=key, pictures=len(part.pictures), usable=len(pictures))
            self._kit.count("degraded", what="picture_left_out")
        return shown

    def _usable(self, pictures: tuple[str, ...]) -> tuple[str, ...]:
        """Those of ``pictures`` that the platform takes."""
        return tuple([media for media in pictures if self._is_usable(media)][:MAX_PICTURES])

    def _is_usable(self, media: str) -> bool:
        found = self._kit.media.find(media)
        return found is not None and found.content_type in _PICTURE_TYPES and found.size <= MAX_PICTURE_BYTES

    def _permission(self, conversation: ConversationId, stream_id: str) -> LateReply:
        """The permission that came with the bubble's message, else the newest: used up from here on."""
        bubbles = self._kit.bubbles
        permission = bubbles.take_late_reply(conversation, stream_id) if stream_id else None
        permission = permission or bubbles.take_late_reply(conversation)
        if permission is None:
            raise Refused("no_response_url")
        if not may_ask(permission.url, self._hosts, self._api_base):
            log.warning("response_host_not_allowed", host=host_of(permission.url))
            raise Refused("bad_response_url")
        return permission

    def _post(self, conversation: ConversationId, permission: LateReply, body: bytes, deadline: Deadline) -> None:
        """The active reply (page 101138); the permission is given back when the platform has not used it."""
        request = HttpRequest(method="POST", url=permission.url, query={}, body=body)
        try:
            _judge(ask(self._kit.http, request, deadline), permission.url)
        except Retry:
            self._kit.bubbles.give_back(conversation, permission)
            raise


def _markdown(content: str, key: str) -> dict[str, Any]:
    """Words that people can rate where ``key`` is that of a part of an answer.

    Raises :class:`~bot.channel.Refused` ``too_long``.
    """
    if len(content.encode(errors="replace")) > MAX_CONTENT_BYTES:
        raise Refused("too_long")
    turn = _TURN_KEY.match(key)
    feedback = {"feedback": {"id": turn[1]}} if turn else {}
    return {"msgtype": "markdown", "markdown": {"content": content, **feedback}}


def _judge(answer: dict[str, Any], url: str) -> None:
    """Raise what ``answer`` means, unless it says that the reply was taken."""
    code = answer["errcode"]
    if code == OK:
        return
    detail = detail_of(answer, url, *(value for _, value in parse_qsl(urlsplit(url).query)))
    if code not in RULES:
        log.warning("error_code_unknown", code=code, detail=detail)
    raise failure(code, detail)
