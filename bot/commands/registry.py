"""One registry of commands: name, who may use it, how it is used, what it does.

Permission is checked here for every command, whatever the channel believes. ``/reply``, ``/takeover`` and
``/release`` are a servicer's and an admin's; ``/echo`` and ``/queue`` an admin's; ``/human`` and ``/help`` anyone's.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import structlog

from bot.backlog import Queue
from bot.bots_file import BotConfig
from bot.errors import InputError
from bot.handoff.desk import Desk, Notice, Told
from bot.handoff.tickets import Ticket, TicketState
from bot.messages import InboundMessage, MessageKind, ReplyKind
from bot.texts import Language, Texts

log = structlog.get_logger()

_COMMAND = re.compile(r"[/／]\s*(?P<name>\S*)\s*(?P<rest>.*)", re.DOTALL)
_TICKET = re.compile(r"[#＃]?(?P<number>\d{1,9})(?:[\s，：:]+(?P<words>.*))?", re.DOTALL)
"""A number stuck to words ("3天后复查") is not a ticket's: better ask again than tell the wrong person."""
_HUMAN = re.compile(
    r"(请|麻烦|帮我|请帮我|给我|我要|我想|我需要|需要)?(转接|转|找|接|要)?(一下)?人工(客服|服务|坐席)?(吧|谢谢)?"
)
_LONGEST_WISH = 20
_LETTERS_SHOWN = 5


class Permission(IntEnum):
    """Who may use a command; each may do what those before it may."""

    ANYONE = 0
    SERVICER = 1
    ADMIN = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One use of a command: who, to which bot, with which words."""

    bot: BotConfig
    message: InboundMessage
    turn_id: str
    language: Language
    rest: str
    permission: Permission


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A command. ``name`` is written after the slash; its usage line is the text ``usage_<name>``.

    ``run`` raises :class:`~bot.errors.InputError` for arguments that cannot be.
    """

    name: str
    permission: Permission
    run: Callable[["CommandDesk", Call], Told]
    kind: ReplyKind = ReplyKind.COMMAND


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandOutcome:
    """What the sender hears, what kind of reply it is, and what others hear."""

    text: str
    kind: ReplyKind
    notices: tuple[Notice, ...] = ()


def is_command(message: InboundMessage) -> bool:
    """True when ``message`` begins with a slash (full-width too) or asks for a human and nothing else."""
    if message.kind is MessageKind.VOICE:  # as the platform wrote it down; nobody says a slash
        return _asks_for_human(message.text)
    if message.kind is not MessageKind.TEXT:
        return False
    return message.text.lstrip().startswith(("/", "／")) or _asks_for_human(message.text)


def _asks_for_human(text: str) -> bool:
    """The whole message is the wish for a human, however it is punctuated."""
    words = "".join(character for character in unicodedata.normalize("NFKC", text) if character.isalnum())
    return len(words) <= _LONGEST_WISH and _HUMAN.fullmatch(words) is not None


def permission_of(bot: BotConfig, user_id: str) -> Permission:
    """What ``user_id`` may do with ``bot``."""
    if bot.is_admin(user_id):
        return Permission.ADMIN
    return Permission.SERVICER if bot.is_servicer(user_id) else Permission.ANYONE


class CommandDesk:
    """Obeys commands. ``queue_of(bot id)`` tells what waits and what was given up."""

    def __init__(self, desk: Desk, queue_of: Callable[[str], Queue], texts: Texts) -> None:
        self._desk = desk
        self._queue_of = queue_of
        self._texts = texts

    def handle(self, message: InboundMessage, bot: BotConfig, turn_id: str, language: Language) -> CommandOutcome:
        """Obey ``message``, which :func:`is_command`. Every fault of the sender ends in a line that says what to do."""
        match = _COMMAND.match(message.text.strip())
        name, rest = ("human", "") if match is None else (match["name"], match["rest"].strip())
        name = unicodedata.normalize("NFKC", name).lower()
        permission = permission_of(bot, message.sender.id)
        command = next((command for command in COMMANDS if command.name == name), None)
        known = command.name if command else "unknown"
        log.info("command", command=known, bot=bot.id, turn=turn_id, person=message.sender.id, role=permission.name)
        if command is None:
            key = "not_permitted" if permission is Permission.ANYONE else "unknown_command"
            return self._line(key, language, command="/" + name[:40])
        if permission < command.permission:
            return self._line("not_permitted", language)
        call = Call(bot=bot, message=message, turn_id=turn_id, language=language, rest=rest, permission=permission)
        try:
            told = command.run(self, call)
        except InputError as error:
            return self._line(error.text_key, language, **error.values)
        return CommandOutcome(text=told.text, kind=command.kind, notices=told.notices)

    def help(self, call: Call) -> Told:
        """What the sender may do; nobody is shown commands that would be refused."""
        lines = [self._texts.say("help_intro", call.language, name=call.bot.name)]
        lines.append(self._texts.say("help_commands", call.language))
        allowed = [command for command in COMMANDS if command.permission <= call.permission]
        lines += [self._texts.say(f"usage_{command.name}", call.language) for command in allowed]
        return Told(text="\n".join(lines))

    def human(self, call: Call) -> Told:
        """Bring a human."""
        return self._desk.ask_for_human(call.bot, call.message, call.turn_id, call.language)

    def echo(self, call: Call) -> Told:
        """Send the text back: it has gone through inbox, worker and outbox."""
        if not call.rest:
            raise self._usage("echo", call)
        return Told(text=call.rest)

    def queue(self, call: Call) -> Told:
        """What waits and what was given up, as short as a chat wants it and without what anybody wrote."""
        queue = self._queue_of(call.bot.id)
        waiting, letters = queue.waiting, queue.letters
        parked = sum(letter.kind.parked for letter in letters)
        counts = {"waiting": waiting.messages, "oldest": round(waiting.oldest_s), "unsent": waiting.unsent}
        lines = [self._texts.say("queue", call.language, dead=len(letters) - parked, parked=parked, **counts)]
        for letter in letters[:_LETTERS_SHOWN]:
            kind = self._texts.say(f"letter_{letter.kind}", call.language)
            values = {"letter": letter.key, "kind": kind, "reason": letter.reason}
            lines.append(self._texts.say("queue_letter", call.language, **values))
        if letters:
            lines.append(self._texts.say("queue_cure", call.language))
        return Told(text="\n".join(lines))

    def reply(self, call: Call) -> Told:
        """A servicer's answer to the person of a ticket."""
        ticket, words = self._ticket("reply", call)
        if not words:
            raise self._usage("reply", call)
        notice = self._desk.human_says(ticket, words, call.turn_id, call.message.conversation)
        return Told(text=self._texts.say("reply_sent", call.language, number=ticket.number), notices=(notice,))

    def take_over(self, call: Call) -> Told:
        """A servicer takes a ticket before writing."""
        ticket, _ = self._ticket("takeover", call)
        notices = self._desk.take_over(ticket, call.turn_id, call.message.sender.id)
        return Told(text=self._texts.say("taken_over", call.language, number=ticket.number), notices=notices)

    def release(self, call: Call) -> Told:
        """End a ticket; the bot answers again."""
        ticket, _ = self._ticket("release", call)
        notice = self._desk.release(ticket, call.turn_id)
        return Told(text=self._texts.say("released", call.language, number=ticket.number), notices=(notice,))

    def _ticket(self, command: str, call: Call) -> tuple[Ticket, str]:
        """The ticket whose number follows the command's name, and the words after it. Another bot's ticket is as
        unknown as one that does not exist."""
        match = _TICKET.fullmatch(call.rest)
        if match is None:
            raise self._usage(command, call)
        number = int(match["number"])
        ticket = self._desk.tickets.get(call.bot.id, number)
        if ticket is None:
            raise InputError("ticket_not_found", number=number)
        if ticket.state is TicketState.RELEASED and ticket.released_by != call.turn_id:
            raise InputError("ticket_closed", number=number)
        return ticket, (match["words"] or "").strip()

    def _usage(self, command: str, call: Call) -> InputError:
        return InputError("usage", usage=self._texts.say(f"usage_{command}", call.language))

    def _line(self, key: str, language: Language, **values: object) -> CommandOutcome:
        return CommandOutcome(text=self._texts.say(key, language, **values), kind=ReplyKind.COMMAND)


COMMANDS = (
    Command(name="help", permission=Permission.ANYONE, run=CommandDesk.help),
    Command(name="human", permission=Permission.ANYONE, run=CommandDesk.human, kind=ReplyKind.HANDOFF),
    Command(name="reply", permission=Permission.SERVICER, run=CommandDesk.reply),
    Command(name="takeover", permission=Permission.SERVICER, run=CommandDesk.take_over),
    Command(name="release", permission=Permission.SERVICER, run=CommandDesk.release),
    Command(name="echo", permission=Permission.ADMIN, run=CommandDesk.echo),
    Command(name="queue", permission=Permission.ADMIN, run=CommandDesk.queue),
)
