"""In whose hands a customer's session is, and how it goes from one to the other (pages 94669, 94698).

::

    0 new ──► 1 assistant ──► 2 pool ──► 3 human ──► 4 ended ──customer writes──► 0
    └──────────────────┴──────────┴────────►┘ (another human: 3 ──► 3)

In the first two the bot may send; in 2 and 3 a human has it; in the last nothing can be done.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import structlog

from bot.account import Serving
from bot.channel import Refused
from channels.wecom.api import RETRY_S, encode_json, retry
from channels.wecom.application import Application
from channels.wecom.transport import Deadline
from channels.wecom_kf.codes import Codes
from channels.wecom_kf.events import CODE_LIFE_S, END_CODE_LIFE_S
from channels.wecom_kf.hands import Hands

log = structlog.get_logger()

GET_STATE = "kf/service_state/get"
SET_STATE = "kf/service_state/trans"
LIST_SERVICERS = "kf/servicer/list"
_SERVING = 0
"""``status`` in the list; in the event it is 1."""
_NOT_THAT_ONE = frozenset({"95014", "95019", "40003", "60111"})
"""Who was to have the session is no servicer, or has stopped serving."""
_MOVED_MEANWHILE = "95016"


class State(IntEnum):
    """The states of a session, by the platform's numbers."""

    NEW = 0
    ASSISTANT = 1
    POOL = 2
    HUMAN = 3
    ENDED = 4


WITH_HUMAN = frozenset({State.POOL, State.HUMAN})


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """Where a session stands, and the ``servicer`` who has it, empty where nobody has."""

    state: State
    servicer: str = ""


class Sessions:
    """The sessions of one account; safe to share between threads.

    Methods raise :class:`~bot.channel.Retry`, :class:`~bot.channel.Refused` and ``redis.RedisError``.
    """

    def __init__(
        self, application: Application, open_kfid: str, *, codes: Codes, hands: Hands, clock: Callable[[], float]
    ) -> None:
        self._application = application
        self._open_kfid = open_kfid
        self._codes = codes
        self._hands = hands
        self._clock = clock

    def of(self, person: str, deadline: Deadline) -> Session:
        """The session of ``person`` now."""
        answer = self._look(GET_STATE, {"external_userid": person}, deadline)
        try:
            state = State(int(answer.get("service_state", "")))
        except (ValueError, TypeError) as error:
            raise retry(RETRY_S, "bad_service_state") from error
        if state in WITH_HUMAN:
            self._hands.taken(person)
        return Session(state=state, servicer=str(answer.get("servicer_userid") or ""))

    def serving(self, person: str, deadline: Deadline) -> Serving:
        """Who answers ``person`` now; asked again, the same. One that a servicer ended is still theirs until the event
        that says so is read, or the customer writes again."""
        state = self.of(person, deadline).state
        if state in WITH_HUMAN:
            return Serving.HUMAN
        if not self._hands.had(person):
            return Serving.BOT
        if state is State.ENDED:
            return Serving.HUMAN
        return Serving.LAPSED

    def hand_over(self, person: str, servicers: Sequence[str], reply_key: str, deadline: Deadline) -> bool:
        """See :class:`~bot.account.HumanDesk`."""
        session = self.of(person, deadline)
        if session.state in WITH_HUMAN:
            return True
        self._hands.given_back(person)  # what a human had before is over, whoever gets it now
        if session.state is State.ENDED:
            return False
        serving = self._serving(deadline)
        if not serving:
            return False
        for servicer in filter(None, (serving.get(name.casefold()) for name in servicers)):
            try:
                self._move(person, State.HUMAN, reply_key, deadline, servicer)
                return True
            except Refused as refusal:
                if refusal.code not in _NOT_THAT_ONE:
                    raise
                log.info("servicer_not_available", servicer=servicer, code=refusal.code)
        self._move(person, State.POOL, reply_key, deadline)
        return True

    def take_back(self, person: str, reply_key: str, deadline: Deadline) -> None:
        """See :class:`~bot.account.HumanDesk`."""
        if self.of(person, deadline).state in WITH_HUMAN:
            self._move(person, State.ENDED, reply_key, deadline)
        self._hands.given_back(person)

    def _move(self, person: str, to: State, reply_key: str, deadline: Deadline, servicer: str = "") -> None:
        named = {"servicer_userid": servicer} if servicer else {}
        try:
            answer = self._look(SET_STATE, {"external_userid": person, "service_state": int(to), **named}, deadline)
        except Refused as refusal:
            # Somebody was quicker, or it is our own move whose answer was lost.
            if refusal.code != _MOVED_MEANWHILE or self.of(person, deadline).state is not to:
                raise
            answer = {}
        if to is State.ENDED:
            self._hands.given_back(person)
        else:
            self._hands.taken(person)
        if code := str(answer.get("msg_code") or ""):
            life_s = END_CODE_LIFE_S if to is State.ENDED else CODE_LIFE_S
            self._codes.keep(reply_key, code, self._clock() + life_s)
        log.info("session_moved", account=self._open_kfid, to=int(to), servicer=servicer)

    def _serving(self, deadline: Deadline) -> dict[str, str]:
        """Who takes customers now, by their folded user id (which does not tell case apart, page 90196)."""
        client, query = self._application.client, {"open_kfid": self._open_kfid}
        answer = self._application.call(lambda token: client.get(LIST_SERVICERS, token, query, deadline), deadline)
        listed = [one for one in answer.get("servicer_list") or [] if isinstance(one, dict)]
        names = [str(one.get("userid") or "") for one in listed if one.get("status") == _SERVING]
        return {name.casefold(): name for name in names if name}

    def _look(self, call: str, body: dict[str, Any], deadline: Deadline) -> dict[str, Any]:
        request, client = encode_json({"open_kfid": self._open_kfid, **body}), self._application.client
        return self._application.call(lambda token: client.look(call, token, request, deadline), deadline)
