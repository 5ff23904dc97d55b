"""What stands in for the desk where an operator only tries a question: nothing is registered and nobody is told."""

from collections.abc import Sequence

from bot.bots_file import BotConfig
from bot.handoff.desk import Notice, Told
from bot.messages import ConversationId, InboundMessage
from bot.texts import Language


class Nobody:
    """A desk without people; ``wanted`` tells whether somebody would have been."""

    def __init__(self) -> None:
        self.wanted = False

    def ask_for_human(
        self,
        _bot: BotConfig,
        _message: InboundMessage,
        _turn_id: str,
        _language: Language,
        *,
        asked: bool = True,  # noqa: ARG002 - the desk's
    ) -> Told:
        """See :class:`bot.handoff.desk.Desk`."""
        self.wanted = True
        return Told(text="")

    def refused_before(self, _conversation: ConversationId, _now: float) -> int:
        """See :class:`bot.handoff.desk.Desk`; who only tries a question has asked nothing before."""
        return 0

    def register(
        self, _bot: BotConfig, _message: InboundMessage, _turn_id: str, _subject: str, _names: Sequence[str] = ()
    ) -> tuple[int, tuple[Notice, ...]]:
        """See :class:`bot.handoff.desk.Desk`; there is no ticket 0."""
        self.wanted = True
        return 0, ()
