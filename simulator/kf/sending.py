"""``kf/send_msg`` and ``send_msg_on_event``: what reaches a customer, what is refused, and what fails later.

§6.5 and §6.6; rules 40 to 42.
"""

import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from threading import RLock
from typing import Any

from simulator.entries import Via
from simulator.errcodes import ApiError
from simulator.faults import Faults
from simulator.journal import Journal
from simulator.kf.bodies import BodyReader
from simulator.kf.books import Books
from simulator.kf.sessions import Session
from simulator.messages import Message
from simulator.rules import Rules
from simulator.timers import Timers

REFUSED = 10
"""``fail_type`` of a message to a customer who takes none."""
_FAIL_TYPES = {95001: 6, 95002: 4, 95018: 5}
"""``fail_type`` of what was accepted though it may not be sent (``kf_refusals``), by errcode."""

_MSGID = re.compile(r"[0-9a-zA-Z_-]{0,32}")
_KEPT_MSGIDS = 20_000

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Sending:
    """A message on its way; ``via`` is ``send`` or ``event``."""

    via: Via
    session: Session
    message: Message
    msgid: str
    request_id: str


class KfSender:
    """Sends to customers. To be used under ``lock``, the lock of :class:`Kf`."""

    def __init__(
        self,
        books: Books,
        *,
        lock: RLock,
        reader: BodyReader,
        faults: Faults,
        timers: Timers,
        rules: Rules,
        journal: Journal,
        clock: Callable[[], float],
    ) -> None:
        self._lock = lock
        self._people = books.people
        self._sessions = books.sessions
        self._codes = books.codes
        self._posts = books.posts
        self._reader = reader
        self._faults = faults
        self._timers = timers
        self._rules = rules
        self._journal = journal
        self._clock = clock
        self.clear()

    def clear(self) -> None:
        """Forget the msgids that were used."""
        self._msgids: dict[str, OrderedDict[str, None]] = {}

    def send(self, body: Body, request_id: str) -> dict[str, Any]:
        """The answer to ``send_msg``. Raises :class:`ApiError`."""
        account = self._people.account(body.get("open_kfid"))
        customer = self._people.customer(body.get("touser"))
        message = self._reader.read(body)
        msgid = self._msgid(account.open_kfid, body)
        session = self._sessions.get(account.open_kfid, customer.external_userid)
        fail_type = self._refusal(session)
        self._keep(account.open_kfid, msgid)
        session.sent += 1
        self._deliver(_Sending("send", session, message, msgid, request_id), fail_type)
        return {"errcode": 0, "errmsg": "ok", "msgid": msgid}

    def send_on_event(self, body: Body, request_id: str) -> dict[str, Any]:
        """The answer to ``send_msg_on_event``. Raises :class:`ApiError`; such a call uses no code up."""
        code = self._codes.find(body.get("code"))
        if body.get("msgtype") not in code.types:
            raise ApiError(40008, 41)
        message = self._reader.read(body)
        session = code.session
        msgid = self._msgid(session.open_kfid, body)
        code.used = True
        self._keep(session.open_kfid, msgid)
        if code.occasion == "welcome":
            session.welcomed_at = self._clock()
        if self._rules.kf_codes_count:
            session.sent += 1
        self._deliver(_Sending("event", session, message, msgid, request_id), None)
        return {"errcode": 0, "errmsg": "ok", "msgid": msgid}

    def _refusal(self, session: Session) -> int | None:
        """How a message fails later that may not be sent, ``None`` for one that may. Raises :class:`ApiError` where it
        is refused at once."""
        try:
            self._sessions.check_send(session)
        except ApiError as error:
            if self._rules.kf_refusals == "at_once" or error.errcode not in _FAIL_TYPES:
                raise
            return _FAIL_TYPES[error.errcode]
        return None

    def _deliver(self, sending: _Sending, fail_type: int | None) -> None:
        """Let the customer see it or, with a ``fail_type``, let the account hear later that nobody did."""
        place, message = sending.session.place, sending.message
        fault = self._faults.take("kf_delivery", place.customer)
        wait_s = self._rules.kf_send_fail_after_s
        if fault:
            fail_type, wait_s = fault.fail_type, fault.seconds or wait_s
        elif self._people.customers[place.customer].refuses:
            fail_type = REFUSED
        if message.cut:
            self._journal.rule(17, "text_cut", sending.request_id, limit_bytes=self._rules.text_bytes)
        if fail_type is not None:
            message = replace(message, fields={**message.fields, "fail_type": fail_type})
        self._posts.sent(sending.via, place, message, msgid=sending.msgid, request_id=sending.request_id)
        if fail_type is None:
            return
        fail = partial(self._fail, sending, fail_type)
        if wait_s:
            self._timers.after(wait_s, fail)
        else:
            fail()

    def _fail(self, sending: _Sending, fail_type: int) -> None:
        with self._lock:
            fields: dict[str, Any] = {"fail_msgid": sending.msgid, "fail_type": fail_type}
            self._journal.rule(42, "send_failed_later", sending.request_id, **fields)
            self._posts.event(sending.session.place, "msg_send_fail", fields)

    def _msgid(self, open_kfid: str, body: Body) -> str:
        """The message's id: the one given, if it is good and new, or one that is made. Raises :class:`ApiError`."""
        given = body.get("msgid", "")
        if not isinstance(given, str) or not _MSGID.fullmatch(given):
            raise ApiError(40058, 42, ": msgid")
        if given in self._msgids.get(open_kfid, {}):
            raise ApiError(self._rules.kf_msgid_errcode, 42, ": msgid repeated")
        return given or secrets.token_urlsafe(24)

    def _keep(self, open_kfid: str, msgid: str) -> None:
        used = self._msgids.setdefault(open_kfid, OrderedDict())
        used[msgid] = None
        if len(used) > _KEPT_MSGIDS:
            used.popitem(last=False)
