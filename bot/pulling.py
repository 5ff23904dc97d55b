"""Pulling the messages of an account (:mod:`bot.account`): one process at a time, page after page, until none is left.

What is known of an account is one hash in Redis: where the next page begins (``cursor``), what the newest bell said
(``token``, ``token_at``), how often it rang and how many of these rings have been pulled for (``rings``, ``pulled``),
and when it was pulled last (``pulled_at``). The cursor moves only after every message of its page is in the inbox, so
a death in between brings the page again, and the inbox knows its messages. Nothing here is lost with a wake-up: the
sweep finds an account whose bell rang, and one that nobody rang for in a long time. Every script may run twice, for the
client repeats a command whose answer did not come.
"""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import redis
import structlog

from bot import keys
from bot.account import Account, Page
from bot.channel import Channel, Refused, Retry
from bot.errors import Unavailable
from bot.inbox import Acceptance, Inbox
from bot.messages import InboundMessage
from bot.redis_client import redis_answers

log = structlog.get_logger()

TOKEN_LIFE_S = 9 * 60
"""A bell's token works for ten minutes; an older one is not tried."""
CALL_S = 10.0
LEASE_S = 30.0
"""Longer than a call and the storing of a page take; it is renewed with each page."""
PAGES_A_PULL = 50
"""Then a worker gives a busy account back: others wait for it too."""
MESSAGES_A_PAGE = 200
NO_ROOM_S = 2.0
STUCK_S = 1.0
REFUSED_S = 60.0
"""How long an account is left alone that the platform refuses."""
HURRIED_S = 60.0
"""What was written longer ago than this waited at the platform."""
_OVERLAP_S = 60.0

# KEYS: state. ARGV: now, the bell's token. Whether somebody must be woken. A pull that was put off for want of a token
# need wait no longer.
_RING = """
redis.call('HINCRBY', KEYS[1], 'rings', 1)
if ARGV[2] ~= '' then
  redis.call('HSET', KEYS[1], 'token', ARGV[2], 'token_at', ARGV[1])
  if redis.call('HGET', KEYS[1], 'tokenless') == '1' then redis.call('HDEL', KEYS[1], 'not_before', 'tokenless') end
end
return redis.call('HSETNX', KEYS[1], 'woken', ARGV[1])
"""
# KEYS: state, lease. ARGV: who pulls, life in ms, now, how far back a first pull looks. From here a bell wakes again.
_ACQUIRE = """
if tonumber(redis.call('HGET', KEYS[1], 'not_before') or 0) > tonumber(ARGV[3]) then return 0 end
local mine = redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) or redis.call('GET', KEYS[2]) == ARGV[1]
if not mine then return 0 end
redis.call('HDEL', KEYS[1], 'woken')
redis.call('HSETNX', KEYS[1], 'since', ARGV[3] - ARGV[4])
return redis.call('HGETALL', KEYS[1])
"""
# KEYS: state, lease. ARGV: who pulls, life in ms, cursor, the token that was refused.
_TURN_PAGE = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[2], ARGV[2])
redis.call('HSET', KEYS[1], 'cursor', ARGV[3])
if ARGV[4] ~= '' and redis.call('HGET', KEYS[1], 'token') == ARGV[4] then redis.call('HDEL', KEYS[1], 'token') end
return 1
"""
# KEYS: state, lease. ARGV: who pulls, the rings that were pulled for, now. Whether the bell rang meanwhile.
_END = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'pulled', ARGV[2], 'pulled_at', ARGV[3])
redis.call('HDEL', KEYS[1], 'not_before', 'tokenless', 'dropped')
redis.call('DEL', KEYS[2])
if (redis.call('HGET', KEYS[1], 'rings') or '0') ~= ARGV[2] then return 1 end
return 0
"""
# KEYS: state, lease. ARGV: who pulls, not before, 1 where there was no token. The account stays due.
_PUT_OFF = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'not_before', ARGV[2], 'tokenless', ARGV[3])
redis.call('DEL', KEYS[2])
return 1
"""
# KEYS: state, lease. ARGV: who pulls, since when messages are worked on once the platform starts over. Once, until a
# pull has come to its end.
_DROP_CURSOR = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] or redis.call('HEXISTS', KEYS[1], 'dropped') == 1 then return 0 end
redis.call('HDEL', KEYS[1], 'cursor')
redis.call('HSET', KEYS[1], 'since', ARGV[2], 'dropped', 1)
return 1
"""


class Bells:
    """Takes the bells that ring. ``wake(bot, channel)`` publishes a pull of that account; losing it is harmless."""

    def __init__(
        self, client: "redis.Redis", wake: Callable[[str, str], None], clock: Callable[[], float] = time.time
    ) -> None:
        self._redis = client
        self._wake = wake
        self._clock = clock

    def ring(self, bot: str, channel: str, token: str) -> None:
        """The bell of an account rang, with ``token`` where it brought one. Raises :class:`~bot.errors.Unavailable`."""
        with redis_answers():
            wakes = self._redis.eval(_RING, 1, keys.account(bot, channel), self._clock(), token)
        if wakes:
            self._wake(bot, channel)


@dataclass(slots=True)
class _Pull:
    """One pull under way: what the account's hash said, and who pulls."""

    bot: str
    channel: str
    owner: str
    state: Mapping[str, str]
    cursor: str
    token: str

    @property
    def since(self) -> float:
        """What was written before this epoch second is left alone."""
        return float(self.state.get("since", 0))

    @property
    def rings(self) -> int:
        return int(self.state.get("rings", 0))


class Puller:
    """Pulls accounts. ``channels`` is keyed by (bot id, channel id).

    ``refused(message)`` tells the person of a message that was over a limit. Methods raise
    :class:`~bot.errors.Unavailable` when Redis does not answer.
    """

    def __init__(
        self,
        client: "redis.Redis",
        *,
        channels: Mapping[tuple[str, str], Channel],
        inbox: Inbox,
        refused: Callable[[InboundMessage], None],
        wake: Callable[[str, str], None],
        count: Callable[..., None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._redis = client
        self._channels = channels
        self._inbox = inbox
        self._refused = refused
        self._wake = wake
        self._count = count
        self._clock = clock

    def pull(self, bot: str, channel_id: str) -> None:
        """Store what waits in the account, unless another process is at it. Repeating this call is harmless."""
        account = self._channels.get((bot, channel_id))
        if not isinstance(account, Account):
            log.error("account_unknown", bot=bot, channel=channel_id, cure="put the channel back into bots.yaml")
            return
        pull = self._acquire(bot, channel_id, account)
        if pull is None:
            return
        try:
            again = self._pages(pull, account)
        except Retry as error:
            self._put_off(pull, error.after_s, error.code)
        except Unavailable as error:
            self._put_off(pull, NO_ROOM_S, type(error).__name__)
        except Refused as error:
            self._give_way(pull, error)
        else:
            if again:
                self._wake(bot, channel_id)

    def sweep(self) -> int:
        """Wake the accounts whose bell rang without a pull, and those that nobody rang for in a long time. Returns how
        many."""
        accounts = [(*name, one) for name, one in self._channels.items() if isinstance(one, Account)]
        if not accounts:
            return 0
        pipe: Any = self._redis.pipeline(transaction=False)
        for bot, channel, _ in accounts:
            pipe.hmget(keys.account(bot, channel), "rings", "pulled", "pulled_at", "not_before")
            pipe.exists(keys.account_lease(bot, channel))
        with redis_answers():
            found = pipe.execute()
        now, woken = self._clock(), 0
        for (bot, channel, account), state, leased in zip(accounts, found[::2], found[1::2], strict=True):
            rings, pulled, pulled_at, not_before = (float(value or 0) for value in state)
            due = rings != pulled or not 0 <= now - pulled_at < account.pull_every_s
            if due and not leased and now >= not_before:
                self._wake(bot, channel)
                woken += 1
        return woken

    def _acquire(self, bot: str, channel: str, account: Account) -> _Pull | None:
        owner, names = secrets.token_hex(8), _names(bot, channel)
        now = self._clock()
        values = (owner, int(LEASE_S * 1000), now, account.first_pull_s)
        with redis_answers():
            found: Any = self._redis.eval(_ACQUIRE, len(names), *names, *values)
        if found == 0:
            return None
        texts = [piece.decode(errors="replace") for piece in found]
        state = dict(zip(texts[::2], texts[1::2], strict=True))
        fresh = now - float(state.get("token_at", 0)) < TOKEN_LIFE_S
        token = state.get("token", "") if fresh else ""
        return _Pull(bot, channel, owner, state, state.get("cursor", ""), token)

    def _pages(self, pull: _Pull, account: Account) -> bool:
        """Store page after page; whether the account must be looked at again at once."""
        for _ in range(PAGES_A_PULL):
            room = min(MESSAGES_A_PAGE, self._inbox.room(pull.bot))
            if not room:  # what waits at the platform is safe there, and refused here
                raise Retry(NO_ROOM_S, "no_room")
            page = account.pull(pull.cursor, pull.token, room, self._clock() + CALL_S)
            self._store(pull, page)
            stuck = page.more and page.cursor == pull.cursor
            if not self._turn_page(pull, page):
                self._count("lease_lost")
                log.warning("account_lease_lost", bot=pull.bot, channel=pull.channel)
                return False
            if stuck:
                raise Retry(STUCK_S, "stuck_page")
            if not page.more:
                return self._end(pull)
        with redis_answers():
            self._redis.delete(keys.account_lease(pull.bot, pull.channel))
        return True

    def _store(self, pull: _Pull, page: Page) -> None:
        """Put every message of ``page`` into the inbox, in order."""
        now = self._clock()
        for message in page.messages:
            if message.sent_at < pull.since:
                self._count("message", bot=pull.bot, result="history")
                continue
            hurried = message.event is None and now - message.sent_at < HURRIED_S  # who has it now must be known
            result = self._inbox.accept(message, hurried=hurried)
            self._count("message", bot=pull.bot, result=result.value)
            if result is Acceptance.BUSY:
                self._refused(message)

    def _turn_page(self, pull: _Pull, page: Page) -> bool:
        """Commit the cursor, now that the page is stored; False when another process pulls this account."""
        stale = pull.token if page.stale_token else ""
        names, values = _names(pull.bot, pull.channel), (pull.owner, int(LEASE_S * 1000), page.cursor, stale)
        with redis_answers():
            kept = self._redis.eval(_TURN_PAGE, len(names), *names, *values)
        pull.cursor, pull.token = page.cursor, "" if page.stale_token else pull.token
        return bool(kept)

    def _end(self, pull: _Pull) -> bool:
        names = _names(pull.bot, pull.channel)
        with redis_answers():
            return bool(self._redis.eval(_END, len(names), *names, pull.owner, pull.rings, self._clock()))

    def _put_off(self, pull: _Pull, after_s: float, code: str) -> None:
        self._count("pull_put_off", bot=pull.bot, code=code)
        log.warning("pull_put_off", bot=pull.bot, channel=pull.channel, code=code, after_s=round(after_s, 1))
        names = _names(pull.bot, pull.channel)
        with redis_answers():
            self._redis.eval(_PUT_OFF, len(names), *names, pull.owner, self._clock() + after_s, int(not pull.token))

    def _give_way(self, pull: _Pull, refusal: Refused) -> None:
        """The platform refuses: leave it alone for a while. A cursor may be what it does not like; then it starts over,
        once, with what came since the last pull that worked."""
        log.error("pull_refused", bot=pull.bot, channel=pull.channel, code=refusal.code, detail=refusal.detail)
        after_s = REFUSED_S
        if pull.cursor and not refusal.alert:
            since = float(pull.state.get("pulled_at", 0) or pull.since) - _OVERLAP_S
            names = _names(pull.bot, pull.channel)
            with redis_answers():
                dropped = self._redis.eval(_DROP_CURSOR, len(names), *names, pull.owner, since)
            if dropped:
                self._count("degraded", what="cursor_dropped")
                after_s = STUCK_S
        self._put_off(pull, after_s, refusal.code)


def _names(bot: str, channel: str) -> tuple[str, str]:
    return keys.account(bot, channel), keys.account_lease(bot, channel)
