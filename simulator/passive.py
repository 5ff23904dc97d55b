"""What the app put into a callback's answer: the encrypted passive reply, read and shown (§1.5, §2.5; rule 6)."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.app_cards import AppCards
from simulator.app_events import APP_EVENTS
from simulator.card_grammar import card_from_xml, card_problem
from simulator.chats import Chats
from simulator.crypto import CryptoError, decrypt, signature
from simulator.entries import Entry
from simulator.envelope import BadXml, read_xml
from simulator.errcodes import ApiError
from simulator.journal import Journal
from simulator.media import Media
from simulator.messages import Message, MessageReader
from simulator.rules import Rules
from simulator.sealing import Sealer

_NO_REPLY = (b"", b"success")
_UPDATES = ("update_button", "update_template_card")
_KINDS = ("text", "image", "voice", "video", "news", *_UPDATES)


class BadPassiveReply(ValueError):
    """A passive reply that WeCom would not show; ``str()`` is a constant word, ``details`` what is known besides."""

    def __init__(self, fault: str, **details: Any) -> None:
        self.details = details
        super().__init__(fault)


@dataclass(frozen=True, slots=True)
class PassiveReply:
    """A reply's MsgType and its elements; ``plain`` is the whole of it."""

    type: str
    tree: Mapping[str, Any]
    plain: str


class PassiveReplies:
    """Shows the app's passive replies, one a message; faulty ones are written down and shown to nobody."""

    def __init__(
        self, *, sealer: Sealer, rules: Rules, journal: Journal, chats: Chats, media: Media, cards: AppCards
    ) -> None:
        self._sealer = sealer
        self._rules = rules
        self._journal = journal
        self._chats = chats
        self._reader = MessageReader(rules, media)
        self._cards = cards

    def take(self, entry: Entry, _nonce: str, body: bytes) -> str:
        """Show the reply to ``entry`` in ``body``, if there is one; returns its plain text."""
        plain = ""
        try:
            reply = read_passive_reply(body, sealer=self._sealer, userid=entry.member)
            if reply is None:
                return ""
            plain = reply.plain
            self._check_allowed(reply, entry)
            change = self._read_update(reply, entry) if reply.type in _UPDATES else self._read_message(reply)
        except BadPassiveReply as error:
            self._journal.rule(6, str(error), entry.request_id, entry, **error.details)
            return plain
        if not self._chats.claim_answer(entry):
            self._journal.rule(6, "passive_reply_not_shown", entry.request_id, entry)
        elif isinstance(change, Message):
            self._show(change, entry)
        else:
            self._update(change)
        return plain

    def lost(self, entry: Entry) -> None:
        """Nothing: the member sees that the delivery failed."""

    def _check_allowed(self, reply: PassiveReply, entry: Entry) -> None:
        """Not every event allows every reply (§2.4); a message allows all but a change of a card."""
        event = APP_EVENTS.get(entry.content) if entry.type == "event" else None
        passive = event.passive if event else "any"
        if reply.type in _UPDATES:
            allowed = passive == "card"
        else:
            allowed = passive == "any" or not self._rules.refuse_unlisted_replies
        if not allowed:
            raise BadPassiveReply("reply_not_allowed", msgtype=reply.type, to=entry.content if event else entry.type)

    def _read_message(self, reply: PassiveReply) -> Message:
        try:
            return self._reader.read(_message_body(reply))
        except ApiError as error:
            raise BadPassiveReply("incomplete_reply", errcode=error.errcode) from error

    def _read_update(self, reply: PassiveReply, entry: Entry) -> "_Update":
        target = self._chats.find(entry.fields.get("target", 0))
        if target is None:
            raise BadPassiveReply("no_card_to_update")
        if reply.type == "update_button":
            button = reply.tree.get("Button")
            name = button.get("ReplaceName") if isinstance(button, dict) else None
            if not isinstance(name, str) or not name:
                raise BadPassiveReply("incomplete_reply")
            return _Update(target, name, {})
        tree = reply.tree.get("TemplateCard")
        card = card_from_xml(tree, "app") if isinstance(tree, dict) else {}
        problem = card_problem(card, "app", is_update=True)
        if problem:
            raise BadPassiveReply("bad_template_card", field=problem)
        return _Update(target, "", card)

    def _show(self, message: Message, entry: Entry) -> None:
        if message.cut:
            self._journal.rule(17, "text_cut", entry.request_id, entry, limit_bytes=self._rules.text_bytes)
        self._chats.add(
            member=entry.member,
            peer="app",
            via="passive",
            type=message.type,
            content=message.content,
            cut=message.cut,
            fields=message.fields,
            upload=message.upload.summary() if message.upload else None,
            request_id=entry.request_id,
        )

    def _update(self, change: "_Update") -> None:
        """Each member has a card of its own, so that only the clicker's changes."""
        if change.card:
            self._cards.replace(change.target, change.card)
        else:
            self._cards.disable(change.target, change.replace_name)


@dataclass(frozen=True, slots=True)
class _Update:
    target: Entry
    replace_name: str
    card: Mapping[str, Any]


def read_passive_reply(body: bytes, *, sealer: Sealer, userid: str) -> PassiveReply | None:
    """The reply in ``body``, or ``None`` where an empty body or ``success`` says that there is none.

    ``sealer`` holds the callback URL's secrets, ``userid`` is the member whose callback was answered. Raises
    :class:`BadPassiveReply` for a body that is neither, a wrong signature, a wrong receive id, a MsgType that no reply
    has, and a reply addressed to or from somebody else.
    """
    if body.strip() in _NO_REPLY:
        return None
    sealed = _read(body, "unreadable_reply")
    try:
        encrypted = sealed["Encrypt"]
        expected = signature(sealer.token, sealed["TimeStamp"], sealed["Nonce"], encrypted)
        given = sealed["MsgSignature"].encode()
    except (KeyError, TypeError, AttributeError) as error:
        raise BadPassiveReply("incomplete_reply") from error
    if not hmac.compare_digest(expected.encode(), given):
        raise BadPassiveReply("bad_reply_signature")
    try:
        opened = decrypt(sealer.key, encrypted)
    except CryptoError as error:
        raise BadPassiveReply("undecryptable_reply") from error
    if opened.receive_id != sealer.receive_id:
        raise BadPassiveReply("wrong_receive_id")
    reply = _read(opened.message, "unreadable_reply")
    if reply.get("ToUserName") != userid or reply.get("FromUserName") != sealer.receive_id:
        raise BadPassiveReply("misaddressed_reply")
    kind = reply.get("MsgType")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise BadPassiveReply("incomplete_reply", msgtype=kind)
    return PassiveReply(kind, reply, opened.message.decode(errors="replace"))


def _message_body(reply: PassiveReply) -> dict[str, Any]:
    """The reply as ``message/send`` would have said it."""
    if reply.type == "text":
        return {"msgtype": "text", "text": {"content": reply.tree.get("Content", "")}}
    if reply.type == "news":
        articles = reply.tree.get("Articles")
        items = articles.get("item", []) if isinstance(articles, dict) else []
        found = [_lowered(item) for item in (items if isinstance(items, list) else [items])]
        return {"msgtype": "news", "news": {"articles": found}}
    part = reply.tree.get(reply.type.capitalize())
    lowered = _lowered(part)
    return {"msgtype": reply.type, reply.type: {**lowered, "media_id": lowered.get("mediaid", "")}}


def _lowered(element: object) -> dict[str, Any]:
    return {name.lower(): value for name, value in element.items()} if isinstance(element, dict) else {}


def _read(body: bytes, fault: str) -> dict[str, Any]:
    try:
        return read_xml(body)
    except BadXml as error:
        raise BadPassiveReply(fault) from error
