"""What one may do, and doing it after a second word."""

from bot.commands import arguments
from bot.commands.declaration import Call, Command, Confirmed, Outcome, Permission
from bot.commands.tools import Tools
from bot.errors import InputError


def _help(tools: Tools, call: Call) -> Outcome:
    """What the sender may do; nobody is shown commands that would be refused."""
    say = tools.texts.say
    if asked := call.text("name"):
        return Outcome(text=_about(tools, call, asked.lower().lstrip("/／").strip()))
    lines = [say("help_intro", call.language, name=call.bot.name), say("help_commands", call.language)]
    lines += [tools.texts.say(f"usage_{command.key}", call.language) for command in call.allowed]
    return Outcome(text="\n".join(lines))


def _about(tools: Tools, call: Call, name: str) -> str:
    """More of the commands called ``name``, or that belong to it."""
    meant = [each for each in call.allowed if name in (each.name, each.name.split()[0], *each.aliases)]
    if not meant:
        raise InputError("help_unknown", name=name[:40])
    lines = []
    for command in meant:
        lines.append(tools.texts.say(f"usage_{command.key}", call.language))
        if command.aliases:
            names = " ".join(f"/{alias}" for alias in command.aliases)
            lines.append(tools.texts.say("help_aliases", call.language, names=names))
    return "\n".join(lines)


def _confirm(tools: Tools, call: Call) -> Confirmed:
    """Do what waits for the code."""
    return tools.confirmations.take(call.bot.id, call.person, call.text("code"), call.turn_id)


COMMANDS = (
    Command(
        name="help",
        aliases=("帮助",),
        permission=Permission.ANYONE,
        arguments=(arguments.name(),),
        run=_help,
    ),
    Command(
        name="confirm",
        aliases=("确认",),
        permission=Permission.ADMIN,
        arguments=(arguments.code(),),
        in_group=True,
        run=_confirm,
    ),
)
