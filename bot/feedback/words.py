"""What a card says once it was pressed."""

from bot.events import CardClick, Verdict
from bot.feedback.invitation import HUMAN_KEY, verdict_of
from bot.texts import Language, Texts


def pressed_label(click: CardClick, texts: Texts, language: Language) -> str:
    """The label under which the card of ``click`` dies: short, for it may stand on the button itself."""
    rated = verdict_of(click)
    if rated is not None:
        return texts.say("card_pressed_useful" if rated[0] is Verdict.USEFUL else "card_pressed_useless", language)
    if click.key.partition(":")[0] == HUMAN_KEY:
        return texts.say("card_pressed_human", language)
    return texts.say("card_pressed", language)
