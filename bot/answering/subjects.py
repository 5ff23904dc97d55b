"""Whether a sentence says of one what the source says of another.

``同班学员只能看到姓名。带教老师还能看到成绩。`` does not say ``带教老师只能看到姓名``.
"""

import re
from collections.abc import Sequence

from bot.answering.claims import Clause, Ground, clauses_of, telling

_TOLD = re.compile("[\u4e00-\u9fff]|[a-z]+")
_LEAST_SHARED = 4
_LEAST_OWN = 2
"""Characters and Latin words with content."""


def says_of_another(sentence: str, grounds: Sequence[Ground]) -> bool:
    """Whether a clause has the end of one clause of the sources behind the beginning of another."""
    known = [_solid(other) for ground in grounds for other in ground.clauses]
    return any(_joins(_solid(clause), known) for clause in clauses_of(sentence))


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
