"""The question what a human's service was like, asked when it has ended."""

from bot.channel import Limits
from bot.parts import Button, Card, Choice, Menu, Part, Vote
from bot.texts import Language, Texts

TICKET_KEY = "ticket"
"""``ticket:NUMBER`` is the key under which the answer comes back, whatever asked for it."""
SATISFACTION = (3, 2, 1)
"""Good, fair, bad: the ids of the choices."""


def with_question(
    words: str, limits: Limits, texts: Texts, language: Language, *, number: int, turn_id: str
) -> tuple[str, tuple[Part, ...]]:
    """``words``, which tell that the service of ticket ``number`` was ended by the turn ``turn_id``, and the question
    as a channel with ``limits`` can show it: a card that follows them, or a menu below them, for at an account of
    customer service no second message gets through."""
    labels = tuple(texts.say(f"satisfaction_{score}", language) for score in SATISFACTION)
    key, title = f"{TICKET_KEY}:{number}", texts.say("satisfaction_title", language)
    menu = Menu(f"{words}\n\n{title}", labels, tuple(f"{key}:{score}" for score in SATISFACTION))
    if limits.shows(menu):
        return "", (menu,)
    choices = tuple(Choice(str(score), label) for score, label in zip(SATISFACTION, labels, strict=True))
    card = Card(
        task_id=f"{TICKET_KEY}_{number}_{turn_id}",
        title=title,
        text=texts.say("satisfaction_text", language, number=number),
        vote=Vote(key=key, choices=choices, submit=Button(texts.say("satisfaction_submit", language), key)),
    )
    return words, (card,)
