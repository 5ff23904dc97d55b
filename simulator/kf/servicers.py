"""What a servicer does by hand: takes a session from the pool, answers, hands it on, ends it, stops serving (§6.4)."""

from collections.abc import Mapping
from typing import Literal

from simulator.entries import Entry
from simulator.kf.books import Books
from simulator.kf.customers import Customers, Written
from simulator.kf.people import Account, Servicer, StopType
from simulator.kf.sessions import Place, Session, State
from simulator.posting import Unpostable

Act = Literal["take", "transfer", "end", "reopen"]
Status = Literal["serving", "stopped", "away"]

ACTS: Mapping[str, Act] = {"take": "take", "transfer": "transfer", "end": "end", "reopen": "reopen"}
STATUSES: Mapping[str, Status] = {"serving": "serving", "stopped": "stopped", "away": "away"}
_STOP_TYPES: Mapping[Status, StopType] = {"serving": 0, "stopped": 0, "away": 1}

_TAKEN, _TRANSFERRED, _ENDED, _REOPENED = 1, 2, 3, 4
"""``change_type`` of ``session_status_change``."""


class Servicers:
    """The servicers' acts. To be used under the lock of :class:`Kf`."""

    def __init__(self, books: Books, customers: Customers) -> None:
        self._people = books.people
        self._sessions = books.sessions
        self._codes = books.codes
        self._posts = books.posts
        self._customers = customers

    def write(self, place: Place, servicer: str, written: Written) -> Entry:
        """Answer a customer whose session the servicer has. Raises :class:`Unpostable`."""
        self._own(place, servicer)
        message, body = self._customers.read(written)
        return self._posts.message(5, place, message, body, servicer=servicer)

    def act(self, place: Place, servicer: str, act: Act, to: str) -> Entry:
        """Change a session by hand; ``to`` is who gets it when it is transferred. Raises :class:`Unpostable`."""
        if act == "take":
            session = self._in_state(place, State.POOL)
            self._serving(place.open_kfid, servicer)
            self._sessions.put(session, State.SERVICER, servicer)
            code = {"msg_code": self._codes.issue("taken", session)}
            return self._changed(place, {"change_type": _TAKEN, "new_servicer_userid": servicer, **code})
        if act == "transfer":
            session = self._own(place, servicer)
            self._serving(place.open_kfid, to)
            self._sessions.put(session, State.SERVICER, to)
            both = {"old_servicer_userid": servicer, "new_servicer_userid": to}
            return self._changed(place, {"change_type": _TRANSFERRED, **both})
        if act == "end":
            session = self._own(place, servicer)
            self._sessions.put(session, State.ENDED)
            code = {"msg_code": self._codes.issue("ended", session)}
            return self._changed(place, {"change_type": _ENDED, "old_servicer_userid": servicer, **code})
        session = self._in_state(place, State.ENDED)
        if not self._sessions.is_open(session):
            raise Unpostable("the customer wrote nothing in the last 48 hours")
        self._serving(place.open_kfid, servicer)
        self._sessions.put(session, State.SERVICER, servicer)
        both = {"old_servicer_userid": servicer, "new_servicer_userid": servicer}
        return self._changed(place, {"change_type": _REOPENED, **both})

    def recall(self, entry: Entry, servicer: str) -> Entry:
        """Take one of one's own messages back. Raises :class:`Unpostable`."""
        if entry.fields.get("servicer_userid") != servicer:
            raise Unpostable("the message is not this servicer's")
        return self._customers.recall(entry, {"servicer_userid": servicer}, event="servicer_recall_msg")

    def set_status(self, open_kfid: str, userid: str, status: Status) -> Entry:
        """Begin to serve, stop, or go away for a moment. Raises :class:`Unpostable`."""
        servicer = self._servicer(open_kfid, userid)
        servicer.is_serving, servicer.stop_type = status == "serving", _STOP_TYPES[status]
        stopped = {} if servicer.is_serving else {"stop_type": servicer.stop_type}
        fields = {"servicer_userid": userid, "status": 1 if servicer.is_serving else 2, **stopped}
        return self._posts.event(Place(open_kfid), "servicer_status_change", fields)

    def reject(self, place: Place, userid: str, *, is_on: bool) -> Entry:
        """Take no more messages of a customer, or take them again. Raises :class:`Unpostable`."""
        self._servicer(place.open_kfid, userid)
        fields = {"servicer_userid": userid, "reject_switch": int(is_on)}
        return self._posts.event(place, "reject_customer_msg_switch_change", fields)

    def _changed(self, place: Place, fields: Mapping[str, object]) -> Entry:
        return self._posts.event(place, "session_status_change", fields)

    def _in_state(self, place: Place, state: State) -> Session:
        session = self._sessions.get(*place)
        if session.state != state:
            raise Unpostable(f"the session is in state {session.state}, not {state}")
        return session

    def _own(self, place: Place, servicer: str) -> Session:
        session = self._in_state(place, State.SERVICER)
        if session.servicer != servicer:
            raise Unpostable("another servicer has this session")
        return session

    def _serving(self, open_kfid: str, userid: str) -> None:
        if not self._servicer(open_kfid, userid).is_serving:
            raise Unpostable(f"{userid} has stopped serving")

    def _servicer(self, open_kfid: str, userid: str) -> Servicer:
        account: Account = self._people.accounts[open_kfid]
        if userid not in account.servicers:
            raise Unpostable(f"{userid or 'nobody'} is no servicer of this account")
        return account.servicers[userid]
