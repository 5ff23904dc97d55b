"""Who asks, as far as composing an answer needs to know."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.bots_file import BotConfig
from bot.texts import Language


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking:
    """Which bot is asked, in which language, and how the answer reaches the person: ``quoted`` are the words they
    quoted, ``show`` lets them read the text so far."""

    bot: BotConfig
    language: Language
    quoted: str = ""
    show: Callable[[str], None] = lambda _text: None
