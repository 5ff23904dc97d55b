"""What a refusal names so that people can look for themselves: the passages nearest to their question.

Between :data:`OFFERED_FROM` and the threshold the first passage is right too often to be kept back and wrong too often
to be said. Its title and its place claim nothing.
"""

from collections.abc import Callable, Sequence

from bot.answering.evidence import Evidence
from bot.knowledge.entries import Entry, EntryKind
from bot.knowledge.search import Hit

OFFERED_FROM = 0.25
"""The confidence in the first passage from which passages are named (docs/decisions/0003-refusal-threshold.md)."""
MOST_OFFERED = 3

Harmless = Callable[[Sequence[Hit]], Sequence[Hit]]
"""Hits to those of them that may be shown."""


def nearest(evidence: Evidence, harmless: Harmless) -> tuple[Entry, ...]:
    """The passages to name beside a refusal, the nearest first, each place once; none where the search found nothing
    that may well answer. All of them are what this reader may see, as the search saw nothing else."""
    if evidence.documents.confidence < OFFERED_FROM:
        return ()
    passages = [hit for hit in evidence.documents.hits if hit.entry.kind is EntryKind.PASSAGE]
    places: dict[tuple[str, str, str], Entry] = {}
    for hit in harmless(passages[:MOST_OFFERED]):
        places.setdefault((hit.entry.title, hit.entry.source, hit.entry.place), hit.entry)
    return tuple(places.values())
