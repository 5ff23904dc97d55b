"""What a message is noticed for before anything is looked up, and what stands around every answer because of it.

No language model is asked: who is in danger hears first which number to call, attacks and questions that must not be
answered get a fixed sentence, and what people have to decide goes to people.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import structlog

from bot import telemetry
from bot.answering.answerer import Answer
from bot.feedback.invitation import ANSWERS
from bot.handoff.desk import Desk
from bot.handoff.nobody import Nobody
from bot.identity.claims import claims_to_be_professional
from bot.knowledge.entries import Audience
from bot.messages import MessageKind, ReplyKind
from bot.safety.cases.follow_up import asks_something
from bot.safety.conduct import COMPLAINT_WORDS
from bot.safety.consent.desk import HealthConsent
from bot.safety.disclaimers import disclaimers, speaks_of_medicine
from bot.safety.injection import Inspection, Origin, inspect
from bot.safety.words import Kind, SensitiveWords, answers_limits, emergency, is_angry, notices
from bot.texts import Texts
from bot.turn import Said, Turn, unseen

log = structlog.get_logger()

_COMPLAINT = "complaint_taken"
_SENTENCE = re.compile(r"[^。！？!?\n]+[。！？!?\n]*")


class Precautions:
    """Where nobody shall be told of a question, ``desk`` is a :class:`~bot.handoff.nobody.Nobody`; where the one who
    asks tells nothing of themselves, there is no ``consent``.

    Methods raise :class:`~bot.errors.Unavailable` when the database does not answer.
    """

    def __init__(self, desk: Desk | Nobody, texts: Texts, consent: HealthConsent | None) -> None:
        self._desk = desk
        self._texts = texts
        self._consent = consent

    def notice(self, turn: Turn) -> None:
        """Note what the words of ``turn`` must be noticed for: those written, and those heard or read so far."""
        if turn.messages[0].kind is MessageKind.EVENT:
            return
        turn.noticed = notices("\n".join(dict.fromkeys([turn.text, *(words for _, words in turn.read)])))

    def heed(self, turn: Turn) -> Said | None:
        """What ends a turn before anything is looked up."""
        self.notice(turn)
        if self._noticed(turn, Kind.LABEL_LIMIT):
            turn.show = unseen
        steps: tuple[Callable[[Turn], Said | None], ...] = (
            self._emergency,
            self._attack,
            self._complaint,
            self._anger,
            *([self._consent.ask] if self._consent else []),
            self._counts,
            self._off_label,
            self._identity,
            self._claim,
        )
        return next((said for step in steps if (said := step(turn)) is not None), None)

    def follow_report(self, turn: Turn) -> None:
        """Bring a human to whoever tells of a serious adverse event. In a group others read along, and of an emergency
        people hear anyway."""
        report = turn.report
        if report is None or not report.told or not report.case.is_serious or self._alarm(turn) is not None:
            return
        if turn.bot.safety.human_for_serious and not turn.conversation.chat:
            turn.human_because = "serious_passed_on"

    def offering(self, turn: Turn, answer: Answer) -> Answer:
        """``answer``; whoever told of an adverse event or is in danger, or asks where a package insert has its limits,
        gets what surely answers or nothing, not even a name: what comes near is not theirs to make sense of."""
        danger = turn.report is not None or emergency(turn.noticed) is not None
        if not danger and not self._noticed(turn, Kind.LABEL_LIMIT):
            return answer
        return replace(answer.withheld() if answer.tentative else answer, offered=())

    def pass_on(self, turn: Turn, said: Said) -> Said:
        """``said``; medical information gets a question at the limits of the package insert that the knowledge refused,
        or answered from what does not speak of the limit. A human gets one that was refused after others."""
        if not self._noticed(turn, Kind.LABEL_LIMIT):
            if said.kind is ReplyKind.REFUSAL and not turn.human_because and turn.report is None:
                self._refused(turn)
            if said.answer and said.answer.offered and not turn.human_because:  # who gets a human reads no more of it
                turn.found(offered=[entry.id for entry in said.answer.offered])
            return said
        cited = said.answer.cited if said.answer else ()
        told = "\n".join(f"{entry.title}\n{entry.text}" for entry in cited)
        if said.kind in ANSWERS and (answers_limits(turn.text, told) or not speaks_of_medicine(told)):
            return said
        return self._to_medical_information(turn, "label_limit_passed_on")

    def below(self, turn: Turn, said: Said) -> Said:
        """``said`` with the lines that must stand below an answer: disclaimers, and the first time in a day that no
        person speaks (where nothing is screened, nothing is known of before)."""
        lines: list[str] = []
        if said.kind in ANSWERS:
            about = f"{turn.text}\n{said.answer.text if said.answer else said.text}"
            lines += disclaimers(about, turn.bot.safety, turn.reader, self._texts, turn.language)
        if not turn.earlier and not turn.bot.safety.off:
            lines.append(self._texts.say("introduction", turn.language, name=turn.bot.name))
        return replace(said, text="\n\n".join(filter(None, [said.text, "\n".join(lines)])))

    def complete(self, turn: Turn, said: Said) -> Said:
        """``said`` with the help that must be said first, whatever else is, and the human who is brought unasked."""
        if turn.read:
            self.notice(turn)
        if turn.human_because:
            said = self._with_human(turn, said)
        alarm = self._alarm(turn)
        if alarm is None:
            return said
        first = self._texts.say(f"emergency_{alarm}", turn.language)
        return replace(said, text="\n\n".join(filter(None, [first, said.text])))

    def _alarm(self, turn: Turn) -> Kind | None:
        """The emergency that the reply has to begin with; what drug safety already said to call is not said twice."""
        kind = emergency(turn.noticed)
        told = turn.report is not None and turn.report.urgent
        return None if kind is Kind.MEDICAL and told else kind

    def _emergency(self, turn: Turn) -> Said | None:
        """A human hears of it at once; :meth:`complete` has the words for the person."""
        kind = self._alarm(turn)
        if kind is None:
            return None
        turn.found(emergency=kind.value)
        message = replace(turn.messages[0], text=turn.text)
        _, told = self._desk.register(turn.bot, message, turn.id, "emergency")
        return Said(kind=ReplyKind.NOTICE, text="", notices=told)

    def _attack(self, turn: Turn) -> Said | None:
        """Words that would have a language model drop its rules are read by none."""
        found = _inspected(turn.text)
        if not found.attack and turn.context:
            found = inspect(turn.context, Origin.MATERIAL)
        if not found.attack:
            return None
        _count(turn, found)
        return Said(kind=ReplyKind.REFUSAL, text=self._texts.say("attack_declined", turn.language))

    def _complaint(self, turn: Turn) -> Said | None:
        """Complaints and regulators are a human's, and nobody is talked out of them. What is asked beside one is looked
        for all the same: :meth:`complete` puts the human below the answer."""
        given = turn.bot.safety.complaint_words
        found = _listed(COMPLAINT_WORDS if given is None else given).find(turn.text)
        if not found:
            return None
        turn.found(complaint=list(found))
        return self._brings_human(turn, _COMPLAINT)

    def _anger(self, turn: Turn) -> Said | None:
        """Who is angry gets a human's ear, and the answer to what was asked."""
        if turn.human_because or not turn.bot.safety.human_for_anger or not is_angry(turn.text):
            return None
        turn.found(anger=True)
        return self._brings_human(turn, "anger_taken")

    def _brings_human(self, turn: Turn, because: str) -> Said | None:
        """Let :meth:`complete` say ``because`` and bring a human: below an answer, or alone where nothing was asked."""
        turn.human_because = because
        return None if asks_something(turn.text) else Said(kind=ReplyKind.HANDOFF, text="")

    def _refused(self, turn: Turn) -> None:
        """After so many refusals in a row a human is brought: the next question will fare no better."""
        most = turn.bot.safety.human_after_refusals
        if most and self._desk.refused_before(turn.conversation, turn.now) >= most - 1:
            turn.found(refusals=most)
            turn.human_because = "refusals_passed_on"

    def _with_human(self, turn: Turn, said: Said) -> Said:
        """``said`` and below it that a human is brought, and why; that nothing was found helps nobody then. Only who
        complains wants one, and is left to them."""
        message, because = replace(turn.messages[0], text=turn.text), turn.human_because
        asked = because == _COMPLAINT
        told = self._desk.ask_for_human(turn.bot, message, turn.id, turn.language, asked=asked)
        taken = self._texts.say(because, turn.language, days=turn.bot.safety.complaint_days)
        lines = "\n".join(filter(None, [taken, told.text]))
        nothing = said.kind is ReplyKind.REFUSAL and said.answer is not None and turn.report is None
        kind = said.kind if said.kind in ANSWERS else ReplyKind.HANDOFF
        choices = () if nothing or told.alone else said.choices
        said = replace(said, kind=kind, choices=choices, notices=(*said.notices, *told.notices))
        if nothing:
            return replace(said, text=turn.prefaced(lines))
        if told.alone:
            return replace(said, closing=lines)
        return replace(said, text="\n\n".join(filter(None, [said.text, lines])))

    def _counts(self, turn: Turn) -> Said | None:
        """Nobody's prescriptions are counted."""
        if not self._noticed(turn, Kind.PRESCRIPTION_COUNTS):
            return None
        return Said(kind=ReplyKind.REFUSAL, text=self._texts.say("counts_declined", turn.language))

    def _off_label(self, turn: Turn) -> Said | None:
        """What goes beyond the package insert by its own words is medical information's, whatever the knowledge has."""
        if not self._noticed(turn, Kind.OFF_LABEL):
            return None
        return self._to_medical_information(turn, "off_label_passed_on")

    def _identity(self, turn: Turn) -> Said | None:
        """Who asks whether a person answers hears it; what else was asked is answered behind it."""
        if not any(notice.kind is Kind.IDENTITY for notice in turn.noticed):
            return None
        words = self._texts.say("identity", turn.language, name=turn.bot.name)
        if any(_asks_something_else(sentence) for sentence in _SENTENCE.findall(turn.text)):
            turn.preface = "\n".join(filter(None, [turn.preface, words]))
            return None
        return Said(kind=ReplyKind.NOTICE, text=words)

    def _claim(self, turn: Turn) -> Said | None:
        """Who says that they are a professional hears how that is verified, and reads no more for having said it; what
        else was asked is answered behind it."""
        channel = turn.bot.channels.get(turn.conversation.channel)
        if channel is None or not channel.bound_only or turn.reader is not Audience.PUBLIC:
            return None
        if not claims_to_be_professional(turn.text):
            return None
        turn.found(claim="professional")
        words = self._texts.say("hcp_claim", turn.language)
        if asks_something(turn.text):
            turn.preface = "\n".join(filter(None, [turn.preface, words]))
            return None
        return Said(kind=ReplyKind.NOTICE, text=words)

    def _noticed(self, turn: Turn, kind: Kind) -> bool:
        return "pharma" in turn.bot.safety.trade and any(notice.kind is kind for notice in turn.noticed)

    def _to_medical_information(self, turn: Turn, key: str) -> Said:
        message = replace(turn.messages[0], text=turn.text)
        names = turn.bot.safety.medical_information
        number, told = self._desk.register(turn.bot, message, turn.id, "medical", names)
        turn.found(medical_information=number)
        text = self._texts.say(key, turn.language, number=number or "–")
        return Said(kind=ReplyKind.REFUSAL, text=text, notices=told)


def _asks_something_else(sentence: str) -> bool:
    return asks_something(sentence) and not any(notice.kind is Kind.IDENTITY for notice in notices(sentence))


def _count(turn: Turn, found: Inspection) -> None:
    turn.found(attack=list(found.families))
    telemetry.count("attack", bot=turn.bot.id, family=found.families[0])
    log.warning("attack_declined", turn=turn.id, rules=[match.id for match in found.matches])


@lru_cache(maxsize=512)  # many people ask the same
def _inspected(text: str) -> Inspection:
    return inspect(text)


@lru_cache(maxsize=64)
def _listed(words: tuple[str, ...]) -> SensitiveWords:
    return SensitiveWords(words)
