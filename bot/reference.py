"""The reference of everything that can be configured, written from the models that check it."""

import re
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypeGuard, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from bot.bots_file import BotConfig
from bot.setting_types import Expected
from bot.settings import Settings

_NOT_IN_THE_FILE = frozenset({"id", "channels"})
"""A bot's id is its key, and its channels have sections of their own."""
_SWITCH = "1 or 0"
_HEAD = """# Configuration

This page is written by `python -m bot reference` from the code that checks the values; a test compares the two.

## Environment

Each is an environment variable; a file `.env` in the working directory supplies what the environment does not set. An
empty value counts as unset, and an unset URL means the embedded default.
"""
_BOTS = """
## bots.yaml

Below `bots:` stands one block for each bot, under its id (1 to 32 of `a-z`, `0-9`, `-` and `_`; part of its URLs).
`${NAME}` anywhere stands for the environment variable of that name, so that secrets stay out of the file. A change is
taken up within seconds without a restart, or refused as a whole with every problem and its line
([Changing bots.yaml](running.md#changing-botsyaml)).

### A bot
"""
_CHANNELS = """
Below `channels:` stands one block for each channel, under an id of the same shape: the callback's URL is
`PUBLIC_URL/callback/BOT/CHANNEL`.
"""


def configuration_reference(channel_models: Mapping[str, type[BaseModel]]) -> str:
    """Markdown: every environment variable, every key of a bot and of each channel type in ``channel_models``."""
    lines = [_HEAD, *_table(Settings, str.upper), _BOTS, *_table(BotConfig, str), *_nested(BotConfig), _CHANNELS]
    for name, model in channel_models.items():
        lines += [f"### A channel of type `{name}`\n", *_table(model, str)]
        lines += _nested(model)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def _nested(model: type[BaseModel]) -> Iterator[str]:
    """Tables of the models that stand inside ``model`` or inside mappings of it."""
    for key, info in model.model_fields.items():
        if _is_model(info.annotation):
            yield f"Below `{key}:`\n"
            yield from _table(info.annotation, str)
        inner = get_args(info.annotation)[-1] if get_origin(info.annotation) is not None else None
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield f"Each entry of `{key}`:\n"
            yield from _table(inner, str)


def _is_model(annotation: Any) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _table(model: type[BaseModel], spell: Any) -> Iterator[str]:
    yield "| key | value | unset | meaning |"
    yield "| --- | --- | --- | --- |"
    for key, info in model.model_fields.items():
        if not (model is BotConfig and key in _NOT_IN_THE_FILE):
            meaning = " ".join((info.description or "").split()).replace("``", "`").replace("|", "\\|")
            yield f"| `{spell(key)}` | {_value(info)} | {_default(info)} | {meaning} |"
    yield ""


def _value(info: FieldInfo) -> str:
    """What may stand there, in words."""
    inner = [item for member in get_args(info.annotation) for item in getattr(member, "__metadata__", ())]
    expected = next((item.text for item in [*info.metadata, *inner] if isinstance(item, Expected)), None)
    return (expected or _type(info.annotation)).replace("|", "\\|")


def _type(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _type(get_args(annotation)[0])
    if origin is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(annotation))
    if origin in (Union, types.UnionType):
        return _type(next(member for member in get_args(annotation) if member is not types.NoneType))
    if origin is tuple:
        return "a list"
    if _is_model(annotation) or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return "keys with values"
    names = {bool: "`true` or `false`", int: "a whole number", float: "a number", SecretStr: "a secret"}
    return names.get(annotation, "text")


def _default(info: FieldInfo) -> str:
    """What holds where nothing is said, as it would be written."""
    if info.default_factory not in (None, dict):
        return "as said"
    value = info.default
    if value is PydanticUndefined and info.default_factory is None:
        return "**required**"
    if value in (None, "", (), {}, PydanticUndefined) or isinstance(value, BaseModel):
        return "none"
    if isinstance(value, bool):
        return f"`{int(value)}`" if _value(info) == _SWITCH else f"`{value}`".lower()
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"
