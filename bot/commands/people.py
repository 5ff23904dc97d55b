"""People and the humans who help them: bringing one, taking a ticket, answering, ending it."""

from bot.commands import arguments
from bot.commands.declaration import Call, Command, Outcome, Permission
from bot.commands.tools import Tools
from bot.errors import InputError
from bot.handoff.tickets import Ticket, TicketState
from bot.messages import ReplyKind


def _human(tools: Tools, call: Call) -> Outcome:
    """Bring a human."""
    told = tools.desk.ask_for_human(call.bot, call.message, call.turn_id, call.language)
    return Outcome(text=told.text, notices=told.notices)


def _reply(tools: Tools, call: Call) -> Outcome:
    """A servicer's answer to the person of a ticket."""
    ticket = _ticket(tools, call)
    notice = tools.desk.human_says(ticket, call.text("words"), call.turn_id, call.message.conversation)
    return Outcome(text=tools.texts.say("reply_sent", call.language, number=ticket.number), notices=(notice,))


def _take_over(tools: Tools, call: Call) -> Outcome:
    """A servicer takes a ticket before writing."""
    ticket = _ticket(tools, call)
    notices = tools.desk.take_over(ticket, call.turn_id, call.person)
    return Outcome(text=tools.texts.say("taken_over", call.language, number=ticket.number), notices=notices)


def _release(tools: Tools, call: Call) -> Outcome:
    """End a ticket; the bot answers again."""
    ticket = _ticket(tools, call)
    notice = tools.desk.release(ticket, call.turn_id)
    return Outcome(text=tools.texts.say("released", call.language, number=ticket.number), notices=(notice,))


def _ticket(tools: Tools, call: Call) -> Ticket:
    """The ticket that is meant. Another bot's is as unknown as one that does not exist."""
    number = call.number("ticket")
    ticket = tools.desk.tickets.get(call.bot.id, number)
    if ticket is None:
        raise InputError("ticket_not_found", number=number)
    if ticket.state is TicketState.RELEASED and ticket.released_by != call.turn_id:
        raise InputError("ticket_closed", number=number)
    return ticket


COMMANDS = (
    Command(
        name="human",
        aliases=("人工",),
        permission=Permission.ANYONE,
        arguments=(arguments.words(optional=True),),
        run=_human,
        kind=ReplyKind.HANDOFF,
    ),
    Command(
        name="reply",
        aliases=("回复",),
        permission=Permission.SERVICER,
        arguments=(arguments.ticket(), arguments.words()),
        run=_reply,
    ),
    Command(
        name="takeover",
        aliases=("接手",),
        permission=Permission.SERVICER,
        arguments=(arguments.ticket(),),
        run=_take_over,
    ),
    Command(
        name="release",
        aliases=("结束",),
        permission=Permission.SERVICER,
        arguments=(arguments.ticket(),),
        run=_release,
    ),
)
