"""The border to a platform: the protocol a channel implements, its limits, and how it fails.

A channel is a translator and nothing else: bytes to :class:`~bot.messages.InboundMessage`, :class:`~bot.parts.Part` to
one platform call. A package under ``channels/`` imports only this module, :mod:`bot.messages`, :mod:`bot.events`,
:mod:`bot.parts`, :mod:`bot.finding` and, where messages are pulled, :mod:`bot.account`, and offers

``Config``  a pydantic model of the channel's block in ``bots.yaml`` (``type`` excluded), and
``build(address, config, kit)``  which returns the channel.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

import redis
import urllib3

from bot.errors import BotError
from bot.finding import Finding
from bot.messages import Attachment, ConversationId, InboundMessage, MessageKind
from bot.parts import Card, CardUpdate, Markdown, Medium, Menu, MenuLimits, News, Part, Stream, Text


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


LONGEST_SEND_S = 14.0
"""Seconds one call may take: whoever makes it holds the conversation for longer, however late that was renewed last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What one platform message may hold, in bytes of UTF-8, and what one call may take, in seconds.

    ``pushes`` tells whether the channel can write to a person who has just not asked; ``announces`` that it speaks in
    one group, which is its only conversation, and hears nothing: nothing calls it back. ``cards`` and ``news`` tell
    whether it can show these parts, ``card_updates`` whether a card can be changed after it was pressed, and ``media``
    which kinds of :class:`~bot.parts.Medium`. ``stream_pictures`` is how many pictures a bubble may end with;
    ``ratings`` whether people can rate an answer in the platform's own way. ``recall_s`` is for how many seconds the
    platform takes back what was sent; 0 where it never does. ``reply_messages`` is how many messages one reply may
    have, 0 for any number; ``menu`` what a menu may hold, where there are menus. ``knows_repeats`` tells whether the
    platform knows a part that it took before; where it does not, people may read one twice whose answer was lost.
    ``window_s`` is for how many seconds after a person wrote they can be written to besides, 0 where that is unknown.
    Raises ``ValueError`` for a ``send_timeout_s`` of more than :data:`LONGEST_SEND_S`.
    """

    text_bytes: int
    markdown_bytes: int
    send_timeout_s: float
    pushes: bool
    announces: bool = False
    cards: bool = False
    card_updates: bool = False
    news: bool = False
    media: frozenset[MessageKind] = frozenset()
    stream_pictures: int = 0
    ratings: bool = False
    recall_s: float = 0.0
    reply_messages: int = 0
    menu: MenuLimits | None = None
    knows_repeats: bool = True
    window_s: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.send_timeout_s <= LONGEST_SEND_S:
            raise ValueError(f"send_timeout_s is {self.send_timeout_s:g}; more than 0 and at most {LONGEST_SEND_S:g}")

    def shows(self, part: Part) -> bool:
        """Whether the channel can show a part of this type; a part outside its other limits is refused all the same."""
        match part:
            case Card():
                return self.cards
            case CardUpdate():
                return self.card_updates
            case News():
                return self.news
            case Medium(kind):
                return kind in self.media
            case Menu():
                return self.menu is not None and self.menu.takes(part)
            case Text() | Markdown() | Stream():
                return True


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
class UrlVerification:
    """What a platform sends to verify a callback URL: a GET with ``query``, which holds encrypted what it wants to read
    back, ``plain``, as the whole body within ``within_s`` seconds."""

    query: Mapping[str, str]
    plain: str
    within_s: float


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Bell:
    """Something waits to be pulled from the :class:`bot.account.Account` called ``account``, which may be another
    channel's; ``token`` lets it be pulled often for a while."""

    account: str
    token: str = ""


Received = Echo | Messages | Poll | Greeting | Bell


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamState:
    """What a bubble shows: the whole ``text`` so far, and whether it is ``finished``; then also the ``pictures``, each
    the bytes of a JPEG or PNG."""

    text: str
    finished: bool
    pictures: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Immediate:
    """What can be said inside the HTTP answer: a ``notice`` to the sender, or the ``stream`` of the message or poll.

    ``turn_id`` lets the person rate what the stream will say (:class:`~bot.events.Rating`), where the platform can.
    ``pressed`` is what becomes of the card of a :class:`~bot.events.CardClick`: pressed and dead under this label.
    """

    notice: str = ""
    stream: StreamState | None = None
    turn_id: str = ""
    pressed: str = ""


NOTHING = Immediate()


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """What the platform says of a medium that was fetched; empty where it says nothing. Never believed unchecked."""

    name: str = ""
    content_type: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredMedium:
    """A medium that we keep: ``name`` is shown to people, ``content_type`` was found by looking at the bytes, ``size``
    is in bytes, ``digest`` the SHA-256 of the content in hex."""

    id: str
    kind: MessageKind
    name: str
    content_type: str
    size: int
    digest: str
    path: Path


class MediaSource(Protocol):
    """Where a channel finds the media it sends."""

    def find(self, media: str) -> StoredMedium | None:
        """The medium with this id; ``None`` when it has expired or never was."""
        ...


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

    def fetch(self, attachment: Attachment, into: IO[bytes], limit: int, deadline: float) -> Fetched:
        """Write the bytes of ``attachment``, decrypted, into ``into``; at most ``limit`` of them.

        ``deadline`` is the epoch second by which it must have ended. Raises :class:`Retry` when it may be tried again,
        and :class:`Refused` when never: ``too_large``, ``expired``, ``not_fetchable``, or the platform's code. What
        was written before an error is worthless.
        """
        ...

    def recall(self, message_id: str, deadline: float) -> None:
        """Take back what was sent under the platform's ``message_id``, from everybody who got it.

        ``deadline`` is the epoch second by which it must have ended. Raises :class:`Retry` and :class:`Unknown` when it
        may be tried again, and :class:`Refused` when never, as with ``recall_unsupported``.
        """
        ...

    def link(self, label: str, url: str) -> str:
        """``label`` as a link to ``url`` in the words of this channel's messages."""
        ...

    def verification_request(self) -> UrlVerification:
        """A verification of the callback URL as the platform would make it now, fresh at every call. No I/O."""
        ...

    def examine(self, deadline: float) -> list[Finding]:
        """Try what the platform allows to be tried without anybody noticing, until epoch second ``deadline``.

        What cannot be tried is said too. Nothing is repeated that the platform punishes; no text holds a secret.
        """
        ...


class Bubbles(Protocol):
    """What a channel may do with the bubbles of :mod:`bot.streams`; raises ``redis.RedisError``."""

    def finish(self, conversation: ConversationId, stream_id: str, text: str, pictures: tuple[str, ...] = ()) -> bool:
        """Let the bubble end with ``text`` and ``pictures`` (ids in the media store); False when it can no longer
        change."""
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

    ``redis`` is for state that all processes share (tokens, pacing, duplicate rule); ``http(url)`` gives the pool of
    connections that leads to ``url``, straight or by the operator's proxy, the same for all channels of a process;
    ``api_base`` maps a platform to its base URL without a trailing slash, e.g. ``{"wecom": "https://…"}``;
    ``bubbles`` are the replies that a platform shows while they are written; ``media`` holds what is sent as a picture
    or file; ``count(event, **labels)`` counts something an operator should see; ``clock`` gives epoch seconds.
    """

    redis: "redis.Redis"
    http: Callable[[str], urllib3.PoolManager]
    api_base: Mapping[str, str]
    callback_max_skew_s: float
    pace_per_minute: int
    pace_per_hour: int
    bubbles: Bubbles
    media: MediaSource
    count: Callable[..., None]
    clock: Callable[[], float]
