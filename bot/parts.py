"""The parts of a reply: what one platform message can say, in no platform's words.

What a channel cannot show (:meth:`bot.channel.Limits.shows`) does not reach it. Parts travel through Redis as JSON.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bot.json_fields import items, text_list, texts
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
    """Something to press: ``key`` comes back in the :class:`~bot.events.CardClick`."""

    label: str
    key: str


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to choose: ``id`` comes back in the :class:`~bot.events.CardClick`."""

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


@dataclass(frozen=True, slots=True)
class Menu:
    """Words with something to choose below them: a choice comes back as a message with its words.

    With ``ids``, one for each choice and of the form ``KEY:CHOICE``, it comes back as a :class:`~bot.events.CardClick`
    of ``KEY`` in which ``CHOICE`` was chosen.
    """

    text: str
    choices: tuple[str, ...]
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class MenuLimits:
    """What a :class:`Menu` may hold: its words and each choice in bytes of UTF-8, and how many choices."""

    text_bytes: int
    choice_bytes: int
    choices: int

    def takes(self, menu: Menu) -> bool:
        """Whether ``menu`` fits."""
        words = [(menu.text, self.text_bytes), *((choice, self.choice_bytes) for choice in menu.choices)]
        fits = all(1 <= len(text.encode(errors="replace")) <= most for text, most in words)
        return fits and len(menu.choices) <= self.choices


Part = Text | Markdown | Stream | Medium | News | Card | CardUpdate | Menu
"""One platform message; already within the channel's limits when it reaches :meth:`bot.channel.Channel.send`."""


def encode_part(part: Part) -> dict[str, Any]:
    """``part`` as a JSON-ready object: ``type`` and its fields."""
    return {"type": type(part).__name__.lower(), **asdict(part)}


def decode_part(fields: dict[str, Any]) -> Part:
    """The inverse of :func:`encode_part`. Raises ``KeyError``, ``TypeError``, ``ValueError`` or ``AttributeError`` for
    anything else."""
    values = dict(fields)
    return _DECODERS[values.pop("type")](values)


def _stream(values: dict[str, Any]) -> Stream:
    return Stream(pictures=text_list(values.pop("pictures", [])), **texts(values))


def _medium(values: dict[str, Any]) -> Medium:
    return Medium(kind=MessageKind(values.pop("kind")), **texts(values))


def _news(values: dict[str, Any]) -> News:
    return News(tuple(Article(**texts(article)) for article in items(values.pop("articles"))), **values)


def _card(values: dict[str, Any]) -> Card:
    buttons = tuple(Button(**texts(button)) for button in items(values.pop("buttons")))
    vote = values.pop("vote")
    return Card(buttons=buttons, vote=None if vote is None else _vote(dict(vote)), **texts(values))


def _vote(values: dict[str, Any]) -> Vote:
    choices = tuple(Choice(**texts(choice)) for choice in items(values.pop("choices")))
    submit, multiple = Button(**texts(values.pop("submit"))), values.pop("multiple")
    if not isinstance(multiple, bool):
        raise TypeError("multiple is neither true nor false")
    return Vote(choices=choices, submit=submit, multiple=multiple, **texts(values))


def _menu(values: dict[str, Any]) -> Menu:
    ids = text_list(values.pop("ids", []))
    return Menu(choices=text_list(values.pop("choices")), ids=ids, **texts(values))


_DECODERS: Mapping[str, Callable[[dict[str, Any]], Part]] = {
    "text": lambda values: Text(**texts(values)),
    "markdown": lambda values: Markdown(**texts(values)),
    "stream": _stream,
    "medium": _medium,
    "news": _news,
    "card": _card,
    "cardupdate": lambda values: CardUpdate(**texts(values)),
    "menu": _menu,
}


def words_of(part: Part) -> str:
    """What ``part`` says in words, for those who cannot be shown it; empty for a medium and an update."""
    match part:
        case Text(content) | Markdown(content) | Stream(content):
            return content
        case Menu(text, choices):
            return "\n".join((text, *(f"· {choice}" for choice in choices)))
        case News(articles):
            return "\n".join(f"{article.title} {article.url}" for article in articles)
        case Card():
            labels = [button.label for button in part.buttons]
            labels += [choice.label for choice in part.vote.choices] if part.vote else []
            return "\n".join(filter(None, (part.title, part.text, " / ".join(labels), part.url)))
        case Medium() | CardUpdate():
            return ""
