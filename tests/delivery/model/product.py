"""The product's own delivery path over a real Redis, moved one command at a time and seen as the model sees itself.

Every worker and every callback is a thread that stops before each command to Redis, so only one thing happens at once
and a crash can be anywhere. Time is what Redis' deadlines say: passing it moves them nearer, and the time that the test
itself takes is given back.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import redis

from bot import inbox, keys
from bot.channel import Receipt, Refused, Retry, Unknown
from bot.conversation import ConversationWorker, TurnOutcome
from bot.errors import Unavailable
from bot.inbox import Inbox, InboxLimits
from bot.lease import Lease, Leases
from bot.messages import ConversationId, InboundMessage
from bot.outbox import Outbox
from bot.parts import Part, Text
from bot.replies import Delivery, OutboxReply
from tests.delivery.conftest import DOCTOR, RecordingChannel, make_message, words_of
from tests.delivery.model.states import TICK_S, Action, Scenario, State
from tests.delivery.model.stepped import Actor, SteppedRedis

_ROUNDING_MS = 500
"""Less is left of a lease only because the test's own time is not given back to the millisecond."""


class KnownLeases(Leases):
    """Notes the lease it gave; renewing is one of the model's actions and not a thread's."""

    def __init__(self, client: SteppedRedis) -> None:
        super().__init__(client)
        self._actor = client.actor
        self.close()

    def acquire(self, conversation: ConversationId, *, begin: bool = False) -> Lease | None:
        self._actor.lease = super().acquire(conversation, begin=begin)
        return self._actor.lease


class Edge(RecordingChannel):
    """The platform: takes a part, or not, as the model says; drops what it had before where it checks."""

    def __init__(self, actor: Actor, product: "Product") -> None:
        super().__init__()
        self._actor, self._product = actor, product

    def send(self, conversation: ConversationId, part: Part, key: str, deadline: float) -> Receipt:
        product = self._product
        if product.now >= deadline:
            raise Retry(0.5, "timeout")
        how = self._actor.stop_before("write")
        index = int(key.rpartition(":")[2])
        if how in ("taken", "arrived"):
            for piece in ((int(number), index) for number in words_of(part).split()):
                if not (product.scenario.checks_duplicates and piece in product.shown):
                    product.shown.append(piece)
        match how:
            case "busy":
                raise Retry(0.5, "-1")
            case "refused":
                raise Refused("60111")
            case "arrived" | "vanished":
                raise Unknown("timeout")
        return Receipt()


@dataclass
class Numbers:
    """Answers a turn with the numbers of its messages, in as many parts as the scenario has."""

    scenario: Scenario

    def mergeable(self, message: InboundMessage) -> bool:
        return self.scenario.merges

    def merged_notice(self, message: InboundMessage) -> str:
        raise AssertionError("there are no bubbles here")

    def run(self, messages: Any, show: Callable[[str], None], heard: Any) -> TurnOutcome:
        text = " ".join(message.message_id for message in messages)
        parts = (Text(text),) * self.scenario.parts
        return TurnOutcome(reply=OutboxReply(key=f"turn-{messages[0].message_id}", parts=parts, created_at=0.0))

    def apologise(self, messages: Any, reason: str, heard: Any) -> TurnOutcome:
        return self.run(messages, lambda _: None, heard)


@dataclass(frozen=True)
class Snapshot:
    """What a replica holds: every key as Redis dumps it, with its life in ms, and when that was."""

    keys: dict[bytes, tuple[bytes, int]]
    now: float


class Product:
    """Redis, workers and web of one scenario; :meth:`do` makes a step, :meth:`view` says how things stand."""

    def __init__(self, client: redis.Redis, scenario: Scenario) -> None:
        self.client, self.scenario, self.now = client, scenario, 0.0
        self.workers: list[Actor | None] = [None] * scenario.workers
        self.web: list[tuple[int, Actor]] = []
        self.shown: list[tuple[int, int]] = []
        self.unknown = 0
        self.concluded: set[int] = set()
        self.acknowledged: set[int] = set()
        self._behind: list[Snapshot] = []
        self._redis_s = self._time()

    def close(self) -> None:
        for actor in [*self.workers, *(actor for _, actor in self.web)]:
            if actor is not None and actor.is_alive():
                actor.go_on("crash")

    def do(self, action: Action, *, writes: bool) -> None:
        """Make the step ``action``, which a replica that is behind will miss if it ``writes``."""
        self._shift(self._time() - self._redis_s)
        self.client.hdel(keys.progress(DOCTOR), "tries")  # the model waits for as long whatever the number of the try
        before = self._dump() if self.scenario.lag else None
        self._do(action)
        if before is not None and writes:
            self._behind = [*self._behind, before][-self.scenario.lag :]
        self._shift(self._time() - self._redis_s)

    def _do(self, action: Action) -> None:
        i, how = action.who, action.how
        match action.kind:
            case "deliver":
                self._deliver(i, over=how == "over")
            case "web":
                _, actor = self.web[i]
                actor.go_on(how)
                self.web = [one for one in self.web if one[1].step != "idle"]
            case "drain":
                self.workers[i] = self._drain()
            case "renew":
                worker = self.workers[i]
                assert worker is not None
                assert worker.lease is not None
                worker.lease.renew()
            case "tick":
                self.now += TICK_S
                self._shift(-TICK_S)
            case "failover":
                self._restore(self._behind[i])
            case kind:
                worker = self.workers[i]
                assert worker is not None
                worker.go_on("crash" if kind == "crash" else how)

    # ---- actors

    def _client(self, actor: Actor) -> SteppedRedis:
        client = SteppedRedis(connection_pool=self.client.connection_pool)
        client.actor = actor
        return client

    def _deliver(self, number: int, *, over: bool) -> None:
        def call_back(actor: Actor) -> None:
            stepped = self._client(actor)
            box = Inbox(stepped, InboxLimits(person_per_minute=999, conversation_waiting=99, bot_waiting=99), _ignore)
            actor.stop_before("store")
            bucket = keys.person_bucket(DOCTOR)
            self.client.delete(bucket)
            if over:
                self.client.hset(bucket, mapping={"tokens": 0, "at": self._time() + 9999})
            message = replace(make_message(str(number)), received_at=0.0)
            if box.accept(message) is not inbox.Acceptance.BUSY:
                actor.stop_before("respond")
                self.acknowledged.add(number)

        actor = Actor(call_back)
        actor.begin()
        self.web.append((number, actor))

    def _drain(self) -> Actor:
        def work(actor: Actor) -> None:
            client = self._client(actor)

            def conclude(_: ConversationId, delivery: Delivery) -> None:
                if actor.stop_before("record") == "away":
                    raise Unavailable("no answer")
                self.concluded |= {int(number) for number in words_of(delivery.reply.parts[0]).split()}

            sender = Outbox(
                client,
                wake=_ignore,
                concluded=conclude,
                count=self._count,
                useful_s=1e9,
                clock=lambda: self.now,
                sleep=lambda _: _ignore(actor.stop_before("sleep")),
            )
            worker = ConversationWorker(
                client,
                leases=KnownLeases(client),
                outbox=sender,
                channels={(DOCTOR.bot, DOCTOR.channel): Edge(actor, self)},
                answering=Numbers(self.scenario),
                wake=_ignore,
                count=self._count,
                useful_s=1e9,
                clock=lambda: 0.0,  # a drain that gives back what takes long is only a drain that ends
            )
            worker.drain(DOCTOR.key)

        actor = Actor(work)
        actor.begin()
        actor.go_on()
        return actor

    def _count(self, event: str, **_labels: str) -> None:
        self.unknown += event == "send_unknown"

    # ---- Redis

    def _time(self) -> float:
        seconds, micro = self.client.time()
        return seconds + micro / 1e6

    def _shift(self, seconds: float) -> None:
        """Move every deadline by ``seconds``; those of a lease that has ended by then are gone."""
        name, progress = keys.lease(DOCTOR), keys.progress(DOCTOR)
        left_ms = self.client.pttl(name) + round(seconds * 1000)
        if self.client.exists(name):
            self.client.pexpire(name, left_ms) if left_ms > _ROUNDING_MS else self.client.delete(name)
        for field in ("until", "not_before"):
            if (at := self.client.hget(progress, field)) is not None:
                self.client.hset(progress, field, float(at) + seconds)
        self._redis_s = self._time() if seconds > 0 else self._redis_s

    def _dump(self) -> Snapshot:
        found = {key: (self.client.dump(key), max(0, self.client.pttl(key))) for key in self.client.scan_iter()}
        return Snapshot(found, self.now)

    def _restore(self, snapshot: Snapshot) -> None:
        self.client.flushdb()
        for key, (value, life_ms) in snapshot.keys.items():
            self.client.restore(key, life_ms, value)
        self._behind = []
        self._shift(snapshot.now - self.now)

    # ---- what the model can be compared with

    def view(self) -> dict[str, Any]:
        client, progress = self.client, self.client.hgetall(keys.progress(DOCTOR))
        now, sending = self._time(), progress.get(b"state") == b"sending"
        token = client.get(keys.lease(DOCTOR))
        owner = [
            i
            for i, worker in enumerate(self.workers)
            if worker and worker.lease and worker.step != "idle" and worker.lease.token == token
        ]
        replies = [OutboxReply.decode(raw) for raw in client.lrange(keys.outbox(DOCTOR), 0, -1)]
        return {
            "queue": [int(InboundMessage.decode(raw).message_id) for raw in client.lrange(keys.queue(DOCTOR), 0, -1)],
            "seen": {n for n in range(1, self.scenario.messages + 1) if client.exists(keys.seen(DOCTOR, str(n)))},
            "outbox": [[int(number) for number in words_of(reply.parts[0]).split()] for reply in replies],
            "owner": owner if token else None,
            "lease_left": round(client.pttl(keys.lease(DOCTOR)) / 1000) if token else 0,
            "part": int(progress.get(b"part", 0)),
            "sending": sending,
            "until": max(0, round(float(progress[b"until"]) - now)) if sending else 0,
            "waiting": float(progress.get(b"not_before", 0)) > now,
            "due": client.zscore(keys.due(DOCTOR.tag), DOCTOR.key) is not None,
            "workers": [worker.step if worker else "idle" for worker in self.workers],
            "web": [(number, actor.step) for number, actor in self.web],
            "shown": self.shown,
            "unknown": self.unknown,
            "concluded": self.concluded,
            "acknowledged": self.acknowledged,
        }


def view_of(state: State, scenario: Scenario) -> dict[str, Any]:
    """The same of a state of the model."""
    redis_ = state.redis
    owner = [i for i, worker in enumerate(state.workers) if worker.token == redis_.lease]
    return {
        "queue": list(redis_.queue),
        "seen": set(redis_.seen),
        "outbox": [list(reply) for reply in redis_.outbox],
        "owner": owner if redis_.lease else None,
        "lease_left": redis_.lease_left,
        "part": redis_.part,
        "sending": redis_.sending,
        "until": redis_.until if redis_.sending else 0,
        "waiting": redis_.not_before > 0,
        "due": redis_.due,
        "workers": [worker.step for worker in state.workers],
        "web": [(web.message, web.step) for web in state.web],
        "shown": list(state.shown),
        "unknown": len(state.unknown),
        "concluded": set(state.concluded),
        "acknowledged": set(state.acknowledged),
    }


def _ignore(_: object) -> None:
    return None
