"""One part to one person: into the bubble that waits for it, or by the one late reply that a message permits."""

import re
from urllib.parse import parse_qsl, urlsplit

import redis
import structlog

from bot.channel import ChannelKit, LateReply, Limits, Receipt, Refused, Retry, Unknown
from bot.messages import ConversationId
from bot.parts import Markdown, Part, Stream, Text
from channels.wecom.api import OK, RETRY_S, detail_of, encode_json, json_answer, retry
from channels.wecom.transport import Deadline, HttpAnswer, HttpRequest, NoAnswer, exchange
from channels.wecom_aibot.errors import failure, is_known
from channels.wecom_aibot.fields import MAX_URL_LENGTH
from channels.wecom_aibot.replies import MAX_CONTENT_BYTES

log = structlog.get_logger()

LIMITS = Limits(text_bytes=MAX_CONTENT_BYTES, markdown_bytes=MAX_CONTENT_BYTES, send_timeout_s=10.0, pushes=False)
"""Pages 101031 and 101138; a late reply is Markdown whatever the part is."""


class Sender:
    """Sends for one robot; safe to share between threads."""

    def __init__(self, kit: ChannelKit) -> None:
        self._kit = kit
        self._api_base = kit.api_base["wecom"]

    def send(self, conversation: ConversationId, part: Part, key: str, deadline_epoch_s: float) -> Receipt:
        """Deliver ``part``, named ``key`` for ever, with one platform call at most.

        The platform has no duplicate rule here: a late reply whose outcome is unknown has used its URL up, so a resend
        goes by another message's URL or not at all. No byte is written after the deadline. Raises
        :class:`~bot.channel.Retry`, :class:`~bot.channel.Refused`, :class:`~bot.channel.Unknown`.
        """
        try:
            self._send(conversation, part, key, Deadline(deadline_epoch_s, self._kit.clock))
        except redis.RedisError as error:  # never after the platform took the part: nothing is asked of Redis then
            log.warning("send_without_redis", error=type(error).__name__)
            self._kit.count("send", outcome="retry", code="redis_unavailable")
            raise retry(RETRY_S, "redis_unavailable") from error
        except (Retry, Refused, Unknown) as error:
            self._kit.count("send", outcome=type(error).__name__.lower(), code=error.code)
            raise
        self._kit.count("send", outcome="sent", code=str(OK))
        return Receipt()

    def _send(self, conversation: ConversationId, part: Part, key: str, deadline: Deadline) -> None:
        if not isinstance(part, Text | Markdown | Stream):
            raise Refused("part_unsupported")
        content = part.content.encode(errors="replace").decode()
        if len(content.encode()) > MAX_CONTENT_BYTES:
            raise Refused("too_long")
        stream_id = part.stream_id if isinstance(part, Stream) else ""
        if stream_id and self._kit.bubbles.finish(conversation, stream_id, content):
            return
        if stream_id:
            log.info("bubble_closed", conversation=conversation.key, key=key, stream_id=stream_id)
            self._kit.count("degraded", what="bubble_closed")
        permission = self._permission(conversation, stream_id)
        self._post(conversation, permission, content, deadline)

    def _permission(self, conversation: ConversationId, stream_id: str) -> LateReply:
        """The permission that came with the bubble's message, else the newest: used up from here on."""
        bubbles = self._kit.bubbles
        permission = bubbles.take_late_reply(conversation, stream_id) if stream_id else None
        permission = permission or bubbles.take_late_reply(conversation)
        if permission is None:
            raise Refused("no_response_url")
        if not may_post_to(permission.url, self._api_base):
            raise Refused("bad_response_url")
        return permission

    def _post(self, conversation: ConversationId, permission: LateReply, content: str, deadline: Deadline) -> None:
        """The active reply (page 101138); the permission is given back when the platform has not used it."""
        body = encode_json({"msgtype": "markdown", "markdown": {"content": content}})
        request = HttpRequest(method="POST", url=permission.url, query={}, body=body)
        try:
            _judge(exchange(self._kit.http, request, deadline), permission.url)
        except NoAnswer as cut:
            if cut.written:
                raise Unknown(cut.code) from None
            self._kit.bubbles.give_back(conversation, permission)
            raise retry(RETRY_S, cut.code) from None
        except Retry:
            self._kit.bubbles.give_back(conversation, permission)
            raise


def _judge(answer: HttpAnswer, url: str) -> None:
    """Raise what ``answer`` means, unless it says that the reply was taken."""
    if answer.status >= 500:
        raise retry(RETRY_S, f"http_{answer.status}")
    content = json_answer(answer)
    if content is None:
        raise Unknown("no_errcode" if answer.status == 200 else f"http_{answer.status}")
    code, detail = content["errcode"], detail_of(content, url, *(value for _, value in parse_qsl(urlsplit(url).query)))
    if code == OK:
        return
    if not is_known(code):
        log.warning("error_code_unknown", code=code, detail=detail)
    raise failure(code, detail)


def may_post_to(url: str, api_base: str) -> bool:
    """Whether a reply may be posted to ``url``, which came from outside: over TLS, or to the very host of an
    ``api_base`` without TLS, which only a simulator has.

    Characters that two parsers could read differently are not let through.
    """
    if len(url) > MAX_URL_LENGTH or re.fullmatch(r"[\x21-\x7e]+", url) is None or "\\" in url:
        return False
    try:
        target, base = urlsplit(url), urlsplit(api_base)
        port = target.port
    except ValueError:
        return False
    if not target.hostname or port == 0 or "@" in target.netloc:
        return False
    if target.scheme == "https":
        return True
    return target.scheme == base.scheme == "http" and target.netloc == base.netloc
