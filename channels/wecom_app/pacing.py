"""How fast the platform delivers to one member: what exceeds it is discarded silently (page 90236).

A sliding window a minute and an hour for one (app, member), kept as the times of what was sent.
"""

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
