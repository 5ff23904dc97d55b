"""What stands in a chat: a bubble, how its callback fares, what it quotes, and the stream that still writes it."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

PeerId = Literal["app", "bot", "kf"]
"""The accounts that members write to: the self-built app and the AI bot; and what WeChat customers write to: the
accounts of WeChat customer service."""

Via = Literal[
    "member", "send", "passive", "stream", "response_url", "event", "servicer", "system", "webhook", "appchat"
]
"""Who put an entry into a chat: the member, the app by ``message/send``, a peer in a callback's answer, the bot as a
stream or through a ``response_url``, a group robot by its ``webhook``, the app in a group of its own by ``appchat``
(both are named by the field ``author``). In customer service the customer is the ``member``, and besides ``send`` there
are ``event`` (``send_msg_on_event``), a ``servicer`` by hand, and the ``system`` (what happened to the session)."""

State = Literal["queued", "held", "delivering", "delivered", "failed", "dropped", "refused"]
"""``held``: by a swap fault or because too much is in progress (rule 28); ``refused``: the latter, by a switch."""


@dataclass(kw_only=True, slots=True)
class Delivery:
    """How a member's message fares on its way to the peer.

    ``attempts`` counts tries so far, ``status`` is the last HTTP status (``None`` when there was none), ``ms`` the last
    try's duration, ``error`` why it failed: ``timeout``, ``connection``, ``bad_http`` or ``status``.
    """

    state: State = "queued"
    attempts: int = 0
    status: int | None = None
    ms: float = 0.0
    error: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Quote:
    """The entry ``id`` that another one quotes: who wrote it, and what (at that time)."""

    id: int
    name: str
    type: str
    content: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamState:
    """The stream behind a bubble: how often it was refreshed, and whether it ended or ran out of time (rule 27)."""

    id: str
    finished: bool = False
    polls: int = 0
    expired: bool = False


@dataclass(kw_only=True, slots=True)
class Entry:
    """One bubble. ``type`` is the MsgType, ``content`` its text, ``fields`` what other kinds carry.

    ``chat`` is the chatid of a group, empty in the single chat of ``member`` with ``peer``; in a group ``member`` is
    who wrote it or, for the bot's, whom it answers. In customer service ``chat`` is the account's open_kfid and
    ``member`` always the customer's external_userid. ``upload`` describes a picture or file; ``feedback`` is the
    feedback id of a bot's reply (empty: nobody can rate it). ``cut`` says that the platform cut the text (rule 17),
    ``recalled`` that the app took the message back, and nothing of it is left (rule 22); ``msg_id`` is the callback's
    message id (empty for the app's events) or the ``msgid`` that ``message/send`` returned; ``at`` is in seconds since
    the epoch; ``rev`` grows with each change.
    """

    id: int
    member: str
    via: Via
    type: str
    content: str
    at: float
    peer: PeerId = "app"
    chat: str = ""
    rev: int = 0
    fields: dict[str, Any] = field(default_factory=dict)
    upload: dict[str, Any] | None = None
    quote: Quote | None = None
    stream: StreamState | None = None
    feedback: str = ""
    cut: bool = False
    recalled: bool = False
    msg_id: str = ""
    request_id: str = ""
    delivery: Delivery | None = None

    def to_json(self) -> dict[str, Any]:
        """All fields, JSON-ready."""
        return asdict(self)
