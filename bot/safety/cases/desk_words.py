"""What the safety desk reads of a case: masked words, and never whether a product caused anything."""

from collections.abc import Iterable
from datetime import datetime

from bot.bots_file import BotConfig
from bot.safety.cases.case import Case, CaseMessage
from bot.safety.cases.register import Cases
from bot.texts import Language, Texts

_LONGEST_WORDS = 500
_NONE = "—"


class DeskWords:
    """Writes for the desk, in the language of its bot."""

    def __init__(self, cases: Cases, texts: Texts) -> None:
        self._cases = cases
        self._texts = texts

    def text(self, reason: str, case: Case, bot: BotConfig) -> str:
        """What a message about ``case`` says, for a ``reason`` of :class:`.notices.CaseNotice`."""
        messages = self._cases.messages(case.number)
        shown = self._shown(reason, messages)
        return "\n".join((self._headline(reason, case, bot), self._body(case, bot, shown)))

    def mail(self, reason: str, case: Case, bot: BotConfig) -> tuple[str, str]:
        """Subject and body of a mail about it."""
        how = self._texts.say("case_mail_how", bot.language, number=case.number)
        return self._headline(reason, case, bot), f"{self.text(reason, case, bot)}\n\n{how}\n"

    def moment(self, at: float | None) -> str:
        """A time as people read it, in the installation's zone."""
        return _NONE if at is None else datetime.fromtimestamp(at, self._cases.ledger.zone).strftime("%Y-%m-%d %H:%M")

    def kinds(self, case: Case, language: Language) -> str:
        """What is reported."""
        return _list(self._texts.say(f"case_kind_{kind}", language) for kind in case.kinds)

    def serious(self, case: Case, language: Language) -> str:
        """The criteria that were told, and what a human decided."""
        if case.judged_serious is not None:
            return self._texts.say("case_judged_serious" if case.judged_serious else "case_judged_other", language)
        told = [self._texts.say(f"case_serious_{criterion}", language) for criterion in case.serious]
        return _list(told) if told else self._texts.say("case_serious_unknown", language)

    def missing(self, case: Case, language: Language) -> str:
        """The elements that nobody has told."""
        return _list(self._texts.say(f"case_element_{element}", language) for element in case.missing)

    def regimes(self, case: Case, language: Language) -> str:
        """Whose clocks run."""
        return _list(self._texts.say(f"case_regime_{regime}", language) for regime in case.regimes)

    def _headline(self, reason: str, case: Case, bot: BotConfig) -> str:
        """What it is about. ``reason`` may carry a number behind its name."""
        name, _, detail = reason.partition(":")
        mark = self._texts.say("case_urgent" if case.urgent else "case_plain", bot.language)
        said = self._texts.say(f"case_desk_{name}", bot.language, number=case.number, detail=detail.partition(":")[0])
        return f"{mark} {said}"

    def _body(self, case: Case, bot: BotConfig, shown: list[CaseMessage]) -> str:
        language = bot.language
        lines = [
            self._texts.say(
                "case_desk_facts",
                language,
                bot=bot.name,
                company=bot.safety.company or bot.name,
                received=self.moment(case.received_at),
                kinds=self.kinds(case, language),
                serious=self.serious(case, language),
                products=_list(case.products),
                events=_list(case.events),
                missing=self.missing(case, language),
                due=self.moment(case.due_at),
                regimes=self.regimes(case, language),
            )
        ]
        if case.related_to is not None:
            lines.append(self._texts.say("case_desk_related", language, number=case.related_to))
        if case.other_company:
            lines.append(self._texts.say("case_desk_other_company", language))
        lines += [
            self._texts.say("case_desk_words", language, at=self.moment(message.sent_at), words=_short(message))
            for message in shown
        ]
        return "\n".join(lines)

    def _shown(self, reason: str, messages: list[CaseMessage]) -> list[CaseMessage]:
        """The message that the notice is about; all of them for what is about the whole case."""
        name, _, position = reason.partition(":")
        if name == "message" and position.isdecimal():
            return [message for message in messages if message.position == int(position)]
        return messages[:1] if name == "new" else messages[-3:]


def _short(message: CaseMessage) -> str:
    words = " / ".join((*message.context, message.words))
    line = " ".join(words.split())
    return line if len(line) <= _LONGEST_WORDS else line[: _LONGEST_WORDS - 1] + "…"


def _list(words: Iterable[str]) -> str:
    return "、".join(words) or _NONE
