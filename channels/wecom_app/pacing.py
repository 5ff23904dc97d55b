"""How fast the platform delivers to one member: what exceeds it is discarded silently (page 90236)."""

import redis

from bot.channel import Retry

# KEYS: list of send times in ms, newest first. ARGV: now in ms, limit a minute, limit an hour. Returns ms to wait.
# Times that lie ahead by more than clocks differ were written before the clock was set back: they say nothing.
_TAKE = """
local now = tonumber(ARGV[1])
local newest = redis.call('LINDEX', KEYS[1], 0)
while newest and tonumber(newest) > now + 60000 do
  redis.call('LPOP', KEYS[1])
  newest = redis.call('LINDEX', KEYS[1], 0)
end
local wait = 0
for _, window in ipairs({{tonumber(ARGV[2]), 60000}, {tonumber(ARGV[3]), 3600000}}) do
  local oldest = redis.call('LINDEX', KEYS[1], window[1] - 1)
  if oldest then wait = math.max(wait, tonumber(oldest) + window[2] - now) end
end
if wait > 0 then return wait end
redis.call('LPUSH', KEYS[1], ARGV[1])
redis.call('LTRIM', KEYS[1], 0, math.max(tonumber(ARGV[2]), tonumber(ARGV[3])) - 1)
redis.call('PEXPIRE', KEYS[1], 3600000)
return 0
"""


class Pace:
    """A sliding window a minute and an hour for one (app, member): what exceeds it the platform discards silently.

    ``per_minute`` and ``per_hour`` count messages, at least 1 (page 90236: 30 and 1,000).
    """

    def __init__(self, store: "redis.Redis", per_minute: int, per_hour: int) -> None:
        self._redis = store
        self._per_minute = per_minute
        self._per_hour = per_hour

    def take(self, slot: str, now: float) -> None:
        """Count one message at ``now`` (epoch seconds) for the member whose Redis keys begin with ``slot``.

        Raises a paced :class:`~bot.channel.Retry` with the exact wait, counting nothing, when the window is full.
        """
        wait_ms = self._redis.eval(_TAKE, 1, f"{slot}:pace", round(now * 1000), self._per_minute, self._per_hour)
        if wait_ms > 0:
            raise Retry(wait_ms / 1000, "paced", paced=True)
