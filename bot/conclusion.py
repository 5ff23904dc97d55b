"""What follows when a reply was delivered or given up: the record, and a word to those who were let down."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import structlog

from bot.account import HUMAN_SERVES, SILENCED
from bot.bots_file import BotConfig
from bot.handoff.desk import Desk
from bot.handoff.tickets import Ticket
from bot.messages import ConversationId
from bot.parts import Part, Stream, Text, words_of
from bot.records.turns import TurnRecord, TurnRecords
from bot.replies import TAKEN_OVER, WITHDRAWN, Delivery, OutboxReply
from bot.safety.cases.notices import CASE_KEY
from bot.texts import Texts, language_of

log = structlog.get_logger()

Post = Callable[[ConversationId, OutboxReply], bool]


class Conclusion:
    """Concludes deliveries; may be called twice for the same one.

    ``post`` puts a notice into a conversation's outbox; ``told_desk(key, failure)`` hears what became of a message to
    the safety desk.
    """

    def __init__(
        self,
        *,
        records: TurnRecords,
        desk: Desk,
        texts: Texts,
        bots: Mapping[str, BotConfig],
        post: Post,
        told_desk: Callable[[str, str], None] = lambda _key, _failure: None,
        count: Callable[..., None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._records = records
        self._desk = desk
        self._texts = texts
        self._bots = bots
        self._post = post
        self._told_desk = told_desk
        self._count = count
        self._clock = clock

    def conclude(self, conversation: ConversationId, delivery: Delivery) -> None:
        """Record the fate of a reply; a dead answer is apologised for, where the person can hear it, and a human
        informed, unless one has the person already.

        Raises :class:`~bot.errors.Unavailable` when the database or Redis does not answer.
        """
        key, failure = delivery.reply.key, delivery.failure
        if failure:
            self._count("reply_dead", code=failure)
            log.error("reply_dead", key=key, conversation=conversation.key, code=failure, sent=delivery.sent)
        if key.startswith(f"{CASE_KEY}:"):
            self._told_desk(key, failure)
        if failure and delivery.reply.author:
            self._tell_author(delivery, failure)
        if not delivery.reply.record:
            return
        record = replace(
            TurnRecord.decode(delivery.reply.record),
            parts=len(delivery.reply.parts),
            parts_sent=delivery.sent,
            platform_ids=delivery.message_ids,
            unknown_sends=delivery.unknown,
            failure=failure,
            sent_at=delivery.sent_at,
            concluded_at=self._clock(),
        )
        self._records.save(record)
        if failure == WITHDRAWN and conversation.bot in self._bots:
            self._ask_again(conversation, delivery, record)
        elif failure == TAKEN_OVER and (ticket := self._desk.ticket_of(conversation)) is not None:
            self._leave_to_human(ticket, conversation, delivery, record)
        elif failure and conversation.bot in self._bots:
            self._apologise(conversation, delivery, record)

    def _ask_again(self, conversation: ConversationId, delivery: Delivery, record: TurnRecord) -> None:
        """What the answer rested on was withdrawn before it was sent; asked again, what holds now is said. No human
        could say more."""
        text = self._texts.say("answer_withdrawn", language_of(record.question, self._bots[conversation.bot].language))
        self._instead(conversation, delivery, text, f"{record.id}:{WITHDRAWN}")

    def _leave_to_human(
        self, ticket: Ticket, conversation: ConversationId, delivery: Delivery, record: TurnRecord
    ) -> None:
        """A human has the person: whoever that is hears what was asked, and what the bot would have said; the person
        hears them, and nothing of this, unless a bubble waits for words."""
        bot, left = self._bots[conversation.bot], delivery.reply.parts[delivery.sent :]
        if any(isinstance(part, Stream) for part in left):
            language = language_of(record.question, bot.language)
            text = self._texts.say("handoff_relayed", language, number=ticket.number)
            self._instead(conversation, delivery, text, f"{record.id}:{TAKEN_OVER}")
        for notice in self._desk.unsent(bot, ticket, record):
            self._notify(notice.conversation, Text(notice.text), notice.key)

    def _apologise(self, conversation: ConversationId, delivery: Delivery, record: TurnRecord) -> None:
        bot, failure = self._bots[conversation.bot], delivery.failure
        if failure == HUMAN_SERVES:
            told = self._desk.human_serves(bot, conversation, record.id, record.question)
        else:
            told = self._desk.failed(bot, conversation, record.id, failure, record.question)
        if failure not in SILENCED:
            text = self._texts.say("apology_not_delivered", language_of(record.question, bot.language))
            self._instead(conversation, delivery, text, f"{record.id}:apology")
        for notice in told.notices:
            self._notify(notice.conversation, Text(notice.text), notice.key)

    def _tell_author(self, delivery: Delivery, failure: str) -> None:
        """A human's words did not arrive: whoever wrote them must know."""
        author = ConversationId.from_key(delivery.reply.author)
        bot = self._bots.get(author.bot)
        if bot is not None:
            words = "\n".join(words_of(part) for part in delivery.reply.parts[delivery.sent :])
            text = self._texts.say("human_not_delivered", bot.language, code=failure, text=words)
            self._notify(author, Text(text), f"{delivery.reply.key}:undelivered")

    def _instead(self, conversation: ConversationId, delivery: Delivery, text: str, key: str) -> None:
        """Say ``text`` in place of what was given up: in the bubble that waits for it, which would otherwise seem to be
        written for minutes, else where the person can be written to."""
        left = delivery.reply.parts[delivery.sent :]
        bubble = next((part.stream_id for part in left if isinstance(part, Stream)), "")
        if bubble:
            self._notify(conversation, Stream(text, bubble), key)
        else:
            self._notify(self._desk.address_of(conversation), Text(text), key)

    def _notify(self, conversation: ConversationId, said: Part, key: str) -> None:
        self._post(conversation, OutboxReply(key=key, parts=(said,), created_at=self._clock()))
