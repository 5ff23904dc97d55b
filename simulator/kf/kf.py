"""WeChat customer service as a whole: the bell's receiver, and everything behind it under one lock."""

import threading
from collections.abc import Callable, Mapping

from simulator.chats import Chats
from simulator.delivery import Deliveries
from simulator.entries import Entry
from simulator.faults import Faults
from simulator.journal import Journal
from simulator.kf.administration import Administration
from simulator.kf.bells import TARGET, Bells
from simulator.kf.bodies import BodyReader
from simulator.kf.books import Books
from simulator.kf.customers import Customers
from simulator.kf.pulls import Pulls
from simulator.kf.sending import KfSender
from simulator.kf.servicers import Servicers
from simulator.media import Media
from simulator.rules import Rules
from simulator.sealing import XmlSealer
from simulator.settings import KfSettings, Member
from simulator.timers import Timers
from simulator.trace import Trace

_IDS_ABOVE = 1_000_000_000
"""In the trace, the entries of customers and those of members never have the same id."""
_TIMER_THREADS = 2
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
        self.sealer = _sealer(settings, corp_id, clock)
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
        self._journal = journal
        self._timers = Timers(_TIMER_THREADS)
        self.bells = Bells(
            corp_id=corp_id,
            deliveries=self.deliveries,
            faults=faults,
            timers=self._timers,
            rules=rules,
            journal=journal,
            clock=clock,
        )
        self._books = books = Books.opened(
            settings, chats=self.chats, bells=self.bells, faults=faults, rules=rules, journal=journal, clock=clock
        )
        self.people, self.sessions = books.people, books.sessions
        self.pulls = Pulls(books, bells=self.bells, faults=faults, rules=rules, journal=journal, clock=clock)
        self.customers = Customers(books, chats=self.chats, media=media, rules=rules, clock=clock)
        self.servicers = Servicers(books, self.customers)
        self.administration = Administration(books, media=media, members=members, journal=journal, clock=clock)
        self.sender = KfSender(
            books,
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
            self._books.posts.release()
        self.deliveries.release()

    def clear(self) -> None:
        """Forget sessions, streams, chats, codes and tokens; accounts, servicers and customers stay."""
        with self.lock:
            self._timers.clear()
            self.pulls.clear()
            self.bells.clear()
            self.sender.clear()
            self._books.clear()

    def take(self, entry: Entry, _nonce: str, body: bytes) -> str:
        """A bell is answered with nothing; anything else is written down and shown to nobody."""
        if body.strip() not in _NO_REPLY:
            self._journal.rule(6, "reply_not_allowed", entry.request_id, entry)
        return ""

    def lost(self, entry: Entry) -> None:
        """Nothing: the account's messages can be pulled all the same."""


def _sealer(settings: KfSettings, corp_id: str, clock: Callable[[], float]) -> XmlSealer:
    """What seals the bells: they come from no application."""
    return XmlSealer(
        token=settings.token,
        encoding_aes_key=settings.encoding_aes_key,
        corp_id=corp_id,
        agent_id=None,
        clock=clock,
    )
