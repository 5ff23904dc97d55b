"""What the app put into a callback's answer: the encrypted passive reply, read and shown (§1.5, §2.5; rule 6)."""

import hmac
from dataclasses import dataclass

from simulator.chats import Chats
from simulator.crypto import CryptoError, decrypt, signature
from simulator.entries import Entry
from simulator.envelope import BadXml, read_xml
from simulator.journal import Journal
from simulator.limits import cut_utf8
from simulator.rules import Rules
from simulator.sealing import Sealer

_NO_REPLY = (b"", b"success")


class BadPassiveReply(ValueError):
    """A passive reply that WeCom would not show; ``str()`` is a constant word."""


@dataclass(frozen=True, slots=True)
class PassiveReply:
    """What the member is to see: MsgType and text (empty for a type that is not text); ``plain`` is the whole of it."""

    type: str
    content: str
    plain: str


class PassiveReplies:
    """Shows the app's passive replies, one a message; faulty ones are written down and shown to nobody."""

    def __init__(self, *, sealer: Sealer, rules: Rules, journal: Journal, chats: Chats) -> None:
        self._sealer = sealer
        self._rules = rules
        self._journal = journal
        self._chats = chats

    def take(self, entry: Entry, _nonce: str, body: bytes) -> str:
        """Show the reply to ``entry`` in ``body``, if there is one; returns its plain text."""
        try:
            reply = read_passive_reply(body, sealer=self._sealer, userid=entry.member)
        except BadPassiveReply as error:
            self._journal.rule(6, str(error), entry.request_id, entry)
            return ""
        if reply is None:
            return ""
        if not self._chats.claim_answer(entry):
            self._journal.rule(6, "passive_reply_not_shown", entry.request_id, entry)
            return reply.plain
        content, cut = cut_utf8(reply.content, self._rules.text_bytes)
        if cut:
            self._journal.rule(17, "text_cut", entry.request_id, entry, limit_bytes=self._rules.text_bytes)
        self._chats.add(
            member=entry.member,
            peer="app",
            via="passive",
            type=reply.type,
            content=content,
            cut=cut,
            request_id=entry.request_id,
        )
        return reply.plain

    def lost(self, entry: Entry) -> None:
        """Nothing: the member sees that the delivery failed."""


def read_passive_reply(body: bytes, *, sealer: Sealer, userid: str) -> PassiveReply | None:
    """The reply in ``body``, or ``None`` where an empty body or ``success`` says that there is none.

    ``sealer`` holds the callback URL's secrets, ``userid`` is the member whose callback was answered. Raises
    :class:`BadPassiveReply` for a body that is neither, a wrong signature, a wrong receive id, an empty text, and a
    reply addressed to or from somebody else.
    """
    if body.strip() in _NO_REPLY:
        return None
    sealed = _read(body, "unreadable_reply")
    try:
        encrypted = sealed["Encrypt"]
        expected = signature(sealer.token, sealed["TimeStamp"], sealed["Nonce"], encrypted)
        given = sealed["MsgSignature"]
    except KeyError as error:
        raise BadPassiveReply("incomplete_reply") from error
    if not hmac.compare_digest(expected.encode(), given.encode()):
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
    if not reply.get("MsgType") or (reply["MsgType"] == "text" and not reply.get("Content")):
        raise BadPassiveReply("incomplete_reply")
    return PassiveReply(reply["MsgType"], reply.get("Content", ""), opened.message.decode(errors="replace"))


def _read(body: bytes, fault: str) -> dict[str, str]:
    try:
        return read_xml(body)
    except BadXml as error:
        raise BadPassiveReply(fault) from error
