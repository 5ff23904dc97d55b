"""WeChat customer service as a whole: the bell's receiver, and everything behind it under one lock."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from simulator.chats import Chats
from simulator.delivery import Deliveries
from simulator.entries import Entry
from simulator.errcodes import ApiError
from simulator.faults import Faults
from simulator.journal import Journal
from simulator.kf.administration import Administration
from simulator.kf.bells import TARGET, Bells
from simulator.kf.bodies import BodyReader
from simulator.kf.codes import Codes
from simulator.kf.customers import Customers
from simulator.kf.people import People
from simulator.kf.posts import Posts
from simulator.kf.sending import KfSender
from simulator.kf.servicers import Servicers
from simulator.kf.sessions import Sessions
from simulator.limits import Quota
from simulator.media import Media
from simulator.rules import Rules
from simulator.sealing import XmlSealer
from simulator.settings import KfSettings, Member
from simulator.timers import Timers
from simulator.trace import Trace

MAX_LIMIT = 1000
"""The most messages that one may ask for, and what comes when nothing is asked for (§6.3)."""

_IDS_ABOVE = 1_000_000_000
"""In the trace, the entries of customers and those of members never have the same id."""
_TIMER_THREADS = 2
_MINUTE_S = 60.0
_NO_REPLY = (b"", b"success")


class Kf:
    """Accounts, customers and servicers of one corp.

    Everything in it is used while ``lock`` is held, but for ``chats`` and ``deliveries``, which guard themselves.
    """

    def __init__(
        self,
        settings: KfSettings,
        *,
        corp_id: str,
        members: Mapping[str, Member],
        media: Media,
        rules: Rules,
        journal: Journal,
        faults: Faults,
        trace: Trace,
        clock: Callable[[], float],
    ) -> None:
        self.first_callback_url = settings.callback_url
        self.sealer = XmlSealer(
            token=settings.token,
            encoding_aes_key=settings.encoding_aes_key,
            corp_id=corp_id,
            agent_id=None,
            clock=clock,
        )
        self.lock = threading.RLock()
        self.chats = Chats(clock, ids_above=_IDS_ABOVE)
        self.deliveries = Deliveries(
            target=TARGET,
            sealer=self.sealer,
            callback_url=settings.callback_url,
            rules=rules,
            journal=journal,
            chats=self.chats,
            faults=faults,
            trace=trace,
            replies=self,
        )
        self._settings = settings
        self._rules = rules
        self._journal = journal
        self._faults = faults
        self._clock = clock
        self._timers = Timers(_TIMER_THREADS)
        self._tokenless = Quota(_MINUTE_S, _MINUTE_S)
        self.bells = Bells(
            corp_id=corp_id,
            deliveries=self.deliveries,
            faults=faults,
            timers=self._timers,
            rules=rules,
            journal=journal,
            clock=clock,
        )
        self.people = People(settings)
        self.sessions = Sessions(rules, journal, clock)
        self.codes = Codes(rules, clock)
        self.posts = Posts(chats=self.chats, bells=self.bells, faults=faults, rules=rules, clock=clock)
        parts: dict[str, Any] = {
            "people": self.people,
            "sessions": self.sessions,
            "codes": self.codes,
            "posts": self.posts,
        }
        self.customers = Customers(**parts, chats=self.chats, media=media, rules=rules, clock=clock)
        self.servicers = Servicers(**parts, customers=self.customers)
        self.administration = Administration(**parts, media=media, members=members, journal=journal, clock=clock)
        self.sender = KfSender(
            **parts,
            lock=self.lock,
            reader=BodyReader(rules, media),
            faults=faults,
            timers=self._timers,
            rules=rules,
            journal=journal,
            clock=clock,
        )

    @property
    def waiting(self) -> int:
        """Bells not yet ended, held ones included."""
        return self.deliveries.waiting

    def start(self) -> None:
        """Begin to ring."""
        self._timers.start()
        self.deliveries.start()

    def close(self) -> None:
        """Stop ringing, and let nobody wait for news."""
        self.chats.close()
        self._timers.close()
        self.deliveries.close()

    def release(self) -> None:
        """Let go what swaps hold back, of the streams and of the bells."""
        with self.lock:
            self.posts.release()
        self.deliveries.release()

    def clear(self) -> None:
        """Forget sessions, streams, chats, codes and tokens; accounts, servicers and customers stay."""
        with self.lock:
            self._timers.clear()
            self._tokenless = Quota(_MINUTE_S, _MINUTE_S)
            self.bells.clear()
            self.sessions.clear()
            self.codes.clear()
            self.sender.clear()
            self.posts.clear()

    def sync(self, body: Mapping[str, Any], request_id: str) -> dict[str, Any]:
        """The answer to ``sync_msg``. Raises :class:`ApiError` (rule 39)."""
        token, cursor = _text_in(body, "token"), _text_in(body, "cursor")
        open_kfid = self._account(body, token)
        if token:
            self.bells.check(token, open_kfid)
        elif not self._tokenless.take(self._clock(), self._rules.kf_tokenless_per_minute):
            raise ApiError(45009, 39)
        fault = self._faults.take("kf_page")
        if fault:
            self._journal.rule(39, "empty_page", request_id)
        page = self.posts.stream(open_kfid).read(
            cursor, self._limit(body), silk=_choice(body, "voice_format") == 1, empty=fault is not None
        )
        self.posts.pulled(page.entry_ids)
        return {
            "errcode": 0,
            "errmsg": "ok",
            "next_cursor": page.next_cursor,
            "has_more": int(page.has_more),
            "msg_list": page.messages,
        }

    def take(self, entry: Entry, _nonce: str, body: bytes) -> str:
        """A bell is answered with nothing; anything else is written down and shown to nobody."""
        if body.strip() not in _NO_REPLY:
            self._journal.rule(6, "reply_not_allowed", entry.request_id, entry)
        return ""

    def lost(self, entry: Entry) -> None:
        """Nothing: the account's messages can be pulled all the same."""

    def _account(self, body: Mapping[str, Any], token: str) -> str:
        """The account that is read: the one that is named, or the token's, where that is enough."""
        named = body.get("open_kfid", "")
        if not named and self._rules.kf_require_open_kfid:
            raise ApiError(40058, 39, ": open_kfid")
        return self.people.account(named or (self.bells.account_of(token) if token else "")).open_kfid

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
