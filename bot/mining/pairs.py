"""What mining proposes: a question with its answer, and where in which document the answer stands."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from bot.knowledge.entries import Entry, EntryKind
from bot.knowledge.origin import ALWAYS_FROM, ALWAYS_TO, Origin


class Rule(StrEnum):
    """How a pair was found. ``ANSWER`` is a human's answer to a person, all others stand in a document."""

    BLOCK = "block"
    """Question and answer stand there as such (``问：… 答：…``, ``Q: … A: …``, numbered questions)."""
    HEADING = "heading"
    """A heading asks, and the section below it answers."""
    DEFINITION = "definition"
    """A sentence says what its subject is."""
    TABLE = "table"
    """A cell of a table, asked for by row and column."""
    MODEL = "model"
    """A language model proposed it, and the passage carries every word of it."""
    ANSWER = "answer"


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Where an answer stands: ``document`` is the source's name, ``location`` and ``page`` as in
    :class:`~bot.knowledge.entries.Entry`, ``text`` the exact words there."""

    document: str
    location: str
    page: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """A proposed FAQ. ``origin`` is that of the document it comes from, whose readers and bots it inherits, as it does
    its period: epoch seconds, half open."""

    question: str
    similar: tuple[str, ...] = ()
    answer: str
    rule: Rule
    span: Span
    origin: Origin
    valid_from: float = ALWAYS_FROM
    valid_to: float = ALWAYS_TO

    @property
    def questions(self) -> tuple[str, ...]:
        """The question and the similar ones."""
        return (self.question, *self.similar)

    @property
    def key(self) -> str:
        """Eight hexadecimal digits that name the question within its document."""
        return hashlib.sha256("".join(self.question.split()).encode()).hexdigest()[:8]


def pair(entry: Entry, rule: Rule, question: str, answer: str, text: str) -> Pair:
    """A pair whose answer rests on the words ``text`` of ``entry``."""
    span = Span(document=entry.source, location=entry.location, page=entry.page, text=text)
    origin = Origin(
        tenant=entry.tenant,
        collection=entry.collection,
        audience=entry.audience,
        source=entry.source,
        bots=entry.bots,
    )
    return Pair(
        question=question,
        answer=answer,
        rule=rule,
        span=span,
        origin=origin,
        valid_from=entry.valid_from,
        valid_to=entry.valid_to,
    )


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage with its place: whether its section begins and ends with it."""

    entry: Entry
    first: bool
    last: bool

    @property
    def heading(self) -> str:
        """The innermost heading above it; empty where only lines tell its place."""
        innermost = self.entry.location.rpartition(" › ")[2]
        return "" if innermost.startswith("第 ") and innermost.endswith(" 行") else innermost


def passages_of(contents: Sequence[Entry]) -> Iterator[Passage]:
    """The passages of one document, whose entries are ``contents`` in their order."""
    found = (entry for entry in contents if entry.kind is EntryKind.PASSAGE)
    for _, group in groupby(found, key=lambda entry: entry.location):
        section = list(group)
        for at, entry in enumerate(section):
            yield Passage(entry, first=at == 0, last=at == len(section) - 1)
