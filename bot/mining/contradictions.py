"""FAQs and documents that contradict one another, and documents that contradict each other: the same said of the same,
with another figure or the other way round.

A list for people, precise before complete: two clauses count only where they share nearly all their words, so that
what differs is the figure, or the negation, alone.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.answering.claims import Clause, clauses_of
from bot.answering.differences import differences
from bot.answering.quantities import Quantity
from bot.knowledge.entries import Entry, EntryKind

_LEAST_PIECES = 4
"""Characters and words that a clause must share: fewer are said of many things."""
_ALIKE = 0.8
"""The share of both clauses' pieces together that both must have."""
_ALIKE_BUT_A_NAME = 0.6
"""The same of clauses that may differ in a name, which has pieces of its own."""
_SUBJECT_ALIKE = 0.34
"""The share of the pieces of the FAQ's question that the document's passage must have: they speak of one subject."""
_COUNTED = re.compile(r"\d+(?:\.\d+)?\s?([\u4e00-\u9fff]?)")
_CONDITION = re.compile(
    "如果|若|假如|倘若|要是|除非|否则|的话|情况下?|(?<![学课小工])时候?\\s*$|一旦|当.*时|\\b(?:if|unless|when)\\b"
)
_SOFT = re.compile("防止|避免|预防|少[吃喝用食饮]|忌|戒|不要|别|勿|最好|尽量|建议")
_FORBIDS = re.compile(
    "不可以?|不能够?|不得|不许|不允许|禁止|严禁|不准|不需要?|无需|不必|不用|不应|不支持|不提供|不会|无法"
)
_ALLOWS = re.compile("可以|能|允许|可(?!能)|需要?|必须|应|支持|提供|会")
_PLAIN_NO = re.compile("不(?!同|良|断|久|少|足)|没有?|未")
_FILLER = re.compile("[也都就了的是还\\s]")
_SAID_AGAIN = 0.5
"""From this share of the words on, another clause that has the FAQ's figure is taken to say what the FAQ says."""


class Kind(StrEnum):
    """What differs."""

    FIGURE = "figure"
    NEGATION = "negation"
    NAME = "name"
    """A name or a date, in documents whose sentences are otherwise the same."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """``says`` in the text of ``entry``, a FAQ or a passage, and ``passage_says`` in that of ``passage``, each a
    clause."""

    kind: Kind
    entry: Entry
    says: str
    passage: Entry
    passage_says: str


@dataclass(frozen=True, slots=True)
class _Read:
    entry: Entry
    clauses: tuple[Clause, ...]
    pieces: frozenset[str]


class Library:
    """Clauses of ``passages`` by their pieces, so that many FAQs are held against them."""

    def __init__(self, passages: Sequence[Entry]) -> None:
        self._read: list[_Read] = []
        self._by_piece: dict[str, set[tuple[int, int]]] = {}
        for entry in passages:
            clauses = clauses_of(entry.text)
            pieces = frozenset[str]().union(*(clause.pieces for clause in (*clauses, *clauses_of(_place(entry)))))
            for at, clause in enumerate(clauses):
                for piece in clause.pieces:
                    self._by_piece.setdefault(piece, set()).add((len(self._read), at))
            self._read.append(_Read(entry, clauses, pieces))

    def contradictions(self, entry: Entry) -> Iterator[Contradiction]:
        """Where a passage contradicts ``entry``, a FAQ or a passage of another document. Of two passages each is told
        of once, whichever is asked about."""
        passage = entry.kind is EntryKind.PASSAGE
        subject = clauses_of(_place(entry) if passage else entry.title)
        asked = frozenset[str]().union(*(clause.pieces for clause in subject))
        said = clauses_of(entry.text)
        told: set[str] = set()
        for clause in said:
            for read, other in self._beside(entry, clause, asked, _ALIKE):
                kind = _differs(clause, other, read, said)
                if kind:
                    told.add(read.entry.id)
                    yield Contradiction(kind, entry, clause.text.strip(), read.entry, other.text.strip())
        if passage:
            near = [read.entry for clause in said for read, _ in self._beside(entry, clause, asked, _ALIKE_BUT_A_NAME)]
            others = {other.id: other for other in near if other.id not in told}
            for each in differences("", [entry], list(others.values())):
                yield Contradiction(Kind.NAME, entry, each.first_says, each.second, each.second_says)

    def _beside(
        self, entry: Entry, clause: Clause, asked: frozenset[str], least: float
    ) -> Iterator[tuple[_Read, Clause]]:
        """The clauses that share so much with one of ``entry``, in passages that may contradict it."""
        if len(clause.pieces) < _LEAST_PIECES:
            return
        for at, place in self._near(clause, least):
            read = self._read[at]
            same = entry.source == read.entry.source or entry.id >= read.entry.id
            if entry.kind is EntryKind.PASSAGE and same:
                continue
            if _of_one_subject(asked, read) and _may_meet(entry, read.entry):
                yield read, read.clauses[place]

    def _near(self, clause: Clause, least: float) -> list[tuple[int, int]]:
        """The clauses that share at least so much of all their pieces with ``clause``, by place."""
        counts: dict[tuple[int, int], int] = {}
        for piece in clause.pieces:
            for place in self._by_piece.get(piece, ()):
                counts[place] = counts.get(place, 0) + 1
        return sorted(place for place, shared in counts.items() if shared >= least * self._union(clause, place, shared))

    def _union(self, clause: Clause, place: tuple[int, int], shared: int) -> int:
        at, number = place
        return len(clause.pieces) + len(self._read[at].clauses[number].pieces) - shared


def _differs(clause: Clause, other: Clause, read: _Read, said: Sequence[Clause]) -> Kind | None:
    """What differs between two clauses that share nearly all their words; nothing where either document says both."""
    mine, others = _measures(clause), _measures(other)
    if mine and set(mine) == set(others):
        unlike = [unit for unit in mine if mine[unit].value != others[unit].value]
        if len(unlike) == 1 and clause.negated == other.negated and clause.bounds == other.bounds:
            ours, theirs = mine[unlike[0]], others[unlike[0]]
            if _says(ours, clause, read.clauses) or _says(theirs, other, said):
                return None
            return Kind.FIGURE
        return None
    if clause.figures.quantities != other.figures.quantities or clause.figures.moments != other.figures.moments:
        return None
    if clause.negated == other.negated or clause.bounds != other.bounds or not _denies(clause, other):
        return None
    agree = any(one.negated == clause.negated and _alike(one, clause) >= _ALIKE for one in read.clauses)
    return None if agree else Kind.NEGATION


def _denies(one: Clause, other: Clause) -> bool:
    """Whether one of two clauses surely denies the other, which differ in negation: it forbids what the other allows,
    or is the other with a plain ``not`` in it. What holds under a condition, and what is advised against in other words
    (``少吃``, ``防止``), denies nothing."""
    no, yes = (one.text, other.text) if one.negated else (other.text, one.text)
    if _CONDITION.search(no) or _CONDITION.search(yes) or _SOFT.search(no + yes):
        return False
    if _FORBIDS.search(no) and _ALLOWS.search(yes):
        return True
    return any(_bare(no[: found.start()] + no[found.end() :]) == _bare(yes) for found in _PLAIN_NO.finditer(no))


def _bare(text: str) -> str:
    return _FILLER.sub("", text)


def _measures(clause: Clause) -> dict[str, Quantity]:
    """The quantities of a clause by unit, or by the counting word of its only number (``4 门``); none where a unit has
    two, as in a range, or there is a date or time of day."""
    found: dict[str, Quantity] = {}
    for quantity in clause.figures.quantities:
        unit = quantity.unit or _counting_word(clause)
        if not unit or unit in found:
            return {}
        found[unit] = quantity
    return {} if clause.figures.moments else found


def _counting_word(clause: Clause) -> str:
    """The character behind the only number of a clause."""
    found = _COUNTED.findall(clause.text)
    return found[0] if len(found) == 1 and len(clause.figures.quantities) == 1 else ""


def _says(quantity: Quantity, clause: Clause, clauses: Sequence[Clause]) -> bool:
    """Whether one of ``clauses`` speaks of what ``clause`` speaks of, with that very ``quantity``."""
    return any(quantity in one.figures.quantities and _alike(one, clause) >= _SAID_AGAIN for one in clauses)


def _alike(one: Clause, other: Clause) -> float:
    union = one.pieces | other.pieces
    return len(one.pieces & other.pieces) / len(union) if union else 0.0


def _of_one_subject(asked: frozenset[str], read: _Read) -> bool:
    return not asked or len(asked & read.pieces) >= _SUBJECT_ALIKE * len(asked)


def _may_meet(entry: Entry, passage: Entry) -> bool:
    """Whether both are ever in force at the same time."""
    return entry.valid_from < passage.valid_to and passage.valid_from < entry.valid_to


def _place(entry: Entry) -> str:
    return f"{entry.title}，{entry.location}"
