"""Two approved sources that answer one question differently: the same said of the same, with another figure or name.

A reader who is shown one of both believes it, so both are shown and it is said that they differ. Precise before
complete: two clauses count only where they are the same words but for one figure, date or name, where what stands
around them speaks of the same, and where the question asks about that.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bot.answering.asked import asked_content
from bot.answering.numerals import NUMERALS
from bot.answering.proper_nouns import proper_nouns
from bot.answering.quantities import figures_of, fold
from bot.knowledge.entries import Entry

MOST = 2
"""Differences that are told of one answer."""
_SENTENCE = re.compile(r"[^。！？!?；;\n]+")
_CLAUSE = re.compile(r"(?:[^，。；！？\n|;!?,.…]|(?<=\d)[.,](?=\d)|\.(?=\w))+")
_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[a-z]+|[%‰°℃]|\w|·")
_KEY = 3
"""Tokens at its beginning or end by which a clause is looked up."""
_LEAST = 5
"""Tokens of a clause that says something."""
_COMMON = 4
_COMMON_SHARE = 0.5
"""Tokens, and the share of the longer clause, that two clauses must have in common."""
_LONGEST_VALUE = 16
"""Characters."""
_NUMBER = re.compile(rf"\d|[{NUMERALS}]")
_AROUND_NUMBERS = re.compile(rf"\d+(?:[.,]\d+)*|[{NUMERALS}年月日号时点]")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_ALIKE = 0.5
_LONG = 16
"""The share of character pairs of both sentences together, and how many of them, from which they speak of the same."""
_ASKED = 0.5
"""The share of what the question says that shorter clauses must have around them."""
_SERIES = 3
"""So many values of one clause are a series (a row for each year or town), and no two sources that differ."""
_ASKS_WHAT = re.compile(r"什么|哪|何|啥|\b(?:what|which)\b")
_HAN = re.compile("[\u4e00-\u9fff]+")


@dataclass(frozen=True, slots=True)
class Difference:
    """``first_says`` in ``first``, which is shown, and ``second_says`` in ``second``: clauses in their own words."""

    first: Entry
    first_says: str
    second: Entry
    second_says: str


@dataclass(frozen=True, slots=True)
class _Clause:
    said: str
    """As it stands there."""
    tokens: tuple[str, ...]
    around: str
    """Its sentence, folded, under the title where both sources have the same one."""


def differences(question: str, shown: Sequence[Entry], found: Sequence[Entry]) -> tuple[Difference, ...]:
    """Where a source of ``found`` says something else than one of ``shown`` about what ``question`` asks, at most
    :data:`MOST`; the entries may overlap. Without a question, where whole sentences say the same but for one value.
    Costs about a millisecond an entry."""
    asked = _Asked(question)
    told: list[Difference] = []
    seen: set[frozenset[str]] = set()
    for first in shown:
        pairs = [
            (second, mine, other, value)
            for second in found
            if second.id != first.id
            for mine, other, value in _unlike(*_clauses_of_both(first, second), asked)
        ]
        for second, mine, other, _ in pairs:
            values = {value for _, same, _, value in pairs if same.tokens == mine.tokens}
            ids = frozenset({first.id, second.id})
            if len(values) + 1 < _SERIES and ids not in seen:
                seen.add(ids)
                told.append(Difference(first, mine.said, second, other.said))
    return tuple(told[:MOST])


class _Asked:
    """A question, as far as it decides whether a difference matters."""

    def __init__(self, question: str) -> None:
        folded = fold(question)
        self.solid = re.sub(r"\W", "", folded)
        self.content = asked_content(question)
        self.what = bool(_ASKS_WHAT.search(folded))

    def covered(self, text: str) -> frozenset[str]:
        """What of the question's content ``text``, folded, has."""
        return frozenset(unit for unit in self.content if unit in text)


def _clauses_of_both(first: Entry, second: Entry) -> tuple[tuple[_Clause, ...], tuple[_Clause, ...]]:
    title = first.title if first.title == second.title else ""
    return _clauses(title, first.text), _clauses(title, second.text)


@lru_cache(maxsize=1024)  # the same passages are found for many questions
def _clauses(title: str, text: str) -> tuple[_Clause, ...]:
    found = []
    for sentence in _SENTENCE.findall(text):
        around = fold(f"{title}\n{sentence}")
        for clause in _CLAUSE.findall(sentence):
            tokens = tuple(_TOKEN.findall(fold(clause)))
            if len(tokens) >= _LEAST:
                found.append(_Clause(clause.strip(), tokens, around))
    return tuple(found)


def _unlike(
    mine: Sequence[_Clause], others: Sequence[_Clause], asked: _Asked
) -> Iterator[tuple[_Clause, _Clause, str]]:
    """Clauses of two sources that differ in one value, and the other's value; none that both sources have."""
    by_end: dict[tuple[str, ...], list[_Clause]] = {}
    for other in others:
        for end in {other.tokens[:_KEY], other.tokens[-_KEY:]}:
            by_end.setdefault(end, []).append(other)
    agreed = {clause.tokens for clause in mine} & {other.tokens for other in others}
    for clause in mine:
        ends = (clause.tokens[:_KEY], clause.tokens[-_KEY:])
        near = {other.tokens: other for end in ends for other in by_end.get(end, ())}
        for other in near.values():
            if clause.tokens in agreed or other.tokens in agreed:
                continue
            values = _values(clause, other, asked)
            if values and _of_the_same(clause, other, values, asked):
                yield clause, other, values[1]


def _values(clause: _Clause, other: _Clause, asked: _Asked) -> tuple[str, str] | None:
    """The one figure or name in which two clauses differ; nothing where that is all they have, where they differ in
    more or in something else, or where the question names it."""
    before, behind = _common(clause.tokens, other.tokens)
    longest = max(len(clause.tokens), len(other.tokens))
    if before + behind < max(_COMMON, _COMMON_SHARE * longest):
        return None
    mine, others = ("".join(each.tokens[before : len(each.tokens) - behind]) for each in (clause, other))
    if not mine or not others or max(len(mine), len(others)) > _LONGEST_VALUE:
        return None
    if _NUMBER.search(mine) and _NUMBER.search(others):
        same_words = _AROUND_NUMBERS.sub("", mine) == _AROUND_NUMBERS.sub("", others)
        ours, theirs = figures_of(clause.said), figures_of(other.said)
        differ = same_words and ours.missing_in(theirs) and theirs.missing_in(ours)
    else:
        mine, others = (_whole_words(each.tokens, before, behind) for each in (clause, other))
        differ = _are_names(mine, others, asked)
    return (mine, others) if differ and mine not in asked.solid and others not in asked.solid else None


def _common(one: Sequence[str], other: Sequence[str]) -> tuple[int, int]:
    """How many tokens both have in common at their beginning, and behind that at their end."""
    most = min(len(one), len(other))
    before = next((at for at in range(most) if one[at] != other[at]), most)
    behind = next((at for at in range(most - before) if one[-1 - at] != other[-1 - at]), most - before)
    return before, behind


def _whole_words(tokens: Sequence[str], before: int, behind: int) -> str:
    """What lies between, up to the ends of the words that it begins and ends in (法国, not 法)."""
    text = "".join(tokens)
    start, stop = sum(map(len, tokens[:before])), len(text) - sum(map(len, tokens[len(tokens) - behind :]))
    for run in _HAN.finditer(text):
        at = run.start()
        for word in proper_nouns().cut(run.group()):
            end = at + len(word)
            if at < start < end:
                start = at
            if at < stop < end:
                stop = end
            at = end
    return text[start:stop]


def _are_names(one: str, other: str, asked: _Asked) -> bool:
    """Whether two values are names, or of a question for a kind of thing, nouns."""
    known = proper_nouns()
    if known.is_name(one) and known.is_name(other):
        return True
    return asked.what and all(known.is_noun(value) or known.is_name(value) or value.isascii() for value in (one, other))


def _of_the_same(clause: _Clause, other: _Clause, values: tuple[str, str], asked: _Asked) -> bool:
    """Whether two clauses surely speak of what the question asks: what stands around them covers the same of it, in
    the same years, and is much alike, or the clause itself says most of what is asked."""
    covered = asked.covered(clause.around)
    if asked.content and (not covered or covered != asked.covered(other.around)):
        return False
    mine, others = (
        re.sub(r"\W", "", each.around).replace(value, "") for each, value in zip((clause, other), values, strict=True)
    )
    pairs, other_pairs = _pairs(mine), _pairs(others)
    shared = len(pairs & other_pairs)
    alike = shared >= _ALIKE * len(pairs | other_pairs)
    if alike and shared >= _LONG:
        return True
    if set(_YEAR.findall(mine)) != set(_YEAR.findall(others)):
        return False
    itself = asked.covered("".join(token for token in clause.tokens if token in other.tokens))
    least = _ASKED * len(asked.content)
    return bool(itself) and (len(itself) >= least or (alike and len(covered) >= least))


def _pairs(text: str) -> set[str]:
    return {text[at : at + 2] for at in range(len(text) - 1)}
