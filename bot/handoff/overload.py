"""What admins, and the groups that carry alerts, hear of an overloaded bot."""

from collections.abc import Mapping

from bot.announcing import groups
from bot.bots_file import BotConfig
from bot.handoff.desk import Desk, Notice
from bot.messages import ConversationId
from bot.overload import EPISODE_S, Overload
from bot.texts import Texts


def overload_notices(
    overload: Overload, bots: Mapping[str, BotConfig], waiting: Mapping[str, int], desk: Desk, texts: Texts
) -> list[Notice]:
    """What admins must hear now: once when an overload begins, then every :data:`EPISODE_S` seconds while it lasts.

    ``waiting`` is how many messages of each bot wait. Asked again, it gives the same notices; their keys make them one.
    """
    notices: list[Notice] = []
    for name, episode in overload.now(bots).items():
        bot = bots[name]
        text = texts.say(
            "overload_admin",
            bot.language,
            name=bot.name,
            refused=episode.refused,
            late=episode.late,
            waiting=waiting.get(name, 0),
        )
        anywhere = ConversationId(bot=name, channel=next(iter(bot.channels)), person="")
        part = (episode.last - episode.since) // EPISODE_S
        key = f"overload:{name}:{episode.since}:{part}"
        notices += desk.to_admins(bot, anywhere, text, key)
        notices += [Notice(conversation=one, text=text, key=f"{key}:{one.channel}") for one in groups(bot, "alerts")]
    return notices
