"""The calls around the messages: session states, accounts, servicers, links, customers (§6.7, §6.8; rule 40)."""

import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from simulator.errcodes import ApiError
from simulator.journal import Journal
from simulator.kf.books import Books
from simulator.kf.customers import has_come
from simulator.kf.people import MAX_ACCOUNTS, Account, Servicer
from simulator.kf.sessions import Session, State
from simulator.media import Media
from simulator.settings import Member

MAX_NAME_CHARACTERS = 16
MAX_SCENE_BYTES = 32
_MAX_PAGE = 100
_MAX_CUSTOMERS = 100
_MAX_SERVICERS = 100
_KEPT_LINKS = 5000
_SCENE = re.compile(r"[0-9a-zA-Z_-]*")

Body = Mapping[str, Any]
_OK: dict[str, Any] = {"errcode": 0, "errmsg": "ok"}


class Administration:
    """Answers those calls; each raises :class:`ApiError`. To be used under the lock of :class:`Kf`.

    ``members`` is the corp's live list.
    """

    def __init__(
        self,
        books: Books,
        *,
        media: Media,
        members: Mapping[str, Member],
        journal: Journal,
        clock: Callable[[], float],
    ) -> None:
        self._people = books.people
        self._sessions = books.sessions
        self._codes = books.codes
        self._posts = books.posts
        self._media = media
        self._members = members
        self._journal = journal
        self._clock = clock
        self._links: OrderedDict[str, tuple[str, str]] = OrderedDict()  # what the url carries -> open_kfid, scene

    def get_state(self, body: Body, _request_id: str) -> dict[str, Any]:
        """``service_state/get``."""
        session = self._session(body)
        return {**_OK, "service_state": session.state, "servicer_userid": session.servicer}

    def move(self, body: Body, request_id: str) -> dict[str, Any]:
        """``service_state/trans``."""
        session = self._session(body)
        wanted = body.get("service_state")
        found = [state for state in State if state == wanted and not isinstance(wanted, bool)]
        if not found:
            raise ApiError(40035, 40, ": service_state")
        servicer = body.get("servicer_userid") or ""
        if not isinstance(servicer, str):
            raise ApiError(40035, 40, ": servicer_userid")
        to, before = found[0], session.state
        self._sessions.check_move(session, to, servicer)
        if to == State.SERVICER:
            self._check_servicer(session.open_kfid, servicer)
        is_first = self._sessions.put(session, to, servicer if to == State.SERVICER else "")
        self._journal.rule(40, "session_moved", request_id, member=session.external_userid, before=before, state=to)
        self._posts.note(session.place, "session_moved", {"before": before, "state": to, "servicer_userid": servicer})
        return {**_OK, **self._code(session, before, to, is_first=is_first)}

    def list_accounts(self, body: Body, _request_id: str) -> dict[str, Any]:
        """``account/list``."""
        offset, limit = _number(body, "offset", 0), _number(body, "limit", _MAX_PAGE)
        if not 0 < limit <= _MAX_PAGE:
            raise ApiError(40058, None, ": limit")
        found = list(self._people.accounts.values())[offset : offset + limit]
        return {**_OK, "account_list": [account.to_json() for account in found]}

    def add_account(self, body: Body, _request_id: str) -> dict[str, Any]:
        """``account/add``."""
        if len(self._people.accounts) >= MAX_ACCOUNTS:
            raise ApiError(95005, None)
        name, avatar = _name(body), self._avatar(body)
        return {**_OK, "open_kfid": self._people.add_account(name, avatar).open_kfid}

    def update_account(self, body: Body, _request_id: str) -> dict[str, Any]:
        """``account/update``: name, picture, or both."""
        account = self._people.account(body.get("open_kfid"))
        name = _name(body) if "name" in body else account.name
        account.avatar = self._avatar(body) if "media_id" in body else account.avatar
        account.name = name
        return dict(_OK)

    def delete_account(self, body: Body, _request_id: str) -> dict[str, Any]:
        """``account/del``."""
        del self._people.accounts[self._people.account(body.get("open_kfid")).open_kfid]
        return dict(_OK)

    def list_servicers(self, body: Body, _request_id: str) -> dict[str, Any]:
        """``servicer/list``."""
        account = self._people.account(body.get("open_kfid"))
        return {**_OK, "servicer_list": [servicer.to_json() for servicer in account.servicers.values()]}

    def add_servicers(self, body: Body, _request_id: str) -> dict[str, Any]:
        """``servicer/add``: members, each with a result of its own."""

        def add(account: Account, userid: str) -> int:
            if userid not in self._members:
                return 60111
            account.servicers.setdefault(userid, Servicer(userid=userid))
            return 0

        return self._each_servicer(body, add)

    def delete_servicers(self, body: Body, _request_id: str) -> dict[str, Any]:
        """``servicer/del``."""

        def delete(account: Account, userid: str) -> int:
            return 0 if account.servicers.pop(userid, None) else 95014

        return self._each_servicer(body, delete)

    def add_contact_way(self, body: Body, _request_id: str) -> dict[str, Any]:
        """``add_contact_way``: a link that leads to the account's chat on the page of customers."""
        account = self._people.account(body.get("open_kfid"))
        scene = body.get("scene", "")
        if not isinstance(scene, str) or not _SCENE.fullmatch(scene) or len(scene) > MAX_SCENE_BYTES:
            raise ApiError(40058, None, ": scene")
        code = f"ENC{secrets.token_urlsafe(16)}"
        self._links[code] = account.open_kfid, scene
        if len(self._links) > _KEPT_LINKS:
            self._links.popitem(last=False)
        return {**_OK, "url": f"{self._media.base_url}/kf?enc_scene={code}"}

    def scene_of(self, code: str) -> tuple[str, str] | None:
        """The account and the scene that a link stands for."""
        return self._links.get(code)

    def customers(self, body: Body, _request_id: str) -> dict[str, Any]:
        """``customer/batchget``."""
        ids = body.get("external_userid_list")
        if not isinstance(ids, list) or not 1 <= len(ids) <= _MAX_CUSTOMERS:
            raise ApiError(40058, None, ": external_userid_list")
        with_context = body.get("need_enter_session_context") == 1
        known = {one: self._people.customers[one] for one in map(str, ids) if one in self._people.customers}
        found = [
            {**customer.to_json(), **(self._context(customer.external_userid) if with_context else {})}
            for customer in known.values()
        ]
        unknown = [one for one in dict.fromkeys(map(str, ids)) if one not in known]
        return {**_OK, "customer_list": found, "invalid_external_userid": unknown}

    def _session(self, body: Body) -> Session:
        account = self._people.account(body.get("open_kfid"))
        customer = self._people.customer(body.get("external_userid"))
        return self._sessions.get(account.open_kfid, customer.external_userid)

    def _check_servicer(self, open_kfid: str, userid: str) -> None:
        if not userid:
            raise ApiError(40063, 40, ": servicer_userid")
        servicer = self._people.accounts[open_kfid].servicers.get(userid)
        if servicer is None:
            raise ApiError(95014, 40)
        if not servicer.is_serving:
            raise ApiError(95019, 40)

    def _code(self, session: Session, before: State, to: State, *, is_first: bool) -> dict[str, str]:
        """The ``msg_code`` that a move gives: the first time into the pool or to a person, and at the end (§6.6)."""
        if to == State.ENDED:
            return {"msg_code": self._codes.issue("ended", session)}
        if to == State.POOL and is_first:
            return {"msg_code": self._codes.issue("pool", session)}
        if to == State.SERVICER and is_first and before != State.SERVICER:
            return {"msg_code": self._codes.issue("taken", session)}
        return {}

    def _each_servicer(self, body: Body, work: Callable[[Account, str], int]) -> dict[str, Any]:
        account = self._people.account(body.get("open_kfid"))
        userids = body.get("userid_list")
        if not isinstance(userids, list) or not 1 <= len(userids) <= _MAX_SERVICERS:
            raise ApiError(40058, None, ": userid_list")
        results = []
        for userid in map(str, userids):
            errcode = work(account, userid)
            results.append({"userid": userid, "errcode": errcode, "errmsg": "success" if not errcode else "fail"})
        return {**_OK, "result_list": results}

    def _avatar(self, body: Body) -> str:
        media_id = body.get("media_id")
        if not isinstance(media_id, str) or not media_id:
            raise ApiError(44001, None)
        return self._media.picture_url(self._media.by_media_id(media_id, "image"))

    def _context(self, external_userid: str) -> dict[str, Any]:
        """How the customer came in within the last 48 hours, where it did."""
        sessions = [one for one in self._sessions.all() if one.external_userid == external_userid and has_come(one)]
        latest = max(sessions, key=lambda one: one.entered_at or 0, default=None)
        if latest is None or not latest.context:
            return {}
        return {"enter_session_context": {"wechat_channels": {}, **latest.context}}


def _name(body: Body) -> str:
    name = body.get("name")
    if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME_CHARACTERS:
        raise ApiError(95006, None)
    return name


def _number(body: Body, name: str, default: int) -> int:
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ApiError(40035, None, f": {name}")
    return value
