"""The border to a platform: the protocol a channel implements, its limits, and how it fails.

A channel is a translator and nothing else: bytes to :class:`~bot.messages.InboundMessage`, :class:`~bot.messages.Part`
to one platform call. A package under ``channels/`` imports only this module and :mod:`bot.messages`, and offers

``Config``  a pydantic model of the channel's block in ``bots.yaml`` (``type`` excluded), and
``build(address, config, kit)``  which returns the channel.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import redis
import requests

from bot.errors import BotError
from bot.messages import ConversationId, InboundMessage, Part


class ChannelError(BotError):
    """Something went wrong at the platform's border."""


class Rejected(ChannelError):
    """An inbound callback that is not acceptable (forged, stale, oversized, malformed).

    ``status`` is the HTTP status to answer with (4xx), ``reason`` a constant word for logs and metrics,
    e.g. ``bad_signature``, ``stale``, ``too_large``, ``bad_xml``, ``wrong_receive_id``.
    """

    def __init__(self, reason: str, status: int = 400) -> None:
        self.reason = reason
        self.status = status
        super().__init__(reason)


class Retry(ChannelError):
    """The send did not happen and may be tried again after ``after_s`` seconds.

    ``paced`` is true when nothing was attempted because the platform's rate would discard the message; such a wait
    is not a failed try. ``code`` is the platform's error code, or a constant word such as ``timeout``.
    """

    def __init__(self, after_s: float, code: str, *, paced: bool = False) -> None:
        self.after_s = after_s
        self.code = code
        self.paced = paced
        super().__init__(f"retry in {after_s:.1f} s ({code})")


class Refused(ChannelError):
    """The platform will never take this send. ``alert`` is true where an operator must act."""

    def __init__(self, code: str, detail: str = "", *, alert: bool = False) -> None:
        self.code = code
        self.detail = detail
        self.alert = alert
        super().__init__(f"refused ({code}) {detail}".rstrip())


class Unknown(ChannelError):
    """The send left us and no answer came: it may have arrived. ``code`` says how it was cut, e.g. ``timeout``."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(f"outcome unknown ({code})")


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What one platform message may hold, in bytes of UTF-8, and what one call may take, in seconds.

    ``pushes`` tells whether the channel can write to a person who has just not asked.
    """

    text_bytes: int
    markdown_bytes: int
    send_timeout_s: float
    pushes: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class CallbackRequest:
    """An HTTP request as a channel sees it; ``received_at`` in seconds since the epoch."""

    method: str
    query: Mapping[str, str]
    body: bytes
    received_at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class CallbackResponse:
    """What the HTTP answer carries."""

    body: bytes = b""
    status: int = 200
    content_type: str = "text/plain; charset=utf-8"


@dataclass(frozen=True, kw_only=True, slots=True)
class Echo:
    """The platform verifies the callback URL; ``plain`` is what it wants to read back."""

    plain: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Messages:
    """Everything one callback brought, possibly nothing that needs work (an event we only log).

    ``context`` belongs to the channel: what :meth:`Channel.respond` needs for a reply inside the HTTP answer.
    """

    messages: tuple[InboundMessage, ...]
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Poll:
    """The platform asks what the bubble ``stream_id`` of ``conversation`` shows now."""

    conversation: ConversationId
    stream_id: str
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Greeting:
    """A person opened the chat; a welcome can be said in the answer, and nowhere else."""

    conversation: ConversationId
    context: Mapping[str, Any] = field(default_factory=dict)


Received = Echo | Messages | Poll | Greeting


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamState:
    """What a bubble shows: the whole ``text`` so far, and whether it is ``finished``."""

    text: str
    finished: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Immediate:
    """What can be said inside the HTTP answer: a ``notice`` to the sender, or the ``stream`` of the message or poll."""

    notice: str = ""
    stream: StreamState | None = None


NOTHING = Immediate()


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """The platform took a part. ``message_id`` is its id there, empty where it gives none."""

    message_id: str = ""


class Channel(Protocol):
    """One configured channel of one bot."""

    @property
    def limits(self) -> Limits:
        """What one part may hold and one call may take."""
        ...

    def receive(self, request: CallbackRequest) -> Received:
        """Verify, decrypt and parse one callback. No I/O. Raises :class:`Rejected`."""
        ...

    def respond(self, received: Received, immediate: Immediate) -> CallbackResponse:
        """The HTTP answer to ``received``, saying what of ``immediate`` the platform can show. No I/O."""
        ...

    def send(self, conversation: ConversationId, part: Part, key: str, deadline: float) -> Receipt:
        """Deliver one part with one platform call.

        ``key`` names the part for ever: the same key with the same part is a resend. ``deadline`` is the epoch second
        by which the call must have ended, whatever happens. Raises :class:`Retry`, :class:`Refused`, :class:`Unknown`.
        """
        ...

    def link(self, label: str, url: str) -> str:
        """``label`` as a link to ``url`` in the words of this channel's messages."""
        ...


class Bubbles(Protocol):
    """What a channel may do with the bubbles of :mod:`bot.streams`; raises ``redis.RedisError``."""

    def finish(self, conversation: ConversationId, stream_id: str, text: str) -> bool:
        """Let the bubble end with ``text``; False when it can no longer change."""
        ...

    def take_late_reply(self, conversation: ConversationId, stream_id: str = "") -> "LateReply | None":
        """The unused and unexpired permission of that bubble, or the newest of the conversation; it is used up by
        this call."""
        ...

    def give_back(self, conversation: ConversationId, permission: "LateReply") -> None:
        """The permission just taken was not used after all."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class LateReply:
    """A platform's permission to post one reply to ``url`` until ``expires_at`` (epoch seconds): it came with the
    message whose bubble is ``stream_id``."""

    stream_id: str
    url: str
    expires_at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelAddress:
    """Where a channel stands in ``bots.yaml``: the ids of its bot and its own, and the bot's name for people."""

    bot: str
    channel: str
    bot_name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelKit:
    """What the installation lends every channel.

    ``redis`` is for state that all processes share (tokens, pacing, duplicate rule); ``http`` one session a process;
    ``api_base`` maps a platform to its base URL without a trailing slash, e.g. ``{"wecom": "https://…"}``;
    ``bubbles`` are the replies that a platform shows while they are written; ``count(event, **labels)`` counts
    something an operator should see; ``clock`` gives epoch seconds.
    """

    redis: "redis.Redis"
    http: requests.Session
    api_base: Mapping[str, str]
    callback_max_skew_s: float
    pace_per_minute: int
    pace_per_hour: int
    bubbles: Bubbles
    count: Callable[..., None]
    clock: Callable[[], float]
