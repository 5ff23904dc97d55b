"""The whole of the simulated platform: one corp, one app, its members, and all that is remembered about them."""

import secrets
import threading
import time
from collections.abc import Callable, Mapping

from simulator.calls import Calls
from simulator.chats import Chats, Delivery, Entry
from simulator.delivery import Deliveries
from simulator.envelope import Style, Value, write_plain
from simulator.faults import Faults
from simulator.journal import Journal
from simulator.rules import Rules
from simulator.sealing import Sealer
from simulator.sending import Sender
from simulator.settings import MAX_MEMBERS, Member, Settings
from simulator.tokens import Tokens
from simulator.verification import Verification, verify_url

MAX_WAITING = 10_000
"""Callbacks that may wait to be made; more messages are refused."""

COMMON_FIELDS = ("ToUserName", "FromUserName", "CreateTime", "MsgType", "MsgId", "AgentID")
"""Fields of every callback (§2.2); the platform fills them in itself."""


class Overloaded(RuntimeError):
    """More callbacks wait than the simulator keeps."""


class Platform:
    """State and behaviour behind all routes.

    ``rules`` are changed in place and by reference; ``clock`` gives epoch seconds and drives every rule about time
    except the deadlines of HTTP exchanges. ``api_lock`` guards ``tokens`` and ``sender``; the other parts guard
    themselves. ``closing`` is set when the process ends, so that nothing sleeps on.
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
        self.members = {member.userid: member for member in settings.members}
        self.journal = Journal(clock)
        self.chats = Chats(clock)
        self.faults = Faults()
        self.calls = Calls(self.rules, clock)
        self.tokens = Tokens(settings, self.rules, self.journal, clock)
        self.sender = Sender(
            settings=settings,
            rules=self.rules,
            journal=self.journal,
            chats=self.chats,
            members=self.members,
            clock=clock,
        )
        self._sealer = Sealer(settings, clock)
        self.deliveries = Deliveries(
            sealer=self._sealer,
            callback_url=settings.callback_url,
            rules=self.rules,
            journal=self.journal,
            chats=self.chats,
            faults=self.faults,
        )
        # The app remembers MsgIds longer than a simulator runs, so a new run must not repeat the last one's.
        self._next_msg_id = secrets.randbelow(8 * 10**18) + 10**18
        self._id_lock = threading.Lock()

    def start(self) -> None:
        """Begin to make callbacks."""
        self.deliveries.start()

    def close(self) -> None:
        """Stop making callbacks and wake who sleeps."""
        self.closing.set()
        self.deliveries.close()

    def add_member(self, member: Member) -> None:
        """Let ``member`` join the corp, or change name and role. Raises :class:`Overloaded` in a full corp."""
        with self.api_lock:
            if len(self.members) >= MAX_MEMBERS and member.userid not in self.members:
                raise Overloaded
            self.members[member.userid] = member

    def post(
        self,
        *,
        member: str,
        type: str,  # noqa: A002 -- WeCom's word
        fields: Mapping[str, Value],
        create_time: int | None = None,
        style: Style | None = None,
    ) -> Entry:
        """Let a member write a message or cause an event: it is shown in the chat and goes to the app.

        ``fields`` are those of the MsgType ``type`` (§2.3, §2.4), in order, without :data:`COMMON_FIELDS`;
        ``create_time`` (epoch seconds) is now unless given, ``style`` as the rules say. Raises :class:`Overloaded`.
        """
        if self.deliveries.waiting >= MAX_WAITING:
            raise Overloaded
        is_event = type == "event"
        msg_id = 0 if is_event else self._new_msg_id()
        plain: dict[str, Value] = {
            "ToUserName": self.settings.corp_id,
            "FromUserName": member,
            "CreateTime": int(self.clock()) if create_time is None else create_time,
            "MsgType": type,
            **fields,
            **({} if is_event else {"MsgId": msg_id}),
            "AgentID": self.settings.agent_id,
        }
        entry = self.chats.add(
            member=member,
            via="member",
            type=type,
            content=str(fields.get("Event" if is_event else "Content", "")),
            fields={} if type == "text" else dict(fields),
            msg_id="" if is_event else str(msg_id),
            request_id=secrets.token_hex(16),
            delivery=Delivery(),
        )
        self.deliveries.post(entry, write_plain(plain, style or self._style(entry)))
        return entry

    def save_callback_url(self, url: str) -> Verification:
        """Verify ``url`` and, if it passes, make callbacks there from now on (rule 1)."""
        verification = verify_url(url, self._sealer, self.rules.url_check_timeout_s)
        event = "url_saved" if verification.ok else "url_refused"
        self.journal.rule(1, event, secrets.token_hex(16), reason=verification.reason)
        if verification.ok:
            self.deliveries.callback_url = url
        return verification

    def kill_tokens(self, *, expire: bool) -> int:
        """Let all access tokens die early (rule 14); returns how many were alive."""
        with self.api_lock:
            killed = self.tokens.kill(expire=expire)
        event = "tokens_expired" if expire else "tokens_revoked"
        self.journal.rule(14, event, secrets.token_hex(16), killed=killed)
        return killed

    def reset(self) -> None:
        """Forget chats, journal, faults, rates and bans; rules and callback URL are the first ones again.

        Members and tokens stay.
        """
        self.faults.clear()
        self.deliveries.release()
        self.deliveries.callback_url = self.settings.callback_url
        self.rules.update(self._first_rules.to_json())
        with self.api_lock:
            self.tokens.clear()
            self.sender.clear()
        self.calls.clear()
        self.chats.clear()
        self.journal.clear()

    def _new_msg_id(self) -> int:
        with self._id_lock:
            self._next_msg_id += 1
            return self._next_msg_id

    def _style(self, entry: Entry) -> Style:
        if self.rules.plain_xml == "mixed":
            return "cdata" if entry.id % 2 else "bare"
        return "cdata" if self.rules.plain_xml == "cdata" else "bare"
