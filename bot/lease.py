"""The lease on a conversation: one worker at a time, with a fencing token that every write checks.

A lease is a Redis key with an expiry. Its value is the token: max(last + 1, Redis TIME in microseconds), so that a
failover that forgets the last token reissues none. A worker that was frozen past its lease finds another token there
and is refused (:class:`~bot.errors.LeaseLost`). Fencing cannot reach into the platform: see the outbox for what is
done about a send that was under way.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis
import structlog

from bot import keys
from bot.dead_letters import KEPT_S
from bot.errors import LeaseLost, Unavailable
from bot.messages import ConversationId
from bot.redis_client import redis_answers

log = structlog.get_logger()

LEASE_S = 20.0
RENEW_EVERY_S = 5.0
BATCH = 5
"""At most this many queued messages are looked at for one turn."""
PARKED_KEPT = 100
PARKED_KEPT_S = KEPT_S
"""As long as the dead letter that says so."""

LUA_NOW = """
local function now() local t = redis.call('TIME'); return t[1] + t[2] / 1000000 end
"""
LUA_OWNED = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end\n"
HEARD_KEPT = 4
"""Messages before the one that is screened: with it they are what is read together."""
HEARD_KEPT_S = 24 * 3600
LUA_BEGIN = """
local function begin(queue, tries, fault, heard, most)
  local head = redis.call('LRANGE', queue, 0, most - 1)
  if #head == 0 then return head end
  local try = redis.call('INCR', tries)
  if try == 1 then redis.call('DEL', fault) end
  table.insert(head, 1, redis.call('LRANGE', heard, 0, -1))
  table.insert(head, 1, try)
  return head
end
"""
"""A try is counted before it is made, so that a crash counts too."""

_ACQUIRE = (
    LUA_NOW
    + LUA_BEGIN
    + """
local left = redis.call('PTTL', KEYS[1])
if left > tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end  -- the clock was set back
if left ~= -2 then return 0 end
local t = redis.call('TIME')
local token = math.max((tonumber(redis.call('GET', KEYS[2])) or 0) + 1, t[1] * 1000000 + t[2])
token = string.format('%.0f', token)
redis.call('SET', KEYS[2], token, 'EX', 86400)
redis.call('SET', KEYS[1], token, 'PX', ARGV[2])
redis.call('ZADD', KEYS[3], now() + ARGV[2] / 1000, ARGV[1])
local held = redis.call('EXISTS', KEYS[4])
redis.call('SET', KEYS[4], '1', 'EX', 86400)
if ARGV[3] == '0' or redis.call('EXISTS', KEYS[5]) == 1 then return {token, held} end
return {token, held, begin(KEYS[6], KEYS[7], KEYS[8], KEYS[9], ARGV[3])}
"""
)
_RENEW = (
    LUA_NOW
    + LUA_OWNED
    + """
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('ZADD', KEYS[2], now() + ARGV[3] / 1000, ARGV[2])
return 1
"""
)
_BEGIN = LUA_OWNED + LUA_BEGIN + "return begin(KEYS[2], KEYS[3], KEYS[4], KEYS[5], ARGV[2])"
_FORGIVE = LUA_OWNED + "return redis.call('DECR', KEYS[2])"
_FAULT = LUA_OWNED + "redis.call('SET', KEYS[2], ARGV[2], 'EX', 86400); return 1"
_COMMIT = (
    LUA_NOW
    + LUA_OWNED
    + """
local taken = 0
local first = 7 + ARGV[4]
for i = first, #ARGV do taken = taken + redis.call('LREM', KEYS[2], 1, ARGV[i]) end
redis.call('DEL', KEYS[3])
if taken > 0 and first > 7 then
  redis.call('RPUSH', KEYS[6], unpack(ARGV, 7, first - 1))
  redis.call('LTRIM', KEYS[6], -ARGV[5], -1)
  redis.call('EXPIRE', KEYS[6], ARGV[6])
end
if taken > 0 and ARGV[2] ~= '' then redis.call('RPUSH', KEYS[4], ARGV[2]) end
local head, marked, mark_s = redis.call('LINDEX', KEYS[4], 0), 0, tonumber(ARGV[3])
if head == ARGV[2] and mark_s > 0 then
  local state, by, part, from = unpack(redis.call('HMGET', KEYS[5], 'state', 'by', 'part', 'not_before'))
  local ready = state ~= 'sending' and not part and (tonumber(from) or 0) <= now()
  if ready and redis.call('PTTL', KEYS[1]) >= mark_s * 1000 then
    redis.call('HSET', KEYS[5], 'state', 'sending', 'until', tostring(now() + mark_s), 'by', ARGV[1])
    redis.call('HINCRBY', KEYS[5], 'tries', 1)
    marked = 1
  elseif state == 'sending' and by == ARGV[1] then
    marked = 1  -- said before: the client repeats a command that got no answer
  end
end
return {taken, marked, head, redis.call('HGETALL', KEYS[5]), tostring(now())}
"""
)
_PARK = (
    LUA_OWNED
    + """
local raw = redis.call('LPOP', KEYS[2])
redis.call('DEL', KEYS[4])
if raw then
  redis.call('RPUSH', KEYS[3], raw)
  redis.call('LTRIM', KEYS[3], -tonumber(ARGV[2]), -1)
  redis.call('EXPIRE', KEYS[3], ARGV[3])
end
return 1
"""
)
_RELEASE = (
    LUA_NOW
    + LUA_OWNED
    + """
redis.call('DEL', KEYS[1], KEYS[5])
if redis.call('EXISTS', KEYS[2], KEYS[3]) == 0 then redis.call('ZREM', KEYS[4], ARGV[2]); return 0 end
local at = tonumber(ARGV[3])
if at > 0 then redis.call('ZADD', KEYS[4], now() + at, ARGV[2]); return 0 end
redis.call('ZADD', KEYS[4], now() + ARGV[4], ARGV[2])
return 1
"""
)


@dataclass(frozen=True, slots=True)
class Begun:
    """The first encoded messages of the queue, left in place, and the how-manieth try at them is counted now: 0 where
    there are none. ``heard`` is what was remembered of the messages before them (:meth:`Lease.commit`)."""

    tries: int
    messages: tuple[bytes, ...]
    heard: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, answer: Sequence[Any]) -> "Begun":
        """What the function ``begin`` of :data:`LUA_BEGIN` answered."""
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

    def run(self, script: str, names: Sequence[str], *values: str | bytes | float) -> Any:
        """Run a script that begins with :data:`LUA_OWNED`: the lease is its first key and the token its first value.

        Raises :class:`~bot.errors.LeaseLost` when another worker owns the conversation, and
        :class:`~bot.errors.Unavailable` when Redis does not answer.
        """
        keys_ = [keys.lease(self.conversation), *names]
        with redis_answers():
            result = self.redis.eval(script, len(keys_), *keys_, self.token, *values)
        if result == -1:
            raise self._lost()
        return result

    def renew(self) -> None:
        """Own the conversation for another :data:`LEASE_S` seconds."""
        due = keys.due(self.conversation.tag)
        self.run(_RENEW, [due], self.conversation.key, int(LEASE_S * 1000))

    def begin(self) -> Begun:
        """Count a try at the head of the queue, before it is made, and say what stands there."""
        names = [keys.queue(self.conversation), keys.tries(self.conversation), keys.fault(self.conversation)]
        return Begun.of(self.run(_BEGIN, [*names, keys.heard(self.conversation)], BATCH))

    def forgive(self) -> None:
        """Take the last :meth:`begin` back: the try failed through no fault of the message."""
        self.run(_FORGIVE, [keys.tries(self.conversation)])

    def note_fault(self, fault: str) -> None:
        """Keep why the try that :meth:`begin` counted failed, for whoever gives the message up."""
        self.run(_FAULT, [keys.fault(self.conversation)], fault)

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
        pipe.eval(_COMMIT, len(names), *names, self.token, reply, mark_s, *remembered, *taken)
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

    def park(self) -> None:
        """Move an undecodable head of the queue aside, byte for byte."""
        names = [keys.queue(self.conversation), keys.parked(self.conversation), keys.tries(self.conversation)]
        self.run(_PARK, names, PARKED_KEPT, PARKED_KEPT_S)

    def release(self, look_again_s: float = 0.0) -> bool:
        """Give the conversation up. True when work is left that a worker should be woken for at once.

        ``look_again_s`` above 0 says when the work that is left becomes due; nobody is woken before.
        """
        conversation = self.conversation
        names = [
            keys.queue(conversation),
            keys.outbox(conversation),
            keys.due(conversation.tag),
            keys.held(conversation),
        ]
        return bool(self.run(_RELEASE, names, conversation.key, look_again_s, RENEW_EVERY_S))

    def _lost(self) -> LeaseLost:
        return LeaseLost(f"the lease on {self.conversation.key} went to another worker")


class Leases:
    """Acquires leases and keeps those in use alive from one thread a process."""

    def __init__(self, client: "redis.Redis") -> None:
        self._redis = client
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
            found: Any = self._redis.eval(_ACQUIRE, len(names), *names, *values)
        if found == 0:
            return None
        token, held, *begun = found
        turn = Begun.of(begun[0]) if begun else None
        lease = Lease(conversation, token, self._redis, taken_over=bool(held), begun=turn)
        with self._lock:
            self._held.add(lease)
            if self._keeper is None:
                self._keeper = threading.Thread(target=self._keep, name="lease-keeper", daemon=True)
                self._keeper.start()
        return lease

    def forget(self, lease: Lease) -> None:
        """Stop renewing ``lease``; call it once the lease is released or lost."""
        with self._lock:
            self._held.discard(lease)

    def hand_back(self) -> int:
        """Release every lease in use, so that another worker need not wait until it runs out. Returns how many.

        For a process that ends at once: whoever still works one of these conversations is refused the next write.
        """
        with self._lock:
            held = list(self._held)
        handed = 0
        for lease in held:
            try:
                lease.release()
                handed += 1
            except (LeaseLost, Unavailable) as error:  # it runs out by itself
                log.warning("lease_not_handed_back", conversation=lease.conversation.key, error=str(error))
        return handed

    def close(self) -> None:
        """Stop the renewing thread."""
        self._closed.set()

    def _keep(self) -> None:
        while not self._closed.wait(RENEW_EVERY_S):
            with self._lock:
                held = list(self._held)
            if held:
                self._renew(held)

    def _renew(self, held: Sequence[Lease]) -> None:
        """Renew all in one trip: one after the other, hundreds would take a busy worker longer than a lease lasts."""
        pipe: Any = self._redis.pipeline(transaction=False)
        for lease in held:
            conversation = lease.conversation
            names = [keys.lease(conversation), keys.due(conversation.tag)]
            pipe.eval(_RENEW, len(names), *names, lease.token, conversation.key, int(LEASE_S * 1000))
        try:
            results = pipe.execute(raise_on_error=False)
        except redis.RedisError as error:
            log.error("leases_not_renewed", leases=len(held), error=type(error).__name__)
            return
        for lease, result in zip(held, results, strict=True):
            if isinstance(result, Exception):
                log.error("lease_not_renewed", conversation=lease.conversation.key, error=type(result).__name__)
            elif result == -1:  # given up meanwhile, or lost: then whoever works it is refused at the next write
                self.forget(lease)
