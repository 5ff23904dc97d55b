"""Which messages are command messages, and how one is divided into a name and the rest."""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import replace

from bot.commands.own_data_words import own_data_wish
from bot.events import CardClick
from bot.identity.codes import code_in
from bot.messages import InboundMessage, MessageKind

CONFIRM_KEY = "confirm"
"""``confirm:CODE`` is the key of the button that confirms a command."""

_COMMAND = re.compile(r"[/／]\s*(?P<name>\S*)\s*(?P<rest>.*)", re.DOTALL)
_HUMAN = re.compile(
    r"(请|麻烦|帮我|请帮我|给我|我要|我想|我需要|需要)?(转接|转|找|接|要)?(一下)?人工(客服|服务|坐席)?(吧|谢谢)?"
)
_LONGEST_WISH = 20
_LONGEST_CODE = 8


def is_command(message: InboundMessage) -> bool:
    """True when ``message`` begins with a slash (full-width too), asks for a human or for one's own data and nothing
    else, brings a one-time code that binds its sender, or is the press on the button of a
    :mod:`confirmation <bot.commands.confirmations>`."""
    if isinstance(message.event, CardClick):
        return _confirmed_by(message.event) is not None
    if message.kind is MessageKind.VOICE:  # as the platform wrote it down; nobody says a slash
        return _asks_for_human(message.text)
    if message.kind is not MessageKind.TEXT:
        return False
    slash = message.text.lstrip().startswith(("/", "／"))
    plain = own_data_wish(message.text) is not None or code_in(message.text) is not None
    return slash or plain or _asks_for_human(message.text)


def divided(message: InboundMessage, names: Collection[str]) -> tuple[str, str]:
    """The name in small letters, and what follows it, of ``message``, which :func:`is_command`.

    A name has two words where they are one of ``names``, else one.
    """
    message = _in_words(message)
    match = _COMMAND.match(message.text.strip())
    if match is None and (code := code_in(message.text)) is not None:
        return "verify", code
    if match is None:
        return own_data_wish(message.text) or "human", ""
    first, rest = _folded(match["name"]), match["rest"].strip()
    second = re.match(r"(?P<word>\S+)\s*(?P<rest>.*)", rest, re.DOTALL)
    if second is not None and (both := f"{first} {_folded(second['word'])}") in names:
        return both, second["rest"].strip()
    return first, rest


def _folded(word: str) -> str:
    return unicodedata.normalize("NFKC", word).lower()


def _in_words(message: InboundMessage) -> InboundMessage:
    """A press on a button as the words that do the same."""
    code = _confirmed_by(message.event) if isinstance(message.event, CardClick) else None
    return message if code is None else replace(message, text=f"/{CONFIRM_KEY} {code}")


def _confirmed_by(click: CardClick) -> str | None:
    kind, _, code = click.key.partition(":")
    return code if kind == CONFIRM_KEY and code.isalnum() and len(code) <= _LONGEST_CODE else None


def _asks_for_human(text: str) -> bool:
    """The whole message is the wish for a human, however it is punctuated."""
    words = "".join(character for character in unicodedata.normalize("NFKC", text) if character.isalnum())
    return len(words) <= _LONGEST_WISH and _HUMAN.fullmatch(words) is not None
