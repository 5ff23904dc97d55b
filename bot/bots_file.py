"""Who the bots are: ``bots.yaml``, read once and checked as a whole.

The file is checked against :class:`BotConfig` and, for each channel, against the model its package offers. Every
problem is reported at once with its line; a value that is or may be secret is never shown.
"""

import difflib
import re
import types
from collections.abc import Iterable, Mapping, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from bot.errors import ConfigError
from bot.knowledge.entries import Audience
from bot.safety.cases.config import SafetyConfig
from bot.yaml_source import Place, YamlSource, dotted, read_yaml

_ID = r"^[a-z0-9_-]{1,32}$"
_DAY = r"(?:mon|tue|wed|thu|fri|sat|sun)"
_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d"
SERVICE_HOURS = rf"^(?:(?P<first>{_DAY})(?:-(?P<last>{_DAY}))? )?(?P<begin>{_TIME})-(?P<end>{_TIME}|24:00)$"
"""The form of one of a bot's ``service_hours``; where begin and end are the same it is a whole day."""
_QUIET_HOURS = r"^(([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d)?$"
_DIGEST_AT = r"^((mon|tue|wed|thu|fri|sat|sun) ([01]\d|2[0-3]):[0-5]\d)?$"
_LONGEST_SHOWN = 60
_SHORTEST_PASTED = 8
_PREFIXES = ("Value error, must be ", "Value error, ", "Input should be ")
_EXPECTED = {
    "string_type": "text",
    "string_too_short": "at least {min_length} character",
    "string_too_long": "at most {max_length} characters",
    "string_pattern_mismatch": "text like {pattern}",
    "tuple_type": "a list",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "literal_error": "{expected}",
}
"""By pydantic's error type; other types carry their own words."""

_Label = Annotated[str, Field(min_length=1, max_length=64)]
_MenuKey = Annotated[str, Field(min_length=1, max_length=128)]
_MenuWords = Annotated[str, Field(min_length=1, max_length=500)]
_ChatId = Annotated[str, Field(min_length=1, max_length=128)]
_UserId = Annotated[str, Field(min_length=1, max_length=64)]
_Model = TypeVar("_Model", bound=BaseModel)


class GateConfig(BaseModel):
    """What must hold before knowledge is approved for a bot."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    required: bool = False
    """Whether nothing is approved for the bot with which a golden question that was right in its accepted run would be
    wrong (true or false)."""
    seconds: Annotated[int, Field(ge=5, le=3600)] = 120
    """How long asking them may take before an approval."""


@dataclass(frozen=True, slots=True)
class ChannelConfig:
    """One channel of a bot: the ``type`` written in the file and the rest as that type's own model."""

    type: str
    config: BaseModel

    @property
    def account(self) -> object:
        """What only one channel can be: the account at the platform, where the type's model tells it by an ``account``
        of its own, else all that is written of it."""
        return getattr(self.config, "account", self.config)

    @property
    def audience(self) -> Audience:
        """What a person who writes in a single chat may read unless more is known of them."""
        return Audience(getattr(self.config, "audience", Audience.PUBLIC))

    def reader(self, chat: str) -> Audience:
        """Who may read what is said in ``chat``, empty for a single chat.

        A group is as its lowest member, who may be anybody: public, unless the file lists it otherwise.
        """
        if not chat:
            return self.audience
        listed = getattr(self.config, "chats", {}).get(chat)
        return Audience(listed.audience) if listed else Audience.PUBLIC

    @property
    def bound_only(self) -> bool:
        """Whether :attr:`audience` holds only for people who are bound to a professional's record
        (:mod:`bot.identity`); everybody else reads what is public."""
        return getattr(self.config, "audience_for", "everybody") == "bound"

    @property
    def asks_satisfaction(self) -> bool:
        """Whether people are asked there what a human's service was like when it has ended, where that can be shown."""
        return bool(getattr(self.config, "satisfaction", True))

    @property
    def carries(self) -> tuple[str, ...]:
        """What the bot says in the channel's group without being asked (:mod:`bot.announcing`); nothing elsewhere."""
        return tuple(getattr(self.config, "carries", ()))

    @property
    def plain_userids(self) -> bool:
        """Whether people bear the same ids here as in the bot's channels that can write to them."""
        return bool(getattr(self.config, "plain_userids", False))


class BotConfig(BaseModel):
    """One bot as the operator configured it; ``id`` is its key in the file and part of its URLs."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        str_strip_whitespace=True,
        use_attribute_docstrings=True,
    )

    id: str
    name: _Label
    """What people call it."""
    tenant: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,64}$")] = "default"
    """Whose it is: collections, people and records belong to a tenant."""
    persona: Annotated[str, Field(max_length=2000)] = ""
    """How a language model shall sound; without a model it changes nothing."""
    knowledge: tuple[_Label, ...] = ()
    """The collections of the tenant that it may answer from."""
    four_eyes: bool = False
    """Whether nobody approves what they brought themselves (true or false); it holds for every collection that the bot
    answers from, whichever way somebody comes."""
    same_person: tuple[Annotated[tuple[_UserId, ...], Field(min_length=2)], ...] = ()
    """Who goes by several names, so that four eyes are not two: for each person a list of their user ids and of their
    accounts on the server as ``cli:NAME``, such as ``[[zhang.wei, "cli:zhangw"]]``. It holds for the whole tenant."""
    gate: GateConfig = GateConfig()
    """Whether its golden questions stand before every approval ([evaluation.md](evaluation.md))."""
    admins: tuple[_UserId, ...] = ()
    """The platform's user ids of those who may steer it by command messages."""
    servicers: tuple[_UserId, ...] = ()
    """The user ids of those who answer people that ask for a human."""
    service_hours: tuple[Annotated[str, Field(pattern=SERVICE_HOURS)], ...] = ()
    """When humans serve, such as ``[mon-fri 09:00-18:00, sat 09:00-12:00]``, by the clock of TIMEZONE. Who asks for a
    human at another time, or writes to one who has left, hears at once when there will be one, and the bot goes on
    answering; the staff hear of it all the same. Unset: at any time."""
    group_admins: Mapping[_ChatId, tuple[_UserId, ...]] = {}
    """Who may pause the bot, let it go on and take its words back in one group alone, by the group's chatid."""
    language: Literal["zh", "en"] = "zh"
    """What it speaks where the person's own language is not clear."""
    answer_threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    """The confidence below which it refuses, 0.5 when unset. Below 0.7 an answer says that it may not be what was
    asked."""
    feedback: Literal["words", "card", "none"] = "words"
    """How people are asked what an answer was worth, where the platform has no thumbs of its own. A card is a message
    of its own and counts against the platform's rate."""
    external_media: bool = False
    """Whether pictures and voices that people send may go, as they are, to the services of VISION_MODEL and
    SPEECH_BASE_URL: nothing in them can be masked, so a contract with whoever runs the service must allow it. Without,
    pictures are read on this machine, and who sends a voice is asked to type."""
    menu: Mapping[_MenuKey, _MenuWords] = {}
    """What somebody who chooses an entry of the app's menu asks or commands, by the entry's key."""
    quiet_hours: Annotated[str, Field(pattern=_QUIET_HOURS)] = ""
    """When broadcasts, announcements, reminders and digests wait, such as ``22:00-08:00``, by the clock of TIMEZONE;
    alerts and answers go out all the same. Unset: never."""
    digest_people: Annotated[int, Field(ge=2, le=1000)] = 3
    """How many different people must have asked a question before a digest names it."""
    digest_at: Annotated[str, Field(pattern=_DIGEST_AT)] = ""
    """When the digest of a week is said by itself, such as ``mon 09:00``, by the clock of TIMEZONE, in the groups that
    carry announcements; nobody confirms it. In quiet hours it waits for their end. Unset: only ``/digest`` says it."""
    safety: SafetyConfig = SafetyConfig()
    """How reports of adverse events are found and handed over, and how the bot speaks."""
    channels: Mapping[str, ChannelConfig]
    """Where it is reached, by an id that is part of the callback's URL."""

    def is_admin(self, person: str) -> bool:
        """Whether ``person`` may steer this bot. WeCom's user ids are case-insensitive (page 90196)."""
        return person.casefold() in {admin.casefold() for admin in self.admins}

    def is_servicer(self, person: str) -> bool:
        """Whether ``person`` answers people who asked this bot for a human; admins do not count."""
        return person.casefold() in {servicer.casefold() for servicer in self.servicers}

    def is_group_admin(self, person: str, chat: str) -> bool:
        """Whether ``person`` may steer this bot in the group ``chat``; admins of the bot do not count."""
        return person.casefold() in {admin.casefold() for admin in self.group_admins.get(chat, ())}


def load_bots(
    path: Path, environ: Mapping[str, str], channel_models: Mapping[str, type[BaseModel]]
) -> Mapping[str, BotConfig]:
    """The bots of ``path`` by id.

    ``environ`` fills ``${NAME}`` (see :func:`bot.settings.read_environment`); ``channel_models`` maps a channel's
    ``type`` to the model of its block. Raises :class:`~bot.errors.ConfigError` with every problem found.
    """
    source = read_yaml(path, environ)
    bots = _Reader(source, channel_models).bots()
    if source.problems:
        raise ConfigError(source.problems)
    return types.MappingProxyType(bots)


class _Reader:
    """Turns the parsed file into bots and notes what is wrong on the way."""

    def __init__(self, source: YamlSource, models: Mapping[str, type[BaseModel]]) -> None:
        self._source = source
        self._models = models
        self._channels: dict[Place, ChannelConfig] = {}

    def bots(self) -> dict[str, BotConfig]:
        """Every bot that is right."""
        top = self._block((), self._source.value, ("bots",))
        blocks = self._block(("bots",), top.get("bots"))
        if not blocks:
            self._source.complain(("bots",), "missing; expected at least one bot")
        found = {bot_id: self._bot(bot_id, block) for bot_id, block in blocks.items()}
        return {bot_id: bot for bot_id, bot in found.items() if bot is not None}

    def _bot(self, bot_id: str, raw: object) -> BotConfig | None:
        place: Place = ("bots", bot_id)
        self._check_id(place)
        given = self._block(place, raw, [name for name in BotConfig.model_fields if name != "id"])
        blocks = self._block((*place, "channels"), given.get("channels"))
        if not blocks:
            self._source.complain((*place, "channels"), "missing; expected at least one channel")
        channels = {
            channel_id: self._channel((*place, "channels", channel_id), blocks[channel_id]) for channel_id in blocks
        }
        right = {channel_id: channel for channel_id, channel in channels.items() if channel is not None}
        nested: dict[str, BaseModel | None] = {}
        for key, model in (("safety", SafetyConfig), ("gate", GateConfig)):
            block = self._block((*place, key), given.get(key), model.model_fields)
            nested[key] = self._checked((*place, key), model, block)
        return self._checked(place, BotConfig, given | {"id": bot_id, "channels": right} | nested)

    def _channel(self, place: Place, raw: object) -> ChannelConfig | None:
        self._check_id(place)
        block = self._block(place, raw)
        kind = str(block.pop("type", None) or "")
        model = self._models.get(kind)
        if model is None:
            known = ", ".join(sorted(self._models))
            near = _near(kind, self._models)  # else it may be something that was pasted into the wrong line
            found = f"found {_found(kind, secret=not near)}{near}" if kind else "missing"
            self._source.complain((*place, "type"), f"{found}; expected one of: {known}")
            return None
        checked = self._checked(place, model, self._known(place, block, model.model_fields))
        if checked is None:
            return None
        channel = ChannelConfig(type=kind, config=checked)
        others = ((other, seen) for other, seen in self._channels.items() if seen.type == kind)
        twin = next((other for other, seen in others if seen.account == channel.account), None)
        if twin is not None:
            words = f"the same account as {dotted(twin)}; it calls back only one: keep one"
            self._source.complain(place, words)
        self._channels[place] = channel
        return channel

    def _block(self, place: Place, raw: object, known: Iterable[str] | None = None) -> dict[str, Any]:
        """``raw`` as a mapping; of ``known`` keys only, when these are given."""
        if raw is None:
            return {}
        if not isinstance(raw, dict):
            self._source.complain(place, f"found {_found(raw)}; expected keys with values below it")
            return {}
        return dict(raw) if known is None else self._known(place, raw, known)

    def _known(self, place: Place, block: dict[str, Any], known: Iterable[str]) -> dict[str, Any]:
        names = list(known)
        for key in block:
            if key not in names:
                self._source.complain((*place, key), f"unknown key{_near(key, names)}; expected {', '.join(names)}")
        return {key: value for key, value in block.items() if key in names}

    def _check_id(self, place: Place) -> None:
        if not re.fullmatch(_ID, str(place[-1])):
            self._source.complain(place, "not an id; expected 1 to 32 of a-z, 0-9, - and _ (it is part of URLs)")

    def _checked(self, place: Place, model: type[_Model], given: Mapping[str, Any]) -> _Model | None:
        """``given`` as a ``model``, keys without a value left out; what is wrong with it is noted."""
        try:
            return model.model_validate({key: value for key, value in given.items() if value is not None})
        except ValidationError as error:
            for fault in error.errors():
                self._complain(place, model, fault)
            return None

    def _complain(self, place: Place, model: type[BaseModel], fault: Any) -> None:
        at: Place = (*place, *fault["loc"])
        if fault["type"] == "missing":
            self._source.complain(at, "missing")
            return
        secret = at in self._source.substituted or _may_be_secret(model, fault)
        self._source.complain(at, f"found {_found(fault['input'], secret=secret)}; expected {_expected(fault)}")


def _may_be_secret(model: type[BaseModel], fault: Any) -> bool:
    """Whether a wrong value is a secret, or may be one that was pasted into another line of a block with secrets."""
    fields = model.model_fields.items()
    secrets = [name for name, field in fields if SecretStr in (field.annotation, *get_args(field.annotation))]
    if fault["loc"] and fault["loc"][0] in secrets:
        return True
    return bool(secrets) and len(str(fault["input"])) >= _SHORTEST_PASTED


def _found(value: object, *, secret: bool = False) -> str:
    if isinstance(value, Sized) and not isinstance(value, str):
        return "a list" if isinstance(value, list) else "keys with values"
    text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    return f"{len(text)} characters" if secret or len(text) > _LONGEST_SHOWN else repr(text)


def _expected(fault: Any) -> str:
    """What a pydantic fault asks for, in words that follow "expected"."""
    template = _EXPECTED.get(fault["type"])
    if template is not None:
        return template.format(**fault.get("ctx", {}))
    text = str(fault["msg"])
    return next((text.removeprefix(prefix) for prefix in _PREFIXES if text.startswith(prefix)), text)


def _near(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""
