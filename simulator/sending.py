"""``message/send``: who gets what, and what is cut, refused or silently lost (rules 17 to 20, §2.7).

Not thread-safe: the API works under one lock.
"""

import hashlib
import json
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.app_cards import AppCards
from simulator.chats import Chats
from simulator.entries import Entry
from simulator.errcodes import ApiError
from simulator.journal import Journal
from simulator.limits import DayQuota, MemberRate
from simulator.media import Media
from simulator.messages import Message, MessageReader
from simulator.rules import Rules
from simulator.sent import SentMessages
from simulator.settings import Member, Settings

_MAX_USERS = 1000
_MAX_PARTIES = 100
_KEPT_REQUESTS = 5000
_UNICODE_ESCAPE = re.compile(rb"(?<!\\)(?:\\\\)*\\u[0-9a-fA-F]{4}")


@dataclass(frozen=True, slots=True)
class _Recipients:
    members: list[str]
    invalid: dict[str, str]
    """``invaliduser``, ``invalidparty``, ``invalidtag`` of the answer; only those that have any."""


class Sender:
    """The one app's ``message/send``. ``members`` is the corp's live list, userid to member."""

    def __init__(
        self,
        *,
        settings: Settings,
        rules: Rules,
        journal: Journal,
        chats: Chats,
        cards: AppCards,
        sent: SentMessages,
        media: Media,
        members: Mapping[str, Member],
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._reader = MessageReader(rules, media)
        self._cards = cards
        self._sent = sent
        self._rules = rules
        self._journal = journal
        self._chats = chats
        self._members = members
        self._clock = clock
        self.clear()

    def clear(self) -> None:
        """Forget what was sent: rates, the day's quota, and the requests the duplicate check knows."""
        self._rates: dict[str, MemberRate] = {}
        self._day = DayQuota()
        self._seen: OrderedDict[str, tuple[float, str]] = OrderedDict()  # request -> when it was sent, its msgid

    def send(self, raw: bytes, request_id: str) -> dict[str, Any]:
        """The answer to the request body ``raw``. Raises :class:`ApiError`."""
        body = read_body(raw, self._rules)
        message = self._reader.read(body)
        recipients = self._recipients(body)
        self.check_agent(body)
        if not recipients.members:
            raise ApiError(81013, 17)
        interval_s = self._duplicate_interval(body)
        digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        if interval_s is not None and digest in self._seen:
            sent_at, msgid = self._seen[digest]
            if self._clock() - sent_at < interval_s:
                self._journal.rule(20, "duplicate_not_delivered", request_id, msgid=msgid)
                return {"errcode": 0, "errmsg": "ok", "msgid": msgid}
        if message.type == "template_card":
            self._cards.admit(message.fields)
        per_day = self._rules.seats * self._rules.sends_per_seat_and_day
        if not self._day.take(self._clock(), len(recipients.members), per_day):
            raise ApiError(45009, 19)
        return self._deliver(message, recipients, digest, request_id)

    def check_agent(self, body: Mapping[str, Any]) -> None:
        """Raises :class:`ApiError` unless ``body`` names the app that the token is for (rule 14)."""
        agent_id = body.get("agentid")
        if isinstance(agent_id, bool) or not isinstance(agent_id, int):
            raise ApiError(40056, None)
        if agent_id != self._settings.agent_id:
            raise ApiError(301002, 14)

    def _deliver(self, message: Message, recipients: _Recipients, digest: str, request_id: str) -> dict[str, Any]:
        msgid = secrets.token_urlsafe(48)
        self._seen[digest] = (self._clock(), msgid)
        self._seen.move_to_end(digest)
        if len(self._seen) > _KEPT_REQUESTS:
            self._seen.popitem(last=False)
        if message.cut:
            self._journal.rule(17, "text_cut", request_id, limit_bytes=self._rules.text_bytes)
        if recipients.invalid:
            self._journal.rule(17, "invalid_recipients", request_id, None, **recipients.invalid)
        entries: dict[str, Entry | None] = {}
        # Before anybody can press it.
        code = self._cards.sent(message.fields, msgid, entries) if message.type == "template_card" else ""
        self._sent.remember(msgid, entries)
        for userid in recipients.members:
            entries[userid] = self._show(message, userid, msgid, request_id)
        answer = {"errcode": 0, "errmsg": "ok", **recipients.invalid, "msgid": msgid}
        return {**answer, "response_code": code} if code else answer

    def _show(self, message: Message, userid: str, msgid: str, request_id: str) -> Entry | None:
        rate = self._rates.setdefault(userid, MemberRate())
        limits = {"per_minute": self._rules.member_per_minute, "per_hour": self._rules.member_per_hour}
        if not rate.take(self._clock(), **limits):
            self._journal.rule(18, "not_delivered", request_id, member=userid, msgid=msgid)
            return None
        return self._chats.add(
            member=userid,
            via="send",
            type=message.type,
            content=message.content,
            cut=message.cut,
            fields=message.fields,
            upload=message.upload.summary() if message.upload else None,
            msg_id=msgid,
            request_id=request_id,
        )

    def _recipients(self, body: dict[str, Any]) -> _Recipients:
        users, parties, tags = (_names(body, field) for field in ("touser", "toparty", "totag"))
        if not users and not parties and not tags:
            raise ApiError(82001, 17)
        if users == ["@all"]:
            return _Recipients(list(self._members), {})
        if len(users) > _MAX_USERS or len(tags) > _MAX_PARTIES:
            raise ApiError(40058, None)
        if len(parties) > _MAX_PARTIES:
            raise ApiError(82002, None)
        strangers = [userid.lower() for userid in users if userid not in self._members]
        # The corp has no departments and no tags, so each one named is invalid.
        invalid = {"invaliduser": strangers, "invalidparty": parties, "invalidtag": tags}
        return _Recipients(
            [userid for userid in users if userid in self._members],
            {field: "|".join(names) for field, names in invalid.items() if names},
        )

    def _duplicate_interval(self, body: dict[str, Any]) -> float | None:
        """Seconds in which the same request is not delivered again; ``None`` when the check is off."""
        if body.get("enable_duplicate_check", 0) != 1:
            return None
        interval_s = body.get("duplicate_check_interval", self._rules.duplicate_interval_s)
        if isinstance(interval_s, bool) or not isinstance(interval_s, int | float) or interval_s <= 0:
            raise ApiError(40035, 20)
        return min(float(interval_s), self._rules.duplicate_interval_max_s)


def read_body(raw: bytes, rules: Rules) -> dict[str, Any]:
    """The JSON object that an API was called with. Raises :class:`ApiError`."""
    if rules.refuse_unicode_escapes and _UNICODE_ESCAPE.search(raw):
        raise ApiError(40033, None)
    try:
        body = json.loads(raw)
        raw.decode("utf-8", "strict")
    except (ValueError, RecursionError) as error:
        raise ApiError(40058, None, ", Warning: wrong json format.") from error
    if not isinstance(body, dict):
        raise ApiError(40058, None, ", Warning: wrong json format.")
    return body


def _names(body: dict[str, Any], field: str) -> list[str]:
    value = body.get(field, "")
    if not isinstance(value, str):
        raise ApiError(40035, None)
    return list(dict.fromkeys(name for name in value.split("|") if name))
