"""What is said to whom when a human is wanted, comes, leaves, or does not come.

Nothing is sent here: the functions return :class:`Notice` objects, which go through the outbox of the conversation
they are for, once for each key.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

import structlog

from bot import telemetry
from bot.account import Serving
from bot.bots_file import BotConfig
from bot.channel import Limits
from bot.handoff.hours import Hours
from bot.handoff.reach import Reach
from bot.handoff.satisfaction import with_question
from bot.handoff.sessions import Sessions
from bot.handoff.summary import Summaries
from bot.handoff.tickets import Ticket, Tickets, TicketState
from bot.messages import ConversationId, InboundMessage, ReplyKind
from bot.parts import Part
from bot.records.turns import TurnRecord, TurnRecords
from bot.replies import OutboxReply
from bot.shaping import parts_of
from bot.texts import Language, Texts

log = structlog.get_logger()

RECENT_TURNS = 20
"""Among so many last turns the refused ones are looked for: commands may have come in between."""
REFUSED_LATELY_S = 3600.0
"""Questions longer ago belong to another conversation."""
ASKED_KNOWLEDGE = "compose"
"""The step of the pipeline that answers from the knowledge, or refuses."""
HUMAN_WORDS = ":human"
"""How the key of a human's words ends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """Something to tell somebody who did not just ask; ``key`` makes it once.

    ``author`` is the conversation of the human whose words these are, who must hear when they do not arrive. ``parts``
    follow the text where the channel can show them.
    """

    conversation: ConversationId
    text: str
    key: str
    author: ConversationId | None = None
    parts: tuple[Part, ...] = ()

    def reply(self, limits: Limits, now: float) -> OutboxReply:
        """It as what is put into the outbox at epoch second ``now``, as a channel with ``limits`` shows it."""
        author = self.author.key if self.author else ""
        return OutboxReply(key=self.key, parts=parts_of(self.text, limits, self.parts), created_at=now, author=author)


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What the asker hears, and what others hear. ``alone`` where the platform lets one more message through, this."""

    text: str
    notices: tuple[Notice, ...] = ()
    alone: bool = False


class Desk:
    """The human agents' desk of every bot.

    ``background(bot, conversation)`` are lines that a summary for humans begins with: what is known of the person;
    ``hours`` tell when nobody is there (:data:`bot.handoff.hours.Hours`).
    Its staff are the bot's servicers, and its admins where it has none: somebody must learn of a ticket. Raises
    :class:`~bot.errors.Unavailable` when the database does not answer.
    """

    def __init__(
        self,
        tickets: Tickets,
        records: TurnRecords,
        texts: Texts,
        *,
        bots: Mapping[str, BotConfig],
        reach: Reach,
        sessions: Sessions,
        background: Callable[[BotConfig, ConversationId], Sequence[str]] = lambda _bot, _conversation: (),
        hours: Hours = lambda _bot, _language: "",
    ) -> None:
        self._hours = hours
        self._reach = reach
        self._sessions = sessions
        self._summaries = Summaries(records, texts, sessions, background)
        self._tickets = tickets
        self._records = records
        self._texts = texts
        self._bots = bots

    @property
    def tickets(self) -> Tickets:
        """The tickets behind the desk."""
        return self._tickets

    def ask_for_human(
        self, bot: BotConfig, message: InboundMessage, turn_id: str, language: Language, *, asked: bool = True
    ) -> Told:
        """The person wants a human. Without servicers, or outside their hours, the person hears so at once, and the bot
        goes on answering.

        Where the platform has a desk for humans, one of theirs gets the person, and the staff hear what it is about.
        Whoever has not ``asked`` is handed over there alone: elsewhere the staff hear of it and the bot goes on.
        """
        conversation = message.conversation
        serving = self.ticket_of(conversation)
        if serving is not None and serving.conversation != conversation:
            return self._already(bot, serving, message, turn_id, language)
        if serving is not None and self._sessions.serving(conversation) is Serving.LAPSED:
            self._end_unseen(serving, turn_id)
        handed = self._sessions.hand_over(conversation, bot.servicers, turn_id)
        reachable = handed or any(self._reach.staff(conversation, servicer) for servicer in bot.servicers)
        closed = "" if handed else self._hours(bot, language)
        silent = handed or (asked and reachable and not closed)
        summary = self._summaries.of(bot, conversation, self._summaries.readable(message, bot.language))
        ticket, opened = self._tickets.open(conversation, bot.tenant, turn_id, summary, silent=silent)
        if ticket.silences and not opened:
            return self._already(bot, ticket, message, turn_id, language)
        person = self._summaries.name_of(message)
        values = {"number": ticket.number, "person": person, "bot": bot.name, "summary": summary}
        text = self._texts.say("ticket_new", bot.language, **values)
        notices = self._to_staff(bot, ticket, text, f"{turn_id}:ticket", handed=handed) if opened else ()
        key = "handoff_registered" if reachable else "handoff_nobody"
        key = "handoff_open" if silent else "handoff_closed" if closed else key
        values = {"number": ticket.number, "minutes": self._wait_minutes, "hours": closed}
        told = self._texts.say(key, language, **values)
        return Told(text=told, notices=notices, alone=handed)

    def refused_before(self, conversation: ConversationId, now: float) -> int:
        """How many of the last questions in ``conversation`` were refused in a row lately, because the knowledge has
        nothing for them; what was neither answered nor refused lies between."""
        recent = reversed(self._records.recent(conversation.key, RECENT_TURNS))
        asked = [turn for turn in recent if turn.step == ASKED_KNOWLEDGE and now - turn.answered_at < REFUSED_LATELY_S]
        return sum(1 for _ in takewhile(lambda turn: turn.kind == ReplyKind.REFUSAL, asked))

    def ticket_of(self, conversation: ConversationId) -> Ticket | None:
        """The ticket because of which the bot is silent in ``conversation``: one that began there, or one that began in
        a group or with a robot and whose human writes to the person there."""
        for ticket in self._tickets.silencing(conversation):
            own = ticket.conversation == conversation
            if own or (not conversation.chat and self._reach.person(ticket.conversation) == conversation):
                return ticket
        return None

    def relay(
        self,
        bot: BotConfig,
        ticket: Ticket,
        messages: Sequence[InboundMessage],
        turn_id: str,
        shown: Sequence[Part] = (),
    ) -> tuple[Notice, ...] | None:
        """The person wrote while a human has the conversation: pass it on, with what the messages ``shown``, unless the
        human reads it at the platform's own desk. ``None`` where that human's service has ended unseen: so does the
        ticket, and the bot answers."""
        serving = self._sessions.serving(ticket.conversation)
        if serving is Serving.LAPSED and ticket.conversation == messages[0].conversation:
            self._end_unseen(ticket, turn_id)
            return None
        return self._pass_on(bot, ticket, messages, turn_id, shown=shown, serving=serving)

    def _pass_on(
        self,
        bot: BotConfig,
        ticket: Ticket,
        messages: Sequence[InboundMessage],
        turn_id: str,
        *,
        shown: Sequence[Part],
        serving: Serving,
    ) -> tuple[Notice, ...]:
        self._tickets.person_wrote(ticket, left=serving is not Serving.HUMAN and self._has_left(bot, ticket))
        if serving is Serving.HUMAN:
            return ()
        text = "\n".join(self._summaries.readable(message, bot.language) for message in messages)
        person = self._summaries.name_of(messages[0])
        words = self._texts.say("ticket_message", bot.language, number=ticket.number, person=person, text=text)
        told = self._to_staff(bot, ticket, words, f"{turn_id}:relay")
        return tuple(replace(notice, parts=tuple(shown)) for notice in told)

    def failed(self, bot: BotConfig, conversation: ConversationId, turn_id: str, reason: str, last: str) -> Told:
        """A message could not be answered: register a ticket and tell the staff; the bot goes on answering."""
        summary = self._summaries.of(bot, conversation, last)
        ticket, _ = self._tickets.open(conversation, bot.tenant, turn_id, summary, silent=False)
        values = {"number": ticket.number, "person": conversation.person, "reason": reason, "summary": summary}
        text = self._texts.say("ticket_failed", bot.language, **values)
        return Told(text=text, notices=self._to_staff(bot, ticket, text, f"{turn_id}:failed"))

    def human_serves(self, bot: BotConfig, conversation: ConversationId, turn_id: str, last: str) -> Told:
        """A reply was refused because a human has the person at the platform's own desk, whom the platform may have
        given the person to by itself: a ticket, so that the bot is silent from now on and nobody is left waiting. The
        staff hear what the bot would have said, unless they had the ticket already."""
        summary = self._summaries.of(bot, conversation, last)
        ticket, opened = self._tickets.open(conversation, bot.tenant, turn_id, summary, silent=True)
        values = {"number": ticket.number, "person": conversation.person, "bot": bot.name, "summary": summary}
        text = self._texts.say("ticket_distributed", bot.language, **values)
        notices = self._to_staff(bot, ticket, text, f"{turn_id}:ticket", handed=True) if opened else ()
        return Told(text=text, notices=notices)

    def unsent(self, bot: BotConfig, ticket: Ticket, turn: TurnRecord) -> tuple[Notice, ...]:
        """A human took the person over before the answer of ``turn`` had been sent, and it was not any more: that human
        hears what was asked and what would have been said, unless it stands at the platform's own desk."""
        if self._sessions.serving(ticket.conversation) is Serving.HUMAN:
            return ()
        values = {"number": ticket.number, "person": ticket.conversation.person}
        values["turn"] = self._summaries.turn_line(turn, bot.language)
        return self._to_staff(
            bot, ticket, self._texts.say("ticket_unsent", bot.language, **values), f"{turn.id}:unsent"
        )

    def register(
        self, bot: BotConfig, message: InboundMessage, turn_id: str, subject: str, names: Sequence[str] = ()
    ) -> tuple[int, tuple[Notice, ...]]:
        """Something of the person that people must read while the bot goes on answering: the number of its ticket, and
        what ``names`` (the staff where nobody is named) hear. ``subject`` ends the key of the words for it."""
        conversation = message.conversation
        words = self._summaries.readable(message, bot.language)
        summary = self._summaries.of(bot, conversation, words)
        ticket, _ = self._tickets.open(conversation, bot.tenant, turn_id, summary, silent=False)
        person = self._summaries.name_of(message)
        values = {"number": ticket.number, "person": person, "bot": bot.name, "text": words}
        text = self._texts.say(f"ticket_about_{subject}", bot.language, **values)
        return ticket.number, self._to_staff(bot, ticket, text, f"{turn_id}:{subject}", names)

    def overdue(self) -> Iterator[tuple[Ticket, tuple[Notice, ...]]]:
        """Tickets nobody came for, one after the other, each with what its person and the staff must hear: at once, for
        a platform lets it through for a while only.

        Call :meth:`Tickets.unanswered` once the notices are in their outboxes.
        """
        for ticket in self._tickets.overdue():
            bot = self._bots.get(ticket.bot)
            if bot is None:
                continue
            key = f"ticket:{ticket.number}:overdue:{ticket.deadline:.0f}"
            self._sessions.take_back(ticket.conversation, key)
            language = self._summaries.language_of(bot, ticket.conversation)
            closed = self._hours(bot, language)
            left = closed and ticket.state is TicketState.SERVED
            values = {"number": ticket.number, "minutes": self._wait_minutes, "hours": closed}
            lines = [self._texts.say("handoff_left" if left else "handoff_timeout", language, **values)]
            if closed and not left:
                lines.append(self._texts.say("handoff_hours", language, hours=closed))
            told = Notice(conversation=self._reach.person(ticket.conversation), text="\n".join(lines), key=key)
            about = "ticket_left" if left else "ticket_unanswered"
            words = self._texts.say(about, bot.language, person=ticket.conversation.person, **values)
            yield ticket, (told, *self._to_staff(bot, ticket, words, key))

    def human_says(self, ticket: Ticket, text: str, turn_id: str, author: ConversationId) -> Notice:
        """A servicer's words for the person of ``ticket``, written in the conversation ``author``."""
        self._tickets.human_wrote(ticket, author.person)
        words = self._texts.say(
            "human_says", self._summaries.language_of(self._bots[ticket.bot], ticket.conversation), text=text
        )
        return self._to_person(ticket, words, f"{turn_id}{HUMAN_WORDS}", author)

    def take_over(self, ticket: Ticket, turn_id: str, servicer: str) -> tuple[Notice, ...]:
        """``servicer`` takes the ticket before writing: the person hears that somebody is there, and so does the staff
        who had the ticket or were waiting for somebody to take it."""
        bot = self._bots[ticket.bot]
        self._tickets.taken_over(ticket, servicer)
        words = self._texts.say(
            "handoff_taken", self._summaries.language_of(bot, ticket.conversation), number=ticket.number
        )
        told = self._to_person(ticket, words, f"{turn_id}:taken")
        text = self._texts.say("ticket_taken", bot.language, number=ticket.number, servicer=servicer)
        others = self._to_staff(bot, ticket, text, f"{turn_id}:taken")
        return told, *(notice for notice in others if notice.conversation.person.casefold() != servicer.casefold())

    def servicer_came(self, bot: BotConfig, message: InboundMessage, turn_id: str, servicer: str) -> Ticket:
        """``servicer`` took the person's chat at the platform's own desk, asked for or not: their ticket."""
        ticket = self._ticket_at(bot, message, turn_id)
        self._tickets.taken_over(ticket, servicer)
        return ticket

    def servicer_wrote(self, bot: BotConfig, message: InboundMessage, turn_id: str, servicer: str) -> None:
        """``servicer`` wrote to the person there."""
        self._tickets.human_wrote(self._ticket_at(bot, message, turn_id), servicer)

    def servicer_left(self, bot: BotConfig, conversation: ConversationId, turn_id: str) -> Notice | None:
        """The human service there has ended: what the person hears, ``None`` where there was no ticket."""
        ticket = self.ticket_of(conversation) or self._tickets.released(conversation, turn_id)
        if ticket is None:
            return None
        self._tickets.release(ticket, turn_id)
        return self._farewell(bot, ticket, conversation, turn_id, turn_id)

    def release(self, ticket: Ticket, turn_id: str) -> Notice:
        """End the human service, tell the person, and ask what it was like."""
        self._tickets.release(ticket, turn_id)
        self._sessions.take_back(ticket.conversation, f"{turn_id}:released")
        there = self._reach.person(ticket.conversation)
        return self._farewell(self._bots[ticket.bot], ticket, there, turn_id, f"{turn_id}:released")

    def to_admins(self, bot: BotConfig, conversation: ConversationId, text: str, key: str) -> tuple[Notice, ...]:
        """``text`` for every admin of ``bot`` who can be reached, because of something in ``conversation``."""
        chats = [(admin, self._reach.staff(conversation, admin)) for admin in bot.admins]
        return tuple(
            Notice(conversation=chat, text=text, key=f"{key}:{admin}") for admin, chat in chats if chat is not None
        )

    def address_of(self, conversation: ConversationId) -> ConversationId:
        """Where a word for the person of ``conversation`` that answers no message goes."""
        return self._reach.person(conversation)

    def _ticket_at(self, bot: BotConfig, message: InboundMessage, turn_id: str) -> Ticket:
        summary = self._summaries.of(bot, message.conversation, "")
        ticket, _ = self._tickets.open(message.conversation, bot.tenant, turn_id, summary, silent=True)
        return ticket

    def _already(
        self, bot: BotConfig, ticket: Ticket, message: InboundMessage, turn_id: str, language: Language
    ) -> Told:
        """Who has a human at the platform's own desk already hears nothing: the bot may not speak there."""
        serving = self._sessions.serving(ticket.conversation)
        notices = self._pass_on(bot, ticket, [message], turn_id, shown=(), serving=serving)
        if serving is Serving.HUMAN and ticket.conversation == message.conversation:
            return Told(text="")
        return Told(text=self._texts.say("handoff_already", language, number=ticket.number), notices=notices)

    def _end_unseen(self, ticket: Ticket, turn_id: str) -> None:
        """The human's service ended at the platform's desk without a word of it: so does the ticket."""
        telemetry.count("degraded", what="human_service_lapsed")
        log.warning("human_service_lapsed", ticket=ticket.number, conversation=ticket.conversation.key)
        self._tickets.release(ticket, turn_id)
        self._sessions.take_back(ticket.conversation, f"{turn_id}:lapsed")

    def _has_left(self, bot: BotConfig, ticket: Ticket) -> bool:
        """Whether the hours of humans have ended for who served the person: both may yet be in the middle of it."""
        if ticket.state is not TicketState.SERVED or not self._hours(bot, bot.language):
            return False
        lately = self._records.recent(ticket.conversation.key, 1)
        return all(turn.answered_at < self._tickets.wait_began for turn in lately)

    def _farewell(self, bot: BotConfig, ticket: Ticket, conversation: ConversationId, turn_id: str, key: str) -> Notice:
        """What the person of ``ticket`` hears in ``conversation`` when ``turn_id`` has ended it."""
        language = self._summaries.language_of(bot, ticket.conversation)
        words, parts = self._texts.say("handoff_released", language, number=ticket.number), tuple[Part, ...]()
        if limits := self._reach.ways_to_ask(conversation):
            words, parts = with_question(words, limits, self._texts, language, number=ticket.number, turn_id=turn_id)
        return Notice(conversation=conversation, text=words, key=key, parts=parts)

    @property
    def _wait_minutes(self) -> int:
        return max(1, round(self._tickets.wait_s / 60))

    def _to_person(self, ticket: Ticket, text: str, key: str, author: ConversationId | None = None) -> Notice:
        return Notice(conversation=self._reach.person(ticket.conversation), text=text, key=key, author=author)

    def _to_staff(
        self,
        bot: BotConfig,
        ticket: Ticket,
        text: str,
        key: str,
        named: Sequence[str] = (),
        *,
        handed: bool = False,
    ) -> tuple[Notice, ...]:
        """To those ``named``; else to the human who serves the ticket while that person still may, or to everybody who
        can take it; each in a single chat. Who was ``handed`` the person at the platform's desk need not be reached."""
        serves = ticket.state is TicketState.SERVED and (
            bot.is_servicer(ticket.servicer) or bot.is_admin(ticket.servicer)
        )
        names = named or ((ticket.servicer,) if serves else bot.servicers or bot.admins)
        chats = {name: self._reach.staff(ticket.conversation, name) for name in names}
        if None in chats.values() and not handed:
            telemetry.count("degraded", what="staff_unreachable")
            log.error("staff_unreachable", bot=bot.id, ticket=ticket.number, cure="give the bot a wecom-app channel")
        return tuple(
            Notice(conversation=chat, text=text, key=f"{key}:{name}")
            for name, chat in chats.items()
            if chat is not None
        )
