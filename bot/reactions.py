"""What the bot does when people do something other than asking: they come, press, choose or rate."""

from dataclasses import replace

import structlog

from bot import telemetry
from bot.bots_file import BotConfig
from bot.errors import InputError
from bot.events import (
    CardClick,
    Change,
    Entered,
    MenuClick,
    Rating,
    ServicerWrote,
    SessionChanged,
    Subscribed,
    Undelivered,
    Verdict,
    Warned,
)
from bot.feedback.invitation import ANSWERS, HUMAN_KEY, verdict_in_words, verdict_of
from bot.feedback.records import Feedback, FeedbackRecords, Source
from bot.handoff.desk import HUMAN_WORDS, Desk, Notice
from bot.handoff.satisfaction import TICKET_KEY
from bot.identity.arrivals import Arrivals
from bot.messages import ConversationId, InboundMessage, MessageKind, ReplyKind, is_turn_id
from bot.parts import CardUpdate
from bot.records.turns import TurnRecords
from bot.texts import Texts
from bot.turn import Said, Turn

log = structlog.get_logger()

WELCOME_AGAIN_S = 24 * 3600.0
"""Who enters the chat is welcomed unless something was said there within this time."""
RATE_WITHIN_S = 24 * 3600.0
"""A verdict in words is about the last answer if that is not older."""
RATEABLE_TURNS = 5
"""Among so many last turns the answer is looked for: a command may have come in between."""
RATEABLE = ANSWERS | {ReplyKind.REFUSAL}
"""A refusal asks for no verdict, but one that follows it is about it and not about the answer before."""
WARN_AGAIN_S = 24 * 3600

SILENCE = Said(kind=ReplyKind.NOTICE, text="", recorded=False)


class Reactions:
    """Methods raise :class:`~bot.errors.Unavailable` when the database does not answer."""

    def __init__(
        self, feedback: FeedbackRecords, records: TurnRecords, desk: Desk, arrivals: Arrivals, texts: Texts
    ) -> None:
        self._arrivals = arrivals
        self._feedback = feedback
        self._records = records
        self._desk = desk
        self._texts = texts

    def to_event(self, turn: Turn) -> Said:
        """What is said to the event that began ``turn``; often nothing."""
        notices: tuple[Notice, ...] = ()
        match turn.messages[0].event:
            case Subscribed():
                return self._welcome(turn)
            case Entered() as entered:
                return self._entered(turn, entered)
            case MenuClick(key):
                return self._unknown_menu(turn, key)
            case CardClick() as click:
                return self._pressed(turn, click)
            case Rating() as rating:
                given = self._given(turn, rating.turn_id, rating.verdict, Source.RATING)
                self._take(turn, replace(given, reasons=rating.reasons, words=rating.words))
            case Warned(name):
                notices = self._warning(turn, name)
            case Undelivered() as failure:
                notices = self._undelivered(turn, failure)
            case SessionChanged() as changed:
                return self._session_changed(turn, changed)
            case ServicerWrote(servicer=servicer):
                self._desk.servicer_wrote(turn.bot, turn.messages[0], turn.id, servicer)
        return replace(SILENCE, notices=notices)

    def to_verdict(self, turn: Turn) -> Said | None:
        """What is said to a verdict in words on the last answer; ``None`` where the message is none."""
        verdict = verdict_in_words(turn.text) if turn.messages[0].kind is MessageKind.TEXT else None
        if verdict is None:
            return None
        recent = reversed(self._records.recent(turn.conversation.key, RATEABLE_TURNS))
        rated = next((record for record in recent if record.kind in RATEABLE), None)
        if rated is None or turn.now - rated.answered_at > RATE_WITHIN_S:
            return None
        self._save(self._given(turn, rated.id, verdict, Source.WORDS))
        return Said(kind=ReplyKind.NOTICE, text=self._texts.say(f"feedback_thanks_{verdict}", turn.language))

    def _welcome(self, turn: Turn) -> Said:
        return Said(kind=ReplyKind.NOTICE, text=self._texts.say("welcome", turn.language, name=turn.bot.name))

    def _entered(self, turn: Turn, entered: Entered) -> Said:
        """What comes of the link by which the person came, and a welcome where one is due."""
        brought = entered.brought
        line = self._arrivals.greet(turn.bot, turn.conversation, brought, turn.language, turn.now) if brought else ""
        welcome = self._welcome_due(turn, entered)
        return replace(welcome, text="\n\n".join(filter(None, [line, welcome.text]))) if line else welcome

    def _welcome_due(self, turn: Turn, entered: Entered) -> Said:
        """A welcome where nothing was said lately; where the platform asks for one, that alone, and in time. One that
        does not reach the person then is nothing to apologise for."""
        until = entered.welcome_until
        if not until:
            return SILENCE if entered.brought or self._spoke_lately(turn) else self._welcome(turn)
        if turn.now > until:
            telemetry.count("degraded", what="welcome_too_late")
            log.warning("welcome_too_late", bot=turn.bot.id, late_s=round(turn.now - until, 1))
            return SILENCE
        return replace(self._welcome(turn), recorded=False)

    def _undelivered(self, turn: Turn, failure: Undelivered) -> tuple[Notice, ...]:
        """The person never got a part that the platform had taken: the record says so, and a human hears of it where
        it was an answer or a human's words."""
        key = failure.part.rpartition(":")[0]
        code = f"undelivered_{failure.reason}"
        telemetry.count("reply_dead", code=code)
        log.error("part_undelivered", conversation=turn.conversation.key, part=failure.part, reason=failure.reason)
        record = self._records.get(key) if is_turn_id(key) else None
        if record is not None:
            self._records.save(replace(record, failure=code))
        elif not key.endswith(HUMAN_WORDS):
            return ()
        question = record.question if record is not None else ""
        return self._desk.failed(turn.bot, turn.conversation, turn.id, code, question).notices

    def _session_changed(self, turn: Turn, changed: SessionChanged) -> Said:
        """A human took or gave back the person at the platform's own desk. What is said to it is no answer that must
        arrive: the platform lets it through for a while only, and once."""
        if changed.change is Change.ENDED:
            farewell = self._desk.servicer_left(turn.bot, turn.conversation, turn.id)
            return replace(SILENCE, text=farewell.text, parts=farewell.parts) if farewell else SILENCE
        ticket = self._desk.servicer_came(turn.bot, turn.messages[0], turn.id, changed.servicer)
        if changed.change is not Change.TAKEN:
            return SILENCE
        return replace(SILENCE, text=self._texts.say("handoff_taken", turn.language, number=ticket.number))

    def _spoke_lately(self, turn: Turn) -> bool:
        recent = self._records.recent(turn.conversation.key, 1)
        return bool(recent) and turn.now - recent[-1].answered_at < WELCOME_AGAIN_S

    def _warning(self, turn: Turn, name: str) -> tuple[Notice, ...]:
        """The admins hear of it once a day."""
        text = self._texts.say("platform_warning", turn.bot.language, bot=turn.bot.name, name=name)
        key = f"warned:{turn.bot.id}:{name}:{int(turn.now // WARN_AGAIN_S)}"
        return self._desk.to_admins(turn.bot, turn.conversation, text, key)

    def _unknown_menu(self, turn: Turn, key: str) -> Said:
        telemetry.count("degraded", what="menu_unknown")
        log.warning("menu_unknown", bot=turn.bot.id, key=key[:64], cure="name it below menu: in bots.yaml")
        return Said(kind=ReplyKind.NOTICE, text=self._texts.say("menu_unknown", turn.language))

    def _pressed(self, turn: Turn, click: CardClick) -> Said:
        if rated := verdict_of(click):
            verdict, turn_id = rated
            if self._take(turn, self._given(turn, turn_id, verdict, Source.CARD)):
                return SILENCE  # the card itself says that it was pressed
            label = self._texts.say("card_not_taken", turn.language)
            return replace(SILENCE, parts=_relabelled(click, label))
        kind, _, rest = click.key.partition(":")
        if kind == HUMAN_KEY:
            words = replace(
                turn.messages[0], kind=MessageKind.TEXT, text=self._texts.say("feedback_human", turn.language)
            )
            told = self._desk.ask_for_human(turn.bot, words, turn.id, turn.language)
            return Said(kind=ReplyKind.HANDOFF, text=told.text, notices=told.notices)
        if kind == TICKET_KEY and rest.isdecimal():
            return self._voted(turn, int(rest), click)
        log.warning("card_unknown", bot=turn.bot.id, key=click.key[:64])
        return SILENCE

    def _voted(self, turn: Turn, number: int, click: CardClick) -> Said:
        """What the person thinks of the human's service, in the card or the menu that came when it ended."""
        chosen = [choice for choices in click.chosen.values() for choice in choices]
        score = int(chosen[0]) if len(chosen) == 1 and chosen[0].isdecimal() else 0
        try:
            self._desk.tickets.rate(turn.conversation, number, score)
        except InputError as error:
            return Said(kind=ReplyKind.NOTICE, text=self._texts.say(error.text_key, turn.language, **error.values))
        rated = self._texts.say(f"satisfaction_{score}", turn.language)
        label = self._texts.say("card_rated", turn.language, rated=rated)
        thanks = self._texts.say("satisfaction_thanks", turn.language)
        return replace(SILENCE, text=thanks, parts=_relabelled(click, label))

    def _given(self, turn: Turn, turn_id: str, verdict: Verdict, source: Source) -> Feedback:
        return Feedback(
            turn_id=turn_id,
            person=turn.conversation.person,
            bot=turn.bot.id,
            tenant=turn.bot.tenant,
            verdict=verdict,
            source=source,
            given_at=turn.messages[0].sent_at,
        )

    def _take(self, turn: Turn, given: Feedback) -> bool:
        """Save what a platform hands back, if its person could read the answer that it names; whether it was."""
        taken = self._could_read(turn.conversation, given.turn_id)
        if taken:
            self._save(given)
        else:
            log.warning("feedback_not_taken", bot=given.bot, turn=given.turn_id[:64], source=given.source)
        return taken

    def _could_read(self, conversation: ConversationId, turn_id: str) -> bool:
        """An answer is its person's, and in a group everybody's there.

        A turn without a record is believed, because its id cannot be guessed: a message that was answered within
        another's turn has none, and a bubble can be rated before its record is written.
        """
        record = self._records.get(turn_id) if is_turn_id(turn_id) else None
        if record is None:
            return is_turn_id(turn_id)
        asked = ConversationId.from_key(record.conversation)
        return conversation == (replace(asked, person=conversation.person) if asked.chat else asked)

    def _save(self, given: Feedback) -> None:
        self._feedback.save(given)
        telemetry.count("feedback", bot=given.bot, verdict=given.verdict, source=given.source)
        log.info("feedback", turn=given.turn_id, verdict=given.verdict, source=given.source)


def as_words(message: InboundMessage, bot: BotConfig) -> InboundMessage:
    """A choice in the menu as the words that the bot's configuration gives it."""
    if isinstance(message.event, MenuClick) and (words := bot.menu.get(message.event.key)):
        return replace(message, kind=MessageKind.TEXT, text=words, event=None)
    return message


def _relabelled(click: CardClick, label: str) -> tuple[CardUpdate, ...]:
    """The card that was pressed, saying ``label`` instead of what the answer to the press let it say; nothing where
    the platform gives no permission."""
    return (CardUpdate(click.task_id, click.response_code, label),) if click.response_code else ()
