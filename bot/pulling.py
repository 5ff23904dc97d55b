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
from bot.account import Account, Page, StaleToken
from bot.channel import Channel, Refused, Retry
from bot.errors import BotError, Unavailable
from bot.inbox import SEEN_TTL_S, Acceptance, Inbox
from bot.messages import InboundMessage
from bot.redis_client import redis_answers

log = structlog.get_logger()

TOKEN_LIFE_S = 9 * 60
"""A bell's token works for ten minutes; an older one is not tried."""
CALL_S = 10.0
LEASE_S = 30.0
"""Longer than a call takes, and the storing of so many messages as lie between two renewals."""
RENEW_EVERY = 50
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
_SKEW_S = 3600.0
"""How far our clock and the platform's may be apart."""
_KNOWN_S = SEEN_TTL_S - 2 * _SKEW_S
"""How long a message is surely known by its id, whatever the clocks say."""

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
# KEYS: lease. ARGV: who pulls, life in ms.
_RENEW = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
# KEYS: state, lease. ARGV: who pulls, life in ms, cursor.
_TURN_PAGE = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[2], ARGV[2])
redis.call('HSET', KEYS[1], 'cursor', ARGV[3])
return 1
"""
# KEYS: state. ARGV: the token that was refused. A newer one stays.
_FORGET = """
if redis.call('HGET', KEYS[1], 'token') == ARGV[1] then redis.call('HDEL', KEYS[1], 'token') end
return 1
"""
# KEYS: lease. ARGV: who pulls.
_LEAVE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
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
# KEYS: state, lease. ARGV: who pulls, not before, 1 where there was no token, the token that lay there at the
# beginning. The account stays due. Whether it need not wait, because a bell has brought a token meanwhile.
_PUT_OFF = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2])
local token = redis.call('HGET', KEYS[1], 'token')
if ARGV[3] == '1' and token and token ~= ARGV[4] then return 1 end
redis.call('HSET', KEYS[1], 'not_before', ARGV[2], 'tokenless', ARGV[3])
return 0
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
        """What was written before this epoch second is left alone: what came before the first pull, or so long before
        the last one that its id may be forgotten, where the platform starts over."""
        return max(float(self.state.get("since", 0)), self.pulled_at - _KNOWN_S)

    @property
    def pulled_at(self) -> float:
        """When it was pulled to the end last; zero for never."""
        return float(self.state.get("pulled_at", 0))

    @property
    def rings(self) -> int:
        return int(self.state.get("rings", 0))


class _LeaseLost(BotError):
    """Another process pulls this account now."""


class Puller:
    """Pulls accounts. ``channels`` is keyed by (bot id, channel id).

    ``refused(message)`` tells the person of a message that was over a limit; ``alert(bot, channel, code)`` hears of a
    refusal that an operator must mend. Methods raise :class:`~bot.errors.Unavailable` when Redis does not answer.
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
        alert: Callable[[str, str, str], None] = lambda _bot, _channel, _code: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._redis = client
        self._channels = channels
        self._inbox = inbox
        self._refused = refused
        self._alert = alert
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
        again = False
        try:
            again = self._pages(pull, account)
        except Retry as error:
            again = self._put_off(pull, error.after_s, error.code)
        except Unavailable as error:
            again = self._put_off(pull, NO_ROOM_S, type(error).__name__)
        except Refused as error:
            again = self._give_way(pull, error)
        except _LeaseLost:
            self._count("lease_lost")
            log.warning("account_lease_lost", bot=bot, channel=channel_id)
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
            page = self._page(pull, account, room)
            self._store(pull, page)
            stuck = page.more and page.cursor == pull.cursor
            self._turn_page(pull, page)
            if stuck:
                raise Retry(STUCK_S, "stuck_page")
            if not page.more:
                return self._end(pull)
        with redis_answers():
            self._redis.eval(_LEAVE, 1, keys.account_lease(pull.bot, pull.channel), pull.owner)
        return True

    def _page(self, pull: _Pull, account: Account, room: int) -> Page:
        """The next page, without the bell's token where that is refused."""
        deadline = self._clock() + CALL_S
        try:
            return account.pull(pull.cursor, pull.token, room, deadline)
        except StaleToken:
            with redis_answers():
                self._redis.eval(_FORGET, 1, keys.account(pull.bot, pull.channel), pull.token)
            pull.token = ""
            return account.pull(pull.cursor, "", room, deadline)

    def _store(self, pull: _Pull, page: Page) -> None:
        """Put every message of ``page`` into the inbox, in order."""
        now = self._clock()
        for number, message in enumerate(page.messages):
            if number % RENEW_EVERY == 0:  # replicas may be slow to confirm each
                self._renew(pull)
            if message.sent_at < pull.since:
                self._count("message", bot=pull.bot, result="history")
                continue
            hurried = message.event is None and now - message.sent_at < HURRIED_S  # who has it now must be known
            result = self._inbox.accept(message, hurried=hurried)
            self._count("message", bot=pull.bot, result=result.value)
            if result is Acceptance.BUSY:
                self._refused(message)

    def _renew(self, pull: _Pull) -> None:
        """Raises :class:`_LeaseLost`."""
        lease = keys.account_lease(pull.bot, pull.channel)
        with redis_answers():
            kept = self._redis.eval(_RENEW, 1, lease, pull.owner, int(LEASE_S * 1000))
        if not kept:
            raise _LeaseLost

    def _turn_page(self, pull: _Pull, page: Page) -> None:
        """Commit the cursor, now that the page is stored. Raises :class:`_LeaseLost`."""
        names, values = _names(pull.bot, pull.channel), (pull.owner, int(LEASE_S * 1000), page.cursor)
        with redis_answers():
            kept = self._redis.eval(_TURN_PAGE, len(names), *names, *values)
        if not kept:
            raise _LeaseLost
        pull.cursor = page.cursor

    def _end(self, pull: _Pull) -> bool:
        names = _names(pull.bot, pull.channel)
        with redis_answers():
            return bool(self._redis.eval(_END, len(names), *names, pull.owner, pull.rings, self._clock()))

    def _put_off(self, pull: _Pull, after_s: float, code: str) -> bool:
        """Leave the account alone for a while; whether it must be looked at again at once all the same."""
        self._count("pull_put_off", bot=pull.bot, code=code)
        log.warning("pull_put_off", bot=pull.bot, channel=pull.channel, code=code, after_s=round(after_s, 1))
        names, known = _names(pull.bot, pull.channel), pull.state.get("token", "")
        values = (pull.owner, self._clock() + after_s, int(not pull.token), known)
        with redis_answers():
            return bool(self._redis.eval(_PUT_OFF, len(names), *names, *values))

    def _give_way(self, pull: _Pull, refusal: Refused) -> bool:
        """The platform refuses: leave it alone for a while. A cursor may be what it does not like; then it starts over,
        once, with what came since the last pull that worked."""
        log.error("pull_refused", bot=pull.bot, channel=pull.channel, code=refusal.code, detail=refusal.detail)
        if refusal.alert:
            self._alert(pull.bot, pull.channel, refusal.code)
        after_s = REFUSED_S
        if pull.cursor and not refusal.alert:
            since = max(pull.since, self._overlapping(pull.pulled_at))
            names = _names(pull.bot, pull.channel)
            with redis_answers():
                dropped = self._redis.eval(_DROP_CURSOR, len(names), *names, pull.owner, since)
            if dropped:
                self._count("degraded", what="cursor_dropped")
                after_s = STUCK_S
        return self._put_off(pull, after_s, refusal.code)

    def _overlapping(self, pulled_at: float) -> float:
        """Since when messages are worked on again that came after a pull at ``pulled_at``, by our clock: the platform's
        says when they were written. What is had twice is known by its id, as long as ids are kept."""
        known = self._clock() - pulled_at < _KNOWN_S
        return pulled_at - (_SKEW_S if known else _OVERLAP_S)


def _names(bot: str, channel: str) -> tuple[str, str]:
    return keys.account(bot, channel), keys.account_lease(bot, channel)
