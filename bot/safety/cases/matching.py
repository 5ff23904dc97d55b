"""Which reports are about the same, and what they name: read off the words, never guessed."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from bot.safety.adverse_events import Element, Screening
from bot.safety.adverse_events.folding import fold
from bot.safety.cases.case import Case
from bot.safety.cases.follow_up import names_another_patient

GROUP_S = 7 * 86400.0
"""Two reports of one batch within this time are a group event (guidance 1.5)."""

_BATCH = re.compile(
    r"(?:批号|批次号?|生产批号|batch|lot)(?:是|为|no|号)?[:：#.， ]{0,3}([0-9a-z][0-9a-z-]{3,19})", re.IGNORECASE
)
_AGE = re.compile(r"(?<![0-9.])(\d{1,3})\s*(岁|周岁|个月|月龄|天大)")
_SEX = re.compile(r"男|女")


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """What a message names, in folded words: products, batches, events, and what tells patients apart (``65岁``,
    ``女``)."""

    products: tuple[str, ...]
    batches: tuple[str, ...]
    events: tuple[str, ...]
    patients: tuple[str, ...]


def named_in(screening: Screening, words: Iterable[str]) -> Named:
    """What the grounds of ``screening`` and the messages ``words`` that they stand in name."""
    folded = [fold(text).text for text in words]
    patients = [f"{found[1]}{found[2]}" for text in folded for found in _AGE.finditer(text)]
    if any(element is Element.PATIENT and quote is not None for element, quote in screening.elements):
        patients += [found[0] for text in folded for found in _SEX.finditer(text)]
    return Named(
        products=_distinct(fold(quote.text).text for quote in screening.products),
        batches=_distinct(found[1].lower() for text in folded for found in _BATCH.finditer(text)),
        events=_distinct(fold(ground.quote.text).text for ground in screening.grounds),
        patients=_distinct(patients),
    )


def goes_on(case: Case, words: str, named: Named) -> bool:
    """Whether a report of the same person belongs to ``case``: it speaks of nobody else, and of no other product."""
    return not names_another_patient(words) and _agree(case.products, named.products)


def may_be_same(case: Case, named: Named) -> bool:
    """Whether somebody else's report may be about the patient of ``case``: the same product and event, and nothing
    that tells the patients apart."""
    same = _share(case.products, named.products) and _share(case.events, named.events)
    return same and _agree(case.patients, named.patients)


def same_batch(case: Case, named: Named) -> bool:
    """Whether both name a batch, and the same."""
    return bool(set(case.batches) & set(named.batches))


def _agree(these: Collection[str], those: Collection[str]) -> bool:
    """Whether nothing speaks against their being the same: either names nothing, or they share something."""
    return not these or not those or _share(these, those)


def _share(these: Collection[str], those: Collection[str]) -> bool:
    return any(one in other or other in one for one in these for other in those)


def _distinct(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found))
