"""``sync_msg``: an account's stream, page by page, to whoever has a bell's token or asks only now and then (§6.3; rule
39)."""

from collections.abc import Callable, Mapping
from typing import Any

from simulator.errcodes import ApiError
from simulator.faults import Faults
from simulator.journal import Journal
from simulator.kf.bells import Bells
from simulator.kf.books import Books
from simulator.limits import Quota
from simulator.rules import Rules

MAX_LIMIT = 1000
"""The most messages that one may ask for, and what comes when nothing is asked for (§6.3)."""

_MINUTE_S = 60.0


class Pulls:
    """Answers that call. To be used under the lock of :class:`.kf.Kf`."""

    def __init__(
        self,
        books: Books,
        *,
        bells: Bells,
        faults: Faults,
        rules: Rules,
        journal: Journal,
        clock: Callable[[], float],
    ) -> None:
        self._people = books.people
        self._posts = books.posts
        self._bells = bells
        self._faults = faults
        self._rules = rules
        self._journal = journal
        self._clock = clock
        self.clear()

    def clear(self) -> None:
        """Forget how often it was asked without a token."""
        self._tokenless = Quota(_MINUTE_S, _MINUTE_S)

    def answer(self, body: Mapping[str, Any], request_id: str) -> dict[str, Any]:
        """The answer to ``sync_msg``. Raises :class:`ApiError` (rule 39)."""
        token, cursor = _text_in(body, "token"), _text_in(body, "cursor")
        open_kfid = self._account(body, token)
        if token:
            self._bells.check(token, open_kfid)
        elif not self._tokenless.take(self._clock(), self._rules.kf_tokenless_per_minute):
            raise ApiError(45009, 39)
        fault = self._faults.take("kf_page")
        if fault:
            self._journal.rule(39, "empty_page", request_id)
        page = self._posts.stream(open_kfid).read(
            cursor, self._limit(body), silk=_choice(body, "voice_format") == 1, empty=fault is not None
        )
        self._posts.pulled(page.entry_ids)
        return {
            "errcode": 0,
            "errmsg": "ok",
            "next_cursor": page.next_cursor,
            "has_more": int(page.has_more),
            "msg_list": page.messages,
        }

    def _account(self, body: Mapping[str, Any], token: str) -> str:
        """The account that is read: the one that is named, or the token's, where that is enough."""
        named = body.get("open_kfid", "")
        if not named and self._rules.kf_require_open_kfid:
            raise ApiError(40058, 39, ": open_kfid")
        return self._people.account(named or (self._bells.account_of(token) if token else "")).open_kfid

    def _limit(self, body: Mapping[str, Any]) -> int:
        limit = body.get("limit", 0)
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
            raise ApiError(40035, 39, ": limit")
        if limit > MAX_LIMIT:
            raise ApiError(40058, 39, ": limit")
        return min(limit or MAX_LIMIT, self._rules.kf_page_messages)


def _text_in(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str):
        raise ApiError(40035, 39, f": {name}")
    return value


def _choice(body: Mapping[str, Any], name: str) -> int:
    value = body.get(name, 0)
    if isinstance(value, bool) or value not in (0, 1):
        raise ApiError(40035, 39, f": {name}")
    return int(value)
