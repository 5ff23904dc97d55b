"""Documents and their versions as lines of the command line."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.knowledge.corrections import Use
from bot.knowledge.difference import Difference, Pair, marked
from bot.knowledge.entries import Entry
from bot.knowledge.origin import ALWAYS_TO
from bot.knowledge.versions import Status, Version

_STEPS = ("ingested", "submitted", "returned", "approved", "withdrawn")


@dataclass(frozen=True, slots=True)
class Lines:
    """What is printed at ``now``, epoch seconds, with times of ``timezone``."""

    timezone: ZoneInfo
    now: float

    def short(self, version: Version) -> str:
        """A version on one line."""
        ends = f"  until {self.day(version.valid_to)}" if version.valid_to < ALWAYS_TO else ""
        bots = f"  only {', '.join(version.bots)}" if version.bots else ""
        state = _words(version.standing(self.now))
        what = f"{version.document}  {state}  v{version.number}  {version.entries} entries  {version.audience}"
        return f"{what}{bots}{ends}  {version.source}  {version.title!r}"

    def long(self, version: Version) -> Iterator[str]:
        """A version with who did what, and when."""
        yield self.short(version)
        for step in _STEPS:
            at, by = getattr(version, f"{step}_at"), getattr(version, f"{step}_by")
            if at is not None:
                because = f": {version.returned_because}" if step == "returned" else ""
                yield f"    {step} {self.moment(at)} by {by}{because}"

    def facts(self, version: Version) -> dict[str, Any]:
        """A version as JSON."""
        return {**asdict(version), "status": version.standing(self.now).value}

    def entry(self, entry: Entry) -> str:
        """An entry with its place, and its end where it has one."""
        ends = f"until {self.day(entry.valid_to)}" if entry.valid_to < ALWAYS_TO else ""
        expired = "expired" if entry.valid_to <= self.now else ""
        head = "  ".join(filter(None, (entry.title, entry.location, entry.approval_number, ends, expired)))
        return f"## {head}\n{entry.text}\n"

    def entry_facts(self, entry: Entry) -> dict[str, Any]:
        """An entry as JSON."""
        return asdict(entry)

    def use(self, use: Use, person: str, question: str) -> str:
        """An answer that rested on a version; ``person`` and ``question`` as they may be shown."""
        arrived = "" if use.delivered or person.startswith("cli:") else "  not delivered"
        question = " ".join(question.split())
        return f"{self.moment(use.asked_at)}  {use.turn}  {use.bot}  {use.kind}  {person}{arrived}  {question!r}"

    def use_facts(self, use: Use, person: str, question: str) -> dict[str, Any]:
        """The same as JSON."""
        facts = {"turn": use.turn, "bot": use.bot, "kind": use.kind, "asked_at": use.asked_at}
        return {**facts, "person": person, "question": question, "delivered": use.delivered}

    def moment(self, at: float) -> str:
        """``at``, epoch seconds, to the minute."""
        return datetime.fromtimestamp(at, self.timezone).isoformat(sep=" ", timespec="minutes")[:16]

    def day(self, end: float) -> str:
        """The last day of what ends at ``end``."""
        return datetime.fromtimestamp(end - 1, self.timezone).date().isoformat()


def difference_lines(before: Version, after: Version, found: Difference) -> Iterator[str]:
    """What differs, entry by entry."""
    yield f"{after.source}: version {before.number} to {after.number}"
    counts = f"{len(found.added)} added, {len(found.removed)} removed, {len(found.changed)} changed"
    yield f"{counts}, {found.moved} moved, {found.same} the same"
    for pair in found.changed:
        yield f"~ {_head(pair.after)}"
        yield from (f"    {name}: {_plain(pair.before, name)} -> {_plain(pair.after, name)}" for name in pair.fields)
        if pair.before.text != pair.after.text:
            yield f"    {marked(pair.words)}"
    yield from (f"- {_head(entry)}\n    {entry.text}" for entry in found.removed)
    yield from (f"+ {_head(entry)}\n    {entry.text}" for entry in found.added)


def difference_json(found: Difference) -> dict[str, Any]:
    """The same as JSON."""
    return {
        "added": [asdict(entry) for entry in found.added],
        "removed": [asdict(entry) for entry in found.removed],
        "changed": [_pair_json(pair) for pair in found.changed],
        "moved": found.moved,
        "same": found.same,
    }


def _pair_json(pair: Pair) -> dict[str, Any]:
    return {
        "before": asdict(pair.before),
        "after": asdict(pair.after),
        "fields": list(pair.fields),
        "words": marked(pair.words),
    }


def _head(entry: Entry) -> str:
    return "  ".join(filter(None, (entry.title, entry.location)))


def _plain(entry: Entry, name: str) -> str:
    value = getattr(entry, name)
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _words(status: Status) -> str:
    return status.value.replace("_", " ")
