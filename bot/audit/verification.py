"""Checking the log: every hash again, every number, every seal, and every anchor that is known."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bot.audit.anchors import Anchor
from bot.audit.entries import GENESIS, Action, AuditEntry, Checkpoint
from bot.audit.key import AuditKey


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """What is wrong; ``seq`` is the first entry that it concerns, or that should be there."""

    seq: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """What a check found: the entries that were read, from ``first`` to ``last`` (0 where there are none), the anchors
    they were compared with, and what is wrong, the first bad entry first."""

    entries: int
    first: int
    last: int
    anchors: int
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    @property
    def first_bad(self) -> int | None:
        """The number of the first entry that is not as it was written, or is not there; ``None`` when all is well."""
        return self.problems[0].seq if self.problems else None


def verify(entries: Iterable[AuditEntry], key: AuditKey, anchors: Sequence[Anchor]) -> Verification:
    """Check ``entries``, in their order, with ``key`` and against ``anchors``.

    Read the anchors before the entries: while the log grows, later anchors may be of entries that were not read yet.
    The walk ends at the first entry that is wrong, as all that follows rests on it.
    """
    walk = _Walk(key, {anchor.seq for anchor in anchors})
    for entry in entries:
        walk.take(entry)
        if walk.problem:
            break
    problems = [problem for problem in (walk.problem, walk.beginning(), *walk.against(anchors)) if problem]
    return Verification(
        entries=walk.count,
        first=walk.first.seq if walk.first else 0,
        last=walk.last,
        anchors=sum(anchor.seq in walk.hashes for anchor in anchors),
        problems=tuple(sorted(problems, key=lambda problem: problem.seq)),
    )


def _expected_hash(entry: AuditEntry) -> str:
    try:
        return entry.expected_hash()
    except TypeError:  # SQLite keeps bytes in a column of texts, if somebody puts them there
        return ""


@dataclass(slots=True)
class _Walk:
    """One way through the entries. ``hashes`` keeps the hash of each entry that has an anchor."""

    key: AuditKey
    anchored: set[int]
    first: AuditEntry | None = None
    last: int = 0
    previous: str = GENESIS
    count: int = 0
    problem: Problem | None = None
    checkpoints: list[Checkpoint] = field(default_factory=list)
    hashes: dict[int, str] = field(default_factory=dict)

    def take(self, entry: AuditEntry) -> None:
        """The next entry, unless it is the first one that is wrong."""
        if self.first is None:
            self.first, self.last, self.previous = entry, entry.seq - 1, entry.previous
        self.problem = self._fault(entry)
        if self.problem:
            return
        if entry.action == Action.CHECKPOINT:
            self.checkpoints.append(Checkpoint.of(entry))
        if entry.seq in self.anchored:
            self.hashes[entry.seq] = entry.hash
        self.last, self.previous = entry.seq, entry.hash
        self.count += 1

    def _fault(self, entry: AuditEntry) -> Problem | None:
        expected = self.last + 1
        if entry.seq < expected:
            return Problem(seq=entry.seq, text=f"entry {entry.seq} is there twice")
        if entry.seq > expected:
            missing = (
                f"entry {expected} is" if entry.seq == expected + 1 else f"entries {expected} to {entry.seq - 1} are"
            )
            return Problem(seq=expected, text=f"{missing} missing")
        if entry.hash != _expected_hash(entry):
            return Problem(seq=entry.seq, text=f"entry {entry.seq} was changed: its hash is that of something else")
        if entry.previous != self.previous:
            return Problem(seq=entry.seq, text=f"entry {entry.seq} does not follow the entry before it")
        if not self.key.sealed(entry.hash, entry.seal):
            text = f"entry {entry.seq} was not written with this AUDIT_KEY"
            return Problem(seq=entry.seq, text=text)
        return None

    def beginning(self) -> Problem | None:
        """What is wrong with where the log begins: at the first entry ever, or after what a checkpoint vouches for."""
        first = self.first
        if first is None or (first.seq == 1 and first.previous == GENESIS):
            return None
        if first.seq == 1:
            return Problem(seq=1, text="entry 1 does not begin the log")
        if any((one.through, one.hash) == (first.seq - 1, first.previous) for one in self.checkpoints):
            return None
        if self.problem and self.problem.seq > first.seq:
            return None  # its checkpoint may stand behind what is wrong
        return Problem(seq=1, text=f"entries 1 to {first.seq - 1} are missing, and no checkpoint says why")

    def against(self, anchors: Sequence[Anchor]) -> list[Problem]:
        """Where the entries are others than those that were anchored, or end before; the first of each."""
        seen = sorted((anchor for anchor in anchors if anchor.seq in self.hashes), key=lambda anchor: anchor.seq)
        found = []
        agreed = self.first.seq - 1 if self.first else 0
        for anchor in seen:
            if anchor.hash != self.hashes[anchor.seq]:
                text = f"entries {agreed + 1} to {anchor.seq} are not those that were there at {anchor.at}"
                found.append(Problem(seq=agreed + 1, text=text))
                break
            agreed = anchor.seq
        newest = max(anchors, key=lambda anchor: anchor.seq, default=None)
        if newest and newest.seq > self.last and not self.problem:
            text = f"the log ends with entry {self.last}; at {newest.at} it had {newest.seq}: its end was cut off"
            found.append(Problem(seq=self.last + 1, text=text))
        return found
