"""The first step of every turn: what people write is screened, before and without a language model.

Whatever becomes of the turn (an answer, a command, a human who has the conversation, an apology) its messages were
read here. The step ends no turn; what the rules want said is put around the answer when it is known
(:meth:`Watch.complete`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import structlog

from bot import telemetry
from bot.bots_file import BotConfig
from bot.errors import Unavailable
from bot.events import Rating
from bot.messages import ConversationId, InboundMessage, MessageKind, ReplyKind
from bot.safety.adverse_events import WINDOW, Lexicon, Screening, default_lexicon, screen
from bot.safety.cases.case import Case, Report, Taken
from bot.safety.cases.documents import told_in_document
from bot.safety.cases.follow_up import (
    MOST_QUESTIONS,
    answers,
    asks_something,
    declines,
    names_another_patient,
)
from bot.safety.cases.heard import Heard
from bot.safety.cases.intake import Intake
from bot.safety.cases.report import TurnReport, in_danger, may_be_said
from bot.texts import Texts
from bot.turn import Said, Turn

log = structlog.get_logger()


class Watch:
    """``taken(case)`` is told of every case that was opened or added to, so that the desk hears at once; it may be told
    twice. ``keep(message)`` keeps a message whose screen could not be done now, for :mod:`.refused`.
    ``handed_over(conversation)`` says that a human has it, so that the bot asks nothing.
    """

    def __init__(
        self,
        intake: Intake,
        texts: Texts,
        *,
        taken: Callable[[Case], None],
        keep: Callable[[InboundMessage], None],
        handed_over: Callable[[ConversationId], bool],
    ) -> None:
        self._intake = intake
        self._texts = texts
        self._taken = taken
        self._keep = keep
        self._handed_over = handed_over

    def look(self, turn: Turn) -> None:
        """Screen what the messages of ``turn`` say. Raises :class:`~bot.errors.Unavailable` when something is suspected
        and the database does not answer: the turn runs again."""
        if turn.bot.safety.off:
            return
        for message in turn.messages:
            self._hear(turn, message, _words_of(message), message.kind.value)

    def look_at_media(self, turn: Turn) -> None:
        """Screen what was heard and read in what the first message of ``turn`` shows."""
        if turn.bot.safety.off:
            return
        for number, (kind, words) in enumerate(turn.read):
            spoken = kind is MessageKind.VOICE
            passages = [words] if spoken else told_in_document(words, _lexicon(turn.bot.safety.products))
            for place, passage in enumerate(passages):
                suffix = f":{kind.value}{number}" + (f".{place}" if place else "")
                self._hear(turn, turn.messages[0], passage, kind.value, suffix=suffix, rules_alone=not spoken)

    def look_or_keep(self, turn: Turn) -> None:
        """Screen ``turn``, whose messages leave the queue with an apology: what cannot be screened now is kept."""
        try:
            self.look(turn)
        except Exception as error:  # a bug here may be why there is an apology, and must not keep it from being said
            if not isinstance(error, Unavailable):
                log.exception("screen_failed", turn=turn.id)
            telemetry.count("degraded", what="screen_postponed")
            log.error("screen_postponed", turn=turn.id, error=type(error).__name__)
            for message in turn.messages:
                self._keep(message)

    def look_at(self, message: InboundMessage, bot: BotConfig, earlier: Sequence[Heard]) -> tuple[Heard, Case | None]:
        """Screen a message that has no turn, as it was refused, behind those before it. Returns what is remembered of
        it, and its case."""
        screening = screen([*_window(earlier, message), message.text], lexicon=_lexicon(bot.safety.products))
        if not screening.suspected:
            return Heard(message.text), None
        report = Report(
            id=message.turn_id,
            conversation=message.conversation,
            tenant=bot.tenant,
            sender_name=message.sender.name,
            sent_at=message.sent_at,
            received_at=message.received_at,
            words=message.text,
            medium=message.kind.value,
            screening=screening,
            context=_context(earlier),
        )
        taken = self._take(report)
        return Heard(message.text, case=taken.case.number if taken else 0), taken.case if taken else None

    def complete(self, turn: Turn, said: Said) -> Said:
        """``said``, with what the reports of ``turn`` want around it."""
        report = turn.report
        if report is None:
            return self._asking_back(turn, said)
        before = report.before(self._texts, turn.language, turn.bot.safety, turn.bot.name)
        if (
            not said.text and not report.alone
        ):  # a human has the conversation: the bot is silent unless somebody is in danger
            return replace(said, text=before[0]) if report.urgent else said
        after = report.after(self._texts, turn.language)
        if not may_be_said(said.kind, said.text):
            telemetry.count("degraded", what="answer_withheld")
            log.warning("answer_withheld", turn=turn.id, case=report.case.number)
            said = replace(said, kind=ReplyKind.NOTICE, text="", answer=None, parts=())
        elif said.kind is ReplyKind.REFUSAL and not asks_something(turn.text):
            said = replace(said, kind=ReplyKind.NOTICE, text="")  # who tells something has asked for nothing
        return replace(said, text="\n\n".join(filter(None, [*before, said.text, *after])))

    def ends(self, turn: Turn) -> Said | None:
        """What ends a turn that only tells something: somebody is in danger, or the message answers what was asked.
        :meth:`complete` has the words."""
        report = turn.report
        if report is None or asks_something(turn.text):
            return None
        report.alone = report.urgent or not report.told
        return Said(kind=ReplyKind.NOTICE, text="") if report.alone else None

    def _hear(
        self,
        turn: Turn,
        message: InboundMessage,
        words: str,
        medium: str,
        suffix: str = "",
        *,
        rules_alone: bool = False,
    ) -> None:
        """Screen ``words`` behind those before them, and remember them. ``rules_alone`` is for what nobody has said:
        a text from a document is not worded like a message."""
        if not words.strip():
            return
        earlier = [*turn.earlier, *turn.heard][-(WINDOW - 1) :]
        window = _window(earlier, message)
        lexicon = _lexicon(turn.bot.safety.products)
        screening = screen([*window, words], lexicon=lexicon, rules_alone=rules_alone)
        if window and screening.suspected and names_another_patient(words):
            alone = screen([words], lexicon=lexicon, rules_alone=rules_alone)
            if alone.suspected:  # what happened to the patient before says nothing of this one
                earlier, window, screening = [], [], alone
        number = next((heard.case for heard in reversed(earlier) if heard.case), 0)
        declined = bool(number) and not screening.suspected and declines(words)
        taken = None
        if screening.suspected or declined or (number and _answers(earlier, words, screening, len(window))):
            report = Report(
                id=message.turn_id + suffix,
                conversation=turn.conversation,
                tenant=turn.bot.tenant,
                sender_name=message.sender.name,
                sent_at=message.sent_at,
                received_at=message.received_at,
                words=words,
                medium=medium,
                screening=screening,
                context=_context(earlier),
                most_questions=self._most_questions(turn),
                attachments=_attachments(turn, message),
            )
            taken = self._take(report, number, declined=declined)
        if taken is not None:
            self._note(turn, taken, screening, declined=declined)
        asks_back = taken is None and screening.asks_about_effects
        turn.heard.append(Heard(words, case=taken.case.number if taken else 0, asked_back=asks_back))

    def _most_questions(self, turn: Turn) -> int:
        """How many more may be asked in the reply of ``turn``."""
        asked = len(turn.report.asked) if turn.report else 0
        return 0 if self._handed_over(turn.conversation) else MOST_QUESTIONS - asked

    def _take(self, report: Report, number: int = 0, *, declined: bool = False) -> Taken | None:
        taken = self._intake.take(report, case_number=number, declined=declined)
        if taken is not None:
            telemetry.count("case", bot=taken.case.bot, what="opened" if taken.opened else "added")
            self._taken(taken.case)
        return taken

    def _note(self, turn: Turn, taken: Taken, screening: Screening, *, declined: bool) -> None:
        urgent = screening.suspected and in_danger(screening.serious, at_once=screening.at_once)
        if turn.report is None:
            turn.report = TurnReport(
                case=taken.case,
                told=screening.suspected,
                urgent=urgent,
                declined=declined,
                in_group=bool(turn.conversation.chat),
                asked=taken.asked,
            )
        else:
            turn.report.add(taken, told=screening.suspected, urgent=urgent, declined=declined)
        turn.found(case=taken.case.number)

    def _asking_back(self, turn: Turn, said: Said) -> Said:
        """Who asks which effects there are is asked, once, whether somebody has shown one."""
        asked_before = any(heard.asked_back for heard in turn.earlier)
        if not said.text or asked_before or not any(heard.asked_back for heard in turn.heard):
            return said
        question = self._texts.say("case_ask_back", turn.language)
        return replace(said, text=f"{said.text}\n\n{question}")


def _words_of(message: InboundMessage) -> str:
    """What ``message`` says in words; of events, what people add to a rating."""
    if message.kind is MessageKind.EVENT:
        return message.event.words if isinstance(message.event, Rating) else ""
    return message.text


def _window(earlier: Sequence[Heard], message: InboundMessage) -> list[str]:
    """What ``message`` is read behind, what it quotes last."""
    quoted = [message.quoted.text] if message.quoted and message.quoted.text.strip() else []
    return [*(heard.text for heard in earlier), *quoted][-(WINDOW - 1) :]


def _context(earlier: Sequence[Heard]) -> tuple[str, ...]:
    """The words that belong to no case yet and may be part of a new one: those since the last that did."""
    last = max((place for place, heard in enumerate(earlier) if heard.case), default=-1)
    return tuple(heard.text for heard in earlier[last + 1 :])


def _answers(earlier: Sequence[Heard], words: str, screening: Screening, window: int) -> bool:
    """Whether ``words`` go on with the report before them; a command does not."""
    if words.lstrip().startswith(("/", "／")):
        return False
    return answers(words, screening, window + 1, directly=bool(earlier and earlier[-1].case))


def _attachments(turn: Turn, message: InboundMessage) -> tuple[Mapping[str, str], ...]:
    """What ``message`` shows: by its id in the media store, which is made from the content, where it was fetched."""
    fetched = [{"kind": note["kind"], "media": note["id"]} for note in turn.media]
    return tuple(fetched or ({"kind": attachment.kind.value, "media": ""} for attachment in message.attachments))


@lru_cache(maxsize=64)
def _lexicon(products: tuple[str, ...]) -> Lexicon:
    """The lexicon of a bot with these products; compiling one takes a part of a second."""
    return default_lexicon().with_products(products)
