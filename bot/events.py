"""What people do besides writing, in no platform's words. Events travel through Redis as JSON."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from bot.json_fields import number, text_list, texts


class Verdict(StrEnum):
    """What somebody thinks of an answer; ``WITHDRAWN`` takes an earlier verdict back."""

    USEFUL = "useful"
    USELESS = "useless"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The person can now see the bot."""


@dataclass(frozen=True, slots=True)
class Entered:
    """The person opened the chat with the bot; may come at every entry.

    Where the platform itself says that a welcome is due, ``welcome_until`` is the epoch second by which it must have
    been said; else 0. ``brought`` is what the link by which they came carries, as its maker wrote it; with that and no
    such second none is due.
    """

    welcome_until: float = 0.0
    brought: str = ""


@dataclass(frozen=True, slots=True)
class MenuClick:
    """The person chose the menu entry ``key``."""

    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CardClick:
    """The person pressed ``key`` on the card ``task_id``, having ``chosen`` choice ids by question key.

    ``response_code`` is the platform's permission to change the card once more (:class:`bot.parts.CardUpdate`); empty
    where the platform gives none.
    """

    task_id: str
    key: str
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    response_code: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rating:
    """The person rated the answer of the turn ``turn_id``, in the platform's own way.

    ``reasons`` are constant words: ``unrelated``, ``incomplete``, ``wrong``, ``wrong_analysis``; ``words`` the
    person's own.
    """

    turn_id: str
    verdict: Verdict
    reasons: tuple[str, ...] = ()
    words: str = ""


@dataclass(frozen=True, slots=True)
class Warned:
    """The platform warns the operators: ``name`` is the event's name there, such as ``inactive_alert``."""

    name: str


class Change(StrEnum):
    """What a human did with a person's chat at the platform's own desk."""

    TAKEN = "taken"
    MOVED = "moved"
    ENDED = "ended"
    REOPENED = "reopened"


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionChanged:
    """A human, ``servicer``, took, passed on, ended or re-opened the person's chat; of one that was passed on it is who
    has it now."""

    change: Change
    servicer: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ServicerWrote:
    """The human ``servicer`` wrote to the person at the platform's own desk; what, is theirs."""

    servicer: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Undelivered:
    """The platform took a part and says later that the person never got it.

    ``part`` is the key under which it was sent (:meth:`bot.channel.Channel.send`), ``reason`` a constant word such as
    ``refused_by_person``.
    """

    part: str
    reason: str


Event = Subscribed | Entered | MenuClick | CardClick | Rating | Warned | Undelivered | SessionChanged | ServicerWrote


def encode_event(event: Event) -> dict[str, Any]:
    """``event`` as a JSON-ready object: ``type`` and its fields."""
    return {"type": type(event).__name__.lower(), **asdict(event)}


def decode_event(fields: Mapping[str, Any]) -> Event:
    """The inverse of :func:`encode_event`. Raises ``KeyError``, ``TypeError``, ``ValueError`` or ``AttributeError`` for
    anything else."""
    values = dict(fields)
    return _DECODERS[values.pop("type")](values)


def _card_click(values: dict[str, Any]) -> CardClick:
    chosen = {key: text_list(ids) for key, ids in values.pop("chosen").items()}
    return CardClick(chosen=chosen, **texts(values))


def _rating(values: dict[str, Any]) -> Rating:
    reasons, verdict = text_list(values.pop("reasons")), Verdict(values.pop("verdict"))
    return Rating(verdict=verdict, reasons=reasons, **texts(values))


_DECODERS: Mapping[str, Callable[[dict[str, Any]], Event]] = {
    "subscribed": lambda values: Subscribed(**values),
    "entered": lambda values: Entered(welcome_until=number(values.pop("welcome_until", 0.0)), **texts(values)),
    "menuclick": lambda values: MenuClick(**texts(values)),
    "cardclick": _card_click,
    "rating": _rating,
    "warned": lambda values: Warned(**texts(values)),
    "undelivered": lambda values: Undelivered(**texts(values)),
    "sessionchanged": lambda values: SessionChanged(change=Change(values.pop("change")), **texts(values)),
    "servicerwrote": lambda values: ServicerWrote(**texts(values)),
}
