"""Times and states in words for people."""

from datetime import datetime

from bot.commands.declaration import Call
from bot.commands.tools import Tools
from bot.switches import State


def when(tools: Tools, at: float | None) -> str:
    """``at``, epoch seconds, as month, day and time of the installation's zone; ``–`` for none."""
    return "–" if at is None else datetime.fromtimestamp(at, tools.timezone).strftime("%m-%d %H:%M")


def state_line(tools: Tools, call: Call, bot: str) -> str:
    """Whether ``bot`` as a whole answers."""
    held = next((switch for switch in tools.switches.of(bot) if not switch.chat and not switch.person), None)
    if held is None:
        return tools.texts.say(f"state_{State.RUNNING}", call.language)
    values = {"at": when(tools, held.at), "by": held.by, "until": when(tools, held.until)}
    return tools.texts.say(f"state_{held.state}", call.language, **values)
