"""Telling an honest repeat (same words, another part) from a resend (same part), because the platform's duplicate check
(page 90236) does not.

The platform drops a request that equals one of the last 10 minutes and answers 0, so a repeat must switch the check
off, while a resend must keep it. A part is remembered *before* it is sent: a crash in between makes the next equal part
go unchecked, which is harmless; remembering it afterwards would lose that part.
"""

DUPLICATE_INTERVAL_S = 600
"""``duplicate_check_interval`` of every message: the outbox resends within it."""
REPEAT_MEMORY_S = DUPLICATE_INTERVAL_S + 30
"""How long a body is remembered: the platform counts from its own receipt, up to one call's time after our mark."""
CHECKED = b"checked"
"""The mode of a part that goes out with the platform's check on."""

# name: what was last sent with this body, a mode and the part's key. Returns the mode, the same at every resend.
CLAIM = """
local function claim(name, key, memory_s)
  local last = redis.call('GET', name)
  local mode = 'checked'
  if last then
    mode = 'unchecked'
    local space = string.find(last, ' ', 1, true)
    if string.sub(last, space + 1) == key then mode = string.sub(last, 1, space - 1) end
  end
  redis.call('SET', name, mode .. ' ' .. key, 'EX', memory_s)
  return mode
end
"""
"""A function of Redis' Lua."""
