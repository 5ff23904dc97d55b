"""The media that members sent: ``media/get`` (page 90254), whole or, where the platform asks for it, in pieces.

Only media ids are followed. The picture of a message also has a URL, and that is never asked: it could lead anywhere.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

import redis
import structlog

from bot.channel import ChannelKit, Fetched, Refused
from bot.messages import Attachment
from channels.wecom.api import OK, RETRY_S, json_answer, retry
from channels.wecom.application import Application
from channels.wecom.downloads import BoundedWriter, fetched
from channels.wecom.errors import INVALID_MEDIA_ID, NEEDS_PIECES
from channels.wecom.transport import TOO_LARGE, Deadline, HttpAnswer, IncomingBody

log = structlog.get_logger()

PIECE_BYTES = 16 * 1024 * 1024
"""A piece has at most 20 MB, in multiples of 16 bytes."""
_RANGE = re.compile(r"bytes ([0-9]{1,15})-[0-9]{1,15}/([0-9]{1,15})")


class Fetcher:
    """Fetches for one application; safe to share between threads."""

    def __init__(self, application: Application, kit: ChannelKit) -> None:
        self._application = application
        self._kit = kit

    def fetch(self, attachment: Attachment, into: IO[bytes], limit: int, deadline_epoch_s: float) -> Fetched:
        """See :meth:`bot.channel.Channel.fetch`."""
        if not attachment.media_id:
            raise Refused("not_fetchable")
        incoming = IncomingBody(BoundedWriter(into, limit).write, limit, _is_content)
        deadline = Deadline(deadline_epoch_s, self._kit.clock)
        try:
            self._application.check()
            download = _Download(self._application, attachment.media_id, incoming, deadline)
            return _whole_or_in_pieces(download, limit)
        except redis.RedisError as error:
            log.warning("fetch_without_redis", error=type(error).__name__)
            raise retry(RETRY_S, "redis_unavailable") from error
        except Refused as refusal:
            if refusal.code == str(INVALID_MEDIA_ID):
                raise Refused("expired", refusal.detail) from refusal
            raise


@dataclass(slots=True)
class _Download:
    """The download of one medium."""

    application: Application
    media_id: str
    incoming: IncomingBody
    deadline: Deadline

    def get(self, bytes_range: str = "") -> HttpAnswer:
        """The head of the answer whose content ``incoming`` took. Raises :class:`~bot.channel.ChannelError`."""
        heads: list[HttpAnswer] = []

        def ask(token: str) -> dict[str, Any]:
            client = self.application.client
            answer = client.download(self.media_id, token, bytes_range, self.incoming, self.deadline)
            if _is_content(answer.status, answer.headers):
                heads.append(answer)
                return {"errcode": OK}
            content = json_answer(answer)
            if content is None or content["errcode"] == OK:
                raise retry(RETRY_S, f"http_{answer.status}")
            return content

        self.application.call(ask, self.deadline, self.media_id)
        return heads[0]


def _whole_or_in_pieces(download: _Download, limit: int) -> Fetched:
    try:
        return fetched(download.get().headers)
    except Refused as refusal:
        if refusal.code != str(NEEDS_PIECES):
            raise
    while True:
        start = download.incoming.taken
        head = download.get(f"bytes={start}-{start + PIECE_BYTES - 1}")
        found = _RANGE.fullmatch(head.headers.get("Content-Range", ""))
        if head.status != 206 or found is None or int(found[1]) != start or download.incoming.taken == start:
            raise retry(RETRY_S, "bad_range")
        total = int(found[2])
        if total > limit:
            raise Refused(TOO_LARGE)
        if download.incoming.taken >= total:
            return fetched(head.headers)


def _is_content(status: int, headers: Mapping[str, str]) -> bool:
    """Content is an attachment, or of no type that errors have: those are JSON, with status 200 too."""
    if status not in (200, 206):
        return False
    content_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return "Content-Disposition" in headers or content_type not in ("", "application/json", "text/plain")
