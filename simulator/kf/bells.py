"""The bell: a callback that says that an account has something new, and nothing else (§6.2; rules 38 and 39)."""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import partial

from simulator.delivery import Deliveries
from simulator.entries import Entry
from simulator.envelope import Style, Value, write_plain
from simulator.errcodes import ApiError
from simulator.faults import Faults
from simulator.journal import Journal
from simulator.rules import Rules
from simulator.timers import Timers

TARGET = "kf_callback"
"""What faults on bells are asked for with."""

_KEPT_TOKENS = 5000


class Bells:
    """Rings, and knows the tokens that bells carried; thread-safe."""

    def __init__(
        self,
        *,
        corp_id: str,
        deliveries: Deliveries,
        faults: Faults,
        timers: Timers,
        rules: Rules,
        journal: Journal,
        clock: Callable[[], float],
    ) -> None:
        self._corp_id = corp_id
        self._deliveries = deliveries
        self._faults = faults
        self._timers = timers
        self._rules = rules
        self._journal = journal
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens: OrderedDict[str, tuple[str, float]] = OrderedDict()  # token -> account, epoch seconds
        self._gathering: set[str] = set()
        self._rung = 0

    def ring(self, open_kfid: str, customer: str, entry_id: int = 0) -> None:
        """Let the account's bell ring for what ``customer`` did (empty: nobody in particular), at once or soon."""
        gather_s = self._rules.kf_bell_gather_s
        if not gather_s:
            self._ring(open_kfid, customer, entry_id)
            return
        with self._lock:
            if open_kfid in self._gathering:
                return
            self._gathering.add(open_kfid)
        self._timers.after(gather_s, partial(self._ring_gathered, open_kfid, customer, entry_id))

    def check(self, token: str, open_kfid: str) -> None:
        """Raises :class:`ApiError` 95007 unless ``token`` came with a bell of that account lately (rule 39)."""
        account, at = self._token(token)
        if account != open_kfid or self._clock() - at > self._rules.kf_token_life_s:
            raise ApiError(95007, 39)

    def account_of(self, token: str) -> str:
        """The account whose bell carried ``token``. Raises :class:`ApiError` 95007."""
        return self._token(token)[0]

    def clear(self) -> None:
        """Forget the tokens."""
        with self._lock:
            self._tokens.clear()
            self._gathering.clear()

    def _token(self, token: str) -> tuple[str, float]:
        with self._lock:
            found = self._tokens.get(token)
        if found is None:
            raise ApiError(95007, 39)
        return found

    def _ring_gathered(self, open_kfid: str, customer: str, entry_id: int) -> None:
        with self._lock:
            self._gathering.discard(open_kfid)
        self._ring(open_kfid, customer, entry_id)

    def _ring(self, open_kfid: str, customer: str, entry_id: int) -> None:
        # No entry of a chat: nobody sees a bell. It names the message for the trace.
        bell = Entry(
            id=entry_id,
            member=customer,
            via="system",
            type="event",
            content="kf_msg_or_event",
            at=self._clock(),
            peer="kf",
            chat=open_kfid,
            request_id=secrets.token_hex(16),
        )
        fault = self._faults.take(TARGET, customer)
        kind = fault.kind if fault else ""
        plain = write_plain(self._fields(open_kfid, is_stale=kind == "stale_token"), self._style())
        if kind in ("late", "stale_token"):
            self._journal.rule(38, f"bell_{kind}", bell.request_id, bell)
        post = partial(
            self._deliveries.post,
            bell,
            plain,
            title=bell.content,
            fault_kind="" if kind in ("late", "stale_token") else kind,
        )
        if fault and kind == "late":
            self._timers.after(fault.seconds, post)
        else:
            post()

    def _fields(self, open_kfid: str, *, is_stale: bool) -> dict[str, Value]:
        now = self._clock()
        token = f"ENC{secrets.token_urlsafe(48)}"
        with self._lock:
            self._tokens[token] = open_kfid, now - (self._rules.kf_token_life_s + 1 if is_stale else 0)
            if len(self._tokens) > _KEPT_TOKENS:
                self._tokens.popitem(last=False)
        return {
            "ToUserName": self._corp_id,
            "CreateTime": int(now),
            "MsgType": "event",
            "Event": "kf_msg_or_event",
            "Token": token,
            "OpenKfId": open_kfid,
        }

    def _style(self) -> Style:
        """How the XML is written (rule 11)."""
        with self._lock:
            self._rung += 1
            if self._rules.plain_xml == "mixed":
                return "cdata" if self._rung % 2 else "bare"
        return "cdata" if self._rules.plain_xml == "cdata" else "bare"
