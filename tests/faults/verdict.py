"""What became of every message: the judgement over a ledger and the installation's own records."""

import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.texts import Texts
from tests.faults.ledger import Seen, Written

LATE_S = 3.0
"""An answer that took longer was held up by the fault."""
APOLOGIES = frozenset(Texts().say(key, "zh") for key in ("apology_failed", "apology_too_old"))
_TOKEN = re.compile(r"<e?\d{6}>")


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """A turn as SQL keeps it."""

    message_ids: tuple[str, ...]
    platform_ids: tuple[str, ...]
    answer: str
    failure: str


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
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
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
                row.lost.append(_name(one))
                continue
            row.apologised += fate.apology
            if fate.at - one.at > LATE_S:
                row.recovery_s = max(row.recovery_s, fate.at - struck_at)
        row.doubled += [_name(one) for one in mine for token in one.tokens if len(self._shown[token]) > 1]
        row.doubled += self._unexplained(mine)
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
            elif not tokens and one.msg_id not in self._claimed:
                self._unclaimed.append(one)

    def _fate(self, one: Written) -> Fate | None:
        """The reply to ``one`` if it is whole: every part, or an apology."""
        parts = [self._shown[token] for token in one.tokens]
        if parts and all(parts):
            return Fate(at=parts[0][0].at, place=parts[0][0].entry)
        for record in self._records[one.msg_id]:
            if record.failure:
                regrets = [seen for seen in self._regrets[one.person] if seen.at > one.at]
                return Fate(at=regrets[0].at, place=regrets[0].entry, apology=True) if regrets else None
            sent = [self._sent[platform_id] for platform_id in record.platform_ids]
            if sent and all(sent):
                apology = bool(one.tokens) or record.answer in APOLOGIES
                return Fate(at=sent[0][0].at, place=sent[0][0].entry, apology=apology)
        return None

    def _unexplained(self, mine: Sequence[Written]) -> list[str]:
        """Words that no record claims, seen while ``mine`` were written: sent twice, and recorded once."""
        if not mine:
            return []
        begins, ends = mine[0].at, mine[-1].at
        people = {one.person for one in mine}
        return [
            f"{one.person}@{one.at:.1f}" for one in self._unclaimed if one.person in people and begins <= one.at <= ends
        ]

    def _disordered(self, mine: Sequence[Written]) -> list[str]:
        """Messages of ``mine`` answered before one that had been acknowledged when they were written."""
        by_person: dict[str, list[Written]] = defaultdict(list)
        for one in self._written:
            if self.fates.get(one.entry):
                by_person[one.person].append(one)
        return [_name(one) for one in mine if self._overtook(one, by_person[one.person])]

    def _overtook(self, one: Written, others: Sequence[Written]) -> bool:
        fate = self.fates.get(one.entry)
        if fate is None:
            return False
        before = [other for other in others if other.acknowledged_at and other.acknowledged_at < one.written_at]
        return any(found.place > fate.place for other in before if (found := self.fates[other.entry]))


def _name(one: Written) -> str:
    return f"{one.person} {' '.join(one.tokens) or 'asked'} {one.msg_id}"


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
