"""What Redis carries out for the sender of a reply, over keys of one slot; each does no harm when it runs again."""

from bot.lease_scripts import LUA_BEGIN, LUA_NOW, LUA_OWNED

HEAD = (
    LUA_NOW
    + LUA_OWNED
    + """
return {redis.call('LINDEX', KEYS[2], 0), redis.call('HGETALL', KEYS[3]), tostring(now())}
"""
)
MARK = (
    LUA_NOW
    + LUA_OWNED
    + """
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) * 1000 then return 0 end
local state, by = unpack(redis.call('HMGET', KEYS[2], 'state', 'by'))
if state == 'sending' and by ~= ARGV[1] then redis.call('HINCRBY', KEYS[2], 'unknown', 1) end  -- its owner was lost
redis.call('HSET', KEYS[2], 'state', 'sending', 'until', tostring(now() + ARGV[2]), 'by', ARGV[1])
redis.call('HINCRBY', KEYS[2], 'tries', 1)
return 1
"""
)
SENT = (
    LUA_NOW
    + LUA_OWNED
    + """
local part = tonumber(redis.call('HGET', KEYS[2], 'part')) or 0
if part == tonumber(ARGV[2]) then  -- else said before: the client repeats a command that got no answer
  redis.call('HINCRBY', KEYS[2], 'part', 1)
  redis.call('HDEL', KEYS[2], 'state', 'until', 'tries', 'not_before', 'by')
  redis.call('HSET', KEYS[2], 'id' .. ARGV[2], ARGV[3], 'at' .. ARGV[2], string.format('%.3f', now()))
end
return {redis.call('LINDEX', KEYS[3], 0), redis.call('HGETALL', KEYS[2]), tostring(now())}
"""
)
LATER = (
    LUA_NOW
    + LUA_OWNED
    + """
redis.call('HSET', KEYS[2], 'state', 'ready', 'not_before', tostring(now() + ARGV[2]))
if ARGV[3] == 'unknown' then redis.call('HINCRBY', KEYS[2], 'unknown', 1) end
if ARGV[3] == 'paced' then redis.call('HINCRBY', KEYS[2], 'tries', -1) end
return 1
"""
)
FINISH = (
    LUA_NOW
    + LUA_OWNED
    + LUA_BEGIN
    + """
if redis.call('LINDEX', KEYS[2], 0) == ARGV[2] then  -- else said before
  redis.call('LPOP', KEYS[2])
  redis.call('DEL', KEYS[3])
end
local raw = redis.call('LINDEX', KEYS[2], 0)
if raw then return {'reply', raw, redis.call('HGETALL', KEYS[3]), tostring(now())} end
if redis.call('EXISTS', KEYS[4]) == 0 then
  redis.call('DEL', KEYS[1], KEYS[8])
  redis.call('ZREM', KEYS[7], ARGV[3])
  return {'idle'}
end
if ARGV[4] == '0' then return {'left'} end
return {'turn', begin(KEYS[4], KEYS[5], KEYS[6], KEYS[9], ARGV[4])}
"""
)
"""Says what comes next, so that nobody has to ask; an idle conversation is given up in the same step."""
LET_PASS = (
    LUA_NOW
    + LUA_OWNED
    + """
if redis.call('LINDEX', KEYS[2], 0) == ARGV[2] then  -- else said before
  redis.call('LMOVE', KEYS[2], KEYS[2], 'LEFT', 'RIGHT')
  redis.call('DEL', KEYS[3])
end
return {redis.call('LINDEX', KEYS[2], 0), redis.call('HGETALL', KEYS[3]), tostring(now())}
"""
)
"""Puts the head, of which nothing has gone out, behind the others."""
