"""One access token for all processes (page 91039), in Redis.

Under the key sha256(base URL, corp, secret)::

    …:token     the token; expires 60 s before the platform's own end
    …:fetch     who fetches now; everybody else waits for the result
    …:dropped   the last token found dead; dropping it again within a minute does nothing
    …:cooldown  the code with which a fetch was refused; no fetch while it stands

A fetch that was refused because of a wrong secret must not be repeated quickly: the platform bans the IP for an hour.
"""

import hashlib
import secrets
import time

import redis
import structlog
from redis.client import Pipeline

from bot.channel import Refused, Retry
from channels.wecom.api import OK, RETRY_S, detail_of, retry
from channels.wecom.client import WeComClient
from channels.wecom.errors import Reaction, rule_of
from channels.wecom.transport import Deadline

log = structlog.get_logger()

EARLY_S = 60
"""A token is no longer used this long before it expires."""
COOLDOWN_S = 60
"""No fetch for this long after one was refused."""
DROPPED_S = 60
LONGEST_LIFE_S = 86_400
"""No token is kept longer, whatever the platform says; it says 7,200 s (page 91039)."""
POLL_S = 0.02
MAX_TOKEN_LENGTH = 512
_LOCK_MARGIN_MS = 1_000

# KEYS: token, cooldown, fetch. ARGV: who asks, how long its fetch may take in ms. May be repeated by the same asker.
_ASK = """
local token = redis.call('GET', KEYS[1])
if token then return {'token', token} end
local code = redis.call('GET', KEYS[2])
if code then return {'cooldown', code, redis.call('PTTL', KEYS[2])} end
if redis.call('SET', KEYS[3], ARGV[1], 'NX', 'PX', ARGV[2]) or redis.call('GET', KEYS[3]) == ARGV[1] then
  return {'fetch'}
end
return {'wait'}
"""
# KEYS: where the result goes, fetch. ARGV: who asks, result, its life in s. An overtaken fetcher stores nothing.
_STORE = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
if ARGV[2] ~= '' then redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
redis.call('DEL', KEYS[2])
return 1
"""
# KEYS: token, dropped. ARGV: the failed token, how long to remember it in s.
_INVALIDATE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] or redis.call('GET', KEYS[2]) == ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[2])
redis.call('DEL', KEYS[1])
return 1
"""


class TokenRefused(Refused):
    """The platform gives no token for this corp and secret; ``errcode`` says why (page 90313)."""

    def __init__(self, errcode: int, detail: str) -> None:
        self.errcode = errcode
        super().__init__("token_refused", detail, alert=True)


class TokenStore:
    """The token of one application, fetched by one process at a time."""

    def __init__(self, client: WeComClient, store: "redis.Redis", corp_id: str, secret: str) -> None:
        self._client = client
        self._redis = store
        self._corp_id = corp_id
        self._secret = secret
        digest = hashlib.sha256("\0".join((client.base_url, corp_id, secret)).encode()).hexdigest()
        prefix = f"wecom:{{{digest}}}"
        self._token, self._fetching = f"{prefix}:token", f"{prefix}:fetch"
        self._dropped, self._cooldown = f"{prefix}:dropped", f"{prefix}:cooldown"

    def get(self, deadline: Deadline) -> str:
        """A token that was good when last seen, fetched if need be, by ``deadline``.

        Raises :class:`TokenRefused` when the platform does not accept the secret, now or less than a minute ago, and
        :class:`~bot.channel.Retry` when no token can be had at the moment.
        """
        asker = secrets.token_hex(8)
        while (left_s := deadline.left_s) > 0:
            names = (self._token, self._cooldown, self._fetching)
            life_ms = int(left_s * 1000) + _LOCK_MARGIN_MS
            state, *rest = self._redis.eval(_ASK, len(names), *names, asker, life_ms)
            if state == b"token":
                return str(rest[0].decode())
            if state == b"cooldown":
                raise _cooling_down(int(rest[0]), rest[1] / 1000)
            if state == b"fetch":
                return self._fetch(asker, deadline)
            time.sleep(min(POLL_S, left_s))
        raise retry(RETRY_S, "token_timeout")

    def ask(self, pipe: Pipeline) -> None:
        """Put into ``pipe`` the question whose answer :meth:`told` takes."""
        pipe.get(self._token)

    def told(self, answer: bytes | None) -> str:
        """The token that was good when last seen, without a fetch; empty where :meth:`get` must be asked."""
        return answer.decode() if answer else ""

    def invalidate(self, failed: str) -> None:
        """Forget ``failed``, if it still is the cached token and was not forgotten once within the last minute.

        So a token that dies under many senders is fetched once, and a platform that hands out the dead token again
        is not asked in a circle.
        """
        self._redis.eval(_INVALIDATE, 2, self._token, self._dropped, failed, DROPPED_S)

    def _fetch(self, asker: str, deadline: Deadline) -> str:
        try:
            answer = self._client.get_token(self._corp_id, self._secret, deadline)
        except Retry:
            self._store(asker, self._token, "", 0)
            raise
        code = answer["errcode"]
        if code != OK:
            # Only a passing fault may be repeated at once; -1 and the like wait as the table says, in the outbox.
            lasting = rule_of(code).reaction is not Reaction.BACK_OFF or rule_of(code).after_s >= COOLDOWN_S
            self._store(asker, self._cooldown, str(code) if lasting else "", COOLDOWN_S)
            detail = detail_of(answer, self._secret)
            log.error("token_fetch_failed", code=code, detail=detail)
            raise fetch_failure(code, detail)
        token, life_s = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not 1 <= len(token) <= MAX_TOKEN_LENGTH or not token.isascii():
            self._store(asker, self._token, "", 0)
            raise retry(RETRY_S, "token_malformed")
        self._store(asker, self._token, token, _usable_s(life_s))
        return token

    def _store(self, asker: str, name: str, value: str, life_s: int) -> None:
        self._redis.eval(_STORE, 2, name, self._fetching, asker, value, life_s)


def _usable_s(life_s: object) -> int:
    """How long to keep a token that lives ``life_s``: 60 s less, but a token of a minute or two is still of use."""
    if type(life_s) is not int or life_s <= 0:
        return 1
    life_s = min(life_s, LONGEST_LIFE_S)
    return max(life_s - EARLY_S, life_s // 2, 1)


def fetch_failure(code: int, detail: str) -> TokenRefused | Retry:
    """What ``gettoken`` means by ``errcode`` ``code``; ``detail`` is for the operator."""
    if rule_of(code).reaction is Reaction.BACK_OFF:
        return retry(rule_of(code).after_s, f"token_{code}")
    return TokenRefused(code, f"gettoken answered {code} {detail}".rstrip())


def _cooling_down(code: int, left_s: float) -> TokenRefused | Retry:
    if rule_of(code).reaction is Reaction.BACK_OFF:
        return retry(left_s, f"token_{code}")
    return TokenRefused(code, f"gettoken answered {code} less than a minute ago")
