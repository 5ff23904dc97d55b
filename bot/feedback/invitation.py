"""How an answer asks what the person thinks of it, and how the answer to that is understood.

Where the platform has its own thumbs nothing is asked (``Limits.ratings``). Elsewhere a bot asks in words, or by a
card if its configuration says so: a card is a message of its own, with its own share of the platform's rate.
"""

import re
import unicodedata

from bot.bots_file import BotConfig
from bot.channel import Limits
from bot.events import CardClick, Verdict
from bot.messages import ReplyKind
from bot.parts import Button, Card
from bot.texts import Language, Texts

ANSWERS = frozenset({ReplyKind.FAQ, ReplyKind.GROUNDED, ReplyKind.EXTRACTIVE})
"""The kinds of reply that people are asked about; a refusal offers a human anyway."""
RATE_KEY = "rate"
HUMAN_KEY = "human"

_WORDS: dict[Verdict, re.Pattern[str]] = {
    Verdict.USEFUL: re.compile(r"(很|非常|挺|真)?(有用|有帮助|有效)(了|的|谢谢)?|useful|helpful"),
    Verdict.USELESS: re.compile(
        r"(完全|根本|真|这个)?(没用|没有用|没啥用|无用|没帮助|没有帮助)(的|啊)?|useless|not(useful|helpful)"
    ),
}


def asks_in_words(bot: BotConfig, limits: Limits, kind: ReplyKind) -> bool:
    """Whether a reply of this kind ends with the question what the person thinks of it."""
    if kind not in ANSWERS or limits.ratings or bot.feedback == "none":
        return False
    return bot.feedback == "words" or not limits.cards


def asks_by_card(bot: BotConfig, limits: Limits, kind: ReplyKind) -> bool:
    """Whether a card with buttons follows a reply of this kind."""
    return kind in ANSWERS and not limits.ratings and bot.feedback == "card" and limits.cards


def rating_card(turn_id: str, texts: Texts, language: Language) -> Card:
    """The card that asks for a verdict on the answer of ``turn_id``."""
    buttons = (
        Button(texts.say("feedback_useful", language), f"{RATE_KEY}:{Verdict.USEFUL}:{turn_id}"),
        Button(texts.say("feedback_useless", language), f"{RATE_KEY}:{Verdict.USELESS}:{turn_id}"),
        Button(texts.say("feedback_human", language), f"{HUMAN_KEY}:{turn_id}"),
    )
    return Card(task_id=f"{RATE_KEY}_{turn_id}", title=texts.say("feedback_title", language), buttons=buttons)


def verdict_in_words(text: str) -> Verdict | None:
    """The verdict that ``text`` is, and nothing else, however it is punctuated."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    words = "".join(character for character in folded if character.isalnum())
    return next((verdict for verdict, pattern in _WORDS.items() if pattern.fullmatch(words)), None)


def verdict_of(click: CardClick) -> tuple[Verdict, str] | None:
    """The verdict that a press on a :func:`rating_card` is, and the turn it is about; ``None`` for another press."""
    match click.key.split(":"):
        case [kind, verdict, turn_id] if kind == RATE_KEY and verdict in (Verdict.USEFUL, Verdict.USELESS):
            return Verdict(verdict), turn_id
        case _:
            return None
