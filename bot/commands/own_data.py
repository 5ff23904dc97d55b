"""What people may ask of everything that is held of them: to see it, and to have it removed. Anybody may, in a single
chat; nobody has to know the commands (:mod:`bot.commands.own_data_words`)."""

import json
from datetime import datetime

from bot.audit.entries import Action
from bot.commands.declaration import Call, Command, Outcome, Permission, Rate
from bot.commands.tools import Tools
from bot.media.store import media_id, owner_of
from bot.messages import MessageKind
from bot.parts import Medium, Part

_FILE_KEPT_S = 3600.0


def _my_data(tools: Tools, call: Call) -> Outcome:
    """What the bot holds of whoever asks, as a summary, and as a file where the channel can send one."""
    held = tools.personal.held(call.bot.id, call.person)
    say, counts = tools.texts.say, held.counts()
    lines = [say("my_data", call.language, name=call.bot.name, person=call.person, **counts)]
    parts = _file(tools, call, held.to_json())
    said_of_file = say("my_data_file", call.language, shown=len(held.turns)) if parts else ""
    lines += [
        say("my_data_kept_for", call.language, days=tools.keep_turns_days),
        said_of_file or say("my_data_no_file", call.language),
        say("own_data_kept", call.language),
        say("my_data_rights", call.language),
    ]
    return Outcome(text="\n".join(lines), parts=parts, details=dict(counts))


def _file(tools: Tools, call: Call, content: dict[str, object]) -> tuple[Part, ...]:
    here = call.message.conversation
    if MessageKind.FILE not in tools.channels[here.bot, here.channel].limits.media:
        return ()
    day = datetime.fromtimestamp(call.now, tools.timezone)
    about: dict[str, object] = {"bot": call.bot.id, "person": call.person, "made_at": day.isoformat(timespec="seconds")}
    medium = media_id("my data", call.turn_id)
    with tools.media.incoming(medium) as incoming:
        text = json.dumps(about | content, ensure_ascii=False, indent=1)
        incoming.file.write(text.encode("utf-8", "replace"))
        name = f"{call.bot.id}-{day:%Y-%m-%d}.json"
        tools.media.keep(incoming, MessageKind.FILE, name, _FILE_KEPT_S, owner_of(here))
    return (Medium(kind=MessageKind.FILE, media=medium),)


def _forget_me(tools: Tools, call: Call) -> Outcome:
    """Say what would go and what must stay, and how that is confirmed."""
    held = tools.personal.held(call.bot.id, call.person)
    say = tools.texts.say
    lines = [
        say("forget_me", call.language, name=call.bot.name, **held.counts()),
        say("own_data_kept", call.language),
        say("forget_me_confirm", call.language),
    ]
    return Outcome(text="\n".join(lines))


def _forget_me_now(tools: Tools, call: Call) -> Outcome:
    """Remove it, and say what went and what stays."""
    gone = tools.personal.forget(call.bot.id, call.person, but=call.message.conversation)
    say = tools.texts.say
    lines = [
        say("forgotten", call.language, **gone.counts()),
        say("own_data_kept", call.language),
        say("forgotten_request", call.language, days=tools.keep_turns_days),
    ]
    if gone.busy:
        lines.append(say("forgotten_busy", call.language, busy=gone.busy))
    return Outcome(text="\n".join(lines), details=dict(gone.counts()))


COMMANDS = (
    Command(
        name="mydata",
        aliases=("我的信息",),
        permission=Permission.ANYONE,
        private=True,
        while_blocked=True,
        rate=Rate(times=5, per_s=3600),
        run=_my_data,
        action=Action.EXPORT,
    ),
    Command(
        name="forgetme",
        aliases=("删除我的信息",),
        permission=Permission.ANYONE,
        private=True,
        while_blocked=True,
        run=_forget_me,
    ),
    Command(
        name="forgetme confirm",
        aliases=("确认删除我的信息",),
        permission=Permission.ANYONE,
        private=True,
        while_blocked=True,
        rate=Rate(times=10, per_s=3600),
        run=_forget_me_now,
        action=Action.DELETION,
    ),
)
