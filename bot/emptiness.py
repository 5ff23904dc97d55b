"""What is said before any knowledge is there."""

from bot.handoff.desk import Desk
from bot.messages import ReplyKind
from bot.texts import Texts
from bot.turn import Said, Turn

REMIND_ADMINS_EVERY_S = 24 * 3600


def admit_emptiness(turn: Turn, desk: Desk, texts: Texts) -> Said:
    """A plain refusal, and the admins learn how to bring some, once a day."""
    day = int(turn.now // REMIND_ADMINS_EVERY_S)
    text = texts.say("empty_knowledge_admin", turn.bot.language, name=turn.bot.name, bot=turn.bot.id)
    notices = desk.to_admins(turn.bot, turn.conversation, text, f"empty:{turn.bot.id}:{day}")
    return Said(kind=ReplyKind.REFUSAL, text=texts.say("empty_knowledge", turn.language), notices=notices)
