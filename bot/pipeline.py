"""The way of an answer: one explicit list of steps (:data:`STEPS`, at the end), each deciding or passing on.

Transport (once, in order, limits) lies before this, in the inbox; delivery lies after it, in the outbox. What each
step found is kept with the turn, so that the turn can be replayed.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import structlog

from bot import telemetry
from bot.answering.answerer import Answer, Answerer
from bot.answering.asking import Asking
from bot.answering.evidence import readings
from bot.answering.render import answer_text
from bot.bots_file import BotConfig
from bot.channel import Channel, Limits
from bot.commands.desk import CommandDesk
from bot.commands.wording import is_command
from bot.conversation import Post, TurnOutcome
from bot.emptiness import admit_emptiness
from bot.errors import Unavailable
from bot.feedback.invitation import ANSWERS, asks_by_card, asks_in_words, rating_card, verdict_in_words
from bot.handoff.desk import Desk, Notice
from bot.holding import Holding
from bot.knowledge.entries import Audience, Entry
from bot.lease import HEARD_KEPT
from bot.links import SourceLinks
from bot.lookup.desk import LookUp
from bot.media.attachments import Attachments
from bot.media.words import asks_to_delete
from bot.messages import LONGEST_QUESTION, ConversationId, InboundMessage, MessageKind, ReplyKind
from bot.reactions import SILENCE, Reactions, as_words
from bot.replies import OutboxReply
from bot.safety.cases.courier import Courier
from bot.safety.cases.heard import decode_heard
from bot.safety.cases.watch import Watch
from bot.safety.consent.desk import HealthConsent, consent_word
from bot.safety.precautions import Precautions
from bot.shaping import parts_of
from bot.texts import Texts, language_of
from bot.turn import Said, Turn, begin_turn, turn_record, unseen

log = structlog.get_logger()

GENERATED = frozenset({ReplyKind.GROUNDED})
"""Kinds of reply whose words a language model wrote, which are labelled so in every bubble."""
SPEAKING = (MessageKind.VOICE, MessageKind.IMAGE)
"""Media in which people themselves may say something."""


class Pipeline:
    """Runs turns; implements :class:`bot.conversation.Answering`.

    ``links`` makes the addresses at which sources can be read; ``versions`` goes into every record.
    ``has_knowledge(bot)`` tells whether anything is indexed for a bot, ``audience_of(bot, conversation, now)`` who may
    read what is said there.
    """

    def __init__(
        self,
        *,
        bots: Mapping[str, BotConfig],
        channels: Mapping[tuple[str, str], Channel],
        answerer: Answerer,
        look_up: LookUp,
        commands: CommandDesk,
        holding: Holding,
        desk: Desk,
        reactions: Reactions,
        attachments: Attachments,
        watch: Watch,
        courier: Courier,
        precautions: Precautions,
        consent: HealthConsent,
        texts: Texts,
        links: SourceLinks,
        versions: Mapping[str, str],
        has_knowledge: Callable[[BotConfig], bool],
        audience_of: Callable[[BotConfig, ConversationId, float], Audience],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._bots = bots
        self._channels = channels
        self._answerer = answerer
        self._look_up = look_up
        self._commands = commands
        self._holding = holding
        self._desk = desk
        self._reactions = reactions
        self._attachments = attachments
        self._watch = watch
        self._courier = courier
        self._precautions = precautions
        self._consent = consent
        self._texts = texts
        self._links = links
        self._versions = versions
        self._has_knowledge = has_knowledge
        self._audience_of = audience_of
        self._clock = clock

    def mergeable(self, message: InboundMessage) -> bool:
        """See :class:`bot.conversation.Answering`. What quotes or shows something is a question of its own."""
        plain = message.kind is MessageKind.TEXT and not message.quoted and not message.attachments
        words = verdict_in_words(message.text) is None and not asks_to_delete(message.text)
        words = words and consent_word(message.text) is None
        return plain and words and not is_command(message)

    def merged_notice(self, message: InboundMessage) -> str:
        """See :class:`bot.conversation.Answering`."""
        bot = self._bots[message.conversation.bot]
        return self._texts.say("stream_merged", language_of(message.text, bot.language))

    def run(
        self, messages: Sequence[InboundMessage], show: Callable[[str], None], heard: Sequence[bytes] = ()
    ) -> TurnOutcome:
        """See :class:`bot.conversation.Answering`."""
        turn = self._turn(messages, show, heard)
        with telemetry.TURN.labels(bot=turn.bot.id).time():
            for name, step in STEPS:
                said = self._take(turn, name, step)
                if said is None:
                    continue
                if said.kind in ANSWERS and (late := self._holding.hold(turn)):  # stopped while it was looked for
                    return self._outcome(turn, "stand_still", late)
                if said.answer and said.answer.generation and (late := self.leave_to_human(turn)):
                    return self._outcome(turn, "leave_to_human", late)  # taken over while it was written
                return self._outcome(turn, name, said)
        raise AssertionError("the last step answers everything")

    def apologise(self, messages: Sequence[InboundMessage], reason: str, heard: Sequence[bytes] = ()) -> TurnOutcome:
        """See :class:`bot.conversation.Answering`. Without a database the apology goes out without a ticket."""
        turn = self._turn(messages, unseen, heard)
        spoken = [message for message in turn.messages if message.kind is not MessageKind.EVENT]
        if len(spoken) < len(messages):  # nobody waits for a word about an event
            telemetry.add("degraded", len(messages) - len(spoken), what="event_lost")
        if not spoken:
            return self._outcome(turn, "apologise", SILENCE)
        turn = self._turn(spoken, unseen, heard)
        self._watch.look_or_keep(turn)
        self._precautions.notice(turn)
        notices: tuple[Notice, ...] = ()
        try:
            if reason == "too_old" and (relayed := self.leave_to_human(turn)):  # to a human no word is too old
                return replace(self._outcome(turn, "leave_to_human", relayed), relayed=True)
            notices = self._desk.failed(turn.bot, turn.conversation, turn.id, reason, turn.text).notices
        except Unavailable as error:
            telemetry.count("degraded", what="apology_without_ticket")
            log.error("apology_without_ticket", turn=turn.id, error=str(error))
        text = self._texts.say(f"apology_{reason}", turn.language)
        return self._outcome(turn, "apologise", Said(kind=ReplyKind.NOTICE, text=text, notices=notices))

    def screen(self, turn: Turn) -> Said | None:
        """Adverse events and emergencies are noticed whatever becomes of the turn, and no half-made answer is shown
        beside a report."""
        self._precautions.notice(turn)
        self._watch.look(turn)
        if turn.report is not None:
            turn.show = unseen
        return None

    def obey_command(self, turn: Turn) -> Said | None:
        """A command message, or the wish for a human, who sees what is shown beside it."""
        message = turn.messages[0]
        if not is_command(message):
            return None
        outcome = self._commands.handle(message, turn.bot, turn.id, turn.language)
        notices = outcome.notices
        if outcome.kind is ReplyKind.HANDOFF and message.attachments:
            shown = self._attachments.passed_on(turn)
            notices = tuple(replace(notice, parts=shown) for notice in notices)
        said = Said(kind=outcome.kind, text=outcome.text, notices=notices, parts=outcome.parts)
        return replace(said, record_as=outcome.record_as)

    def turn_away(self, turn: Turn) -> Said | None:
        """Whoever is blocked is not served, but for what is theirs by law."""
        return None if self._commands.serves_blocked(turn.messages[0]) else self._holding.turn_away(turn)

    def stand_still(self, turn: Turn) -> Said | None:
        """The bot was killed, is paused or is drained."""
        return self._holding.hold(turn)

    def react_to_event(self, turn: Turn) -> Said | None:
        """Somebody came, pressed or rated something."""
        if turn.messages[0].kind is not MessageKind.EVENT:
            return None
        if (agreed := self._consent.pressed(turn)) is not None:
            return agreed
        confirmed = self._courier.pressed(turn)
        return self._reactions.to_event(turn) if confirmed is None else replace(SILENCE, parts=confirmed)

    def forget_own_files(self, turn: Turn) -> Said | None:
        """The person wants what they sent to go: a wish that no human has to read first."""
        return self._attachments.forget(turn)

    def take_consent(self, turn: Turn) -> Said | None:
        """Somebody agrees, refuses or withdraws what they agreed to."""
        return self._consent.answer(turn)

    def leave_to_human(self, turn: Turn) -> Said | None:
        """While a human has the conversation the bot is silent and passes the words on; a bubble cannot be silent."""
        ticket = self._desk.ticket_of(turn.conversation)
        if ticket is None:
            return None
        notices = self._desk.relay(turn.bot, ticket, turn.messages, turn.id, self._attachments.passed_on(turn))
        if notices is None:
            turn.preface = self._texts.say("handoff_released", turn.language, number=ticket.number)
            return None
        if any(attachment.kind in SPEAKING for attachment in turn.messages[0].attachments):
            self._attachments.read(turn)  # nobody is answered, but an adverse event may be told in it
            self._watch.look_at_media(turn)
        text = self._texts.say("handoff_relayed", turn.language, number=ticket.number) if turn.stream_id else ""
        return Said(kind=ReplyKind.HANDOFF, text=text, notices=notices)

    def take_verdict(self, turn: Turn) -> Said | None:
        """Somebody says what the last answer was worth."""
        return self._reactions.to_verdict(turn)

    def read_media(self, turn: Turn) -> Said | None:
        """Pictures, voices and files become words; a spoken wish for a human is one."""
        said = self._attachments.read(turn)
        self._watch.look_at_media(turn)  # a report needs no consent
        said = said and (self._consent.ask_for_file(turn) or self._consent.ask(turn) or said)
        spoken = turn.messages[0].kind is MessageKind.VOICE
        return self.obey_command(turn) if said is None and spoken else said

    def take_report(self, turn: Turn) -> Said | None:
        """Who only tells of an emergency, or answers what was asked after a report, asks for nothing more."""
        self._precautions.follow_report(turn)
        return self._watch.ends(turn)

    def decline_unreadable(self, turn: Turn) -> Said | None:
        """Kinds and sizes that cannot be read are answered politely, never with silence."""
        kind, text = turn.messages[0].kind, turn.text.strip()
        if kind is not MessageKind.TEXT and not (kind in (MessageKind.VOICE, MessageKind.IMAGE) and text):
            return Said(kind=ReplyKind.NOTICE, text=self._texts.say(f"unsupported_{kind}", turn.language))
        if not text and not turn.context:
            return Said(kind=ReplyKind.NOTICE, text=self._texts.say("empty_message", turn.language))
        if len(turn.text) > LONGEST_QUESTION:
            values = {"length": len(turn.text), "limit": LONGEST_QUESTION}
            return Said(kind=ReplyKind.NOTICE, text=self._texts.say("too_long", turn.language, **values))
        return None

    def heed(self, turn: Turn) -> Said | None:
        """Emergencies, attacks, complaints, and questions that are not for a machine to answer."""
        return self._precautions.heed(turn)

    def understand(self, turn: Turn) -> Said | None:
        """The message as questions that stand alone: as it is, and together with what it quotes or shows."""
        context = turn.context[:LONGEST_QUESTION]
        turn.questions = readings(turn.text.strip(), context)
        turn.found(readings=len(turn.questions), quoted=bool(context))
        return None

    def ask_own_files(self, turn: Turn) -> Said | None:
        """A question that speaks of a file the person sent is asked of that file first."""
        said = self._attachments.answer_if_meant(turn)
        return self._with_footer(turn, said) if said else None

    def retrieve(self, turn: Turn) -> Said | None:
        """What the knowledge holds for the question, for this reader, now."""
        evidence = self._answerer.retriever.retrieve(turn.questions, turn.bot, turn.reader, turn.now)
        turn.evidence = evidence
        turn.found(**evidence.figures(turn.questions))
        if not evidence.passages and not self._has_knowledge(turn.bot) and not self._attachments.has_any(turn):
            return admit_emptiness(turn, self._desk, self._texts)
        return None

    def look_up(self, turn: Turn) -> Said | None:
        """The row of a table that holds, or the question for the condition that is missing; a FAQ goes first."""
        answer = None if turn.retrieved.certain else self._look_up.answer(turn)
        return self._answered(turn, answer) if answer else None

    def compose(self, turn: Turn) -> Said | None:
        """FAQ word for word, an answer composed from passages and checked, passages quoted, or an honest refusal: of
        the approved knowledge, and where that carries no answer, of the files that the person sent."""
        asking = Asking(
            bot=turn.bot,
            language=turn.language,
            quoted=turn.context,
            show=turn.show_generated,
            conversation=turn.conversation,
        )
        answer = self._precautions.offering(turn, self._answerer.compose(turn.retrieved, asking))
        turn.found(**answer.figures)
        unsure = answer.kind is ReplyKind.REFUSAL or answer.tentative
        if unsure and (own := self._attachments.answer(turn)):
            return self._with_footer(turn, own)
        return self._answered(turn, answer)

    def _answered(self, turn: Turn, answer: Answer) -> Said:
        """``answer`` in words."""
        text = answer_text(answer, self._texts, turn.language, lambda label, entry: self._link(turn, label, entry))
        if answer.kind is ReplyKind.REFUSAL and turn.own_files_asked:
            text += "\n" + self._texts.say("own_files_silent", turn.language)
        said = Said(kind=answer.kind, text=text, answer=answer, choices=answer.near)
        return self._with_footer(turn, self._precautions.pass_on(turn, said))

    def _take(self, turn: Turn, name: str, step: "Step") -> Said | None:
        """Run one step and keep what it found."""
        started = time.perf_counter()
        said = step(self, turn)
        seconds = time.perf_counter() - started
        telemetry.STEP.labels(step=name).observe(seconds)
        turn.end_step(name, round(seconds * 1000, 2))
        return said

    def _with_footer(self, turn: Turn, said: Said) -> Said:
        """``said``, what must stand below it, and how the person can say what it was worth."""
        limits = self._limits(turn.conversation)
        said = self._precautions.below(turn, said)
        if asks_by_card(turn.bot, limits, said.kind):
            return replace(said, parts=(*said.parts, rating_card(turn.id, self._texts, turn.language)))
        if asks_in_words(turn.bot, limits, said.kind):
            question = self._texts.say("feedback_words", turn.language)
            return replace(said, text=f"{said.text}\n\n{question}")
        return said

    def _link(self, turn: Turn, label: str, entry: Entry) -> str:
        channel = self._channels[turn.conversation.bot, turn.conversation.channel]
        return channel.link(label, self._links.url_for(entry.id, turn.reader, turn.bot.tenant, turn.now))

    def _turn(self, messages: Sequence[InboundMessage], show: Callable[[str], None], heard: Sequence[bytes]) -> Turn:
        conversation = messages[0].conversation
        bot, now = self._bots[conversation.bot], self._clock()
        reader = self._audience_of(bot, conversation, now)
        worded = tuple(as_words(message, bot) for message in messages)
        return begin_turn(
            worded, bot, reader=reader, now=now, show=show, earlier=decode_heard(heard), texts=self._texts
        )

    def _outcome(self, turn: Turn, step: str, said: Said) -> TurnOutcome:
        telemetry.count("turn", bot=turn.bot.id, kind=said.kind.value)
        telemetry.add("message_merged", len(turn.messages) - 1, bot=turn.bot.id)
        said = self._watch.complete(turn, said)
        said = self._precautions.complete(turn, replace(said, text=turn.prefaced(said.text)))
        self._consent.mark(turn)
        record = turn_record(turn, step, said, self._versions).encode() if said.recorded else ""
        label = turn.ai_label if said.kind in GENERATED else ""
        parts = parts_of(
            said.text,
            self._limits(turn.conversation),
            said.parts,
            choices=said.choices,
            stream_id=turn.stream_id,
            label=label,
            closing=said.closing,
            continued=partial(self._continued, turn) if record else None,
        )
        reply = OutboxReply(key=turn.id, parts=parts, created_at=turn.now, record=record)
        to = ((notice, notice.conversation) for notice in said.notices)
        posts = tuple(Post(conversation=one, reply=notice.reply(self._limits(one), turn.now)) for notice, one in to)
        log.info("turn_decided", turn=turn.id, step=step, kind=said.kind.value, notices=len(posts))
        heard = tuple(heard.encode() for heard in turn.heard[-HEARD_KEPT:])
        return TurnOutcome(reply=reply, posts=posts, heard=heard)

    def _limits(self, conversation: ConversationId) -> Limits:
        return self._channels[conversation.bot, conversation.channel].limits

    def _continued(self, turn: Turn) -> str:
        url = self._links.answer_url(turn.id, turn.reader, turn.now)
        return self._texts.say("reply_continues", turn.language, url=url)


Step = Callable[[Pipeline, Turn], Said | None]

STEPS: tuple[tuple[str, Step], ...] = (
    ("screen", Pipeline.screen),
    ("turn_away", Pipeline.turn_away),
    ("obey_command", Pipeline.obey_command),
    ("react_to_event", Pipeline.react_to_event),
    ("forget_own_files", Pipeline.forget_own_files),
    ("take_consent", Pipeline.take_consent),
    ("leave_to_human", Pipeline.leave_to_human),
    ("stand_still", Pipeline.stand_still),
    ("take_verdict", Pipeline.take_verdict),
    ("read_media", Pipeline.read_media),
    ("take_report", Pipeline.take_report),
    ("decline_unreadable", Pipeline.decline_unreadable),
    ("heed", Pipeline.heed),
    ("understand", Pipeline.understand),
    ("ask_own_files", Pipeline.ask_own_files),
    ("retrieve", Pipeline.retrieve),
    ("look_up", Pipeline.look_up),
    ("compose", Pipeline.compose),
)
"""The way of an answer, in order; the first step that has something to say ends the turn. Composing includes the
check of every generated sentence; sending and recording follow in the outbox and :mod:`bot.conclusion`."""
