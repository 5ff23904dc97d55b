"""The whole of the simulated platform: one corp with an app, a bot and customer service, and all that is remembered."""

import secrets
import threading
import time
from collections.abc import Callable

from simulator.aibot.bot import Bot
from simulator.app import App
from simulator.app_cards import AppCards
from simulator.appchats import AppChats
from simulator.calls import Calls
from simulator.chats import Chats, in_chat
from simulator.corp import Corp
from simulator.entries import Entry, PeerId, Quote
from simulator.faults import Faults
from simulator.journal import Journal
from simulator.kf.kf import Kf
from simulator.media import Media
from simulator.posting import Overloaded, Posting, Unpostable
from simulator.robots import Robots
from simulator.rules import Rules
from simulator.sending import Sender
from simulator.sent import SentMessages
from simulator.settings import Settings
from simulator.tokens import Tokens
from simulator.trace import Trace
from simulator.uploads import Uploads
from simulator.verification import Verification, verify_url

MAX_WAITING = 10_000
"""Callbacks that may wait to be made; more messages are refused."""

Peer = App | Bot
"""Whom members write to."""
Receiver = App | Bot | Kf
"""Who is called back."""


class Platform:
    """State and behaviour behind all routes.

    ``rules`` are changed in place and by reference; ``clock`` gives epoch seconds and drives every rule about time
    except the deadlines of HTTP exchanges and the pause between refreshes. ``api_lock`` guards ``tokens``, ``sender``,
    ``sent``, ``robots`` and ``appchats``; the other parts guard themselves. ``closing`` is set when the process ends,
    so that nothing sleeps on.
    """

    def __init__(
        self, settings: Settings, *, rules: Rules | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self.settings = settings
        self.rules = rules or Rules()
        self._first_rules = self.rules.copy()
        self.clock = clock
        self.closing = threading.Event()
        self.api_lock = threading.Lock()
        self.corp = Corp(settings)
        self.trace = Trace(clock)
        self.journal = Journal(clock, self.trace)
        self.chats = Chats(clock)
        self.faults = Faults()
        self.calls = Calls(self.rules, clock)
        self.uploads = Uploads()
        self.media = Media(self.uploads, self.rules, clock)
        self.tokens = Tokens(settings, self.rules, self.journal, clock)
        self.app_cards = AppCards(self.rules, self.chats, clock)
        self.sent = SentMessages(self.rules, self.chats, clock)
        self.sender = Sender(
            settings=settings,
            rules=self.rules,
            journal=self.journal,
            chats=self.chats,
            cards=self.app_cards,
            sent=self.sent,
            media=self.media,
            members=self.corp.members,
            clock=clock,
        )
        self.robots = Robots(
            settings.robots,
            rules=self.rules,
            journal=self.journal,
            chats=self.chats,
            media=self.media,
            uploads=self.uploads,
            clock=clock,
        )
        self.appchats = AppChats(
            rules=self.rules,
            journal=self.journal,
            chats=self.chats,
            media=self.media,
            corp=self.corp,
            name=settings.app_name,
            clock=clock,
        )
        self.app = self._make_app() if settings.has_app else None
        self.bot = self._make_bot()
        self.peers: dict[PeerId, Peer] = {}
        if self.app:
            self.peers["app"] = self.app
        if self.bot:
            self.peers["bot"] = self.bot
        self.kf = self._make_kf()
        self.receivers: dict[PeerId, Receiver] = {**self.peers, **({"kf": self.kf} if self.kf else {})}

    def start(self) -> None:
        """Begin to make callbacks."""
        for peer in self.receivers.values():
            peer.start()

    def close(self) -> None:
        """Stop making callbacks and wake who sleeps."""
        self.closing.set()
        self.faults.clear()
        self.chats.close()
        self.trace.close()
        for peer in self.receivers.values():
            peer.close()

    @property
    def waiting(self) -> int:
        """Callbacks not yet ended, held ones included."""
        return sum(peer.waiting for peer in self.receivers.values())

    def default_peer(self) -> PeerId:
        """Whom members write to in single chat, or whose callback URL is meant, when nothing else is said."""
        return next(iter(self.receivers))

    def post(self, posting: Posting, peer: PeerId) -> Entry | None:
        """Let a member write a message or cause an event: it is shown in the chat and goes to ``peer``.

        A group is the bot's alone: an app hears no groups (§2.1).
        ``None``: it does not happen, as a second ``enter_chat`` of a day. Raises :class:`Overloaded` and
        :class:`Unpostable`.
        """
        if self.waiting >= MAX_WAITING:
            raise Overloaded
        if peer not in self.peers:
            raise Unpostable(f"there is no {peer} here")
        if posting.chat and peer != "bot":
            raise Unpostable("an app neither hears nor writes to groups")
        for other in (posting.quote, posting.target):
            if other and not in_chat(other, peer=peer, chat=posting.chat, member=posting.member):
                raise Unpostable("a quote or target must stand in the same chat")
        quote = self.quote(posting.quote) if posting.quote else None
        return self.peers[peer].post(posting, quote)

    def quote(self, entry: Entry) -> Quote:
        """What another entry shows of ``entry``."""
        if entry.via == "member":
            member = self.corp.members.get(entry.member)
            name = member.name if member else entry.member
        else:
            name = entry.fields.get("author") or self.peers[entry.peer].name
        return Quote(id=entry.id, name=name, type=entry.type, content=entry.content)

    def save_callback_url(self, url: str, peer: PeerId) -> Verification:
        """Verify ``url`` and, if it passes, make ``peer``'s callbacks there from now on (rule 1)."""
        verification = verify_url(url, self.receivers[peer].sealer, self.rules.url_check_timeout_s)
        event = "url_saved" if verification.ok else "url_refused"
        self.journal.rule(1, event, secrets.token_hex(16), reason=verification.reason)
        if verification.ok:
            self.receivers[peer].deliveries.callback_url = url
        return verification

    def kill_tokens(self, *, expire: bool) -> int:
        """Let all access tokens die early (rule 14); returns how many were alive."""
        with self.api_lock:
            killed = self.tokens.kill(expire=expire)
        event = "tokens_expired" if expire else "tokens_revoked"
        self.journal.rule(14, event, secrets.token_hex(16), killed=killed)
        return killed

    def clear_faults(self) -> None:
        """Everything works again; what a swap holds back goes out."""
        self.faults.clear()
        for peer in self.peers.values():
            peer.deliveries.release()
        if self.kf:
            self.kf.release()

    def reset(self) -> None:
        """Forget chats, journal, trace, uploads, faults, rates and bans; rules and callback URLs are the first again.

        Members, groups, tokens, and the people of customer service stay.
        """
        self.clear_faults()
        for peer in self.receivers.values():
            peer.deliveries.callback_url = peer.first_callback_url
            peer.clear()
        self.rules.update(self._first_rules.to_json())
        with self.api_lock:
            self.tokens.clear()
            self.sender.clear()
            self.sent.clear()
            self.robots.clear()
            self.appchats.clear()
        self.app_cards.clear()
        self.calls.clear()
        self.media.clear()
        self.uploads.clear()
        self.chats.clear()
        self.journal.clear()
        self.trace.clear()

    def _make_app(self) -> App:
        return App(
            settings=self.settings,
            rules=self.rules,
            journal=self.journal,
            chats=self.chats,
            faults=self.faults,
            trace=self.trace,
            media=self.media,
            cards=self.app_cards,
            clock=self.clock,
        )

    def _make_bot(self) -> Bot | None:
        if self.settings.bot is None:
            return None
        return Bot(
            self.settings.bot,
            rules=self.rules,
            journal=self.journal,
            chats=self.chats,
            faults=self.faults,
            trace=self.trace,
            media=self.media,
            uploads=self.uploads,
            clock=self.clock,
            quote=self.quote,
        )

    def _make_kf(self) -> Kf | None:
        if self.settings.kf is None:
            return None
        return Kf(
            self.settings.kf,
            corp_id=self.settings.corp_id,
            members=self.corp.members,
            media=self.media,
            rules=self.rules,
            journal=self.journal,
            faults=self.faults,
            trace=self.trace,
            clock=self.clock,
        )
