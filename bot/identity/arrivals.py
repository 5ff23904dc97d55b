"""Somebody comes by a link into a chat that was made for a professional: it binds them as its code would."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from bot import telemetry
from bot.bots_file import BotConfig
from bot.errors import InputError
from bot.identity.bindings import Bindings
from bot.identity.links import VerificationLinks
from bot.identity.tables import Account, Professional
from bot.links import ExpiredLink, ForgedLink
from bot.messages import ConversationId
from bot.texts import Language, Texts

log = structlog.get_logger()


class Arrivals:
    """Days are those of ``timezone``. Raises :class:`~bot.errors.Unavailable` when the database does not answer."""

    def __init__(self, bindings: Bindings, links: VerificationLinks, texts: Texts, timezone: ZoneInfo) -> None:
        self._bindings = bindings
        self._links = links
        self._texts = texts
        self._timezone = timezone

    def greet(self, bot: BotConfig, conversation: ConversationId, brought: str, language: Language, now: float) -> str:
        """What the person of ``conversation`` hears of the link by which they came at epoch second ``now``, and which
        carried ``brought``; empty where that is none of ours. The same person may come by it again."""
        try:
            code = self._links.open_entry(brought, now)
            if code is None:
                return ""
            professional = self._bindings.redeem(bot.tenant, Account.of(conversation), code, now)
        except (ForgedLink, ExpiredLink) as error:
            return self._refused("hcp_link_wrong", language, why=str(error))
        except InputError as error:
            key = "hcp_link_wrong" if error.text_key == "hcp_code_wrong" else error.text_key
            return self._refused(key, language, why=error.text_key, **error.values)
        return self._texts.say("hcp_verified", language, day=last_day(professional, self._timezone))

    def _refused(self, key: str, language: Language, *, why: str, **values: object) -> str:
        telemetry.count("degraded", what="entry_link_refused")
        log.info("entry_link_refused", why=why)
        return self._texts.say(key, language, **values)


def last_day(professional: Professional, timezone: ZoneInfo) -> str:
    """The last day on which the record proves something, in ISO form."""
    end = datetime.fromtimestamp(professional.valid_until, timezone)
    return (end - timedelta(seconds=1)).date().isoformat()
