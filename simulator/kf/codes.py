"""Codes of events: each lets one message be sent, in its time and its state (§6.6; rule 41)."""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from simulator.errcodes import ApiError
from simulator.kf.sessions import Session, State
from simulator.rules import Rules

Occasion = Literal["welcome", "pool", "taken", "ended"]

_STATES: dict[Occasion, State] = {"pool": State.POOL, "taken": State.SERVICER, "ended": State.ENDED}
_WITH_MENU: tuple[Occasion, ...] = ("welcome", "ended")
_KEPT_CODES = 10_000


@dataclass(slots=True)
class Code:
    """What a code is for."""

    occasion: Occasion
    session: Session
    at: float
    used: bool = False

    @property
    def is_spent(self) -> bool:
        """Whether it was used, or a welcome has come since by another code of the same visit †."""
        welcomed_at = self.session.welcomed_at
        return self.used or (self.occasion == "welcome" and welcomed_at is not None and welcomed_at >= self.at)

    @property
    def types(self) -> tuple[str, ...]:
        """The types of message that it lets through."""
        return ("text", "msgmenu") if self.occasion in _WITH_MENU else ("text",)


class Codes:
    """All codes. To be used under the lock of :class:`Kf`."""

    def __init__(self, rules: Rules, clock: Callable[[], float]) -> None:
        self._rules = rules
        self._clock = clock
        self._codes: OrderedDict[str, Code] = OrderedDict()

    def issue(self, occasion: Occasion, session: Session) -> str:
        """A new code."""
        code = secrets.token_urlsafe(32)
        self._codes[code] = Code(occasion, session, self._clock())
        if len(self._codes) > _KEPT_CODES:
            self._codes.popitem(last=False)
        return code

    def find(self, code: object) -> Code:
        """What ``code`` stands for, if it can be used now.

        Raises :class:`ApiError`: the errcode of dead codes, or 95018 when the session has left the state that gave it.
        """
        found = self._codes.get(code) if isinstance(code, str) else None
        if found is None or found.is_spent or self._clock() - found.at > self._life_s(found.occasion):
            raise ApiError(self._rules.kf_code_errcode, 41, ": code")
        if found.occasion in _STATES and found.session.state != _STATES[found.occasion]:
            raise ApiError(95018, 41)
        return found

    def clear(self) -> None:
        """Forget all."""
        self._codes.clear()

    def _life_s(self, occasion: Occasion) -> float:
        return self._rules.kf_welcome_life_s if occasion in _WITH_MENU else self._rules.kf_code_life_s
