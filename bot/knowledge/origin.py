"""Where knowledge comes from, and the identity of an entry made of it."""

import json
from dataclasses import asdict, dataclass, replace
from uuid import UUID, uuid5

from bot.knowledge.entries import Audience, Entry, EntryKind

ALWAYS_FROM = 0.0
"""``valid_from`` of an entry without a first day: epoch seconds."""

ALWAYS_TO = 253_402_300_800.0
"""``valid_to`` of an entry without a last day: the first second of the year 10000, UTC."""

_NAMESPACE = UUID("6f0d7c3e-9a55-5d0b-8a2e-3c1f6f4f2b71")  # fixed for ever: ids in databases and indexes come from it


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """What all entries of one document share. ``source`` is the name of the file, with its folder where it has one;
    ``approval_number`` is that of entries that bring none of their own; ``bots`` are those that alone may answer from
    it, any where none is named."""

    tenant: str
    collection: str
    audience: Audience
    source: str
    approval_number: str = ""
    bots: tuple[str, ...] = ()


def make_entry(
    origin: Origin,
    *,
    kind: EntryKind,
    title: str,
    text: str,
    location: str,
    questions: tuple[str, ...] = (),
    valid_from: float = ALWAYS_FROM,
    valid_to: float = ALWAYS_TO,
    approval_number: str = "",
    page: int = 0,
    figures: tuple[str, ...] = (),
) -> Entry:
    """An entry whose id is made from every other field: two entries have equal ids exactly when they are equal."""
    entry = Entry(
        id="",
        tenant=origin.tenant,
        collection=origin.collection,
        kind=kind,
        audience=origin.audience,
        title=title,
        questions=questions,
        text=text,
        source=origin.source,
        location=location,
        valid_from=float(valid_from),
        valid_to=float(valid_to),
        approval_number=approval_number or origin.approval_number,
        bots=origin.bots,
        page=page,
        figures=figures,
    )
    fields = asdict(entry)
    for later in (
        "approval_number",
        "bots",
        "page",
        "figures",
    ):  # entries without one keep the ids they had before there were any
        if not fields[later]:
            del fields[later]
    return replace(entry, id=str(uuid5(_NAMESPACE, json.dumps(fields, sort_keys=True))))
