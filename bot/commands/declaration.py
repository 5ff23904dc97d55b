"""What a command is: its names, who may use it and where, what follows it, and what is asked before it is done."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

from bot.audit.entries import Action
from bot.bots_file import BotConfig
from bot.errors import InputError
from bot.handoff.desk import Notice
from bot.messages import InboundMessage, ReplyKind
from bot.parts import Part
from bot.texts import Language

if TYPE_CHECKING:
    from bot.commands.tools import Tools

Value = str | int | float

_BETWEEN = re.compile(r"[\s，：:]+")


class Permission(IntEnum):
    """Who may use a command; each may do what those before it may."""

    ANYONE = 0
    SERVICER = 1
    ADMIN = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Argument:
    """Something that follows a command's name.

    ``pattern`` is what it looks like, up to a blank, a comma or a colon; ``value`` makes of it what the command gets.
    The text ``argument_<name>`` says what it is. Only the last ones of a command may be ``optional``. ``prose`` is
    written for people and in their language; ``audited`` names something of ours, which the audit log may keep.
    """

    name: str
    pattern: str
    value: Callable[[str], Value] = str
    optional: bool = False
    prose: bool = False
    audited: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """At most ``times`` in ``per_s`` seconds by one person at one bot."""

    times: int
    per_s: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One use of ``command``: who, to which bot, with which arguments, by name.

    ``message`` is what was written, or what confirms it; ``turn_id`` is that of the turn that asked for it.
    ``version`` is what :attr:`Command.version` gave when that was shown, which is confirmed now; empty otherwise.
    ``group`` is the group that somebody may steer who is no admin of the bot, else empty. ``allowed`` are the commands
    that the person may use. ``now`` is epoch seconds.
    """

    command: "Command"
    bot: BotConfig
    message: InboundMessage
    turn_id: str
    language: Language
    arguments: Mapping[str, Value]
    group: str
    allowed: tuple["Command", ...]
    now: float
    version: str = ""

    @property
    def person(self) -> str:
        """The user id of whoever calls."""
        return self.message.sender.id

    def text(self, name: str) -> str:
        """The argument ``name``; empty where it was left out."""
        return str(self.arguments.get(name, ""))

    def number(self, name: str) -> int:
        """The argument ``name``, which is a whole number; 0 where it was left out."""
        return int(self.arguments.get(name, 0))


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a command leads to: the words for whoever called, ``parts`` after them where the channel shows them, and
    what others hear. ``record_as`` is what the turn keeps instead of ``text``, where that holds a secret. ``details``
    are for the audit log: no word that a person wrote, and no name of one."""

    text: str
    notices: tuple[Notice, ...] = ()
    parts: tuple[Part, ...] = ()
    record_as: str | None = None
    details: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Confirmed:
    """What ``/confirm`` leads to: the command called ``name`` is done, with what stood behind it, in the name of the
    turn that asked for it, to the ``version`` that was shown then."""

    name: str
    rest: str
    turn_id: str
    version: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A command.

    ``name`` is written after the slash, in two words where several belong together (``kb search``); ``aliases`` are
    other names. The text ``usage_<key>`` says how it is used and what it does. An admin of a group alone may use it
    there if ``in_group``; where ``private`` it is obeyed in single chats only, because what it says is not for all.
    ``preview`` says what will be done, and the command waits for a confirmation then; ``None`` where it need not. Where
    what it shows may change until then, ``version`` names it as it is, so that ``run`` can tell.
    ``overheard`` is what is done about one that is ``private`` and was written in a group, with what followed its name.
    Whoever is blocked may use it all the same if ``while_blocked``. ``rate`` bounds how often it is used; ``action`` is
    how the audit log calls it, once it is done. ``run`` raises :class:`~bot.errors.InputError` for what cannot be done,
    and may run again for the same turn.
    """

    name: str
    permission: Permission
    run: "Callable[[Tools, Call], Outcome | Confirmed]"
    aliases: tuple[str, ...] = ()
    arguments: tuple[Argument, ...] = ()
    in_group: bool = False
    private: bool = False
    while_blocked: bool = False
    preview: "Callable[[Tools, Call], str | None] | None" = None
    version: "Callable[[Tools, Call], str] | None" = None
    overheard: "Callable[[Tools, Call, str], None] | None" = None
    rate: Rate | None = None
    action: Action = Action.COMMAND
    kind: ReplyKind = ReplyKind.COMMAND

    @property
    def key(self) -> str:
        """The name as it stands in the keys of texts."""
        return self.name.replace(" ", "_")


def read_arguments(arguments: tuple[Argument, ...], rest: str) -> dict[str, Value]:
    """What ``rest``, which follows a command's name, says.

    Raises :class:`~bot.errors.InputError`: ``usage`` when something is missing or too much, ``argument_wrong`` with
    what was ``found`` in place of the ``argument``. The caller adds the usage.
    """
    values: dict[str, Value] = {}
    left = rest.strip()
    for argument in arguments:
        if not left:
            if argument.optional:
                break
            raise InputError("usage")
        match = re.compile(rf"(?P<value>{argument.pattern})(?:{_BETWEEN.pattern}|\Z)", re.IGNORECASE).match(left)
        if match is None:
            raise InputError("argument_wrong", found=_BETWEEN.split(left, maxsplit=1)[0][:40], argument=argument.name)
        values[argument.name] = argument.value(match["value"])
        left = left[match.end() :]
    if left:
        raise InputError("usage")
    return values
