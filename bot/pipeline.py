"""The way of an answer: one explicit list of steps, each deciding or passing on.

Transport (once, in order, limits) lies before this, in the inbox; delivery lies after it, in the outbox.
"""

import base64
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import structlog

from bot import telemetry
from bot.answering.answerer import Answer, Answerer
from bot.answering.render import answer_text
from bot.bots_file import BotConfig
from bot.channel import Channel
from bot.commands.registry import CommandDesk, is_command
from bot.conversation import Post, TurnOutcome
from bot.errors import Unavailable
from bot.handoff.desk import Desk, Notice
from bot.knowledge.entries import Audience
from bot.messages import ConversationId, InboundMessage, MessageKind, ReplyKind, Text
from bot.outbox import OutboxReply
from bot.records.turns import TurnRecord
from bot.splitting import split_text
from bot.texts import Language, Texts, language_of

log = structlog.get_logger()

LONGEST_QUESTION = 4000
"""Characters; a longer message is asked to be shorter instead of being cut silently."""
REMIND_ADMINS_EVERY_S = 24 * 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """One or more messages answered together.

    ``id`` is made from the first message's id, so that a turn that runs again after a crash keeps it. ``text`` are the
    messages' texts joined by newlines, ``reader`` who may read the answer, ``now`` epoch seconds.
    """

    id: str
    bot: BotConfig
    conversation: ConversationId
    messages: tuple[InboundMessage, ...]
    text: str
    language: Language
    reader: Audience
    now: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What a step decided: the words for the asker (empty: silence, a human has the conversation), and for others."""

    kind: ReplyKind
    text: str
    notices: tuple[Notice, ...] = ()
    answer: Answer | None = None


def turn_id(message: InboundMessage) -> str:
    """The id of the turn that ``message`` begins: 20 letters and digits, the same on every worker and every try."""
    origin = "\0".join((message.conversation.bot, message.conversation.channel, message.message_id))
    return base64.b32encode(hashlib.sha256(origin.encode()).digest())[:20].decode().lower()


class Pipeline:
    """Runs turns; implements :class:`bot.conversation.Answering`.

    ``readers`` maps (bot id, channel id) to the audience of whoever writes there; ``versions`` goes into every record.
    ``has_knowledge(bot)`` tells whether anything is indexed for a bot.
    """

    def __init__(
        self,
        *,
        bots: Mapping[str, BotConfig],
        channels: Mapping[tuple[str, str], Channel],
        readers: Mapping[tuple[str, str], Audience],
        answerer: Answerer,
        commands: CommandDesk,
        desk: Desk,
        texts: Texts,
        versions: Mapping[str, str],
        has_knowledge: Callable[[BotConfig], bool],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._bots = bots
        self._channels = channels
        self._readers = readers
        self._answerer = answerer
        self._commands = commands
        self._desk = desk
        self._texts = texts
        self._versions = versions
        self._has_knowledge = has_knowledge
        self._clock = clock

    def mergeable(self, message: InboundMessage) -> bool:
        """See :class:`bot.conversation.Answering`."""
        return message.kind is MessageKind.TEXT and not is_command(message)

    def run(self, messages: Sequence[InboundMessage]) -> TurnOutcome:
        """See :class:`bot.conversation.Answering`."""
        turn = self._turn(messages)
        with telemetry.TURN.labels(bot=turn.bot.id).time():
            for name, step in STEPS:
                said = step(self, turn)
                if said is not None:
                    return self._outcome(turn, name, said)
        raise AssertionError("the last step answers everything")

    def apologise(self, messages: Sequence[InboundMessage], reason: str) -> TurnOutcome:
        """See :class:`bot.conversation.Answering`. Without a database the apology goes out without a ticket."""
        turn = self._turn(messages)
        notices: tuple[Notice, ...] = ()
        try:
            notices = self._desk.failed(turn.bot, turn.conversation, turn.id, reason, turn.text).notices
        except Unavailable as error:
            telemetry.count("degraded", what="apology_without_ticket")
            log.error("apology_without_ticket", turn=turn.id, error=str(error))
        text = self._texts.say(f"apology_{reason}", turn.language)
        return self._outcome(turn, "apologise", Said(kind=ReplyKind.NOTICE, text=text, notices=notices))

    def obey_command(self, turn: Turn) -> Said | None:
        """A command message, or the wish for a human."""
        message = turn.messages[0]
        if not is_command(message):
            return None
        outcome = self._commands.handle(message, turn.bot, turn.id, turn.language)
        return Said(kind=outcome.kind, text=outcome.text, notices=outcome.notices)

    def welcome(self, turn: Turn) -> Said | None:
        """Somebody gained the app."""
        if turn.messages[0].kind is not MessageKind.EVENT:
            return None
        return Said(kind=ReplyKind.NOTICE, text=self._texts.say("welcome", turn.language, name=turn.bot.name))

    def leave_to_human(self, turn: Turn) -> Said | None:
        """While a human has the conversation the bot is silent and passes the words on."""
        ticket = self._desk.tickets.silent(turn.conversation)
        if ticket is None:
            return None
        return Said(kind=ReplyKind.HANDOFF, text="", notices=self._desk.relay(turn.bot, ticket, turn.messages, turn.id))

    def decline_unreadable(self, turn: Turn) -> Said | None:
        """Kinds and sizes that cannot be read are answered politely, never with silence."""
        kind = turn.messages[0].kind
        if kind is not MessageKind.TEXT:
            return Said(kind=ReplyKind.NOTICE, text=self._texts.say(f"unsupported_{kind.value}", turn.language))
        if not turn.text.strip():
            return Said(kind=ReplyKind.NOTICE, text=self._texts.say("empty_message", turn.language))
        if len(turn.text) > LONGEST_QUESTION:
            values = {"length": len(turn.text), "limit": LONGEST_QUESTION}
            return Said(kind=ReplyKind.NOTICE, text=self._texts.say("too_long", turn.language, **values))
        return None

    def answer_from_knowledge(self, turn: Turn) -> Said | None:
        """FAQ first, documents quoted, or an honest refusal."""
        answer = self._answerer.answer(turn.text, turn.bot, turn.reader, turn.now)
        if not answer.passages and not self._has_knowledge(turn.bot):
            return self._admit_emptiness(turn, answer)
        return Said(kind=answer.kind, text=answer_text(answer, self._texts, turn.language), answer=answer)

    def _admit_emptiness(self, turn: Turn, answer: Answer) -> Said:
        """Before any knowledge is there: a plain refusal, and the admins learn how to bring some, once a day."""
        day = int(turn.now // REMIND_ADMINS_EVERY_S)
        text = self._texts.say("empty_knowledge_admin", turn.bot.language, name=turn.bot.name, bot=turn.bot.id)
        notices = tuple(
            Notice(
                conversation=replace(turn.conversation, person=admin, chat=""),
                text=text,
                key=f"empty:{turn.bot.id}:{day}:{admin}",
            )
            for admin in turn.bot.admins
        )
        words = self._texts.say("empty_knowledge", turn.language)
        return Said(kind=ReplyKind.REFUSAL, text=words, notices=notices, answer=answer)

    def _turn(self, messages: Sequence[InboundMessage]) -> Turn:
        conversation = messages[0].conversation
        bot = self._bots[conversation.bot]
        text = "\n".join(message.text for message in messages)
        is_event = messages[0].kind is MessageKind.EVENT
        return Turn(
            id=turn_id(messages[0]),
            bot=bot,
            conversation=conversation,
            messages=tuple(messages),
            text=text,
            language=bot.language if is_event else language_of(text, bot.language),
            reader=self._readers[conversation.bot, conversation.channel],
            now=self._clock(),
        )

    def _outcome(self, turn: Turn, step: str, said: Said) -> TurnOutcome:
        telemetry.count("turn", bot=turn.bot.id, kind=said.kind.value)
        answer = said.answer
        record = TurnRecord(
            id=turn.id,
            bot=turn.bot.id,
            tenant=turn.bot.tenant,
            conversation=turn.conversation.key,
            person=turn.conversation.person,
            asked_at=turn.messages[0].received_at,
            answered_at=turn.now,
            message_ids=tuple(message.message_id for message in turn.messages),
            question=turn.text,
            step=step,
            kind=said.kind.value,
            answer=said.text,
            citations=tuple(asdict(citation) for citation in answer.citations) if answer else (),
            passages=answer.passages if answer else (),
            confidence=answer.confidence if answer else None,
            timings_ms=answer.timings_ms if answer else {},
            versions=self._versions,
        )
        reply = self._reply(turn.conversation, said.text, turn.id, record.encode(), turn.now)
        posts = [
            Post(
                conversation=notice.conversation,
                reply=self._reply(notice.conversation, notice.text, notice.key, "", turn.now),
            )
            for notice in said.notices
        ]
        log.info("turn_decided", turn=turn.id, step=step, kind=said.kind.value, notices=len(posts))
        return TurnOutcome(reply=reply, posts=tuple(posts))

    def _reply(self, conversation: ConversationId, text: str, key: str, record: str, now: float) -> OutboxReply:
        limits = self._channels[conversation.bot, conversation.channel].limits
        parts = tuple(Text(piece) for piece in split_text(text, limits.text_bytes)) if text else ()
        return OutboxReply(key=key, parts=parts, created_at=now, record=record)


STEPS: tuple[tuple[str, Callable[[Pipeline, Turn], Said | None]], ...] = (
    ("obey_command", Pipeline.obey_command),
    ("welcome", Pipeline.welcome),
    ("leave_to_human", Pipeline.leave_to_human),
    ("decline_unreadable", Pipeline.decline_unreadable),
    ("answer_from_knowledge", Pipeline.answer_from_knowledge),
)
"""The way of an answer, in order; the first step that has something to say ends the turn."""
