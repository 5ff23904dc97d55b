"""What a message must be noticed for, whatever else it says: emergencies, "are you human?", off-label questions."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bot.safety.characters import canonical, without_chinese_spaces
from bot.safety.rules import load_rules

_PACKAGE: Final = "bot.safety.words"
_STRETCH: Final = 600


class Kind(StrEnum):
    """Why a message is noticed. The first five are emergencies.

    ``OFF_LABEL`` asks for use beyond the approved package insert by that name: for medical information, whatever the
    knowledge holds. ``LABEL_LIMIT`` asks where inserts have their limits (children, pregnancy, dose, route, another
    disease): for medical information unless the approved insert itself answers.
    """

    SELF_HARM = "self_harm"
    MEDICAL = "medical"
    POISONING = "poisoning"
    FIRE = "fire"
    CRIME = "crime"
    IDENTITY = "identity"
    OFF_LABEL = "off_label"
    LABEL_LIMIT = "label_limit"
    PRESCRIPTION_COUNTS = "prescription_counts"


EMERGENCIES: Final = (Kind.SELF_HARM, Kind.MEDICAL, Kind.POISONING, Kind.FIRE, Kind.CRIME)
"""Kinds that are answered at once with the number to call, most urgent first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """A find: its ``kind``, the ``rule`` of ``notices.yaml``, and the ``words`` in canonical form."""

    kind: Kind
    rule: str
    words: str


def notices(text: str) -> tuple[Notice, ...]:
    """What ``text`` must be noticed for, at most one find of a rule, in the order of the rules. Pure, linear time."""
    plain = without_chinese_spaces(canonical(text))
    step = _STRETCH // 2
    stretches = [plain[start : start + _STRETCH] for start in range(0, max(len(plain) - step, 1), step)]
    return tuple(_found(stretches))


def emergency(found: Iterable[Notice]) -> Kind | None:
    """The most urgent emergency among ``found``, or ``None``."""
    kinds = {notice.kind for notice in found}
    return next((kind for kind in EMERGENCIES if kind in kinds), None)


def _found(stretches: list[str]) -> Iterable[Notice]:
    for rule in load_rules(_PACKAGE, "notices.yaml"):
        words = next((words for stretch in stretches if (words := rule.find(stretch)) is not None), None)
        if words is not None:
            yield Notice(kind=Kind(rule.family), rule=rule.id, words=words)
