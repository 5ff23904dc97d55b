"""What is known of a person whom a human gets, in lines for the ticket: their record as a professional, and their case
at the safety desk with what nobody has told yet. No words of the case: those are the safety desk's."""

from collections.abc import Callable, Mapping, Sequence

from bot.audit.log import AuditLog
from bot.bots_file import BotConfig
from bot.identity.bindings import Bindings
from bot.identity.tables import Account
from bot.messages import ConversationId
from bot.safety.cases.ledger import Ledger
from bot.safety.cases.parts import build_ledger
from bot.safety.cases.register import Cases
from bot.settings import Settings
from bot.texts import Texts


class Background:
    """Called by :class:`~bot.handoff.desk.Desk`. Raises :class:`~bot.errors.Unavailable` when the database does not
    answer."""

    def __init__(self, ledger: Ledger, bindings: Bindings, texts: Texts, clock: Callable[[], float]) -> None:
        self._ledger = ledger
        self._cases = Cases(ledger)
        self._bindings = bindings
        self._texts = texts
        self._clock = clock

    def __call__(self, bot: BotConfig, conversation: ConversationId) -> Sequence[str]:
        """The lines about the person of ``conversation``; none where nothing is known."""
        return [line for line in (self._professional(bot, conversation), self._case(bot, conversation)) if line]

    def _professional(self, bot: BotConfig, conversation: ConversationId) -> str:
        found = self._bindings.professional_of(bot.tenant, Account.of(conversation), self._clock())
        if found is None:
            return ""
        titles = " ".join(filter(None, (found.hospital, found.department, found.title)))
        return self._texts.say("ticket_professional", bot.language, record=found.record, titles=titles)

    def _case(self, bot: BotConfig, conversation: ConversationId) -> str:
        mine = self._ledger.key.reporters(bot.tenant, conversation.person)
        newest = self._cases.newest(1, bot=bot.id, still_open=True, reporters=mine)
        if not newest:
            return ""
        (case,) = newest
        missing = "、".join(self._texts.say(f"case_element_{one}", bot.language) for one in case.missing)
        missing = missing or self._texts.say("ticket_case_complete", bot.language)
        return self._texts.say("ticket_case", bot.language, number=case.number, missing=missing)


def background_of(
    settings: Settings, audit: AuditLog, bots: Mapping[str, BotConfig], texts: Texts, clock: Callable[[], float]
) -> Background:
    """The background of an installation. Raises :class:`~bot.errors.ConfigError` as :func:`.build_ledger` does."""
    return Background(build_ledger(settings, audit, bots, clock), Bindings(audit), texts, clock)
