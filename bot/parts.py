"""The parts of a reply: what one platform message can say, in no platform's words.

A part that a channel cannot show is said in words instead, see :meth:`bot.channel.Channel.send` and
:attr:`bot.channel.Limits.features`. Parts travel through Redis as JSON.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bot.messages import MessageKind


@dataclass(frozen=True, slots=True)
class Text:
    """A part shown as plain text."""

    content: str


@dataclass(frozen=True, slots=True)
class Markdown:
    """A part in the platform's Markdown subset."""

    content: str


@dataclass(frozen=True, slots=True)
class Stream:
    """The last words, in Markdown, of the bubble ``stream_id`` (see :mod:`bot.streams`).

    ``pictures`` are ids in the media store, shown below the words.
    """

    content: str
    stream_id: str
    pictures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Medium:
    """A picture, voice, video or file; ``media`` is its id in the media store (:mod:`bot.media.store`)."""

    kind: MessageKind
    media: str


@dataclass(frozen=True, slots=True)
class Article:
    """One entry of :class:`News`; ``url`` is where it leads, ``picture_url`` may be empty."""

    title: str
    description: str
    url: str
    picture_url: str = ""


@dataclass(frozen=True, slots=True)
class News:
    """One to eight articles; the first is shown large."""

    articles: tuple[Article, ...]


@dataclass(frozen=True, slots=True)
class Button:
    """Something to press: ``key`` comes back in the :class:`~bot.messages.CardClick`."""

    label: str
    key: str


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to choose: ``id`` comes back in the :class:`~bot.messages.CardClick`."""

    id: str
    label: str


@dataclass(frozen=True, slots=True)
class Vote:
    """A question with one to twenty choices; several may be chosen if ``multiple``. ``submit`` sends the choice."""

    key: str
    choices: tuple[Choice, ...]
    submit: Button
    multiple: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """A card: a title, words, and buttons (at most six), a vote, or neither.

    ``task_id`` names it in clicks and updates: letters, digits, ``_``, ``-`` and ``@``, never used for another card.
    ``url`` is where a card without buttons leads; it needs one.
    """

    task_id: str
    title: str
    text: str = ""
    url: str = ""
    buttons: tuple[Button, ...] = ()
    vote: Vote | None = None


@dataclass(frozen=True, slots=True)
class CardUpdate:
    """A card that somebody pressed becomes ``label``, pressed and dead; ``response_code`` is the platform's permission,
    which works once."""

    task_id: str
    response_code: str
    label: str


Part = Text | Markdown | Stream | Medium | News | Card | CardUpdate
"""One platform message; already within the channel's limits when it reaches :meth:`bot.channel.Channel.send`."""


def encode_part(part: Part) -> dict[str, Any]:
    """``part`` as a JSON-ready object: ``type`` and its fields."""
    return {"type": type(part).__name__.lower(), **asdict(part)}


def decode_part(fields: dict[str, Any]) -> Part:
    """The inverse of :func:`encode_part`. Raises ``KeyError``, ``TypeError`` or ``ValueError`` for anything else."""
    values = dict(fields)
    return _DECODERS[values.pop("type")](values)


def _stream(values: dict[str, Any]) -> Stream:
    return Stream(**values | {"pictures": tuple(values.get("pictures", ()))})


def _medium(values: dict[str, Any]) -> Medium:
    return Medium(kind=MessageKind(values["kind"]), media=values["media"])


def _news(values: dict[str, Any]) -> News:
    return News(articles=tuple(Article(**article) for article in values["articles"]))


def _card(values: dict[str, Any]) -> Card:
    buttons = tuple(Button(**button) for button in values.pop("buttons"))
    vote = values.pop("vote")
    if vote is not None:
        choices = tuple(Choice(**choice) for choice in vote.pop("choices"))
        vote = Vote(choices=choices, submit=Button(**vote.pop("submit")), **vote)
    return Card(buttons=buttons, vote=vote, **values)


_DECODERS: Mapping[str, Callable[[dict[str, Any]], Part]] = {
    "text": lambda values: Text(**values),
    "markdown": lambda values: Markdown(**values),
    "stream": _stream,
    "medium": _medium,
    "news": _news,
    "card": _card,
    "cardupdate": lambda values: CardUpdate(**values),
}


def words_of(part: Part) -> str:
    """What ``part`` says in words, for those who cannot be shown it; empty for a medium and an update."""
    match part:
        case Text(content) | Markdown(content) | Stream(content):
            return content
        case News(articles):
            return "\n".join(f"{article.title} {article.url}" for article in articles)
        case Card():
            labels = [button.label for button in part.buttons]
            labels += [choice.label for choice in part.vote.choices] if part.vote else []
            return "\n".join(filter(None, (part.title, part.text, " / ".join(labels), part.url)))
        case Medium() | CardUpdate():
            return ""
