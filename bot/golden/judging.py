"""Whether an answer to a golden question is right, and what a run changes against an earlier one."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.answering.quantities import figures_of, fold
from bot.golden.questions import GoldenQuestion
from bot.messages import ReplyKind

_BETWEEN = re.compile(r"[\s。，、；：！？,.;:!?“”\"'（）()《》·\[\]*_|-]+")


class Fault(StrEnum):
    """Why an answer is wrong."""

    REFUSED = "refused"
    """It was refused, and should have been answered."""
    ANSWERED = "answered"
    """It was answered, and should have been refused."""
    SOURCE = "source"
    """None of the expected sources is cited."""
    FACT = "fact"
    """An expected fact is not in the answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of one golden question.

    ``id`` is the question's; ``fault`` is ``None`` where the answer is right, ``missing`` the source or fact that is
    not there. ``kind`` is that of the reply; ``confidence``, 0 to 1, is how sure the bot was that what it found first
    answers, whether it said it or not; ``first_right`` whether that does.
    """

    id: str
    question: str
    kind: str
    confidence: float
    first_right: bool
    fault: Fault | None = None
    missing: str = ""

    @property
    def right(self) -> bool:
        """Whether the answer is as expected."""
        return self.fault is None

    @property
    def answered(self) -> bool:
        """Whether something was answered, right or wrong."""
        return self.kind != ReplyKind.REFUSAL

    def to_json(self) -> dict[str, Any]:
        """JSON-ready; :meth:`from_json` reads it."""
        facts = {"id": self.id, "question": self.question, "right": self.right, "kind": self.kind}
        facts |= {"confidence": self.confidence, "first_right": self.first_right}
        return facts | {"fault": self.fault, "missing": self.missing}

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> "Outcome":
        """What :meth:`to_json` wrote."""
        fields = {key: value for key, value in facts.items() if key != "right"}
        return cls(**fields | {"fault": Fault(facts["fault"]) if facts["fault"] else None})


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """A run beside the accepted one: what ``fell`` was right there and is wrong now, what ``rose`` the other way round;
    ``new`` are wrong and were not asked there, as they are or with these expectations."""

    fell: tuple[Outcome, ...]
    rose: tuple[Outcome, ...]
    new: tuple[Outcome, ...]


def judge(question: GoldenQuestion, reply: Mapping[str, Any]) -> Outcome:
    """Judge ``reply``, which is as :func:`bot.golden.running.reply_to` gives it."""
    fault, missing = _fault(question, reply)
    return Outcome(
        id=question.id,
        question=question.question,
        kind=reply["kind"],
        confidence=reply["confidence"],
        first_right=first_answers(question, reply["first"]),
        fault=fault,
        missing=missing,
    )


def compare(outcomes: Sequence[Outcome], accepted: Sequence[Outcome]) -> Comparison:
    """``outcomes`` beside those of the accepted run, question by question."""
    before = {outcome.id: outcome.right for outcome in accepted}
    return Comparison(
        fell=tuple(one for one in outcomes if not one.right and before.get(one.id) is True),
        rose=tuple(one for one in outcomes if one.right and before.get(one.id) is False),
        new=tuple(one for one in outcomes if not one.right and one.id not in before),
    )


def says(text: str, fact: str) -> bool:
    """Whether ``fact`` occurs in ``text``: as it is written, spaces and punctuation aside; or its quantities, dates and
    addresses in any form (``0.1 g`` for ``100 mg``, ``3 天`` for ``三天``) and each of its other words."""
    if _BETWEEN.sub("", fold(fact)) in _BETWEEN.sub("", fold(text)) and not _inside_a_number(text, fact):
        return True
    wanted, there = figures_of(fact), figures_of(text, source=True)
    if not (wanted.quantities or wanted.moments or wanted.links):
        return False
    words = [word for word in _BETWEEN.split(wanted.rest) if word]
    whole = _BETWEEN.sub("", fold(text))
    return not wanted.missing_in(there) and wanted.links <= there.links and all(word in whole for word in words)


def _inside_a_number(text: str, fact: str) -> bool:
    """Whether the figures of ``fact`` are other figures' digits in ``text``: the 5 of "5 年" in "15 年"."""
    wanted = figures_of(fact)
    return wanted.missing_in(figures_of(text, source=True))


def _fault(question: GoldenQuestion, reply: Mapping[str, Any]) -> tuple[Fault | None, str]:
    refused = reply["kind"] == ReplyKind.REFUSAL
    if question.must_refuse:
        return (None, "") if refused else (Fault.ANSWERED, "")
    if refused:
        return Fault.REFUSED, ""
    if not _is_of(question, reply["citations"]):
        return Fault.SOURCE, " | ".join(question.sources)
    missing = next((fact for fact in question.facts if not says(reply["answer"], fact)), None)
    return (None, "") if missing is None else (Fault.FACT, missing)


def first_answers(question: GoldenQuestion, first: Mapping[str, str] | None) -> bool:
    """Whether ``first``, the title, source and text of what was found first, answers; nothing answers what must be
    refused."""
    if first is None or question.must_refuse or not _is_of(question, [first]):
        return False
    return all(says(f"{first['title']}\n{first['text']}", fact) for fact in question.facts)


def _is_of(question: GoldenQuestion, cited: Iterable[Mapping[str, str]]) -> bool:
    names = {_plain(one[part]) for one in cited for part in ("source", "title")}
    return not question.sources or any(_plain(source) in names for source in question.sources)


def _plain(name: str) -> str:
    return " ".join(fold(name).split())
