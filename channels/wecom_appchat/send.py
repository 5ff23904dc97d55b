"""One part to a group that the application made: an ``appchat/send``, when it is its turn (page 90248)."""

import structlog

from bot.channel import ChannelKit, Limits, Receipt, Refused
from bot.messages import MessageKind
from bot.parts import Markdown, Medium, News, Part, Text
from channels.wecom.api import encode_json
from channels.wecom.application import Application
from channels.wecom.articles import TITLE_BYTES, news_body
from channels.wecom.cutting import cut_bytes
from channels.wecom.errors import INVALID_MEDIA_ID
from channels.wecom.pacing import take_turn
from channels.wecom.sending import counted
from channels.wecom.transport import Deadline
from channels.wecom.uploads import KINDS, Upload, Uploads, upload_of
from channels.wecom_appchat.config import Config

log = structlog.get_logger()

SEND = "appchat/send"
TEXT_BYTES = 2048
"""Of texts and of Markdown."""
PER_MINUTE, PER_HOUR = 200, 400
"""A member gets 200 a minute and 10,000 a day of one application, and the excess is discarded silently: 400 an hour
stay below the day's."""
LIMITS = Limits(
    text_bytes=TEXT_BYTES,
    markdown_bytes=TEXT_BYTES,
    send_timeout_s=10.0,
    pushes=False,
    announces=True,
    knows_repeats=False,
    news=True,
    media=KINDS,
)
"""Page 90248."""


class Sender:
    """Sends into one group; safe to share between threads."""

    def __init__(self, config: Config, application: Application, kit: ChannelKit) -> None:
        self._chatid = config.chatid
        self._upload_names = config.upload_names
        self._application = application
        self._uploads = Uploads(application, kit)
        self._kit = kit

    def send(self, part: Part, key: str, deadline_epoch_s: float) -> Receipt:
        """Say ``part``, named ``key`` for ever, in the group.

        The platform has no check for duplicates here: a part whose outcome is unknown and that is sent again may stand
        there twice. Raises :class:`~bot.channel.Retry`, :class:`~bot.channel.Refused`, :class:`~bot.channel.Unknown`.
        """
        deadline = Deadline(deadline_epoch_s, self._kit.clock)
        return counted(self._kit, lambda: self._send(part, key, deadline))

    def _send(self, part: Part, key: str, deadline: Deadline) -> Receipt:
        self._application.check()
        match part:
            case Text(content):
                self._take_turn()
                self._deliver("text", {"content": _fitting(content)}, deadline)
            case Markdown(content):
                self._take_turn()
                self._deliver("markdown", {"content": _fitting(content)}, deadline)
            case News(articles):
                self._take_turn()
                self._deliver("news", news_body(articles), deadline)
            case Medium():
                self._send_medium(part, key, deadline)
            case _:
                raise Refused("part_unsupported")
        return Receipt()

    def _send_medium(self, part: Medium, key: str, deadline: Deadline) -> None:
        medium = self._kit.media.find(part.media)
        if medium is None:
            raise Refused("media_gone")
        upload = upload_of(part.kind, medium, self._upload_names)
        if part.kind is MessageKind.IMAGE and upload.type != part.kind:
            log.info("picture_sent_as_file", key=key, content_type=medium.content_type)
            self._kit.count("degraded", what="picture_sent_as_file")
        self._take_turn()
        media_id = self._uploads.media_id(upload, deadline)
        try:
            self._deliver(upload.type, _shown(upload, media_id), deadline)
        except Refused as refusal:
            if refusal.code != str(INVALID_MEDIA_ID):
                raise
        else:
            return
        self._uploads.forget(upload, media_id)
        self._deliver(upload.type, _shown(upload, self._uploads.media_id(upload, deadline)), deadline)

    def _deliver(self, kind: str, content: dict[str, object], deadline: Deadline) -> None:
        request = encode_json({"chatid": self._chatid, "msgtype": kind, kind: content, "safe": 0})
        client = self._application.client
        self._application.call(lambda token: client.post(SEND, token, request, deadline), deadline)

    def _take_turn(self) -> None:
        name = f"wecom:{{{self._application.name}}}:pace"
        take_turn(self._kit.redis, name, self._kit.clock(), per_minute=PER_MINUTE, per_hour=PER_HOUR)


def _fitting(content: str) -> str:
    if len(content.encode(errors="replace")) > TEXT_BYTES:
        raise Refused("too_long")
    return content


def _shown(upload: Upload, media_id: str) -> dict[str, object]:
    if upload.type == MessageKind.VIDEO:
        return {"media_id": media_id, "title": cut_bytes(upload.medium.name, TITLE_BYTES), "description": ""}
    return {"media_id": media_id}
