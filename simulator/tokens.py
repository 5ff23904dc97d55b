"""Access tokens (rules 13 and 14, §2.6). Not thread-safe: the API works under one lock."""

import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Literal

from simulator.errcodes import ApiError
from simulator.journal import Journal
from simulator.rules import Rules
from simulator.settings import Settings

Owner = Literal["app", "kf"]
"""Who a secret is for: the self-built app, or the app that may use customer service. It can be the same."""

_KEPT_TOKENS = 200
_KEPT_IPS = 1000


class Tokens:
    """The tokens by secret, and who is banned from asking for them."""

    def __init__(self, settings: Settings, rules: Rules, journal: Journal, clock: Callable[[], float]) -> None:
        self._corp_id = settings.corp_id
        self._owners = _owners(settings)
        self._rules = rules
        self._journal = journal
        self._clock = clock
        self._expiry: OrderedDict[str, float] = OrderedDict()  # token -> epoch seconds
        self._secret_of: dict[str, str] = {}  # token -> the secret that it was issued for
        self._current: dict[str, str] = {}  # secret -> its newest token
        self._wrong_secrets: dict[str, list[float]] = {}  # IP -> when, epoch seconds
        self._banned_until: dict[str, float] = {}  # IP -> epoch seconds

    def issue(self, corp_id: str, secret: str, ip: str, request_id: str) -> dict[str, Any]:
        """The answer to gettoken. Raises :class:`ApiError`: 40013, 40001, or 45009 for a banned IP."""
        now = self._clock()
        if now < self._banned_until.get(ip, now):
            raise ApiError(45009, 13)
        if not hmac.compare_digest(corp_id.encode(), self._corp_id.encode()):
            raise ApiError(40013, 13)
        known = next((one for one in self._owners if hmac.compare_digest(secret.encode(), one.encode())), None)
        if known is None:
            self._remember_wrong_secret(ip, now)
            raise ApiError(40001, 13)
        reused = self._expiry.get(self._current.get(known, ""), now) - now > self._rules.token_reuse_margin_s
        token = self._current[known] if reused else self._new(known, now)
        self._journal.rule(13, "token_repeated" if reused else "token_issued", request_id)
        left = int(self._expiry[token] - now)
        return {"errcode": 0, "errmsg": "ok", "access_token": token, "expires_in": left}

    def check(self, token: str) -> frozenset[Owner]:
        """Whose ``token`` is. Raises :class:`ApiError` 41001, 40014 or 42001 unless it is alive (rule 14)."""
        if not token:
            raise ApiError(41001, 14)
        if token not in self._expiry:
            raise ApiError(40014, 14)
        if self._clock() >= self._expiry[token]:
            raise ApiError(42001, 14)
        return self._owners[self._secret_of[token]]

    def kill(self, *, expire: bool) -> int:
        """Let all tokens die early: expired (42001 from now on) or revoked (40014). Returns how many were alive."""
        now = self._clock()
        alive = [token for token, ends in self._expiry.items() if ends > now]
        for token in alive:
            if expire:
                self._expiry[token] = now
            else:
                del self._expiry[token], self._secret_of[token]
        return len(alive)

    def clear(self) -> None:
        """Forget the bans; tokens live on."""
        self._wrong_secrets.clear()
        self._banned_until.clear()

    def _new(self, secret: str, now: float) -> str:
        token = secrets.token_urlsafe(96)
        self._current[secret] = token
        self._secret_of[token] = secret
        self._expiry[token] = now + self._rules.token_life_s
        if len(self._expiry) > _KEPT_TOKENS:
            del self._secret_of[self._expiry.popitem(last=False)[0]]
        return token

    def _remember_wrong_secret(self, ip: str, now: float) -> None:
        times = [at for at in self._wrong_secrets.pop(ip, []) if at > now - self._rules.bad_secret_ban_s]
        times.append(now)
        self._wrong_secrets[ip] = times
        if len(times) >= self._rules.bad_secret_limit:
            del self._wrong_secrets[ip]
            self._banned_until[ip] = now + self._rules.bad_secret_ban_s
        for forgotten in list(self._wrong_secrets)[:-_KEPT_IPS]:
            del self._wrong_secrets[forgotten]
        for forgotten in list(self._banned_until)[:-_KEPT_IPS]:
            del self._banned_until[forgotten]


def _owners(settings: Settings) -> dict[str, frozenset[Owner]]:
    """Whose each secret is."""
    given: list[tuple[str, Owner]] = [(settings.secret, "app")] if settings.has_app else []
    if settings.kf:
        given.append((settings.kf.secret, "kf"))
    return {secret: frozenset(owner for one, owner in given if one == secret) for secret, _ in given}
