"""Every state that a protocol can reach, looked at once; the shortest way to the first one that breaks a promise."""

from collections import Counter, deque
from dataclasses import dataclass

from tests.delivery.model.protocol import Protocol
from tests.delivery.model.states import Action, Redis, State, Worker, start


@dataclass(frozen=True)
class Found:
    """How many states there are, and the ``promise`` that the last state of ``trace`` breaks; empty when none does."""

    states: int
    steps: frozenset[str]
    promise: str = ""
    trace: tuple[Action, ...] = ()

    def __str__(self) -> str:
        return f"{self.promise}\n  " + "\n  ".join(map(str, self.trace)) if self.promise else f"{self.states} states"


def search(protocol: Protocol) -> Found:
    """Breadth first, so that a counterexample is as short as can be."""
    first = start(protocol.scenario)
    came: dict[State, tuple[State, Action] | None] = {first: None}
    ends: dict[Redis, str] = {}
    todo = deque([first])
    steps: set[str] = set()
    while todo:
        state = todo.popleft()
        broken = broken_promise(state, protocol) or _never_ends(state, protocol, ends)
        if broken:
            return Found(len(came), frozenset(steps), broken, trace_to(state, came))
        for action, successor in protocol.successors(state):
            steps.add(kind_of(action, state))
            if successor not in came:
                came[successor] = (state, action)
                todo.append(successor)
    return Found(len(came), frozenset(steps))


def trace_to(state: State, came: "dict[State, tuple[State, Action] | None]") -> tuple[Action, ...]:
    """The actions that led to ``state``."""
    actions = []
    while (step := came[state]) is not None:
        state, action = step
        actions.append(action)
    return tuple(reversed(actions))


def kind_of(action: Action, state: State) -> str:
    """What ``action`` is, whoever does it: its kind, the command that is given, and how it ends."""
    where = ""
    if action.kind in ("step", "write", "crash"):
        where = state.workers[action.who].step
    elif action.kind == "web":
        where = state.web[action.who].step
    return " ".join(filter(None, (action.kind, where, action.how)))


def broken_promise(state: State, protocol: Protocol) -> str:
    """The promise that ``state`` breaks, in words; empty when it breaks none."""
    return (
        state.fault or _lost(state) or _owned_twice(state, protocol) or _shown_twice(state, protocol) or _order(state)
    )


def _lost(state: State) -> str:
    redis = state.redis
    kept = {*redis.queue, *(message for reply in redis.outbox for message in reply), *state.concluded}
    if lost := state.acknowledged - kept:
        return f"acknowledged and lost: {sorted(lost)}"
    return "work is left, and no sweep will find it" if (redis.queue or redis.outbox) and not redis.due else ""


def _owned_twice(state: State, protocol: Protocol) -> str:
    tokens = [worker.token for worker in state.workers if worker.token]
    if len(tokens) != len(set(tokens)):
        return "two owners have one token"
    excused = protocol.scenario.stalls_in_write or protocol.scenario.failovers
    writing = [worker for worker in state.workers if worker.step == "write"]
    return "a part is in flight twice" if len(writing) > 1 and not excused else ""


def _shown_twice(state: State, protocol: Protocol) -> str:
    """A part may be shown once more for every time that its outcome was counted as unknown."""
    unknown = Counter(state.unknown)
    for piece, times in Counter(state.shown).items():
        if times > 1 + (0 if protocol.scenario.checks_duplicates else unknown[piece]):
            return f"shown {times} times, {unknown[piece]} counted as unknown: message and part {piece}"
    return ""


def _order(state: State) -> str:
    """A part whose outcome was unknown may come late; all others come in the order of their messages."""
    first = [piece for piece in dict.fromkeys(state.shown) if piece not in state.unknown]
    rank = {message: n for n, message in enumerate(state.order)}
    ranks = [(rank.get(message, -1), part) for message, part in first]
    return "" if _is_sorted(ranks, first, state) else f"shown out of order: {first}"


def _is_sorted(ranks: list[tuple[int, int]], first: list[tuple[int, int]], state: State) -> bool:
    """By message; the parts of merged messages come together, so within a reply only the part counts."""
    seen: dict[int, int] = {}
    highest = -1
    for (rank, part), (message, _) in zip(ranks, first, strict=True):
        if rank < highest and part == 0:
            return False
        highest = max(highest, rank)
        if part < seen.get(message, 0):
            return False
        seen[message] = part
    return True


def _never_ends(state: State, protocol: Protocol, ends: dict[Redis, str]) -> str:
    """If everything died here, one healthy worker that a sweep wakes must come to the end of the work."""
    redis = state.redis._replace(seen=frozenset())
    if redis not in ends:
        ends[redis] = _work_off(state, protocol)
    return ends[redis]


def _work_off(state: State, protocol: Protocol) -> str:
    budget = state.budget._replace(**dict.fromkeys(state.budget._fields, 0))._replace(drains=99)
    state = state._replace(workers=(Worker(),), web=(), behind=(), budget=budget, delivered=frozenset(range(1, 99)))
    for _ in range(200):
        if state.workers[0].step == "idle" and not state.redis.due:
            return "" if not (state.redis.queue or state.redis.outbox) else "the work does not end"
        steps = dict(protocol.successors(state))
        if not steps:
            break
        state = steps[min(steps, key=lambda action: ("step", "write", "renew", "tick", "drain").index(action.kind))]
    return "the work does not end"
