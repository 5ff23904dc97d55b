"""What the bot says in its groups without being asked: announcements, reminders at a time, and the digest."""

import hashlib

from bot.announcing import check_length, groups, moment_of, room
from bot.audit.entries import Action
from bot.commands import arguments
from bot.commands.declaration import Call, Command, Outcome, Permission, Rate
from bot.commands.moments import when
from bot.commands.tools import Tools
from bot.errors import InputError
from bot.messages import ConversationId

_FARTHEST_DAYS = 366
_SHOWN = 20
_EXCERPT = 40


def _groups(call: Call) -> list[ConversationId]:
    found = groups(call.bot, "announcements")
    if not found:
        raise InputError("announce_no_group")
    return found


def _words(tools: Tools, call: Call, to: list[ConversationId]) -> str:
    text = tools.texts.say("announce_words", call.language, text=call.text("words"))
    check_length(text, tools.channels, to)
    return text


def _preview(tools: Tools, call: Call) -> str:
    to = _groups(call)
    text, at = _words(tools, call, to), _moment(tools, call)
    values = {"groups": len(to), "at": when(tools, at or None), "text": text}
    if at:
        return tools.texts.say("remind_preview", call.language, **values)
    return tools.texts.say("announce_preview", call.language, **values)


def _announce(tools: Tools, call: Call) -> Outcome:
    """Say something in every group that carries announcements, now or at a time."""
    to = _groups(call)
    return _begin(tools, call, _words(tools, call, to), to, _moment(tools, call))


def _begin(tools: Tools, call: Call, text: str, to: list[ConversationId], at: float = 0.0) -> Outcome:
    begun = tools.broadcasts.start(call.bot.id, text, to, turn_id=call.turn_id, by=call.person, at=at)
    values = {"number": begun.number, "groups": begun.recipients, "at": when(tools, begun.at)}
    said = tools.texts.say("announce_begun", call.language, **values)
    return Outcome(text=said, details={"broadcast": begun.number, "recipients": begun.recipients})


def _moment(tools: Tools, call: Call) -> float:
    """When it shall be said, epoch seconds; 0 for now. Raises :class:`~bot.errors.InputError`."""
    written = call.text("moment")
    if not written:
        return 0.0
    try:
        at = moment_of(written, tools.timezone)
    except ValueError as error:
        raise InputError("argument_wrong", found=written, argument="moment") from error
    if not call.now < at <= call.now + _FARTHEST_DAYS * 86400:
        raise InputError("remind_when", at=written, days=_FARTHEST_DAYS)
    return at


def _reminders(tools: Tools, call: Call) -> Outcome:
    """What will be said, and when."""
    ahead = tools.broadcasts.ahead(call.bot.id)
    if not ahead:
        return Outcome(text=tools.texts.say("reminders_none", call.language))
    lines = [
        tools.texts.say(
            "reminder_line", call.language, number=one.number, at=when(tools, one.at), text=one.text[:_EXCERPT]
        )
        for one in ahead[:_SHOWN]
    ]
    return Outcome(text="\n".join([tools.texts.say("reminders", call.language, n=len(ahead)), *lines]))


def _digest_words(tools: Tools, call: Call, to: list[ConversationId]) -> str:
    return tools.digests.words(call.bot, call.language, call.now, room(tools.channels, to))


def _digest_version(tools: Tools, call: Call) -> str:
    return hashlib.sha256(_digest_words(tools, call, _groups(call)).encode()).hexdigest()[:16]


def _digest_preview(tools: Tools, call: Call) -> str:
    to = _groups(call)
    values = {"groups": len(to), "text": _digest_words(tools, call, to)}
    return tools.texts.say("announce_preview", call.language, **values)


def _send_digest(tools: Tools, call: Call) -> Outcome:
    """Say the digest that was shown in every group that carries announcements."""
    to = _groups(call)
    text = _digest_words(tools, call, to)
    if hashlib.sha256(text.encode()).hexdigest()[:16] != call.version:  # an answer was withdrawn or changed meanwhile
        raise InputError("digest_changed")
    return _begin(tools, call, text, to)


COMMANDS = (
    Command(
        name="announce",
        aliases=("公告",),
        permission=Permission.ADMIN,
        arguments=(arguments.words(),),
        private=True,
        preview=_preview,
        rate=Rate(times=20, per_s=86400),
        run=_announce,
        action=Action.OPERATION,
    ),
    Command(
        name="remind",
        aliases=("定时公告",),
        permission=Permission.ADMIN,
        arguments=(arguments.moment(), arguments.words()),
        private=True,
        preview=_preview,
        rate=Rate(times=60, per_s=86400),
        run=_announce,
        action=Action.OPERATION,
    ),
    Command(
        name="reminders",
        aliases=("公告列表",),
        permission=Permission.ADMIN,
        private=True,
        run=_reminders,
    ),
    Command(
        name="digest",
        aliases=("周报",),
        permission=Permission.ADMIN,
        private=True,
        preview=_digest_preview,
        version=_digest_version,
        rate=Rate(times=10, per_s=86400),
        run=_send_digest,
        action=Action.OPERATION,
    ),
)
