"""Telling an honest repeat from a resend, because the platform's duplicate check (page 90236) does not."""

import hashlib

import redis

DUPLICATE_INTERVAL_S = 600
"""``duplicate_check_interval`` of every message: the outbox resends within it."""
REPEAT_MEMORY_S = DUPLICATE_INTERVAL_S + 30
"""How long a body is remembered: the platform counts from its own receipt, up to one call's time after our mark."""

# KEYS: what was last sent with this body. ARGV: the part's key, memory in s. The value is a mode and the part's key.
_CLAIM = """
local last = redis.call('GET', KEYS[1])
local mode = 'checked'
if last then
  mode = 'unchecked'
  local space = string.find(last, ' ', 1, true)
  if string.sub(last, space + 1) == ARGV[1] then mode = string.sub(last, 1, space - 1) end
end
redis.call('SET', KEYS[1], mode .. ' ' .. ARGV[1], 'EX', ARGV[2])
return mode
"""


class Repeats:
    """Tells an honest repeat (same words, another part) from a resend (same part).

    The platform drops a request that equals one of the last 10 minutes and answers 0, so a repeat must switch the
    check off, while a resend must keep it. A part is remembered *before* it is sent: a crash in between makes the
    next equal part go unchecked, which is harmless; remembering it afterwards would lose that part.
    """

    def __init__(self, store: "redis.Redis") -> None:
        self._redis = store

    def check_for(self, slot: str, body: bytes, key: str) -> bool:
        """Whether the part ``key`` goes out with the duplicate check on; the same at every resend.

        ``slot`` begins the Redis keys of the member it goes to.
        """
        name = f"{slot}:body:{hashlib.sha256(body).hexdigest()}"
        mode: bytes = self._redis.eval(_CLAIM, 1, name, key, REPEAT_MEMORY_S)
        return mode == b"checked"
