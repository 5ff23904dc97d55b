"""A golden question: what is asked, and what the answer to it must rest on, say, or refuse."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from bot.knowledge.entries import Audience
from bot.messages import LONGEST_QUESTION

MOST_EXPECTED = 20
"""Sources, and facts, of one question."""
LONGEST_EXPECTED = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class GoldenQuestion:
    """What ``question``, asked by a reader of ``audience``, must come to.

    One of ``sources`` must be cited: the name of a file, or the title under which it is cited, which of a FAQ is its
    question. Each of ``facts`` must occur in the answer (:func:`bot.golden.judging.says`). With ``must_refuse`` the bot
    must say that it does not know, and there are neither. ``note`` is for people.
    """

    question: str
    sources: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    must_refuse: bool = False
    audience: Audience = Audience.PUBLIC
    note: str = ""

    @property
    def id(self) -> str:
        """Twelve digits that change with everything but the note: another expectation is another question."""
        whole = [self.question, sorted(self.sources), sorted(self.facts), self.must_refuse, self.audience.value]
        return hashlib.sha256(json.dumps(whole, ensure_ascii=False).encode()).hexdigest()[:12]

    def fault(self) -> str:
        """What is wrong with it, for whoever wrote it; empty when it can be asked and judged."""
        if not self.question.strip():
            return "there is no question"
        if len(self.question) > LONGEST_QUESTION:
            return f"the question has {len(self.question)} characters, {LONGEST_QUESTION} are allowed"
        if self.must_refuse == bool(self.sources or self.facts):
            return "name a source or a fact that is expected, or else that it must be refused"
        faults = (_fault_of(*named) for named in (("sources", self.sources), ("facts", self.facts)))
        return next(filter(None, faults), "")


def _fault_of(what: str, expected: tuple[str, ...]) -> str:
    if len(expected) > MOST_EXPECTED or any(len(one) > LONGEST_EXPECTED for one in expected):
        return f"at most {MOST_EXPECTED} {what} of at most {LONGEST_EXPECTED} characters"
    return f"a | in {what} would part it in a table" if any("|" in one for one in expected) else ""


def digest_of(questions: Iterable[GoldenQuestion]) -> str:
    """Twelve digits that stand for a whole set, whatever its order."""
    return hashlib.sha256("".join(sorted(question.id for question in questions)).encode()).hexdigest()[:12]
