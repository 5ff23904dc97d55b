"""Who asks, as far as composing an answer needs to know."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.bots_file import BotConfig
from bot.messages import ConversationId
from bot.texts import Language


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking:
    """Which bot is asked, in which language, and how the answer reaches the person: ``quoted`` are the words they
    quoted, ``show`` lets them read the text so far. ``conversation`` is where, ``None`` for a question from a command
    line; ``own`` says that the sources are the person's own files, and no approved knowledge."""

    bot: BotConfig
    language: Language
    quoted: str = ""
    show: Callable[[str], None] = lambda _text: None
    conversation: ConversationId | None = None
    own: bool = False
