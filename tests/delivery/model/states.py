"""What Redis, the workers and the web process hold while messages are delivered, and what may happen to them.

All times are seconds that are left, so that a state does not know when it is. One conversation stands for all, since no
two share a key. Left out are what cannot break a promise made here: the
useful time of a reply, tries of a turn, undecodable bytes, and bubbles.
"""

from dataclasses import dataclass
from typing import NamedTuple

TICK_S = 10
"""How much time passes at once: half a lease, so that one may end too soon for a send."""
LEASE_S = 20
SEND_S = 10
MARK_S = SEND_S + 1
SLEEP_S = 2
BATCH = 5

Reply = tuple[int, ...]
"""A reply, by the numbers of the messages it answers; the first of them is its key."""
Piece = tuple[int, int]
"""A message and the part of its reply."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What makes the protocol right. Each can be switched off, to see that it is needed."""

    stored_before_acknowledged: bool = True
    waits_with_the_store: bool = True
    """WAIT for replicas follows the store on its connection, of a duplicate too."""
    fenced: bool = True
    clock_in_tokens: bool = True
    committed_by_name: bool = True
    """The messages that a reply answers are named when they leave the queue, not counted off."""
    told_once: bool = True
    """That a part was taken, or a reply is finished, changes nothing when it is said again."""
    marked_before_sent: bool = True
    marked_for_sure: bool = True
    """A mark that was refused because the lease ends too soon is tried until it stands, and not just once more."""
    deadline_before_mark: bool = True
    """What is still written is written before the mark ends, wherever the process stalls."""
    owner_waits_for_mark: bool = True


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What may happen, and how often. ``lag`` is how many writes a fail-over may lose."""

    messages: int = 2
    parts: int = 1
    workers: int = 2
    web: int = 1
    drains: int = 3
    redeliveries: int = 0
    over_limit: int = 0
    crashes: int = 0
    lost_answers: int = 0
    busy: int = 0
    refusals: int = 0
    repeats: int = 0
    outages: int = 0
    failovers: int = 0
    lag: int = 0
    waits_for_replicas: bool = False
    stalls_in_write: bool = False
    """A process may be frozen between its last look at the deadline and the write to the socket."""
    checks_duplicates: bool = False
    """The platform drops a part that it had before."""
    merges: bool = True


class Budget(NamedTuple):
    """How often what is rare may still happen."""

    drains: int
    redeliveries: int
    over_limit: int
    crashes: int
    lost_answers: int
    busy: int
    refusals: int
    repeats: int
    outages: int
    failovers: int


class Redis(NamedTuple):
    """The keys of one conversation. ``until`` and ``not_before`` count down to 0; a lease of 0 is none."""

    queue: tuple[int, ...] = ()
    seen: frozenset[int] = frozenset()
    lease: int = 0
    lease_left: int = 0
    fence: int = 0
    outbox: tuple[Reply, ...] = ()
    part: int = 0
    sending: bool = False
    until: int = 0
    not_before: int = 0
    due: bool = False


class Worker(NamedTuple):
    """One worker: the command it is about to give, and what it remembers."""

    step: str = "idle"
    token: int = 0
    turn: Reply = ()
    reply: Reply = ()
    part: int = 0
    left: int = 0
    dead: bool = False
    renewed: bool = False


class Web(NamedTuple):
    """One callback on its way; ``over`` when the person's limit is spent."""

    step: str
    message: int
    over: bool


class State(NamedTuple):
    """Everything. From ``acknowledged`` on it is what an observer wrote down and nobody of the protocol reads."""

    redis: Redis
    behind: tuple[Redis, ...]
    workers: tuple[Worker, ...]
    web: tuple[Web, ...]
    budget: Budget
    delivered: frozenset[int] = frozenset()
    acknowledged: frozenset[int] = frozenset()
    order: tuple[int, ...] = ()
    shown: tuple[Piece, ...] = ()
    unknown: tuple[Piece, ...] = ()
    concluded: frozenset[int] = frozenset()
    issued: int = 0
    writer: int = 0
    fault: str = ""


class Action(NamedTuple):
    """What happens next: to whom, and how it ends where that is open."""

    kind: str
    who: int = 0
    how: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.kind, str(self.who), self.how)))


def start(scenario: Scenario) -> State:
    """Nothing has happened yet."""
    budget = Budget(*(getattr(scenario, name) for name in Budget._fields))
    return State(Redis(), (), (Worker(),) * scenario.workers, (), budget)
