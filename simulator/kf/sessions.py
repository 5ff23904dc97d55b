"""The sessions of customers with accounts: who has them, and what may be sent in them (§6.5, §6.7; rule 40)."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NamedTuple

from simulator.errcodes import ApiError
from simulator.journal import Journal
from simulator.rules import Rules


class State(IntEnum):
    """The states of §6.7: not handled, with the assistant, waiting in the pool, with a person, ended or not begun."""

    NEW = 0
    ASSISTANT = 1
    POOL = 2
    SERVICER = 3
    ENDED = 4


_MOVES: Mapping[State, tuple[State, ...]] = {
    State.NEW: (State.ASSISTANT, State.POOL, State.SERVICER),
    State.ASSISTANT: (State.POOL, State.SERVICER, State.ENDED),
    State.POOL: (State.SERVICER, State.ENDED),
    State.SERVICER: (State.SERVICER, State.ENDED),
    State.ENDED: (),
}
"""What the API may do; 1 → 4 and 2 → 4 are † (``kf_assistant_may_end``)."""


class Place(NamedTuple):
    """The chat of a customer with an account; ``customer`` is empty for what is about none."""

    open_kfid: str
    customer: str = ""


@dataclass(kw_only=True, slots=True)
class Session:
    """A customer with an account. ``wrote_at`` is when the customer last wrote (epoch seconds, ``None`` for never) and
    ``sent`` how much was sent since, ``welcomed_at`` when a welcome was sent, ``been_in`` the states of this session,
    ``context`` how the customer last came in."""

    open_kfid: str
    external_userid: str
    state: State = State.ENDED
    servicer: str = ""
    wrote_at: float | None = None
    sent: int = 0
    welcomed_at: float | None = None
    entered_at: float | None = None
    context: dict[str, Any] = field(default_factory=dict)
    been_in: set[State] = field(default_factory=set)

    @property
    def place(self) -> Place:
        """The chat that it is in."""
        return Place(self.open_kfid, self.external_userid)


class Sessions:
    """All sessions. To be used under the lock of :class:`Kf`."""

    def __init__(self, rules: Rules, journal: Journal, clock: Callable[[], float]) -> None:
        self._rules = rules
        self._journal = journal
        self._clock = clock
        self._sessions: dict[tuple[str, str], Session] = {}

    def get(self, open_kfid: str, external_userid: str) -> Session:
        """The session as it stands now; after 48 hours it has ended by itself."""
        key = open_kfid, external_userid
        session = self._sessions.get(key)
        if session is None:
            session = Session(open_kfid=open_kfid, external_userid=external_userid)
            self._sessions[key] = session
        if session.state != State.ENDED and not self.is_open(session):
            self._journal.rule(40, "session_expired", secrets.token_hex(16), member=external_userid)
            self.put(session, State.ENDED)
        return session

    def all(self) -> list[Session]:
        """All sessions of customers that entered or wrote."""
        return [self.get(*key) for key in list(self._sessions)]

    def is_open(self, session: Session) -> bool:
        """Whether the customer wrote within the last 48 hours."""
        return session.wrote_at is not None and self._clock() - session.wrote_at <= self._rules.kf_window_s

    def is_quiet(self, session: Session) -> bool:
        """Whether the customer got no welcome and wrote nothing for 48 hours (rule 41)."""
        quiet_since = self._clock() - self._rules.kf_quiet_s
        return all(at is None or at < quiet_since for at in (session.wrote_at, session.welcomed_at))

    def wrote(self, session: Session, servicers: list[str]) -> None:
        """The customer wrote: a new window, and a new session where there was none; ``servicers`` are serving now."""
        session.wrote_at = self._clock()
        session.sent = 0
        if session.state != State.ENDED:
            return
        session.been_in = set()
        if self._rules.kf_distribution == "servicers" and servicers:
            self.put(session, State.SERVICER, servicers[0])
        else:
            self.put(session, State.NEW)

    def check_move(self, session: Session, to: State, servicer: str) -> None:
        """Raises :class:`ApiError` unless the API may bring ``session`` into the state ``to``."""
        if session.state == State.ENDED:
            raise ApiError(self._rules.kf_ended_errcode, 40)
        is_unsure = to == State.ENDED and session.state in (State.ASSISTANT, State.POOL)
        if to not in _MOVES[session.state] or (is_unsure and not self._rules.kf_assistant_may_end):
            raise ApiError(95016, 40)
        if to == State.SERVICER and session.state == State.SERVICER and servicer == session.servicer:
            raise ApiError(95016, 40)

    def put(self, session: Session, to: State, servicer: str = "") -> bool:
        """Bring ``session`` into a state; whether it is there for the first time since the customer began it."""
        is_first = to not in session.been_in
        session.state, session.servicer = to, servicer
        session.been_in.add(to)
        return is_first

    def check_send(self, session: Session) -> None:
        """Raises :class:`ApiError` unless one more message may be sent: 95018, 95001, or what 48 hours give (rule
        40)."""
        if not self._rules.kf_verified:
            raise ApiError(95018, 40)
        if session.wrote_at is not None and not self.is_open(session):
            raise ApiError(self._rules.kf_late_errcode, 40)
        if session.state not in (State.NEW, State.ASSISTANT):
            raise ApiError(95018, 40)
        if session.sent >= self._rules.kf_window_messages:
            raise ApiError(95001, 40)

    def left(self, session: Session) -> int:
        """How many messages may still be sent."""
        usable = session.state in (State.NEW, State.ASSISTANT) and self.is_open(session)
        return max(0, self._rules.kf_window_messages - session.sent) if usable else 0

    def clear(self) -> None:
        """Forget all."""
        self._sessions.clear()
