"""The lease on a conversation: one worker at a time, with a fencing token that every write checks.

A lease is a Redis key with an expiry. Its value is the token: max(last + 1, Redis TIME in microseconds), so that a
failover that forgets the last token reissues none. A worker that was frozen past its lease finds another token there
and is refused (:class:`~bot.errors.LeaseLost`). Fencing cannot reach into the platform: see the outbox for what is
done about a send that was under way.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import redis
import structlog

from bot import keys, telemetry
from bot import lease_scripts as scripts
from bot.dead_letters import KEPT_S
from bot.errors import LeaseLost
from bot.messages import ConversationId
from bot.redis_client import redis_answers

log = structlog.get_logger()

LEASE_S = 20.0
RENEW_EVERY_S = 5.0
RENEWED_FOR_S = 1800.0
"""Then whoever works the conversation hangs: its messages have long been too old to be useful. The lease runs out, and
another worker goes on."""
BATCH = 5
"""At most this many queued messages are looked at for one turn."""
PARKED_KEPT = 100
PARKED_KEPT_S = KEPT_S
"""As long as the dead letter that says so."""

HEARD_KEPT = 4
"""Messages before the one that is screened: with it they are what is read together."""
HEARD_KEPT_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class Begun:
    """The first encoded messages of the queue, left in place, and the how-manieth try at them is counted now: 0 where
    there are none. ``heard`` is what was remembered of the messages before them (:meth:`Lease.commit`)."""

    tries: int
    messages: tuple[bytes, ...]
    heard: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, answer: Sequence[Any]) -> "Begun":
        """What the function ``begin`` of :data:`.lease_scripts.LUA_BEGIN` answered."""
        if not answer:
            return cls(0, ())
        tries, heard, *messages = answer
        return cls(int(tries), tuple(messages), tuple(heard))


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit found: how many ``messages`` were still there, and then the ``head`` of the outbox (``None``: it is
    empty) with its ``progress`` as pairs and Redis' time ``now``; ``marked`` when the reply is that head and its first
    part is marked as being sent."""

    messages: int
    marked: bool
    head: bytes | None
    progress: Sequence[bytes]
    now: float


@dataclass(eq=False)
class Lease:
    """Ownership of one conversation. Made by :meth:`Leases.acquire`; methods raise ``LeaseLost`` when it is gone.

    ``taken_over`` tells that the owner before never gave it up: it died, or was frozen for longer than its lease.
    ``begun`` is the turn that was begun with it; ``None`` when the outbox must be looked at first.
    """

    conversation: ConversationId
    token: bytes
    redis: "redis.Redis"
    taken_over: bool = False
    begun: Begun | None = None
    since: float = field(default_factory=time.monotonic)

    def run(self, script: str, names: Sequence[str], *values: str | bytes | float) -> Any:
        """Run a script that begins with :data:`.lease_scripts.LUA_OWNED`: its first key is the lease, its first value
        the token.

        Raises :class:`~bot.errors.LeaseLost` when another worker owns the conversation, and
        :class:`~bot.errors.Unavailable` when Redis does not answer.
        """
        return self._done(self._command(script, names, *values))

    def renewal(self) -> list[Any]:
        """What :meth:`renew` has Redis evaluate."""
        return self._command(
            scripts.RENEW, [keys.due(self.conversation.tag)], self.conversation.key, int(LEASE_S * 1000)
        )

    def renew(self) -> None:
        """Own the conversation for another :data:`LEASE_S` seconds."""
        self._done(self.renewal())

    def begin(self) -> Begun:
        """Count a try at the head of the queue, before it is made, and say what stands there."""
        names = [keys.queue(self.conversation), keys.tries(self.conversation), keys.fault(self.conversation)]
        return Begun.of(self.run(scripts.BEGIN, [*names, keys.heard(self.conversation)], BATCH))

    def forgive(self) -> None:
        """Take the last :meth:`begin` back: the try failed through no fault of the message."""
        self.run(scripts.FORGIVE, [keys.tries(self.conversation)])

    def note_fault(self, fault: str) -> None:
        """Keep why the try that :meth:`begin` counted failed, for whoever gives the message up."""
        self.run(scripts.FAULT, [keys.fault(self.conversation)], fault)

    def last_fault(self) -> str:
        """Why the last try failed; empty when none did, or when it ended with its worker."""
        with redis_answers():
            fault: Any = self.redis.get(keys.fault(self.conversation))
        return (fault or b"").decode(errors="replace")

    def peek(self, most: int = BATCH) -> list[bytes]:
        """The first encoded messages of the queue, at most ``most``, left in place."""
        with redis_answers():
            head: list[Any] = self.redis.lrange(keys.queue(self.conversation), 0, most - 1)
        return head

    def commit(
        self, taken: Sequence[bytes], reply: bytes, mark_s: float = 0.0, heard: Sequence[bytes] = ()
    ) -> Committed:
        """In one step remove the messages ``taken`` from the queue and put their encoded reply in the outbox.

        From here on the messages are answered by what the outbox holds, whoever sends it. An empty ``reply`` adds none.
        The inbox takes a message back that turns out to be over a limit, after it could be seen here: with none left
        nothing is said, for their sender has heard that they were not taken. With ``mark_s`` above 0 the reply's first
        part is marked for so many seconds, as the outbox does, if it is the next to be sent and the lease lasts for as
        long. What was ``heard`` is remembered for a day, for the next turn (:class:`Begun`). A repeated commit changes
        nothing. The bot's count of waiting messages follows.
        """
        conversation = self.conversation
        names = [keys.lease(conversation), keys.queue(conversation), keys.tries(conversation)]
        names += [keys.outbox(conversation), keys.progress(conversation), keys.heard(conversation)]
        remembered = [len(heard), HEARD_KEPT, HEARD_KEPT_S, *heard]
        pipe: Any = self.redis.pipeline(transaction=False)
        pipe.eval(scripts.COMMIT, len(names), *names, self.token, reply, mark_s, *remembered, *taken)
        pipe.decrby(keys.waiting(conversation.bot), len(taken))
        with redis_answers():
            answer, _ = pipe.execute()
            messages = 0 if answer == -1 else int(answer[0])
            if messages < len(taken):
                self.redis.incrby(keys.waiting(conversation.bot), len(taken) - messages)
        if answer == -1:
            raise self._lost()
        _, marked, head, progress, now = answer
        return Committed(messages, bool(marked), head, progress, float(now))

    def park(self, raw: bytes) -> None:
        """Move the undecodable head ``raw`` of the queue aside, byte for byte."""
        self._set_aside(keys.queue(self.conversation), keys.tries(self.conversation), raw)

    def park_reply(self, raw: bytes) -> None:
        """Move the head ``raw`` of the outbox aside, byte for byte."""
        self._set_aside(keys.outbox(self.conversation), keys.progress(self.conversation), raw)

    def _set_aside(self, head_of: str, beside_it: str, raw: bytes) -> None:
        """Move ``raw``, if it still is the ``head_of`` a list; with it goes what was noted ``beside_it``."""
        self.run(scripts.PARK, [head_of, beside_it, keys.parked(self.conversation)], raw, PARKED_KEPT, PARKED_KEPT_S)

    def ending(self, look_again_s: float = 0.0) -> list[Any]:
        """What :meth:`release` has Redis evaluate."""
        conversation = self.conversation
        names = [keys.queue(conversation), keys.outbox(conversation), keys.due(conversation.tag)]
        names.append(keys.held(conversation))
        return self._command(scripts.RELEASE, names, conversation.key, look_again_s, RENEW_EVERY_S)

    def release(self, look_again_s: float = 0.0) -> bool:
        """Give the conversation up. True when work is left that a worker should be woken for at once.

        ``look_again_s`` above 0 says when the work that is left becomes due; nobody is woken before.
        """
        return bool(self._done(self.ending(look_again_s)))

    def _command(self, script: str, names: Sequence[str], *values: str | bytes | float) -> list[Any]:
        keys_ = [keys.lease(self.conversation), *names]
        return [script, len(keys_), *keys_, self.token, *values]

    def _done(self, command: list[Any]) -> Any:
        with redis_answers():
            result = self.redis.eval(*command)
        if result == -1:
            raise self._lost()
        return result

    def _lost(self) -> LeaseLost:
        return LeaseLost(f"the lease on {self.conversation.key} went to another worker")


class Leases:
    """Acquires leases and keeps those in use alive from one thread a process: renews them every ``renew_every_s``
    seconds, each for ``renewed_for_s`` at most."""

    def __init__(
        self, client: "redis.Redis", *, renew_every_s: float = RENEW_EVERY_S, renewed_for_s: float = RENEWED_FOR_S
    ) -> None:
        self._redis = client
        self._renew_every_s = renew_every_s
        self._renewed_for_s = renewed_for_s
        self._held: set[Lease] = set()
        self._lock = threading.Lock()
        self._keeper: threading.Thread | None = None
        self._closed = threading.Event()

    def acquire(self, conversation: ConversationId, *, begin: bool = False) -> Lease | None:
        """The lease, or ``None`` while another worker has it; with ``begin`` the next turn is begun with it, unless a
        reply waits to be sent first. Raises :class:`~bot.errors.Unavailable`."""
        names = [
            keys.lease(conversation),
            keys.fence(conversation),
            keys.due(conversation.tag),
            keys.held(conversation),
            keys.outbox(conversation),
            keys.queue(conversation),
            keys.tries(conversation),
            keys.fault(conversation),
            keys.heard(conversation),
        ]
        values: list[str | int] = [conversation.key, int(LEASE_S * 1000), BATCH if begin else 0]
        with redis_answers():
            found: Any = self._redis.eval(scripts.ACQUIRE, len(names), *names, *values)
        if found == 0:
            return None
        token, held, *begun = found
        turn = Begun.of(begun[0]) if begun else None
        lease = Lease(conversation, token, self._redis, taken_over=bool(held), begun=turn)
        with self._lock:
            self._held.add(lease)
            if self._keeper is None:
                keeper = threading.Thread(target=self._keep, name="lease-keeper", daemon=True)
                keeper.start()
                self._keeper = keeper
        return lease

    def forget(self, lease: Lease) -> None:
        """Stop renewing ``lease``; call it once the lease is released or lost."""
        with self._lock:
            self._held.discard(lease)

    def hand_back(self) -> int:
        """Release every lease in use, so that another worker need not wait until it runs out. Returns how many.

        For a process that ends at once: whoever still works one of these conversations is refused the next write.
        """
        handed = 0
        for _, result in self._together(Lease.ending, "lease_not_handed_back"):
            handed += result != -1  # else it was lost before
        return handed

    def close(self) -> None:
        """Stop the renewing thread."""
        self._closed.set()

    def _keep(self) -> None:
        while not self._closed.wait(self._renew_every_s):
            try:
                self._give_up_hanging()
                for lease, result in self._together(Lease.renewal, "lease_not_renewed"):
                    if result == -1:  # given up meanwhile, or lost: then whoever works it is refused at the next write
                        self.forget(lease)
            except Exception:  # without this thread every conversation would have two owners after a while
                log.exception("leases_not_renewed")
                telemetry.count("degraded", what="leases_not_renewed")

    def _give_up_hanging(self) -> None:
        """Leave those to run out that were renewed for too long."""
        now = time.monotonic()
        for lease in self._in_use():
            if now - lease.since > self._renewed_for_s:
                self.forget(lease)
                telemetry.count("degraded", what="turn_hangs")
                log.error("turn_hangs", conversation=lease.conversation.key, since_s=round(now - lease.since))

    def _in_use(self) -> list[Lease]:
        with self._lock:
            return list(self._held)

    def _together(self, command: Callable[[Lease], list[Any]], failure: str) -> list[tuple[Lease, Any]]:
        """Have Redis evaluate the ``command`` of each lease in use, and say what it answered; each ``failure`` is
        logged. In one trip: one after the other, hundreds would take a busy worker longer than a lease lasts."""
        leases = self._in_use()
        pipe: Any = self._redis.pipeline(transaction=False)
        for lease in leases:
            pipe.eval(*command(lease))
        try:
            results = pipe.execute(raise_on_error=False)
        except redis.RedisError as error:
            results = [error] * len(leases)
        answered = []
        for lease, result in zip(leases, results, strict=True):
            if isinstance(result, Exception):
                log.error(failure, conversation=lease.conversation.key, error=type(result).__name__)
            else:
                answered.append((lease, result))
        return answered
