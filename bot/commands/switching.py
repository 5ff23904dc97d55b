"""Letting a bot stand still, at once, for a time or for maintenance, and letting it go on."""

from collections.abc import Sequence
from dataclasses import replace

from bot.audit.entries import Action
from bot.bots_file import BotConfig
from bot.commands import arguments
from bot.commands.declaration import Call, Command, Outcome, Permission
from bot.commands.moments import when
from bot.commands.tools import Tools
from bot.errors import InputError
from bot.switches import State, Switch

_PAUSE_S = 3600.0


def _kill(tools: Tools, call: Call) -> Outcome:
    """Stop answering at once."""
    return _turn(tools, call, State.KILLED, "killed")


def _resume(tools: Tools, call: Call) -> Outcome:
    """Go on answering, whatever was commanded before."""
    if call.group:
        tools.switches.turn([_switch(call, call.bot, State.RUNNING, chat=call.group)], call.turn_id)
        return Outcome(text=tools.texts.say("resumed_group", call.language))
    chat = call.message.conversation.chat
    here = [_switch(call, call.bot, State.RUNNING, chat=chat)] if chat else []
    return _turn(tools, call, State.RUNNING, "resumed", here)


def _pause(tools: Tools, call: Call) -> Outcome:
    """Stop answering for a time; an admin of a group alone, in this group."""
    until = call.now + float(call.arguments.get("duration", _PAUSE_S))
    _refuse_if_killed(tools, call)
    held = _switch(call, call.bot, State.PAUSED, chat=call.group)
    tools.switches.turn([replace(held, until=until)], call.turn_id)
    key = "paused_group" if call.group else "paused"
    return Outcome(text=tools.texts.say(key, call.language, name=call.bot.name, until=when(tools, until)))


def _drain(tools: Tools, call: Call) -> Outcome:
    """Finish what waits and take nothing new."""
    _refuse_if_killed(tools, call)
    tools.switches.turn([_switch(call, call.bot, State.DRAINING)], call.turn_id)
    waiting = tools.queue_of(call.bot.id).waiting.messages
    return Outcome(text=tools.texts.say("draining", call.language, name=call.bot.name, waiting=waiting))


def _turn(tools: Tools, call: Call, state: State, key: str, more: Sequence[Switch] = ()) -> Outcome:
    """This bot, or every bot of the tenant that the person steers."""
    everywhere = call.text("all") == arguments.ALL
    bots = [bot for bot in tools.bots.values() if bot.tenant == call.bot.tenant and bot.is_admin(call.person)]
    bots = bots if everywhere else [call.bot]
    tools.switches.turn([*(_switch(call, bot, state) for bot in bots), *more], call.turn_id)
    names = " / ".join(bot.name for bot in bots)
    return Outcome(text=tools.texts.say(key, call.language, names=names), details={"bots": len(bots)})


def _switch(call: Call, bot: BotConfig, state: State, chat: str = "") -> Switch:
    return Switch(bot=bot.id, state=state, at=call.now, by=call.person, chat=chat)


def _refuse_if_killed(tools: Tools, call: Call) -> None:
    """A pause would end by itself what only a person may end."""
    held = [switch for switch in tools.switches.of(call.bot.id) if not switch.chat and not switch.person]
    if any(switch.state is State.KILLED for switch in held):
        raise InputError("killed_already")


COMMANDS = (
    Command(
        name="pause",
        aliases=("暂停",),
        permission=Permission.ADMIN,
        arguments=(arguments.duration(),),
        in_group=True,
        run=_pause,
        action=Action.OPERATION,
    ),
    Command(
        name="resume",
        aliases=("恢复",),
        permission=Permission.ADMIN,
        arguments=(arguments.everything(),),
        in_group=True,
        run=_resume,
        action=Action.OPERATION,
    ),
    Command(
        name="drain",
        aliases=("排空",),
        permission=Permission.ADMIN,
        run=_drain,
        action=Action.OPERATION,
    ),
    Command(
        name="kill",
        aliases=("停用", "急停"),
        permission=Permission.ADMIN,
        arguments=(arguments.everything(),),
        run=_kill,
        action=Action.OPERATION,
    ),
)
