"""What was sent and is taken back; what is said to many."""

import structlog

from bot.announcing import check_length, groups
from bot.audit.entries import Action
from bot.channel import Channel, Refused, Retry, Unknown
from bot.commands import arguments
from bot.commands.declaration import Call, Command, Outcome, Permission, Rate
from bot.commands.operations import turn_meant
from bot.commands.tools import Tools
from bot.errors import InputError
from bot.messages import ConversationId
from bot.records.turns import TurnRecord

log = structlog.get_logger()

_REACHED_DAYS = 90
"""Who has written within so many days hears a broadcast."""


def _recall(tools: Tools, call: Call) -> Outcome:
    """Ask the platform to take back what was sent as the reply of a turn."""
    record = turn_meant(tools, call)
    asked = ConversationId.from_key(record.conversation)
    channel = tools.channels.get((asked.bot, asked.channel))
    if channel is None or not channel.limits.recall_s:
        raise InputError("recall_cannot")
    ids = [message_id for message_id in record.platform_ids if message_id]
    if not ids:
        raise InputError("recall_nothing")
    sent_at = max(record.sent_at, default=record.answered_at)
    if call.now - sent_at > channel.limits.recall_s:
        raise InputError("recall_late", hours=round(channel.limits.recall_s / 3600))
    failures = [failure for message_id in ids if (failure := _take_back(channel, message_id, call.now, record))]
    values = {"turn": record.id, "done": len(ids) - len(failures), "all": len(ids)}
    if failures:
        text = tools.texts.say("recall_failed", call.language, code=failures[0], **values)
    else:
        text = tools.texts.say("recalled", call.language, **values)
    return Outcome(text=text, details={"turn": record.id, "recalled": len(ids) - len(failures), "parts": len(ids)})


def _take_back(channel: Channel, message_id: str, now: float, record: TurnRecord) -> str:
    """Take one message back; the code of what went wrong, empty when nothing did."""
    try:
        channel.recall(message_id, now + channel.limits.send_timeout_s)
    except (Retry, Refused, Unknown) as error:
        log.warning("recall_failed", turn=record.id, outcome=type(error).__name__.lower(), code=error.code)
        return error.code
    return ""


def _broadcast_preview(tools: Tools, call: Call) -> str:
    to = _recipients(tools, call)
    text = _words(tools, call, to)
    return tools.texts.say("broadcast_preview", call.language, reach=_reach(tools, call, to), text=text)


def _broadcast(tools: Tools, call: Call) -> Outcome:
    """Say something to everybody who has written lately."""
    to = _recipients(tools, call)
    text = _words(tools, call, to)
    begun = tools.broadcasts.start(call.bot.id, text, to, turn_id=call.turn_id, by=call.person)
    said = tools.texts.say("broadcast_begun", call.language, number=begun.number, reach=_reach(tools, call, to))
    return Outcome(text=said, details={"broadcast": begun.number, "recipients": begun.recipients})


def _stop(tools: Tools, call: Call) -> Outcome:
    """Say a broadcast, or the last one, to nobody else."""
    stopped = tools.broadcasts.stop(call.bot.id, call.number("number"))
    values = {"number": stopped.number, "posted": stopped.posted, "recipients": stopped.recipients}
    return Outcome(text=tools.texts.say("broadcast_stopped", call.language, **values))


def _recipients(tools: Tools, call: Call) -> list[ConversationId]:
    """Who has written lately, and the groups that carry announcements."""
    channels = [name for name in call.bot.channels if tools.channels[call.bot.id, name].limits.pushes]
    spoken_in = groups(call.bot, "announcements")
    if not channels and not spoken_in:
        raise InputError("broadcast_no_channel")
    reached = tools.broadcasts.reached(call.bot.id, channels, call.now - _REACHED_DAYS * 86400)
    found = [one for one in reached if tools.switches.blocking(one.bot, one.person) is None] + spoken_in
    if not found:
        raise InputError("broadcast_nobody", days=_REACHED_DAYS)
    return found


def _reach(tools: Tools, call: Call, to: list[ConversationId]) -> str:
    """How many people and groups."""
    people = sum(1 for one in to if one.person)
    if people == len(to):
        return tools.texts.say("reach_people", call.language, people=people)
    return tools.texts.say("reach_groups", call.language, people=people, groups=len(to) - people)


def _words(tools: Tools, call: Call, to: list[ConversationId]) -> str:
    """What they will read; one message for each."""
    text = tools.texts.say("broadcast_words", call.language, text=call.text("words"))
    check_length(text, tools.channels, to)
    return text


COMMANDS = (
    Command(
        name="recall",
        aliases=("撤回",),
        permission=Permission.ADMIN,
        arguments=(arguments.turn(),),
        in_group=True,
        run=_recall,
        action=Action.OPERATION,
    ),
    Command(
        name="broadcast",
        aliases=("群发",),
        permission=Permission.ADMIN,
        arguments=(arguments.words(),),
        private=True,
        preview=_broadcast_preview,
        rate=Rate(times=5, per_s=86400),
        run=_broadcast,
        action=Action.OPERATION,
    ),
    Command(
        name="broadcast stop",
        aliases=("停止群发",),
        permission=Permission.ADMIN,
        arguments=(arguments.number("number", optional=True),),
        private=True,
        run=_stop,
        action=Action.OPERATION,
    ),
)
