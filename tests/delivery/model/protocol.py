"""The delivery protocol as a small machine: every step that may come next.

It has no code in common with the product, so that the two can be compared (``test_conformance.py``). One step is one
command to Redis, or one thing that happens at the platform; between two steps anything else may come: another worker, a
crash, ten seconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.delivery.model.states import (
    BATCH,
    LEASE_S,
    MARK_S,
    SEND_S,
    SLEEP_S,
    TICK_S,
    Action,
    Piece,
    Redis,
    Reply,
    Rules,
    Scenario,
    State,
    Web,
    Worker,
)


@dataclass(frozen=True)
class Protocol:
    """The protocol under ``rules``, in ``scenario``."""

    rules: Rules
    scenario: Scenario

    def successors(self, state: State) -> Iterator[tuple[Action, State]]:
        """Every action that is possible, and the state it leads to."""
        yield from self._deliveries(state)
        for i, web in enumerate(state.web):
            yield from self._web(state, i, web)
        yield from self._starts(state)
        for i, worker in enumerate(state.workers):
            if worker.step != "idle":
                yield from self._worker(state, i, worker)
                if state.budget.crashes:
                    yield Action("crash", i), _spend(_put(state, i, Worker()), "crashes")
        if state.budget.failovers:
            for i, redis in enumerate(state.behind):
                yield Action("failover", i), self._fail_over(state, redis)
        if self.scenario.stalls_in_write or all(worker.step != "write" for worker in state.workers):
            later = _pass_time(state)
            if later != state:
                yield Action("tick"), later

    # ---- web

    def _deliveries(self, state: State) -> Iterator[tuple[Action, State]]:
        if len(state.web) == self.scenario.web:
            return
        first = "store" if self.rules.stored_before_acknowledged else "respond"
        fresh = len(state.delivered) + 1
        if fresh <= self.scenario.messages:
            new = state._replace(delivered=state.delivered | {fresh})
            yield Action("deliver", fresh), new._replace(web=(*new.web, Web(first, fresh, over=False)))
            if state.budget.over_limit:
                web = (*new.web, Web(first, fresh, over=True))
                yield Action("deliver", fresh, "over"), _spend(new._replace(web=web), "over_limit")
        if state.budget.redeliveries:
            for message in sorted(state.delivered):
                again = state._replace(web=(*state.web, Web(first, message, over=False)))
                yield Action("deliver", message, "again"), _spend(again, "redeliveries")

    def _web(self, state: State, i: int, web: Web) -> Iterator[tuple[Action, State]]:
        step = Action("web", i)
        waits = "wait" if self.scenario.waits_for_replicas else "respond"
        match web.step:
            case "store" if web.message in state.redis.seen:
                duplicate = waits if self.rules.waits_with_the_store else "respond"
                yield step, self._go_on(state, i, web, duplicate)
            case "store":
                redis, message = state.redis, web.message
                order = (*(one for one in state.order if one != message), message)
                stored = redis._replace(queue=(*redis.queue, message), seen=redis.seen | {message}, due=True)
                new = self._write(state, stored)._replace(order=order)
                yield step, self._go_on(new, i, web, "revoke" if web.over else waits)
            case "revoke" if web.message in state.redis.queue:
                redis, message = state.redis, web.message
                queue = tuple(one for one in redis.queue if one != message)
                due = redis.due and bool(queue or redis.outbox or redis.lease)
                new = self._write(state, redis._replace(queue=queue, seen=redis.seen - {message}, due=due))
                yield step, self._go_on(new, i, web, "")
                if state.budget.repeats:
                    yield Action("web", i, "twice"), _spend(self._go_on(new, i, web, ""), "repeats")
            case "revoke":
                yield step, self._go_on(state, i, web, waits)
            case "wait":
                yield step, self._go_on(state._replace(behind=()), i, web, "respond")
                if state.behind:
                    yield Action("web", i, "short"), self._go_on(state, i, web, "")
            case "respond":
                known = state._replace(acknowledged=state.acknowledged | {web.message})
                yield step, self._go_on(known, i, web, "" if self.rules.stored_before_acknowledged else "store")
        if state.budget.crashes:
            yield Action("web", i, "crash"), _spend(self._go_on(state, i, web, ""), "crashes")

    def _go_on(self, state: State, i: int, web: Web, step: str) -> State:
        if step == "respond" and not self.rules.stored_before_acknowledged:
            step = ""
        rest = (web._replace(step=step),) if step else ()
        return state._replace(web=state.web[:i] + rest + state.web[i + 1 :])

    # ---- workers

    def _starts(self, state: State) -> Iterator[tuple[Action, State]]:
        """A drain begins, woken or swept. Who finds the lease taken changes nothing."""
        idle = next((i for i, worker in enumerate(state.workers) if worker.step == "idle"), None)
        if idle is None or state.redis.lease or not state.redis.due or not state.budget.drains:
            return
        redis = state.redis
        token = (max(state.issued, redis.fence) if self.rules.clock_in_tokens else redis.fence) + 1
        owned = redis._replace(lease=token, lease_left=LEASE_S, fence=token, due=True)
        new = self._write(state, owned)._replace(issued=max(state.issued, token))
        first = Worker("head", token) if redis.outbox else self._begun(redis, token)
        yield Action("drain", idle), _spend(_put(new, idle, first), "drains")

    def _worker(self, state: State, i: int, worker: Worker) -> Iterator[tuple[Action, State]]:
        owned = state.redis.lease == worker.token
        if owned and state.redis.lease_left < LEASE_S:
            yield Action("renew", i), self._write(state, state.redis._replace(lease_left=LEASE_S))
        if state.budget.outages and worker.step not in ("write", "sleep", "send"):
            stopped = Worker() if worker.step == "release" else Worker("release", worker.token)
            yield Action("step", i, "away"), _spend(_put(state, i, stopped), "outages")
        if worker.step == "write":
            yield from self._platform(state, i, worker)
        elif worker.step in _WITHOUT_REDIS:
            yield from self._inside(state, i, worker)
        elif not owned and self.rules.fenced:
            yield Action("step", i), _put(state, i, Worker())
        elif worker.step == "head":
            yield Action("step", i), self._head(state, i, worker)
        else:
            yield Action("step", i), self._command(state, i, worker, times=1)
            if state.budget.repeats:
                twice = self._command(state, i, worker, times=2)
                yield Action("step", i, "twice"), _spend(twice, "repeats")

    def _inside(self, state: State, i: int, worker: Worker) -> Iterator[tuple[Action, State]]:
        step = Action("step", i)
        if worker.step == "sleep":
            if not worker.left:
                yield step, _put(state, i, worker._replace(step="head"))
        elif worker.step == "record":
            missing = [piece for piece in self._pieces(worker.reply) if piece not in state.shown]
            fault = f"recorded as sent, and never arrived: {missing}" if missing and not worker.dead else state.fault
            known = state._replace(concluded=state.concluded | set(worker.reply), fault=fault)
            yield step, _put(known, i, worker._replace(step="finish", dead=False))
        elif worker.left or not self.rules.deadline_before_mark:
            yield step, _put(state, i, worker._replace(step="write", left=0))
        else:  # the deadline has passed: nothing is written
            yield step, _put(state, i, worker._replace(step="later", left=0))

    def _platform(self, state: State, i: int, worker: Worker) -> Iterator[tuple[Action, State]]:
        """The write to the socket and what comes back."""
        pieces = [(message, worker.part) for message in worker.reply]
        fresh = [piece for piece in pieces if not (self.scenario.checks_duplicates and piece in state.shown)]
        arrived = state._replace(shown=(*state.shown, *fresh))
        yield Action("write", i, "taken"), _put(arrived, i, worker._replace(step="sent"))
        if state.budget.lost_answers:
            for how, new in (("arrived", arrived), ("vanished", state)):
                unsure = new._replace(unknown=(*state.unknown, *pieces))
                yield Action("write", i, how), _spend(_put(unsure, i, worker._replace(step="later")), "lost_answers")
        if state.budget.busy:
            yield Action("write", i, "busy"), _spend(_put(state, i, worker._replace(step="later")), "busy")
        if state.budget.refusals:
            dead = worker._replace(step="record", dead=True)
            yield Action("write", i, "refused"), _spend(_put(state, i, dead), "refusals")

    def _head(self, state: State, i: int, worker: Worker) -> State:
        redis = state.redis
        if not redis.outbox:
            return _put(state, i, Worker("begin", worker.token))
        reply = redis.outbox[0]
        seen = Worker("mark", worker.token, reply=reply, part=redis.part, left=SEND_S)
        if redis.part >= self.scenario.parts:
            return _put(state, i, seen._replace(step="record", left=0))
        if redis.sending and redis.until and self.rules.owner_waits_for_mark:
            return _put(state, i, Worker("release", worker.token))
        if redis.sending and not redis.until:
            state = state._replace(unknown=(*state.unknown, *((message, redis.part) for message in reply)))
        elif redis.not_before and not redis.sending:
            return _put(state, i, Worker("release", worker.token))
        return _put(state, i, seen if self.rules.marked_before_sent else seen._replace(step="send"))

    def _begun(self, redis: Redis, token: int) -> Worker:
        """A worker that was told the next turn; there may be none."""
        turn = redis.queue[: BATCH if self.scenario.merges else 1]
        return Worker("commit", token, turn=turn, left=SEND_S) if turn else Worker("release", token)

    def _command(self, state: State, i: int, worker: Worker, *, times: int) -> State:
        """A fenced write, which Redis may have carried out ``times`` when only the last answer came back."""
        redis, owned = state.redis, True
        marked = worker.step not in ("mark", "commit")
        for _ in range(times):
            owned = redis.lease == worker.token or not self.rules.fenced
            if owned:
                redis, done = self._effect(redis, worker)
                marked = marked or done
        fault = state.fault if worker.token >= state.writer else "an owner of before wrote"
        new = self._write(state, redis)._replace(fault=fault, writer=max(state.writer, worker.token))
        if not owned:
            return _put(new, i, Worker())
        after = self._after(redis, worker, marked=marked)
        return self._head(new, i, after) if after.step == "head" else _put(new, i, after)

    def _effect(self, redis: Redis, worker: Worker) -> tuple[Redis, bool]:
        told_once, by_name = self.rules.told_once, self.rules.committed_by_name
        match worker.step:
            case "mark" if redis.lease_left < MARK_S:
                return redis, False
            case "mark":
                return redis._replace(sending=True, until=MARK_S), True
            case "renew":
                redis = redis._replace(lease_left=LEASE_S)
            case "sent" if not told_once or redis.part == worker.part:
                redis = redis._replace(part=redis.part + 1, sending=False, until=0, not_before=0)
            case "later":
                redis = redis._replace(sending=False, not_before=SLEEP_S)
            case "finish":
                if not told_once or redis.outbox[:1] == (worker.reply,):
                    redis = redis._replace(outbox=redis.outbox[1:], part=0, sending=False, until=0, not_before=0)
                if not redis.outbox and not redis.queue:
                    redis = redis._replace(lease=0, lease_left=0, due=False)
            case "commit":
                if not by_name:
                    redis = redis._replace(queue=redis.queue[len(worker.turn) :], outbox=(*redis.outbox, worker.turn))
                elif set(worker.turn) & set(redis.queue):
                    queue = tuple(message for message in redis.queue if message not in worker.turn)
                    redis = redis._replace(queue=queue, outbox=(*redis.outbox, worker.turn))
                return self._mark_committed(redis, worker)
            case "release":
                redis = redis._replace(lease=0, lease_left=0, due=bool(redis.queue or redis.outbox))
        return redis, True

    def _mark_committed(self, redis: Redis, worker: Worker) -> tuple[Redis, bool]:
        """The part that a commit makes the next is marked with it, if the lease lasts for as long."""
        next_one = self.rules.marked_before_sent and redis.outbox[:1] == (worker.turn,)
        untouched = not (redis.part or redis.sending or redis.not_before)
        if next_one and untouched and redis.lease_left >= MARK_S:
            redis = redis._replace(sending=True, until=MARK_S)
        return redis, next_one and redis.sending

    def _after(self, redis: Redis, worker: Worker, *, marked: bool) -> Worker:
        """What follows a command that Redis carried out."""
        match worker.step:
            case "mark" if marked:
                after = worker._replace(step="send", renewed=False)
            case "mark" if worker.renewed and not self.rules.marked_for_sure:
                after = worker._replace(step="write", left=0, renewed=False)
            case "mark":
                after = worker._replace(step="renew", renewed=not self.rules.marked_for_sure)
            case "renew":
                after = worker._replace(step="mark", left=SEND_S)
            case "later":
                after = worker._replace(step="sleep", left=SLEEP_S)
            case "begin":
                after = self._begun(redis, worker.token)
            case "commit" if marked:
                after = worker._replace(step="send", turn=(), reply=worker.turn)
            case "finish" if not redis.outbox:
                after = self._begun(redis, worker.token) if redis.queue else Worker()
            case "release":
                after = Worker()
            case _:
                after = Worker("head", worker.token)
        return after

    # ---- Redis

    def _write(self, state: State, redis: Redis) -> State:
        behind = (*state.behind, state.redis)[-self.scenario.lag :] if self.scenario.lag else ()
        return state._replace(redis=redis, behind=behind)

    def _fail_over(self, state: State, redis: Redis) -> State:
        """A replica that is behind becomes the master. Who waits for it on the old connection hears an error."""
        kept = tuple(web for web in state.web if web.step != "wait" or not self.rules.waits_with_the_store)
        return _spend(state._replace(redis=redis, behind=(), web=kept), "failovers")

    def _pieces(self, reply: Reply) -> list[Piece]:
        return [(message, part) for message in reply for part in range(self.scenario.parts)]


_WITHOUT_REDIS = frozenset({"sleep", "record", "send"})


def _put(state: State, i: int, worker: Worker) -> State:
    return state._replace(workers=(*state.workers[:i], worker, *state.workers[i + 1 :]))


def _spend(state: State, name: str) -> State:
    budget = state.budget
    return state._replace(budget=budget._replace(**{name: getattr(budget, name) - 1}))


def _pass_time(state: State) -> State:
    workers = tuple(worker._replace(left=max(0, worker.left - TICK_S)) for worker in state.workers)
    behind = tuple(_age(redis) for redis in state.behind)
    return state._replace(redis=_age(state.redis), behind=behind, workers=workers)


def _age(redis: Redis) -> Redis:
    left = max(0, redis.lease_left - TICK_S)
    return redis._replace(
        lease=redis.lease if left else 0,
        lease_left=left,
        until=max(0, redis.until - TICK_S),
        not_before=max(0, redis.not_before - TICK_S),
    )
