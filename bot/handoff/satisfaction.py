"""The question what a human's service was like, asked on a card when it has ended."""

from bot.parts import Button, Card, Choice, Vote
from bot.texts import Language, Texts

TICKET_KEY = "ticket"
"""``ticket:NUMBER`` is the key of the card's button."""
SATISFACTION = (3, 2, 1)
"""Good, fair, bad: the ids of the choices."""


def satisfaction_card(number: int, turn_id: str, texts: Texts, language: Language) -> Card:
    """The card about ticket ``number``, which the turn ``turn_id`` released."""
    choices = tuple(Choice(str(score), texts.say(f"satisfaction_{score}", language)) for score in SATISFACTION)
    submit = Button(texts.say("satisfaction_submit", language), f"{TICKET_KEY}:{number}")
    return Card(
        task_id=f"ticket_{number}_{turn_id}",
        title=texts.say("satisfaction_title", language),
        text=texts.say("satisfaction_text", language, number=number),
        vote=Vote(key=f"{TICKET_KEY}:{number}", choices=choices, submit=submit),
    )
