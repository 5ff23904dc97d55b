"""What Redis carries out for the owner of a conversation: every step is one script, over keys of one slot.

A client may repeat a command whose answer did not come, so each does no harm when it runs again.
"""

LUA_NOW = """
local function now() local t = redis.call('TIME'); return t[1] + t[2] / 1000000 end
"""
LUA_OWNED = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end\n"
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

ACQUIRE = (
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
RENEW = (
    LUA_NOW
    + LUA_OWNED
    + """
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('ZADD', KEYS[2], now() + ARGV[3] / 1000, ARGV[2])
return 1
"""
)
BEGIN = LUA_OWNED + LUA_BEGIN + "return begin(KEYS[2], KEYS[3], KEYS[4], KEYS[5], ARGV[2])"
FORGIVE = LUA_OWNED + "return redis.call('DECR', KEYS[2])"
FAULT = LUA_OWNED + "redis.call('SET', KEYS[2], ARGV[2], 'EX', 86400); return 1"
COMMIT = (
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
PARK = (
    LUA_OWNED
    + """
if redis.call('LINDEX', KEYS[2], 0) ~= ARGV[2] then return 0 end  -- said before
redis.call('LPOP', KEYS[2])
redis.call('DEL', KEYS[3])
redis.call('RPUSH', KEYS[4], ARGV[2])
redis.call('LTRIM', KEYS[4], -tonumber(ARGV[3]), -1)
redis.call('EXPIRE', KEYS[4], ARGV[4])
return 1
"""
)
RELEASE = (
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
