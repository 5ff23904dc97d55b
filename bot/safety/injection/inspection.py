"""Is a text an attack on the language model? Rules a person can read first, a small trained model for the rest."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bot.safety.injection.views import View, views
from bot.safety.linear import load_model
from bot.safety.rules import load_rules

STRETCH: Final = 600
"""Characters in which the hints that make up an attack must stand together; stretches overlap by half."""
ATTACK_WEIGHT: Final = 1.0
"""Sum of the rules' weights in one stretch from which it is an attack."""
HINTED_WEIGHT: Final = 0.5
HINTED_SHARE: Final = 0.5
"""A hint of the rules, and the share of :data:`ENOUGH` that decides together with it."""

_PACKAGE: Final = "bot.safety.injection"
_HARMFUL: Final = "harmful"
_UNREADABLE: Final = frozenset({"rot13", "reversed", "leet"})
"""Readings that are gibberish for most texts: rules find an attack there, the model would guess."""


class Origin(StrEnum):
    """Where a text comes from: a person's message, or material that is only to be read.

    In material a description of harm is no attack on the model, so that the family ``harmful`` counts in messages only.
    """

    MESSAGE = "message"
    MATERIAL = "material"


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """What spoke for an attack: a rule's or the model's ``id``, its ``family``, its ``weight`` (the model's is its
    chance), the ``words`` found in canonical form (none from the model), and the decoders it took (``via``)."""

    id: str
    family: str
    weight: float
    words: str = ""
    via: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Inspection:
    """The finding: ``matches`` are those of the stretch that decided, or of the most suspicious one."""

    attack: bool
    matches: tuple[Match, ...] = ()

    @property
    def families(self) -> tuple[str, ...]:
        """The kinds of attack that were matched, most telling first, without repetition."""
        ordered = sorted(self.matches, key=lambda match: -match.weight)
        return tuple(dict.fromkeys(match.family for match in ordered))


ENOUGH: Final = {Origin.MESSAGE: 0.46, Origin.MATERIAL: 0.6}
"""The model's chance from which it alone decides; higher for material: whole books are read, and nobody asks again."""
ENOUGH_HARM: Final = 0.34
"""The same for a plain request for harm. Ordinary questions stay far below: it was learned from few requests, and from
many more harmless texts, hence less than a half."""


def inspect(text: str, origin: Origin = Origin.MESSAGE) -> Inspection:
    """Whether ``text`` is an attack. Pure; time grows in proportion to the length."""
    best: tuple[Match, ...] = ()
    for view in views(text):
        judged = _judged_by_model(view, origin)
        for stretch in _stretches(view.text):
            found = tuple(_found(stretch, view.via, origin))
            if _weight(found) >= ATTACK_WEIGHT or (_weight(found) >= HINTED_WEIGHT and judged):
                return Inspection(attack=True, matches=(*found, *judged))
            best = max(best, found, key=_weight)
        if any(match.weight >= _enough(match.family, origin) for match in judged):
            return Inspection(attack=True, matches=judged)
    return Inspection(attack=False, matches=best)


def _judged_by_model(view: View, origin: Origin) -> tuple[Match, ...]:
    """What the model thinks likely enough to count beside a hint."""
    if not _UNREADABLE.isdisjoint(view.via):
        return ()
    chances = load_model(_PACKAGE, "model").canonical_chances(view.text)
    return tuple(
        Match(id="model", family="learned" if head == "attack" else head, weight=chance, via=view.via)
        for head, chance in chances.items()
        if chance >= _enough(head, origin) * HINTED_SHARE and (head != _HARMFUL or origin is Origin.MESSAGE)
    )


def _enough(head: str, origin: Origin) -> float:
    return ENOUGH_HARM if head == _HARMFUL else ENOUGH[origin]


def _found(stretch: str, via: tuple[str, ...], origin: Origin) -> Iterable[Match]:
    for rule in load_rules(_PACKAGE, "rules.yaml").candidates(stretch):
        if origin is Origin.MATERIAL and rule.family == _HARMFUL:
            continue
        words = rule.find(stretch)
        if words is not None:
            yield Match(id=rule.id, family=rule.family, weight=rule.weight, words=words, via=via)


def _stretches(text: str) -> Iterable[str]:
    step = STRETCH // 2
    return (text[start : start + STRETCH] for start in range(0, max(len(text) - step, 1), step))


def _weight(matches: Iterable[Match]) -> float:
    return sum(match.weight for match in matches)
