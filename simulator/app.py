"""The self-built app as members see it: what they write to it becomes an XML callback (§2.2 to 2.4)."""

import secrets
import threading
from collections.abc import Callable

from simulator.app_cards import AppCards
from simulator.app_events import APP_EVENTS, CARD_EVENTS
from simulator.cards import pressed
from simulator.chats import Chats
from simulator.delivery import Deliveries
from simulator.entries import Delivery, Entry, Quote
from simulator.envelope import Style, Value, write_plain
from simulator.faults import Faults
from simulator.journal import Journal
from simulator.media import Media
from simulator.media_formats import MEDIA_TYPES, media_type
from simulator.passive import PassiveReplies
from simulator.posting import Posting, Unpostable
from simulator.rules import Rules
from simulator.sealing import XmlSealer
from simulator.settings import Settings
from simulator.trace import Trace

COMMON_FIELDS = ("ToUserName", "FromUserName", "CreateTime", "MsgType", "MsgId", "AgentID")
"""Fields of every callback (§2.2); the platform fills them in itself."""


class App:
    """The app's side of the chats; see :class:`simulator.posting.Posting` for what members do."""

    def __init__(
        self,
        *,
        settings: Settings,
        rules: Rules,
        journal: Journal,
        chats: Chats,
        faults: Faults,
        trace: Trace,
        media: Media,
        cards: AppCards,
        clock: Callable[[], float],
    ) -> None:
        self.name = settings.app_name
        self.first_callback_url = settings.callback_url
        self.sealer = XmlSealer(
            token=settings.token,
            encoding_aes_key=settings.encoding_aes_key,
            corp_id=settings.corp_id,
            agent_id=settings.agent_id,
            clock=clock,
        )
        self.deliveries = Deliveries(
            target="callback",
            sealer=self.sealer,
            callback_url=settings.callback_url,
            rules=rules,
            journal=journal,
            chats=chats,
            faults=faults,
            trace=trace,
            replies=PassiveReplies(
                sealer=self.sealer, rules=rules, journal=journal, chats=chats, media=media, cards=cards
            ),
        )
        self._settings = settings
        self._rules = rules
        self._chats = chats
        self._media = media
        self._cards = cards
        self._clock = clock
        # The app remembers MsgIds longer than a simulator runs, so a new run must not repeat the last one's.
        self._next_msg_id = secrets.randbelow(8 * 10**18) + 10**18
        self._id_lock = threading.Lock()

    @property
    def waiting(self) -> int:
        """Callbacks not yet ended, held ones included."""
        return self.deliveries.waiting

    def start(self) -> None:
        """Begin to make callbacks."""
        self.deliveries.start()

    def close(self) -> None:
        """Stop making callbacks."""
        self.deliveries.close()

    def clear(self) -> None:
        """Nothing is remembered here."""

    def post(self, posting: Posting, quote: Quote | None) -> Entry:
        """Show what a member did in the chat and let it go to the app. Raises :class:`Unpostable`."""
        is_event = posting.type == "event"
        fields = self._fields(posting)
        msg_id = 0 if is_event else self._new_msg_id()
        event = APP_EVENTS.get(posting.content) if is_event else None
        selected = {name: fields[name] for name in ("SelectedItems",) if name in fields}
        plain: dict[str, Value] = {
            "ToUserName": self._settings.corp_id,
            "FromUserName": "sys" if event and event.of_system else posting.member,
            "CreateTime": int(self._clock()) if posting.create_time is None else posting.create_time,
            "MsgType": posting.type,
            **{name: value for name, value in fields.items() if name not in selected},
            **({} if is_event else {"MsgId": msg_id}),
            "AgentID": self._settings.agent_id,
            **selected,  # last, as §2.4 shows it
        }
        entry = self._chats.add(
            member=posting.member,
            peer="app",
            via="member",
            type=posting.type,
            content=posting.content,
            fields={} if posting.type == "text" else {**fields, **_target(posting)},
            upload=posting.upload.summary() if posting.upload else None,
            quote=quote,
            msg_id="" if is_event else str(msg_id),
            request_id=secrets.token_hex(16),
            delivery=Delivery(),
        )
        title = posting.content if is_event else posting.type
        self.deliveries.post(entry, write_plain(plain, posting.style or self._style(entry)), title=title)
        return entry

    def _fields(self, posting: Posting) -> dict[str, Value]:
        """The fields of the MsgType; an upload, or a card that is pressed, brings the documented ones (§2.3, §2.4)."""
        fields = dict(posting.fields)
        if posting.type == "event" and posting.content in CARD_EVENTS and posting.target:
            return {**self._pressed(posting, posting.target), **fields}
        if posting.upload is None:
            return fields
        if posting.type not in MEDIA_TYPES:  # "file" among them, which is not in the documentation (§2.3 †)
            raise Unpostable(f"the app takes an upload only as {', '.join(MEDIA_TYPES)}")
        media_id = self._media.media_id(posting.upload, media_type(posting.type))
        if posting.type == "image":
            return {"PicUrl": self._media.picture_url(posting.upload), "MediaId": media_id, **fields}
        own = {"voice": {"Format": "amr"}, "video": {"ThumbMediaId": media_id}}
        return {"MediaId": media_id, **own.get(posting.type, {}), **fields}

    def _pressed(self, posting: Posting, target: Entry) -> dict[str, Value]:
        """A used card in the app's words."""
        is_menu = posting.content == "template_card_menu_event"
        press = pressed(posting, menu=is_menu)
        items = [{"QuestionKey": key, "OptionIds": {"OptionId": ids}} for key, ids in press.selected.items()]
        return {
            "Event": posting.content,
            "EventKey": press.key,
            "TaskId": press.card.get("task_id", ""),
            "CardType": press.card["card_type"],
            "ResponseCode": self._cards.code_for(target),
            **({"SelectedItems": {"SelectedItem": items}} if items and not is_menu else {}),
        }

    def _new_msg_id(self) -> int:
        with self._id_lock:
            self._next_msg_id += 1
            return self._next_msg_id

    def _style(self, entry: Entry) -> Style:
        if self._rules.plain_xml == "mixed":
            return "cdata" if entry.id % 2 else "bare"
        return "cdata" if self._rules.plain_xml == "cdata" else "bare"


def _target(posting: Posting) -> dict[str, int]:
    """What an event is about, for who answers it."""
    return {"target": posting.target.id} if posting.type == "event" and posting.target else {}
