"""What may still be sent to a customer: five messages after each of theirs, for 48 hours (page 94677).

Kept in Redis for all processes, and renewed by what is pulled, never by what is answered. A part is counted before it
leaves and given back when it surely did not; while its outcome is unknown it stays counted, and is known again as a
resend by its ``msgid``. With it stands which part it was, for the day the platform says that it failed. Every script
may run twice, for the client repeats a command whose answer did not come.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass

import redis

from bot.account import ALLOWANCE_USED, SESSION_OVER
from bot.channel import Refused
from channels.wecom_kf.config import ALLOWANCE

WINDOW_S = 48 * 3600
KEPT_S = 72 * 3600
"""How long the parts that were sent are known: a failure can be told until the session is over, and pulled late."""
_ID_LENGTH = 32

# KEYS: window. ARGV: when the customer wrote, the message's id, how long to keep it. A page that is pulled again, or
# late, opens nothing.
_OPEN = """
local at = tonumber(redis.call('HGET', KEYS[1], 'at')) or 0
local wrote = tonumber(ARGV[1])
local ids = redis.call('HGET', KEYS[1], 'ids') or ''
if wrote < at then return 0 end
if wrote == at then
  if string.find(ids, '\\n' .. ARGV[2] .. '\\n', 1, true) then return 0 end
else
  ids = '\\n'
end
redis.call('HSET', KEYS[1], 'at', ARGV[1], 'ids', ids .. ARGV[2] .. '\\n', 'used', 0)
redis.call('HINCRBY', KEYS[1], 'number', 1)
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""
# KEYS: window, part. ARGV: the part's key, how many are allowed, now, how long a window is, how long to keep what is
# sent, 1 where it uses the allowance up, a name of this try. What became of it, and the number of the window.
_TAKE = """
local number = tonumber(redis.call('HGET', KEYS[1], 'number')) or 0
local taken = redis.call('GET', KEYS[2])
if taken then return {string.find(taken, ARGV[7] .. ' ', 1, true) == 1 and 'new' or 'again', number} end
if ARGV[6] == '1' then
  local at = tonumber(redis.call('HGET', KEYS[1], 'at'))
  if at and at + ARGV[4] < tonumber(ARGV[3]) then return {'over', number} end
  if (tonumber(redis.call('HGET', KEYS[1], 'used')) or 0) >= tonumber(ARGV[2]) then return {'used', number} end
  redis.call('HINCRBY', KEYS[1], 'used', 1)
  redis.call('EXPIRE', KEYS[1], ARGV[5])
end
redis.call('SET', KEYS[2], ARGV[7] .. ' ' .. ARGV[1], 'EX', ARGV[5])
return {'new', number}
"""
# KEYS: window, part. ARGV: 1 where it used the allowance up, the window's number. Of a window that another message has
# followed nothing can be given back.
_GIVE_BACK = """
if redis.call('DEL', KEYS[2]) == 0 or ARGV[1] == '0' then return 0 end
if (redis.call('HGET', KEYS[1], 'number') or '0') ~= ARGV[2] then return 0 end
local used = tonumber(redis.call('HGET', KEYS[1], 'used')) or 0
if used > 0 then redis.call('HINCRBY', KEYS[1], 'used', -1) end
return 1
"""


# KEYS: window. ARGV: how many are allowed, the window's number, how long to keep it.
_USED_UP = """
if (redis.call('HGET', KEYS[1], 'number') or '0') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'used', ARGV[1])
return redis.call('EXPIRE', KEYS[1], ARGV[3])
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """A part that may leave: ``counted`` in the window with that ``number``, where it uses the allowance up. ``again``
    tells that it left before, with an outcome that is not known."""

    number: int
    counted: bool
    again: bool


class Allowance:
    """The allowances of one account's customers; ``account`` begins the Redis keys about it.

    Methods raise ``redis.RedisError``.
    """

    def __init__(self, store: "redis.Redis", account: str, clock: Callable[[], float]) -> None:
        self._redis = store
        self._account = account
        self._clock = clock

    def opened(self, person: str, at: float, message_id: str) -> None:
        """``person`` wrote ``message_id`` at epoch second ``at``: from now on five more may be sent."""
        self._redis.eval(_OPEN, 1, self._window(person), repr(at), message_id, KEPT_S)

    def take(self, person: str, key: str, *, counted: bool) -> Taken:
        """Before the part ``key`` leaves for ``person``; ``counted`` where it uses the allowance up.

        Raises :class:`~bot.channel.Refused` with :data:`~bot.account.ALLOWANCE_USED` or
        :data:`~bot.account.SESSION_OVER`: then nothing was counted.
        """
        names = (self._window(person), self._part(person, message_id_of(self._account, key)))
        values = (key, ALLOWANCE, self._clock(), WINDOW_S, KEPT_S, int(counted), secrets.token_hex(8))
        state, number = self._redis.eval(_TAKE, len(names), *names, *values)
        if state == b"over":
            raise Refused(SESSION_OVER)
        if state == b"used":
            raise Refused(ALLOWANCE_USED)
        return Taken(number=int(number), counted=counted, again=state == b"again")

    def give_back(self, person: str, key: str, taken: Taken) -> None:
        """The part ``key``, which was ``taken``, surely did not arrive."""
        names = (self._window(person), self._part(person, message_id_of(self._account, key)))
        self._redis.eval(_GIVE_BACK, len(names), *names, int(taken.counted), taken.number)

    def used_up(self, person: str, taken: Taken) -> None:
        """The platform says of what was ``taken`` that nothing more may be sent before ``person`` writes again; they
        may have done so meanwhile."""
        self._redis.eval(_USED_UP, 1, self._window(person), ALLOWANCE, taken.number, KEPT_S)

    def part_of(self, person: str, message_id: str) -> str:
        """The key of the part that was sent to ``person`` as ``message_id``; empty where nothing is known of it."""
        taken = self._redis.get(self._part(person, message_id))
        return taken.decode().partition(" ")[2] if isinstance(taken, bytes) else ""

    def _window(self, person: str) -> str:
        return f"{self._slot(person)}:window"

    def _part(self, person: str, message_id: str) -> str:
        return f"{self._slot(person)}:part:{message_id}"

    def _slot(self, person: str) -> str:
        """The beginning of every key about one customer; hashed, because ids are opaque and may hold braces."""
        digest = hashlib.sha256(person.encode(errors="surrogatepass")).hexdigest()[:32]
        return f"wecom:{{{self._account}:{digest}}}"


def message_id_of(account: str, key: str) -> str:
    """The ``msgid`` of the part ``key``: the same at every resend, and no other part's in the account (page 94677: at
    most 32 letters, digits, ``_`` and ``-``)."""
    return hashlib.sha256(f"{account}\0{key}".encode(errors="replace")).hexdigest()[:_ID_LENGTH]
