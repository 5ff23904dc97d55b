"""A case as it is taken along: what is known of it, in the words that its reader may see.

The parts that a human has to judge (causality, coding in MedDRA, whether the effect is listed) stay empty.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.audit.entries import storable
from bot.bots_file import BotConfig
from bot.safety.adverse_events import Kind
from bot.safety.cases.case import Case, CaseMessage
from bot.safety.cases.desk_words import DeskWords
from bot.safety.cases.register import Cases
from bot.texts import Language, Texts

_AGE = re.compile(r"(\d{1,3})(岁|周岁|个月|月龄|天大)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Dossier:
    """A case with its messages. ``words`` are those of each message, in order; where the reader may not see who is
    behind them they are masked, and ``senders`` is empty."""

    case: Case
    messages: Sequence[CaseMessage]
    words: Sequence[str]
    senders: Sequence[str]
    company: str
    history: Sequence[tuple[float, str, str]]

    @property
    def age(self) -> tuple[str, str] | None:
        """The patient's age and its unit, where exactly one was told."""
        found = [match.groups() for match in map(_AGE.fullmatch, self.case.patients) if match]
        return (found[0][0], found[0][1]) if len(found) == 1 else None

    @property
    def sex(self) -> str | None:
        """``男`` or ``女``, where exactly one was told."""
        found = [told for told in self.case.patients if told in ("男", "女")]
        return found[0] if len(found) == 1 else None

    @property
    def effects(self) -> list[str]:
        """What was reported, in the reporter's words, each once."""
        grounds = [ground for message in self.messages for ground in message.grounds]
        return list(dict.fromkeys(g["words"] for g in grounds if g["kind"] == Kind.ADVERSE_EVENT))


def open_dossier(cases: Cases, case: Case, bot: BotConfig | None, *, unmasked: bool) -> Dossier:
    """The dossier of ``case``; ``unmasked`` only for who may see it, and audited by the caller.

    Raises :class:`~bot.errors.UsageError` when it was sealed with another key.
    """
    messages = cases.messages(case.number)
    sealed = [cases.unsealed(message) for message in messages] if unmasked else []
    if unmasked:
        words = [storable("\n".join((*one.context, one.words))) for one in sealed]  # no file holds half a character
    else:
        words = ["\n".join((*message.context, message.words)) for message in messages]
    company = (bot.safety.company or bot.name) if bot else case.bot
    return Dossier(
        case=case,
        messages=messages,
        words=words,
        senders=[storable(one.sender_name) for one in sealed],
        company=company,
        history=[(event["at"], event["what"], event["actor"]) for event in cases.history(case.number)],
    )


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the form: its title, and labels with what stands behind them."""

    title: str
    rows: Sequence[tuple[str, str]]


class Form:
    """Fills in the report form (药品不良反应/事件报告表; guidance 1.3)."""

    def __init__(self, cases: Cases, texts: Texts, language: Language) -> None:
        self._words = DeskWords(cases, texts)
        self._texts = texts
        self._language = language

    def title(self, dossier: Dossier) -> str:
        """What stands above it."""
        return self._say("case_form_title", number=dossier.case.number)

    def sections(self, dossier: Dossier) -> list[Section]:
        """The form, in its usual order; what is unknown is empty."""
        case = dossier.case
        return [
            self._report(dossier),
            self._section(
                "patient",
                ("sex", dossier.sex or ""),
                ("age", "".join(dossier.age or ())),
                *_empty("name", "weight", "history"),
            ),
            self._section(
                "product",
                ("suspect", "、".join(case.products)),
                ("batch", "、".join(case.batches)),
                *_empty("approval", "dose", "period", "reason", "concomitant"),
            ),
            self._section(
                "event",
                ("effects", "、".join(dossier.effects or case.events)),
                *_empty("onset", "outcome", "dechallenge", "rechallenge", "causality"),
            ),
            self._section("reporter", ("sender", "、".join(dict.fromkeys(dossier.senders))), *_empty("role", "phone")),
            *self._told(dossier),
        ]

    def _report(self, dossier: Dossier) -> Section:
        """What the report is, and its dates."""
        case, language, moment = dossier.case, self._language, self._words.moment
        return self._section(
            "report",
            ("number", str(case.number)),
            ("company", dossier.company),
            ("kinds", self._words.kinds(case, language)),
            ("seriousness", self._words.serious(case, language)),
            ("regimes", self._words.regimes(case, language)),
            ("received", moment(case.received_at)),
            ("day0", moment(case.day0_at)),
            ("due", moment(case.due_at)),
            ("follow_up_due", moment(case.follow_up_due_at)),
            ("missing", self._words.missing(case, language)),
            ("related", str(case.related_to or "")),
        )

    def _told(self, dossier: Dossier) -> list[Section]:
        """What people wrote, and what became of it."""
        moment = self._words.moment
        written = zip(dossier.messages, dossier.words, strict=True)
        return [
            Section(self._say("case_form_words"), [(moment(message.sent_at), words) for message, words in written]),
            Section(
                self._say("case_form_history"),
                [(moment(at), f"{what}（{actor}）") for at, what, actor in dossier.history],
            ),
        ]

    def _section(self, name: str, *rows: tuple[str, str]) -> Section:
        return Section(
            self._texts.say(f"case_form_{name}", self._language),
            [(self._texts.say(f"case_field_{label}", self._language), value) for label, value in rows],
        )

    def _say(self, key: str, **values: object) -> str:
        return self._texts.say(key, self._language, **values)


def _empty(*labels: str) -> list[tuple[str, str]]:
    """Fields that are a human's to fill in."""
    return [(label, "") for label in labels]
