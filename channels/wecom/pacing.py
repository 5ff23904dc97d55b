"""How fast the platform delivers to one receiver: what exceeds it is discarded silently (page 90236) or refused for a
minute (page 99110).

A sliding window a minute and an hour for one receiver, kept as the times of what was sent.
"""

import redis

from bot.channel import Retry

# name: list of send times in ms, newest first. Returns the ms to wait; 0, and only then, has counted the message.
# Times that lie ahead by more than clocks differ were written before the clock was set back: they say nothing.
TAKE = """
local function take(name, now_ms, per_minute, per_hour)
  local now = tonumber(now_ms)
  local newest = redis.call('LINDEX', name, 0)
  while newest and tonumber(newest) > now + 60000 do
    redis.call('LPOP', name)
    newest = redis.call('LINDEX', name, 0)
  end
  local wait = 0
  for _, window in ipairs({{tonumber(per_minute), 60000}, {tonumber(per_hour), 3600000}}) do
    local oldest = redis.call('LINDEX', name, window[1] - 1)
    if oldest then wait = math.max(wait, tonumber(oldest) + window[2] - now) end
  end
  if wait > 0 then return wait end
  redis.call('LPUSH', name, now_ms)
  redis.call('LTRIM', name, 0, math.max(tonumber(per_minute), tonumber(per_hour)) - 1)
  redis.call('PEXPIRE', name, 3600000)
  return 0
end
"""
"""A function of Redis' Lua."""

_TAKE_ALONE = f"{TAKE} return take(KEYS[1], ARGV[1], ARGV[2], ARGV[3])"


def take_turn(store: "redis.Redis", name: str, now_s: float, *, per_minute: int, per_hour: int) -> None:
    """Count one message to the receiver whose times stand under ``name``.

    Raises :class:`~bot.channel.Retry`, paced and with the exact wait, having counted nothing; and ``redis.RedisError``.
    """
    wait_ms = store.eval(_TAKE_ALONE, 1, name, round(now_s * 1000), per_minute, per_hour)
    if isinstance(wait_ms, int) and wait_ms > 0:
        raise Retry(wait_ms / 1000, "paced", paced=True)
