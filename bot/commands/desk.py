"""Obeying command messages: who may, how often, with what, after which confirmation; and every use is audited."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import structlog

from bot.audit.entries import Action, AuditEvent
from bot.bots_file import BotConfig
from bot.commands.confirmations import VALID_S
from bot.commands.declaration import Call, Command, Confirmed, Outcome, Permission, read_arguments
from bot.commands.registry import COMMANDS
from bot.commands.tools import Tools
from bot.commands.wording import CONFIRM_KEY, divided, is_command
from bot.errors import InputError
from bot.handoff.desk import Notice
from bot.messages import InboundMessage, ReplyKind
from bot.parts import Button, Card, Part
from bot.texts import Language, language_of

log = structlog.get_logger()

_NAMED: Mapping[str, Command] = {name: command for command in COMMANDS for name in (command.name, *command.aliases)}
_LONGEST_NAME = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandOutcome:
    """What the sender hears and sees, what kind of reply it is, what others hear, and what the record keeps instead of
    ``text``, where that is something else."""

    text: str
    kind: ReplyKind
    notices: tuple[Notice, ...] = ()
    parts: tuple[Part, ...] = ()
    record_as: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Caller:
    """Who calls: what they may do with the bot, and which ``group`` they may steer besides, if any."""

    permission: Permission
    group: str

    def may(self, command: Command) -> bool:
        return command.permission <= self.permission or (command.in_group and bool(self.group))


class CommandDesk:
    """Obeys commands with ``tools``; ``audit`` writes an event down, and what it raises when it cannot is passed on:
    the turn runs again. So does what does not answer (:class:`~bot.errors.Unavailable`)."""

    def __init__(self, tools: Tools, audit: Callable[[AuditEvent], object]) -> None:
        self._tools = tools
        self._audit = audit

    def serves_blocked(self, message: InboundMessage) -> bool:
        """Whether ``message`` is a command that whoever is blocked may use."""
        command = _NAMED.get(divided(message, _NAMED)[0]) if is_command(message) else None
        return command is not None and command.while_blocked

    def handle(self, message: InboundMessage, bot: BotConfig, turn_id: str, language: Language) -> CommandOutcome:
        """Obey ``message``, which :func:`~bot.commands.wording.is_command`. Every fault of the sender ends in a line
        that says what to do."""
        name, rest = divided(message, _NAMED)
        caller, command = _caller(bot, message), _NAMED.get(name)
        if caller.permission is not Permission.ANYONE:  # what they write is full of names, which are no language
            language = language_of(rest, bot.language) if _is_prose(command) else bot.language
        call = Call(
            command=command or COMMANDS[0],
            bot=bot,
            message=message,
            turn_id=turn_id,
            language=language,
            arguments={},
            group=caller.group if caller.permission < Permission.ADMIN else "",
            allowed=tuple(known for known in COMMANDS if caller.may(known)),
            now=self._tools.clock(),
        )
        role = caller.permission.name.lower()
        known = command.key if command else "unknown"
        log.info("command", command=known, bot=bot.id, turn=turn_id, person=call.person, role=role)
        kind = ReplyKind.COMMAND
        try:
            if command and command.overheard and message.conversation.chat:
                command.overheard(self._tools, call, rest)
            call = _checked(command, name, rest, call, caller)
            call, outcome, result = self._done(call, rest, caller)
            kind = call.command.kind
        except InputError as error:
            outcome, result = Outcome(text=self._fault(error, command, language)), error.text_key
        details = {"command": call.command.key if command else "unknown", "role": role, "result": result}
        self._audit(_event(call, details | _named(call) | dict(outcome.details)))
        return CommandOutcome(
            text=outcome.text,
            kind=kind,
            notices=outcome.notices,
            parts=outcome.parts,
            record_as=outcome.record_as,
        )

    def _done(self, call: Call, rest: str, caller: _Caller) -> tuple[Call, Outcome, str]:
        """Do what ``call`` asks, or ask whether it shall be done. Returns what was done, in the name of which call, and
        a word for the audit log."""
        command, tools = call.command, self._tools
        rate = command.rate
        if rate and not tools.rates.allow(call.bot.id, call.person, command.key, rate, call.turn_id):
            raise InputError("too_often", times=rate.times, minutes=max(1, rate.per_s // 60))
        version = command.version(tools, call) if command.version else ""  # first: what is shown is not older
        preview = command.preview(tools, call) if command.preview else None
        if preview is not None:
            wanted = Confirmed(name=command.name, rest=rest, turn_id=call.turn_id, version=version)
            return call, self._question(call, preview, wanted), "confirmation_asked"
        made = command.run(tools, call)
        while isinstance(made, Confirmed):
            call = replace(call, turn_id=made.turn_id, version=made.version)
            call = _checked(_NAMED.get(made.name), made.name, made.rest, call, caller)
            made = call.command.run(tools, call)
        return call, made, "done"

    def _question(self, call: Call, preview: str, wanted: Confirmed) -> Outcome:
        """What will be done, and how it is confirmed: by a word, and by a button where there are any."""
        code = self._tools.confirmations.ask(call.bot.id, call.person, wanted)
        say = self._tools.texts.say
        asked = say("confirmation_asked", call.language, code=code, minutes=VALID_S // 60)
        card = Card(
            task_id=f"{CONFIRM_KEY}_{code}_{call.turn_id}",
            title=say("confirmation_title", call.language, command="/" + call.command.name),
            text=say("confirmation_text", call.language, code=code),
            buttons=(Button(say("confirmation_button", call.language), f"{CONFIRM_KEY}:{code}"),),
        )
        return Outcome(text=f"{preview}\n{asked}", parts=(card,))

    def _fault(self, error: InputError, command: Command | None, language: Language) -> str:
        values = dict(error.values)
        say = self._tools.texts.say
        if command is not None:
            values["usage"] = self._tools.texts.say(f"usage_{command.key}", language)
        if "argument" in values:
            values["argument"] = self._tools.texts.say(f"argument_{values['argument']}", language)
        if isinstance(usages := values.get("usages"), tuple):
            values["usages"] = "\n".join(self._tools.texts.say(f"usage_{key}", language) for key in usages)
        return say(error.text_key, language, **values)


def _checked(command: Command | None, name: str, rest: str, call: Call, caller: _Caller) -> Call:
    """``call`` with its command and arguments. Raises :class:`~bot.errors.InputError` for what cannot be obeyed, or
    not by this caller, or not here."""
    if command is None:
        raise _unknown(name, call)
    if not caller.may(command):
        raise InputError("not_permitted")
    if command.private and call.message.conversation.chat:
        raise InputError("single_chat_only", command="/" + command.name)
    return replace(call, command=command, arguments=read_arguments(command.arguments, rest))


def _unknown(name: str, call: Call) -> InputError:
    """Strangers learn nothing of commands that are not theirs; others hear of the nearest that they may use."""
    if all(command.permission is Permission.ANYONE for command in call.allowed):
        return InputError("not_permitted")
    family = tuple(command.key for command in call.allowed if command.name.split()[0] == name and " " in command.name)
    if family:
        return InputError("usage_family", usages=family)
    names = [each for command in call.allowed for each in (command.name, *command.aliases)]
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return InputError("unknown_command_near", command="/" + name[:_LONGEST_NAME], near="/" + near[0])
    return InputError("unknown_command", command="/" + name[:_LONGEST_NAME])


def _caller(bot: BotConfig, message: InboundMessage) -> _Caller:
    """What whoever wrote ``message`` may do. In a group its own admins may do some things there."""
    person, chat = message.sender.id, message.conversation.chat
    steered = chat if chat and bot.is_group_admin(person, chat) else ""
    return _Caller(permission=permission_of(bot, person), group=steered)


def permission_of(bot: BotConfig, user_id: str) -> Permission:
    """What ``user_id`` may do with ``bot``."""
    if bot.is_admin(user_id):
        return Permission.ADMIN
    return Permission.SERVICER if bot.is_servicer(user_id) else Permission.ANYONE


def _is_prose(command: Command | None) -> bool:
    """Whether what follows the command is written for people."""
    return command is not None and any(argument.prose for argument in command.arguments)


def _named(call: Call) -> dict[str, str | int]:
    """The arguments that name something of ours."""
    audited = {argument.name for argument in call.command.arguments if argument.audited}
    return {name: _whole(value) for name, value in call.arguments.items() if name in audited}


def _whole(value: str | float) -> str | int:
    return value if isinstance(value, str) else round(value)


def _event(call: Call, details: Mapping[str, str | int]) -> AuditEvent:
    """The use of a command: never with the words behind it. ``result`` is ``done``, or the key of what was said."""
    done = details["result"] == "done"
    return AuditEvent(
        action=call.command.action if done else Action.COMMAND,
        subject=f"turn:{call.turn_id}",
        person=call.message.sender.id,
        tenant=call.bot.tenant,
        bot=call.bot.id,
        details=details,
    )
