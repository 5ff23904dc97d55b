"""What people hear while a bot stands still by an administrator's command, or does not serve them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.broadcasts import BROADCAST_KEY
from bot.feedback.invitation import ANSWERS
from bot.handoff.desk import Desk
from bot.handoff.tickets import TicketState
from bot.messages import ConversationId, MessageKind, ReplyKind
from bot.parts import Part
from bot.records.turns import TurnRecord
from bot.replies import OutboxReply
from bot.switches import State, Switch, Switches
from bot.texts import Texts
from bot.turn import Said, Turn

_SAID_OF_ITSELF = ANSWERS | {ReplyKind.REFUSAL}


def is_silenced(switches: Switches, conversation: ConversationId, reply: OutboxReply) -> bool:
    """Whether ``reply`` is the bot's own, an answer or a broadcast, where it was killed: commands, humans and what
    people must be told go out all the same. Raises what :meth:`.Switches.stopping` raises."""
    switch = switches.stopping(conversation)
    if switch is None or switch.state is not State.KILLED:
        return False
    if not reply.record:
        return reply.key.startswith(f"{BROADCAST_KEY}:")
    return TurnRecord.decode(reply.record).kind in ANSWERS


def is_taken_over(desk: Desk, conversation: ConversationId, reply: OutboxReply) -> bool:
    """Whether ``reply`` is what the bot itself has to say to a question, and a human serves the person by now: it was
    decided before. Raises what :meth:`.Desk.ticket_of` raises."""
    if not reply.record or TurnRecord.decode(reply.record).kind not in _SAID_OF_ITSELF:
        return False
    ticket = desk.ticket_of(conversation)
    return ticket is not None and ticket.state is TicketState.SERVED


class Holding:
    """``shown(turn)`` gives what the messages of a turn show, for a human to see.

    Methods raise :class:`~bot.errors.Unavailable` when what stands still cannot be told: then nothing is answered.
    """

    def __init__(
        self,
        switches: Switches,
        desk: Desk,
        texts: Texts,
        timezone: ZoneInfo,
        shown: Callable[[Turn], tuple[Part, ...]],
    ) -> None:
        self._switches = switches
        self._desk = desk
        self._texts = texts
        self._timezone = timezone
        self._shown = shown

    def turn_away(self, turn: Turn) -> Said | None:
        """A blocked person is not served, whatever they send; what they do without words is passed over."""
        if self._switches.blocking(turn.bot.id, turn.conversation.person) is None:
            return None
        if turn.messages[0].kind is MessageKind.EVENT:
            return Said(kind=ReplyKind.NOTICE, text="", recorded=False)
        return Said(kind=ReplyKind.NOTICE, text=self._texts.say("held_blocked", turn.language))

    def hold(self, turn: Turn) -> Said | None:
        """While the bot was killed or is paused, people hear so and a human is brought; while it is drained, what came
        before is answered and the rest is not taken."""
        switch = self._switches.stopping(turn.conversation)
        if switch is None or (switch.state is State.DRAINING and turn.messages[0].received_at < switch.at):
            return None
        line = self._texts.say(f"held_{switch.state}", turn.language, until=self._until(switch))
        if switch.state is State.DRAINING:
            return Said(kind=ReplyKind.NOTICE, text=line)
        message = replace(turn.messages[0], text=turn.text)
        told = self._desk.ask_for_human(turn.bot, message, turn.id, turn.language)
        shown = self._shown(turn)
        notices = tuple(replace(notice, parts=shown) for notice in told.notices)
        return Said(kind=ReplyKind.HANDOFF, text=f"{line}\n{told.text}", notices=notices)

    def _until(self, switch: Switch) -> str:
        return datetime.fromtimestamp(switch.until or 0.0, self._timezone).strftime("%m-%d %H:%M")
