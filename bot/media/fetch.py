"""What an attachment refers to, brought into the store before the platform forgets it.

A robot's media can be fetched for five minutes, and a conversation may be busy for longer. So the web process asks for
them as soon as a message is accepted (:func:`worth_fetching`), and the turn finds them in the store; where that was
lost, the turn fetches them itself.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from bot import telemetry
from bot.channel import Channel, Refused, Retry, StoredMedium
from bot.errors import BotError, InputError, Unavailable
from bot.media.sniff import is_believable
from bot.media.store import MediaStore, owner_of, reference
from bot.messages import Attachment, ConversationId, InboundMessage, MessageKind

log = structlog.get_logger()

READABLE = (MessageKind.IMAGE, MessageKind.VOICE, MessageKind.FILE)
"""What is fetched: the kinds that can be read. A link is never followed, whatever it leads to."""
PREFETCHES_AT_ONCE = 4
MEGABYTE = 1024 * 1024
_SHORTEST_PAUSE_S = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchLimits:
    """Bytes a medium may have, seconds a fetch may take with all its tries, and seconds that a medium is kept."""

    max_bytes: int
    fetch_s: float
    keep_s: float


def decode_attachment(fields: Mapping[str, str]) -> Attachment:
    """The attachment whose fields travelled in a task. Raises ``KeyError``, ``TypeError`` or ``ValueError``."""
    rest = {name: value for name, value in fields.items() if name != "kind"}
    return Attachment(kind=MessageKind(fields["kind"]), **rest)


def worth_fetching(message: InboundMessage) -> tuple[Attachment, ...]:
    """The attachments of ``message`` that somebody will read. A file in a group is declined unread."""
    return tuple(
        attachment
        for attachment in message.attachments
        if attachment.kind in READABLE and not (attachment.kind is MessageKind.FILE and message.conversation.chat)
    )


class MediaFetcher:
    """Fetches through ``channels``, keyed by (bot id, channel id). Safe for threads."""

    def __init__(
        self,
        store: MediaStore,
        channels: Mapping[tuple[str, str], Channel],
        limits: FetchLimits,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._channels = channels
        self._limits = limits
        self._clock = clock
        self._ahead = threading.BoundedSemaphore(PREFETCHES_AT_ONCE)
        self._guard = threading.Lock()
        self._under_way: dict[str, tuple[threading.Lock, int]] = {}

    def fetch(self, conversation: ConversationId, attachment: Attachment) -> StoredMedium:
        """What ``attachment`` refers to, from the store where it is kept already.

        Raises :class:`~bot.errors.InputError` ``media_too_large``, ``media_expired``, ``media_unreachable`` or
        ``media_not_believable``.
        """
        media = reference(conversation, attachment)
        with self._alone(media):
            kept = self._store.find(media)
            if kept is not None:
                return kept
            medium = self._fetch(media, conversation, attachment)
        log.info("media_fetched", media=media, kind=medium.kind.value, type=medium.content_type, size=medium.size)
        return medium

    def prefetch(self, conversation: ConversationId, attachment: Attachment) -> None:
        """Like :meth:`fetch`, ahead of the turn, which tries again and says so where it cannot be fetched.

        No more than :data:`PREFETCHES_AT_ONCE` are under way: the threads of the worker belong to the turns.
        """
        if not self._ahead.acquire(blocking=False):
            telemetry.count("degraded", what="media_not_prefetched")
            return
        try:
            self.fetch(conversation, attachment)
        except BotError as error:
            log.warning("media_not_prefetched", conversation=conversation.key, why=str(error))
        finally:
            self._ahead.release()

    def _fetch(self, media: str, conversation: ConversationId, attachment: Attachment) -> StoredMedium:
        channel = self._channels.get((conversation.bot, conversation.channel))
        if channel is None:  # it was taken out of bots.yaml a moment ago
            log.warning("media_without_channel", conversation=conversation.key)
            raise InputError("media_unreachable")
        deadline = self._clock() + self._limits.fetch_s
        while True:
            try:
                return self._once(media, channel, conversation, attachment, deadline)
            except Retry as failure:
                pause_s = max(_SHORTEST_PAUSE_S, failure.after_s)
                if self._clock() + pause_s >= deadline:
                    log.warning("media_unreachable", conversation=conversation.key, code=failure.code)
                    raise InputError("media_unreachable") from failure
                time.sleep(pause_s)
            except Refused as refusal:
                log.warning("media_refused", conversation=conversation.key, code=refusal.code)
                raise self._told(refusal.code) from refusal
            except Unavailable as error:
                telemetry.count("degraded", what="media_not_kept")
                log.error(
                    "media_not_kept", error=str(error), cure="make room where MEDIA_DIR is, and let us write there"
                )
                raise InputError("media_unreachable") from error

    def _once(
        self, media: str, channel: Channel, conversation: ConversationId, attachment: Attachment, deadline: float
    ) -> StoredMedium:
        limits = self._limits
        with self._store.incoming(media) as incoming:
            fetched = channel.fetch(attachment, incoming.file, limits.max_bytes, deadline)
            if incoming.file.tell() > limits.max_bytes:
                raise self._told("too_large")
            owner = owner_of(conversation)
            medium = self._store.keep(incoming, attachment.kind, fetched.name, limits.keep_s, owner)
        if not is_believable(attachment.kind, medium.content_type):
            self._store.forget(media)
            log.warning("media_not_believable", media=media, kind=attachment.kind.value, type=medium.content_type)
            raise InputError("media_not_believable")
        return medium

    def _told(self, code: str) -> InputError:
        if code == "too_large":
            return InputError("media_too_large", limit=self._limits.max_bytes // MEGABYTE)
        return InputError("media_expired" if code == "expired" else "media_unreachable")

    @contextmanager
    def _alone(self, media: str) -> Iterator[None]:
        """Let one thread of this process fetch ``media``; the others wait and then find it in the store."""
        with self._guard:
            lock, users = self._under_way.get(media, (threading.Lock(), 0))
            self._under_way[media] = (lock, users + 1)
        try:
            with lock:
                yield
        finally:
            with self._guard:
                lock, users = self._under_way.pop(media)
                if users > 1:
                    self._under_way[media] = (lock, users - 1)
