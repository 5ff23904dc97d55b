"""What became of every message: the judgement over a ledger and the installation's own records."""

import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from bot.texts import Texts
from tests.faults.ledger import Seen, Written

LATE_S = 3.0
"""An answer that took longer was held up by the fault."""
CHECKED_S = 600.0
"""So long the platform drops what equals an earlier message to the same person, where the sender asks for it."""
APOLOGIES = frozenset(Texts().say(key, "zh") for key in ("apology_failed", "apology_too_old"))
_TOKEN = re.compile(r"<e?\d{6}>")


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """A turn as SQL keeps it."""

    message_ids: tuple[str, ...]
    platform_ids: tuple[str, ...]
    answer: str
    failure: str


class Window(StrEnum):
    """Through which of the windows of ``docs/delivery.md`` something was seen twice."""

    CHECK_OFF = "an honest repeat, sent with the check off"
    CHECK_OVER = "more than 600 s after the first arrival"
    NONE = "within 600 s, the check on"
    """The platform drops it, so this must not be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Doubled:
    """Something that was seen twice: the message that it answers, as far as that is known, and by which window."""

    name: str
    msg_id: str
    window: Window


@dataclass(kw_only=True, slots=True)
class Row:
    """One line of the table: what happened to the messages written while ``fault`` struck.

    ``recovery_s``: seconds from the strike until the last answer that was late.
    """

    fault: str
    struck: int = 0
    acknowledged: int = 0
    refused: int = 0
    apologised: int = 0
    lost: list[Written] = field(default_factory=list)
    doubled: list[Doubled] = field(default_factory=list)
    disordered: list[Written] = field(default_factory=list)
    recovery_s: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Fate:
    """What a person got for one message: when the first word of the reply was seen, and how."""

    at: float
    place: int
    apology: bool = False


def read_records(database: Path) -> list[Record]:
    """Every turn recorded in ``database``."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)
    try:
        rows = connection.execute("SELECT message_ids, platform_ids, answer, failure FROM turns").fetchall()
    finally:
        connection.close()
    return [
        Record(
            message_ids=tuple(json.loads(message_ids)),
            platform_ids=tuple(json.loads(platform_ids)),
            answer=answer,
            failure=failure,
        )
        for message_ids, platform_ids, answer, failure in rows
    ]


class Judge:
    """Looks at one moment: ``written`` and ``seen`` of the ledger, ``records`` of the installation."""

    def __init__(self, written: Sequence[Written], seen: Sequence[Seen], records: Iterable[Record]) -> None:
        self._written = written
        self._records: dict[str, list[Record]] = defaultdict(list)
        self._claimed: set[str] = set()
        for record in records:
            self._claimed.update(record.platform_ids)
            for message_id in record.message_ids:
                self._records[message_id].append(record)
        self._shown: dict[str, list[Seen]] = defaultdict(list)
        self._sent: dict[str, list[Seen]] = defaultdict(list)
        self._regrets: dict[str, list[Seen]] = defaultdict(list)
        self._regretted: dict[tuple[str, ...], Seen] = {}
        self._answers: dict[tuple[str, str], list[Seen]] = defaultdict(list)
        self._unclaimed: list[Seen] = []
        self._sort(seen)
        self.fates = {one.entry: self._fate(one) for one in written if one.acknowledged_at is not None}

    def uncovered(self) -> list[Written]:
        """Acknowledged messages that nobody has answered."""
        return [one for one in self._written if self.fates.get(one.entry, True) is None]

    def unrecorded(self) -> list[Written]:
        """Acknowledged messages that are not in exactly one turn's record."""
        acknowledged = [one for one in self._written if one.acknowledged_at is not None]
        return [one for one in acknowledged if len(self._records[one.msg_id]) != 1]

    def judge(self, trial: int, row: Row, struck_at: float) -> None:
        """Add the messages written in ``trial``, whose strike was at ``struck_at`` of the simulator's clock."""
        mine = [one for one in self._written if one.trial == trial]
        row.struck += 1
        row.refused += sum(one.acknowledged_at is None for one in mine)
        for one in mine:
            if one.acknowledged_at is None:
                continue
            row.acknowledged += 1
            fate = self.fates[one.entry]
            if fate is None:
                row.lost.append(one)
                continue
            row.apologised += fate.apology
            if fate.at - one.at > LATE_S:
                row.recovery_s = max(row.recovery_s, fate.at - struck_at)
        row.doubled += [twice for one in mine for twice in self._shown_twice(one)]
        row.doubled += self._said_twice(trial, mine)
        row.disordered += self._disordered(mine)

    def _sort(self, seen: Sequence[Seen]) -> None:
        not_delivered = Texts().say("apology_not_delivered", "zh")
        for one in seen:
            tokens = _TOKEN.findall(one.content)
            for token in tokens:
                self._shown[token].append(one)
            self._sent[one.msg_id].append(one)
            if one.content == not_delivered:
                self._regrets[one.person].append(one)
            elif not tokens:
                claimed = one.msg_id in self._claimed
                (self._answers[one.person, one.content] if claimed else self._unclaimed).append(one)

    def _fate(self, one: Written) -> Fate | None:
        """The reply to ``one`` if it is whole: every part, or an apology."""
        parts = [self._shown[token] for token in one.tokens]
        if parts and all(parts):
            return Fate(at=parts[0][0].at, place=parts[0][0].entry)
        for record in self._records[one.msg_id]:
            if record.failure:
                regret = self._regret(one, record)
                return Fate(at=regret.at, place=regret.entry, apology=True) if regret else None
            sent = [self._sent[platform_id] for platform_id in record.platform_ids]
            if sent and all(sent):
                apology = bool(one.tokens) or record.answer in APOLOGIES
                return Fate(at=sent[0][0].at, place=sent[0][0].entry, apology=apology)
        return None

    def _regret(self, one: Written, record: Record) -> Seen | None:
        """The word that the turn of ``record`` could not be delivered; each such turn has one of its own."""
        if record.message_ids not in self._regretted:
            left = self._regrets[one.person]
            found = next((seen for seen in left if seen.at > one.at), None)
            if found is None:
                return None
            left.remove(found)
            self._regretted[record.message_ids] = found
        return self._regretted[record.message_ids]

    def _shown_twice(self, one: Written) -> list[Doubled]:
        """The parts of the reply to ``one`` that were seen more than once; no other reply has their words."""
        found = []
        for token in one.tokens:
            for again in self._shown[token][1:]:
                late = again.at - self._shown[token][0].at > CHECKED_S
                window = Window.CHECK_OVER if late else Window.NONE
                found.append(Doubled(name=one.name, msg_id=one.msg_id, window=window))
        return found

    def _said_twice(self, trial: int, mine: Sequence[Written]) -> list[Doubled]:
        """Answers without a token that no record claims, though it claims the same words to the same person: sent
        twice and recorded once. They belong to the last message that the person had written by then."""
        people = {one.person for one in mine}
        found = []
        for seen in self._unclaimed:
            same = self._answers[seen.person, seen.content] if seen.person in people else []
            before = [one for one in self._written if one.person == seen.person and one.at <= seen.at]
            if same and before and before[-1].trial == trial:
                recent = any(abs(seen.at - one.at) <= CHECKED_S for one in same)
                window = Window.CHECK_OFF if recent else Window.CHECK_OVER
                name = f"{seen.person} at {seen.at:.1f}"
                found.append(Doubled(name=name, msg_id=before[-1].msg_id, window=window))
        return found

    def _disordered(self, mine: Sequence[Written]) -> list[Written]:
        """Messages of ``mine`` answered before one that had been acknowledged when they were written."""
        by_person: dict[str, list[Written]] = defaultdict(list)
        for one in self._written:
            if self.fates.get(one.entry):
                by_person[one.person].append(one)
        return [one for one in mine if self._overtook(one, by_person[one.person])]

    def _overtook(self, one: Written, others: Sequence[Written]) -> bool:
        fate = self.fates.get(one.entry)
        if fate is None:
            return False
        before = [other for other in others if other.acknowledged_at and other.acknowledged_at < one.written_at]
        return any(found.place > fate.place for other in before if (found := self.fates[other.entry]))


def table(rows: Iterable[Row]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| fault | struck | acknowledged | not acknowledged | apologised | lost | doubled | disordered | recovery s |",
        "| --- | --: | --: | --: | --: | --: | --: | --: | --: |",
    ]
    for row in rows:
        counts = (row.struck, row.acknowledged, row.refused, row.apologised)
        failed = (len(row.lost), len(row.doubled), len(row.disordered))
        numbers = " | ".join(map(str, (*counts, *failed)))
        lines.append(f"| {row.fault} | {numbers} | {row.recovery_s:.1f} |")
    return "\n".join(lines)
