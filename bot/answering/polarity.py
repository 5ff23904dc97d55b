"""Which words a text denies and which it asserts, word by word.

A clause as a whole says too little: ``没有登录的账号会冻结`` denies the logging in, not the freezing. A word that every
source denies and a sentence asserts, or the other way round, says the opposite whatever else the sentence says.
"""

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

from bot.answering.claims import DENIED, REACH, Clause, Ground, clauses_of
from bot.lazy import lazy

_HAN = "\u4e00-\u9fff"
_DENIED_AFTER = re.compile(rf"(?P<word>[{_HAN}]{{2}})不(?:了|到|出|起|下|上)")
"""``发挥不了``."""
_BEHIND_NOT = re.compile(f"(?<=^不)(?P<word>用[{_HAN}])")
"""不用药治疗 may be 不用|药 and 不|用药."""
_ALIKE = 0.25
"""The share of the rest of a clause that must stand in one that says the opposite."""
_LITTLE_MINE = 2
_LITTLE_OTHERS = 3
"""Pieces beside the word below which a clause says of what it speaks elsewhere."""
_UNREADABLE = re.compile(
    "不得不|不能不|不可不|不会不|无不|莫不|没有不|不是不|并非|不是|非[^，]{1,8}不可|不仅|不但|不只|不光|是否|能否|可否|有无|有没有|"
    "(?P<said>[能可会是要该])不(?P=said)|才|只有|除非|方可|方能|否则|未经|以外|之外|除了"
)
"""Clauses of which this cannot tell what they deny: two negators, choices, and conditions turned round (``才``)."""


@dataclass(frozen=True)
class _Said:
    clause: Clause

    @lazy
    def denied(self) -> frozenset[str]:
        """The pairs of characters that stand right behind a negator."""
        behind = (_BEHIND_NOT.search(found.group()) for found in self._negators)
        return frozenset(
            pair
            for found, other in zip(self._negators, behind, strict=True)
            for pair in (found["word"], other["word"] if other else found["word"])
        )

    @lazy
    def reached(self) -> frozenset[str]:
        """The pairs that any negator may deny."""
        text = self.clause.bounded
        return frozenset(
            pair for found in self._negators for pair in _pairs(text[found.start() : found.start("word") + REACH])
        )

    @lazy
    def asserted(self) -> frozenset[str]:
        """The pairs that no negator may deny."""
        return frozenset() if self.unreadable else frozenset(_pairs(self.clause.bounded)) - self.reached

    @lazy
    def unreadable(self) -> bool:
        return _UNREADABLE.search(self.clause.text) is not None

    @lazy
    def _negators(self) -> tuple[re.Match[str], ...]:
        if self.unreadable:
            return ()
        text = self.clause.bounded
        return (*DENIED.finditer(text), *_DENIED_AFTER.finditer(text))

    def speaks_of(self, other: "_Said", word: str, subject: Set[str]) -> bool:
        """Whether ``other`` says of ``word`` what this clause says of it: enough of the rest stands there too, what
        the document is about aside."""
        mine, others = self.clause.pieces - set(word) - subject, other.clause.pieces - set(word)
        little = len(mine) < _LITTLE_MINE or len(others) < _LITTLE_OTHERS
        return word in other.clause.bounded and (little or len(mine & others) >= _ALIKE * len(mine))


def says_opposite(sentence: str, grounds: Sequence[Ground]) -> bool:
    """Whether ``sentence`` denies a word that the sources only assert, or asserts one that they only deny."""
    known = [_Said(clause) for ground in grounds for clause in ground.clauses]
    unreadable = {pair for said in known if said.unreadable for pair in _pairs(said.clause.bounded)}
    denied = {word for said in known for word in said.denied}
    reached = {word for said in known for word in said.reached} | unreadable
    asserted = {word for said in known for word in said.asserted} | unreadable
    subject = frozenset(piece for ground in grounds for piece in ground.titled)
    return any(
        mine.speaks_of(other, word, subject)
        for mine in map(_Said, clauses_of(sentence))
        for word in (mine.denied & asserted) - reached | (mine.asserted & denied) - asserted
        for other in known
    )


def _pairs(text: str) -> Iterator[str]:
    return (run[at : at + 2] for run in re.findall(f"[{_HAN}]+", text) for at in range(len(run) - 1))
