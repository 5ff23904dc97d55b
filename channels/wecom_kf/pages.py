"""Pulling: one ``kf/sync_msg`` and what its page means (pages 31078, 94670)."""

from dataclasses import replace
from typing import Any

import redis
import structlog

from bot.account import Page, StaleToken
from bot.channel import ChannelKit, Refused, Retry
from bot.events import Change, ServicerWrote, SessionChanged, Undelivered
from bot.messages import InboundMessage
from channels.wecom.api import RETRY_S, encode_json, retry
from channels.wecom.application import Application
from channels.wecom.errors import BAD_BELL_TOKEN
from channels.wecom.transport import ANSWER_TOO_LARGE, Deadline
from channels.wecom_kf.allowance import Allowance
from channels.wecom_kf.codes import Codes
from channels.wecom_kf.entries import Entry, EntryReader
from channels.wecom_kf.hands import Hands

log = structlog.get_logger()

SYNC = "kf/sync_msg"
MOST_ENTRIES = 200
"""Of one page. The platform gives up to 1,000, but what is pulled at once is also stored at once."""
MAX_PAGE_BYTES = 16 * 1024 * 1024
MAX_CURSOR_BYTES = 64
SMALLER_BY = 10
"""A page too large to be read is asked for with so many times fewer entries."""
LEFT_ALONE_S = 60.0
"""How long an account is left alone whose next page cannot be had in any way that we know."""


class Pages:
    """The pages of one account; safe to share between threads."""

    def __init__(
        self,
        application: Application,
        reader: EntryReader,
        *,
        allowance: Allowance,
        codes: Codes,
        hands: Hands,
        kit: ChannelKit,
    ) -> None:
        self._application = application
        self._open_kfid = reader.open_kfid
        self._reader = reader
        self._allowance = allowance
        self._codes = codes
        self._hands = hands
        self._kit = kit

    def pull(self, cursor: str, token: str, most: int, deadline_epoch_s: float) -> Page:
        """See :meth:`bot.account.Account.pull`."""
        deadline = Deadline(deadline_epoch_s, self._kit.clock)
        try:
            self._application.check()
            answer = self._ask(cursor, token, max(1, min(most, MOST_ENTRIES)), deadline)
        except redis.RedisError as error:
            log.warning("pull_without_redis", error=type(error).__name__)
            raise retry(RETRY_S, "redis_unavailable") from error
        except Refused as refusal:
            if refusal.code != str(BAD_BELL_TOKEN):
                raise
            if not token:  # "pull without one, slowly": there was none to be bad, and the cursor is as good as it was
                raise retry(LEFT_ALONE_S, refusal.code) from refusal
            log.info("bell_token_stale", account=self._open_kfid)
            raise StaleToken from refusal
        return self._page(answer, cursor)

    def _ask(self, cursor: str, token: str, most: int, deadline: Deadline) -> dict[str, Any]:
        """The answer to one call; of a page that is larger than any may be, a smaller one from the same place."""
        given = {"cursor": cursor, "token": token}
        body = {"open_kfid": self._open_kfid, "limit": most, "voice_format": 0}
        request = encode_json({name: value for name, value in given.items() if value} | body)
        client = self._application.client
        try:
            return self._application.call(
                lambda access: client.look(SYNC, access, request, deadline, MAX_PAGE_BYTES), deadline, token
            )
        except Retry as failure:
            if failure.code != ANSWER_TOO_LARGE:
                raise
            if most == 1:  # nobody can read past it: a cursor is the platform's own
                log.error("entry_too_large", account=self._open_kfid, bytes=MAX_PAGE_BYTES)
                raise retry(LEFT_ALONE_S, failure.code) from failure
        log.warning("page_too_large", account=self._open_kfid, entries=most)
        self._kit.count("degraded", what="page_too_large")
        return self._ask(cursor, token, max(1, most // SMALLER_BY), deadline)

    def _page(self, answer: dict[str, Any], cursor: str) -> Page:
        listed = [] if answer.get("msg_list") is None else answer["msg_list"]
        next_cursor = cursor if answer.get("next_cursor") in (None, "") else answer["next_cursor"]
        if not isinstance(next_cursor, str) or len(next_cursor.encode()) > MAX_CURSOR_BYTES:
            raise retry(RETRY_S, "bad_cursor")
        if not isinstance(listed, list):
            raise retry(RETRY_S, "bad_page")
        now = self._kit.clock()
        entries = filter(None, (self._reader.read(raw, now) for raw in listed))
        try:
            messages = tuple(message for entry in entries if (message := self._noted(entry)))
        except redis.RedisError as error:
            log.warning("pull_without_redis", error=type(error).__name__)
            raise retry(RETRY_S, "redis_unavailable") from error
        return Page(messages=messages, cursor=next_cursor, more=answer.get("has_more") == 1)

    def _noted(self, entry: Entry) -> InboundMessage | None:
        """The message of ``entry``, with what follows from it for what may be sent. A page may be noted again."""
        message, person = entry.message, entry.message.conversation.person
        if entry.opens:
            self._allowance.opened(person, message.sent_at, message.message_id)
        if entry.code:
            self._codes.keep_for_event(message.message_id, entry.code, message.sent_at + entry.code_life_s)
        if isinstance(message.event, SessionChanged) and message.event.change is Change.ENDED:
            self._hands.given_back(person)
        elif isinstance(message.event, SessionChanged | ServicerWrote):
            self._hands.taken(person)
        if isinstance(message.event, Undelivered):
            part = self._allowance.part_of(person, entry.failed)
            if not part:
                log.warning("failure_of_unknown_part", reason=message.event.reason)
                self._kit.count("degraded", what="failure_of_unknown_part")
                return None
            return replace(message, event=replace(message.event, part=part))
        return message
