"""The grammar of template cards (§5.9): what each type must have, may have, and how long it may be.

One grammar for the app's cards and the bot's; only what §5.9 calls a maximum is refused, its other lengths are advice.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Card = Mapping[str, Any]

Channel = Literal["app", "bot"]
"""Whose card it is: some kinds of rows are for one of them only."""

INTERACTIVE = ("button_interaction", "vote_interaction", "multiple_interaction")
"""Types whose buttons bring an event."""

_KEY_BYTES = 1024
_ID_BYTES = 128
_QUESTION_BYTES = 200
_TASK_ID = re.compile(rf"[0-9A-Za-z_@-]{{1,{_ID_BYTES}}}")


@dataclass(frozen=True, slots=True)
class Text:
    """A string of at most ``most_bytes`` bytes of UTF-8, matching ``pattern``."""

    most_bytes: int | None = None
    pattern: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """An integer from ``least`` to ``most``."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Ratio:
    """A number from ``least`` to ``most``."""

    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false, or 1 or 0."""


@dataclass(frozen=True, slots=True)
class Record:
    """An object with ``required`` fields; ``by_type`` names what a value of its ``type`` requires besides."""

    fields: Mapping[str, "Kind"]
    required: tuple[str, ...] = ()
    by_type: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Many:
    """A list of ``least`` to ``most`` records, whose field ``unique`` never repeats."""

    item: Record
    most: int
    least: int = 0
    unique: str = ""


Kind = Text | Whole | Ratio | Flag | Record | Many

_BY_LINK = {1: ("url",), 2: ("appid",)}
_LINK: dict[str, Kind] = {"type": Whole(0, 2), "url": Text(), "appid": Text(), "pagepath": Text()}
_HEAD = Record({"title": Text(), "desc": Text()})
_SELECT_OPTION = Record({"id": Text(_ID_BYTES), "text": Text()}, ("id", "text"))
_VOTE_OPTION = Record({"id": Text(_ID_BYTES), "text": Text(), "is_checked": Flag()}, ("id", "text"))
_SELECTOR = Record(
    {
        "question_key": Text(_KEY_BYTES),
        "title": Text(),
        "option_list": Many(_SELECT_OPTION, least=1, most=10, unique="id"),
        "selected_id": Text(),
        "disable": Flag(),
    },
    ("question_key", "option_list"),
)
_SUBMIT = Record({"text": Text(), "key": Text(_KEY_BYTES)}, ("text", "key"))
_MENU = Many(Record({"text": Text(), "key": Text(_KEY_BYTES)}, ("text", "key")), least=1, most=3, unique="key")
_BUTTON = Record(
    {"text": Text(), "style": Whole(1, 4), "key": Text(_KEY_BYTES), "type": Whole(0, 1), "url": Text()},
    ("text",),
    {0: ("key",), 1: ("url",)},
)
_CHECKBOX = Record(
    {
        "question_key": Text(_KEY_BYTES),
        "mode": Whole(0, 1),
        "option_list": Many(_VOTE_OPTION, least=1, most=20, unique="id"),
        "disable": Flag(),
    },
    ("question_key", "option_list"),
)


def _pairs(most_type: int, types: Mapping[int, tuple[str, ...]]) -> Many:
    fields: dict[str, Kind] = {
        **{name: Text() for name in ("keyname", "value", "url", "media_id", "userid")},
        "type": Whole(0, most_type),
    }
    return Many(Record(fields, ("keyname",), types), most=6)


def _jumps(most_type: int) -> Many:
    fields = {**_LINK, "type": Whole(0, most_type), "title": Text(), "question": Text(_QUESTION_BYTES)}
    return Many(Record(fields, ("title",), _BY_LINK), most=3)


_COMMON: dict[str, Kind] = {
    "source": Record({"icon_url": Text(), "desc": Text(), "desc_color": Whole(0, 3)}),
    "action_menu": Record({"desc": Text(), "action_list": _MENU}, ("action_list",)),
    "main_title": _HEAD,
    "quote_area": Record({**_LINK, "title": Text(), "quote_text": Text()}, (), _BY_LINK),
    "card_action": Record({**_LINK, "type": Whole(1, 2)}, ("type",), _BY_LINK),
    "task_id": Text(pattern=_TASK_ID),
    "replace_text": Text(),
}
_OF_CHANNEL: Mapping[Channel, dict[str, Kind]] = {
    "app": {
        "horizontal_content_list": _pairs(3, {1: ("url",), 2: ("media_id",), 3: ("userid",)}),
        "jump_list": _jumps(2),
    },
    "bot": {
        # A picture or file (type 2) is the app's only; a question to ask (a jump of type 3) the bot's only.
        "horizontal_content_list": _pairs(3, {1: ("url",), 2: ("no such type",), 3: ("userid",)}),
        "jump_list": _jumps(3),
        "feedback": Record({"id": Text(256)}),
    },
}
_OF_TYPE: Mapping[str, dict[str, Kind]] = {
    "text_notice": {"emphasis_content": _HEAD, "sub_title_text": Text()},
    "news_notice": {
        "card_image": Record({"url": Text(), "aspect_ratio": Ratio(1.3, 2.25)}, ("url",)),
        "image_text_area": Record(
            {**_LINK, "title": Text(), "desc": Text(), "image_url": Text()}, ("image_url",), _BY_LINK
        ),
        "vertical_content_list": Many(Record({"title": Text(), "desc": Text()}, ("title",)), most=4),
    },
    "button_interaction": {
        "sub_title_text": Text(),
        "button_selection": _SELECTOR,
        "button_list": Many(_BUTTON, least=1, most=6, unique="key"),
    },
    "vote_interaction": {"checkbox": _CHECKBOX, "submit_button": _SUBMIT},
    "multiple_interaction": {
        "select_list": Many(_SELECTOR, least=1, most=3, unique="question_key"),
        "submit_button": _SUBMIT,
    },
}


def card_problem(card: object, channel: Channel, *, is_update: bool = False) -> str:
    """The first field of ``card`` that breaks the grammar, as a path; ``card_type`` if it is no card; empty for a good
    one. An update may leave out the ``task_id``, which means something only when a card is sent."""
    fields = _fields(card, channel)
    if not isinstance(card, dict) or fields is None:
        return "card_type"
    missing = next((name for name, has in _REQUIRED[card["card_type"]].items() if not has(card)), "")
    if missing:
        return missing
    must_have_task = card["card_type"] in INTERACTIVE or _given(card.get("action_menu"))
    if must_have_task and not is_update and not _given(card.get("task_id")):
        return "task_id"
    if not is_update and _given(card.get("replace_text")):
        return "replace_text"
    return _problem(card, Record(fields), "")


def shown_card(card: Card, channel: Channel) -> dict[str, Any]:
    """``card`` without what its type does not have; a client shows nothing of that."""
    fields = _fields(card, channel) or {}
    return {name: value for name, value in card.items() if name == "card_type" or name in fields}


def card_from_xml(tree: Mapping[str, Any], channel: Channel) -> dict[str, Any]:
    """The card in a passive reply (§2.5): ``CardType`` is ``card_type``, a list is a repeated element, and numbers are
    text. What no card has is left as it is."""
    kinds: dict[str, tuple[str, Kind]] = {"cardtype": ("card_type", Text())}
    fields = _fields({"card_type": tree.get("CardType")}, channel) or {}
    kinds.update({name.replace("_", ""): (name, kind) for name, kind in fields.items()})
    return _record_from_xml(tree, kinds)


def _fields(card: object, channel: Channel) -> dict[str, Kind] | None:
    own = _OF_TYPE.get(str(card.get("card_type"))) if isinstance(card, dict) else None
    return None if own is None else {**_COMMON, **_OF_CHANNEL[channel], **own}


def _given(value: object) -> bool:
    return value not in (None, "", [], {})


def _problem(value: object, kind: Kind, path: str) -> str:
    if isinstance(kind, Record):
        return _record_problem(value, kind, path)
    if isinstance(kind, Many):
        return _many_problem(value, kind, path)
    return "" if _fits(value, kind) else path


def _fits(value: object, kind: Text | Whole | Ratio | Flag) -> bool:
    if isinstance(kind, Text):
        if not isinstance(value, str) or (kind.most_bytes is not None and len(value.encode()) > kind.most_bytes):
            return False
        return kind.pattern is None or kind.pattern.fullmatch(value) is not None
    if isinstance(kind, Flag):
        return isinstance(value, int) and value in (0, 1)
    if isinstance(value, bool):
        return False
    if isinstance(kind, Whole):
        return isinstance(value, int) and kind.least <= value <= kind.most
    return isinstance(value, int | float) and kind.least <= value <= kind.most


def _record_problem(value: object, kind: Record, path: str) -> str:
    if not isinstance(value, dict):
        return path
    dot = f"{path}." if path else ""
    by_type = kind.by_type.get(value["type"] if isinstance(value.get("type"), int) else 0, ())
    for name in (*kind.required, *by_type):
        if not _given(value.get(name)):
            return f"{dot}{name}" if name in kind.fields else f"{dot}type"
    problems = (_problem(value[name], of, dot + name) for name, of in kind.fields.items() if _given(value.get(name)))
    return next(filter(None, problems), "")


def _many_problem(value: object, kind: Many, path: str) -> str:
    if not isinstance(value, list) or not kind.least <= len(value) <= kind.most:
        return path
    for at, item in enumerate(value):
        problem = _record_problem(item, kind.item, f"{path}[{at}]")
        if problem:
            return problem
    names = [item[kind.unique] for item in value if _given(item.get(kind.unique))] if kind.unique else []
    return f"{path}[].{kind.unique}" if len(set(names)) < len(names) else ""


def _record_from_xml(tree: Mapping[str, Any], kinds: Mapping[str, tuple[str, Kind]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for element, value in tree.items():
        name, kind = kinds.get(element.lower(), (element, Text()))
        found[name] = _from_xml(value, kind)
    return found


def _from_xml(value: Any, kind: Kind) -> Any:
    if isinstance(kind, Many):
        return [_from_xml(item, kind.item) for item in (value if isinstance(value, list) else [value])]
    if isinstance(kind, Record):
        names = {name.replace("_", ""): (name, of) for name, of in kind.fields.items()}
        return _record_from_xml(value, names) if isinstance(value, dict) else value
    if isinstance(value, str) and not isinstance(kind, Text):
        return _number(value.strip())
    return value


def _number(text: str) -> Any:
    """The number or truth in ``text``, or ``text`` itself, which the grammar then refuses."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text


def _has(name: str) -> Callable[[Card], bool]:
    return lambda card: _given(card.get(name))


def _titled(card: Card) -> bool:
    title = card.get("main_title")
    return isinstance(title, dict) and (_given(title.get("title")) or _given(title.get("desc")))


def _titled_or_subtitled(card: Card) -> bool:
    title = card.get("main_title")
    return _given(card.get("sub_title_text")) or (isinstance(title, dict) and _given(title.get("title")))


def _illustrated(card: Card) -> bool:
    return _given(card.get("card_image")) or _given(card.get("image_text_area"))


_REQUIRED: Mapping[str, Mapping[str, Callable[[Card], bool]]] = {
    "text_notice": {"main_title": _titled_or_subtitled, "card_action": _has("card_action")},
    "news_notice": {"main_title": _titled, "card_action": _has("card_action"), "card_image": _illustrated},
    "button_interaction": {"main_title": _titled, "button_list": _has("button_list")},
    "vote_interaction": {
        "main_title": _titled,
        "checkbox": _has("checkbox"),
        "submit_button": _has("submit_button"),
    },
    "multiple_interaction": {
        "main_title": _titled,
        "select_list": _has("select_list"),
        "submit_button": _has("submit_button"),
    },
}
