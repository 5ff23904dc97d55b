"""What a turn has to say because of drug safety, beside its answer."""

from dataclasses import dataclass

from bot.messages import ReplyKind
from bot.safety.adverse_events import Kind, Seriousness
from bot.safety.cases.case import Case, Question, Taken
from bot.safety.cases.config import SafetyConfig
from bot.safety.words import ADVERSE_EVENT, find_claims
from bot.texts import Language, Texts

_HARM = {Seriousness.LIFE_THREATENING, Seriousness.HOSPITALISATION, Seriousness.DISABILITY, Seriousness.OTHER_IMPORTANT}
"""Criteria of somebody who can still be helped."""


@dataclass(kw_only=True, slots=True)
class TurnReport:
    """What became of the reports of one turn.

    ``told`` says that something was suspected in this turn, else it went on with an earlier report; ``urgent`` that
    somebody may be in danger now; ``declined`` that the person wants no more questions; ``in_group`` that others read
    along; ``alone`` that the turn says nothing else.
    """

    case: Case
    told: bool
    urgent: bool
    declined: bool
    in_group: bool
    asked: tuple[Question, ...]
    alone: bool = False

    def add(self, taken: Taken, *, told: bool, urgent: bool, declined: bool) -> None:
        """Another message of the turn."""
        self.case = taken.case
        self.told, self.urgent = self.told or told, self.urgent or urgent
        self.declined = self.declined or declined
        self.asked = (*self.asked, *taken.asked)

    def before(self, texts: Texts, language: Language, config: SafetyConfig, name: str) -> list[str]:
        """What is said before the answer: help first, then that the report was taken. ``name`` stands for the company
        where it is not configured."""
        said = [texts.say("case_emergency", language)] if self.urgent else []
        if self.told:
            harm = Kind.ADVERSE_EVENT in self.case.kinds
            said.append(texts.say("case_taken_event" if harm else "case_taken_other", language))
            if config.hotline and self.case.urgent:
                company = config.company or name
                said.append(texts.say("case_hotline", language, company=company, hotline=config.hotline))
        else:
            said.append(texts.say("case_declined" if self.declined else "case_added", language))
        return said

    def after(self, texts: Texts, language: Language) -> list[str]:
        """What is said behind the answer: what is still to be asked."""
        if self.in_group and self.told:
            return [texts.say("case_in_group", language)]
        if not self.asked:
            return []
        asked = [texts.say(f"case_question_{question}", language) for question in self.asked]
        lines = [f"{number}. {question}" for number, question in enumerate(asked, 1)]
        return [texts.say("case_questions", language, questions="\n".join(lines))]


def in_danger(serious: frozenset[Seriousness], *, at_once: bool) -> bool:
    """Whether somebody may need help now, as one who has died does not."""
    return bool(serious & _HARM) or (at_once and not serious)


def may_be_said(kind: ReplyKind, text: str) -> bool:
    """Whether an answer may be given to somebody who has just reported something: nothing in it plays down, judges
    what caused it, promises money or talks out of reporting. A human's words and fixed texts are theirs."""
    spoken = kind in (ReplyKind.FAQ, ReplyKind.GROUNDED, ReplyKind.EXTRACTIVE)
    return not spoken or not find_claims(text, ADVERSE_EVENT)
