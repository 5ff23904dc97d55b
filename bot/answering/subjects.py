"""Whether a sentence says of one what the source says of another.

``同班学员只能看到姓名。带教老师还能看到成绩。`` does not say ``带教老师只能看到姓名``.
"""

import re
from collections.abc import Sequence

from bot.answering.claims import Clause, Ground, clauses_of, content_of, telling

_TOLD = re.compile("[\u4e00-\u9fff]|[a-z]+")
_BOTH_SAY = 0.6
"""The share of the rest of a clause from which a second source says it too."""
_LEAST_SHARED = 4
_LEAST_OWN = 2
"""Characters and Latin words with content."""


def says_of_another(sentence: str, grounds: Sequence[Ground]) -> bool:
    """Whether a clause has the end of one clause of the sources behind the beginning of another."""
    known = [_solid(other) for ground in grounds for other in ground.clauses]
    return any(_joins(_solid(clause), known) for clause in clauses_of(sentence))


def joins_sources(sentence: str, grounds: Sequence[Ground]) -> bool:
    """Whether a clause says of what one source names what only another source says."""
    return len(grounds) > 1 and any(
        _mixed(content_of(clause.figures), clause, grounds) for clause in clauses_of(sentence)
    )


def _mixed(content: Sequence[str], clause: Clause, grounds: Sequence[Ground]) -> bool:
    best = max(grounds, key=lambda ground: sum(map(ground.covers, content)))
    foreign = [unit for unit in content if not best.covers(unit)]
    for other in grounds:
        theirs = {unit for unit in foreign if other.covers(unit)}
        named = any(
            run[at : at + 2] in theirs and run[at + 1 : at + 3] in theirs and other.has(run[at : at + 3])
            for run in clause.runs
            for at in range(len(run) - 2)
        )
        rest = [unit for unit in content if unit not in theirs]
        if named and sum(map(other.covers, rest)) < _BOTH_SAY * len(rest):
            return True
    return False


def _joins(mine: str, known: Sequence[str]) -> bool:
    shared = max((_common_end(mine, other) for other in known), default=0)
    said, subject = mine[len(mine) - shared :], mine[: len(mine) - shared]
    if len(_content(said)) < _LEAST_SHARED or len(_content(subject)) < _LEAST_OWN:
        return False
    others = [other[: len(other) - shared] for other in known if _common_end(mine, other) == shared]
    begins = any(other.startswith(subject) for other in known)
    return begins and all(_is_another(subject, other) for other in others)


def _is_another(one: str, other: str) -> bool:
    return len(_content(other)) >= _LEAST_OWN and one not in other and other not in one


def _solid(clause: Clause) -> str:
    return "".join(clause.text.split()).lstrip("-*·|#0123456789.、")


def _content(text: str) -> list[str]:
    """The characters and Latin words with content."""
    return _TOLD.findall(telling(text))


def _common_end(one: str, other: str) -> int:
    most = min(len(one), len(other))
    return next((at for at in range(most) if one[-1 - at] != other[-1 - at]), most)
