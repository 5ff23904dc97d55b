"""One part to the robot's group: a ``webhook/send``, when it is its turn."""

import structlog

from bot.channel import ChannelKit, Limits, Receipt, Refused
from bot.messages import MessageKind
from bot.parts import Markdown, Medium, News, Part, Text
from channels.wecom.pacing import take_turn
from channels.wecom.sending import counted
from channels.wecom.transport import Deadline
from channels.wecom.uploads import multipart, upload_of
from channels.wecom_robot.bodies import (
    IMAGE_BYTES,
    MARKDOWN_BYTES,
    PICTURE_TYPES,
    TEXT_BYTES,
    Body,
    body_of,
    picture_body,
)
from channels.wecom_robot.config import Config
from channels.wecom_robot.webhook import Webhook

log = structlog.get_logger()

LIMITS = Limits(
    text_bytes=TEXT_BYTES,
    markdown_bytes=MARKDOWN_BYTES,
    send_timeout_s=10.0,
    pushes=False,
    announces=True,
    knows_repeats=False,
    news=True,
    media=frozenset({MessageKind.IMAGE, MessageKind.VOICE, MessageKind.FILE}),
)
"""Page 99110."""


class Sender:
    """Sends for one robot; safe to share between threads."""

    def __init__(self, config: Config, webhook: Webhook, kit: ChannelKit) -> None:
        self._per_minute = config.per_minute
        self._webhook = webhook
        self._kit = kit

    def send(self, part: Part, key: str, deadline_epoch_s: float) -> Receipt:
        """Say ``part``, named ``key`` for ever, in the group.

        The platform has no check for duplicates here: a part whose outcome is unknown and that is sent again may stand
        there twice. Raises :class:`~bot.channel.Retry`, paced where the robot has spoken its fill this minute,
        :class:`~bot.channel.Refused` and :class:`~bot.channel.Unknown`.
        """
        deadline = Deadline(deadline_epoch_s, self._kit.clock)
        return counted(self._kit, lambda: self._send(part, key, deadline))

    def _send(self, part: Part, key: str, deadline: Deadline) -> Receipt:
        self._webhook.check()
        match part:
            case Text() | Markdown() | News():
                body = body_of(part)
                self._take_turn()
            case Medium():
                body = self._medium(part, key, deadline)
            case _:
                raise Refused("part_unsupported")
        self._webhook.send(*body, deadline)
        return Receipt()

    def _medium(self, part: Medium, key: str, deadline: Deadline) -> Body:
        """What shows ``part``, once it is its turn: a picture in the message itself, anything else uploaded."""
        medium = self._kit.media.find(part.media)
        if medium is None:
            raise Refused("media_gone")
        if part.kind not in LIMITS.media:
            raise Refused("part_unsupported")
        if part.kind is MessageKind.IMAGE:
            if medium.content_type in PICTURE_TYPES and medium.size <= IMAGE_BYTES:
                body = picture_body(medium)
                self._take_turn()
                return body
            log.info("picture_sent_as_file", key=key, content_type=medium.content_type, size=medium.size)
            self._kit.count("degraded", what="picture_sent_as_file")
        kind = MessageKind.VOICE if part.kind is MessageKind.VOICE else MessageKind.FILE
        upload = upload_of(kind, medium, "utf8")
        content, content_type = multipart(upload)
        self._take_turn()
        media_id = self._webhook.upload(upload.type, content, content_type, deadline)
        return upload.type, {"media_id": media_id}

    def _take_turn(self) -> None:
        name, per_minute = f"{self._webhook.name}:pace", self._per_minute
        take_turn(self._kit.redis, name, self._kit.clock(), per_minute=per_minute, per_hour=per_minute * 60)
