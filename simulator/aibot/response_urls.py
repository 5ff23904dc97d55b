"""Active replies through a ``response_url``: once, for an hour, plain JSON, no token (§4.7, rule 30)."""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulator.aibot.replies import read_feedback
from simulator.aibot.sealed_reply import BadReply, read_object
from simulator.card_grammar import card_problem, shown_card
from simulator.cards import card_feedback, card_text
from simulator.chats import Chats
from simulator.entries import Entry, Quote
from simulator.errcodes import ApiError
from simulator.media import Media
from simulator.rules import Rules
from simulator.task_ids import TaskIds

KEPT_URLS = 5000


@dataclass(slots=True)
class _Issued:
    entry: Entry
    at: float
    used: bool = False


class ResponseUrls:
    """The urls given out, thread-safe; ``quote`` makes the quote that a reply in a group carries."""

    def __init__(
        self,
        *,
        rules: Rules,
        chats: Chats,
        media: Media,
        task_ids: TaskIds,
        clock: Callable[[], float],
        quote: Callable[[Entry], Quote],
    ) -> None:
        self._rules = rules
        self._chats = chats
        self._media = media
        self._task_ids = task_ids
        self._clock = clock
        self._quote = quote
        self._lock = threading.Lock()
        self._issued: OrderedDict[str, _Issued] = OrderedDict()

    def issue(self, entry: Entry) -> str:
        """A url that answers ``entry``."""
        code = secrets.token_urlsafe(32)
        with self._lock:
            self._issued[code] = _Issued(entry, self._clock())
            if len(self._issued) > KEPT_URLS:
                self._issued.popitem(last=False)
        return f"{self._media.base_url}/cgi-bin/aibot/response?response_code={code}"

    def entry(self, code: str) -> Entry | None:
        """The entry that a url of ours answers, used or not."""
        with self._lock:
            issued = self._issued.get(code)
            return issued.entry if issued else None

    def reply(self, code: str, raw: bytes, request_id: str) -> dict[str, Any]:
        """Show what ``raw`` says and answer it.

        Raises :class:`ApiError`; a body that cannot be shown does not use the url up.
        """
        shown = self._read(raw)
        with self._lock:
            issued = self._issued.get(code)
            if issued is None or issued.used or self._clock() - issued.at > self._rules.response_url_life_s:
                raise ApiError(self._rules.response_url_errcode, 30)
            issued.used = True
        if shown["type"] == "template_card":
            self._task_ids.use(shown["fields"])
        entry = issued.entry
        self._chats.add(
            member=entry.member,
            peer="bot",
            chat=entry.chat,
            via="response_url",
            quote=self._quote(entry) if entry.chat else None,
            request_id=request_id,
            **shown,
        )
        return {"errcode": 0, "errmsg": "ok"}

    def clear(self) -> None:
        """Forget all urls."""
        with self._lock:
            self._issued.clear()

    def _read(self, raw: bytes) -> dict[str, Any]:
        try:
            body = read_object(raw)
        except BadReply as error:
            raise ApiError(40058, None, ", Warning: wrong json format.") from error
        kind = body.get("msgtype")
        part = body.get(kind) if kind in ("markdown", "template_card") else None
        if part is None:
            raise ApiError(40008, 30)
        if not isinstance(part, dict):
            raise ApiError(40063, 30)
        return self._card(part) if kind == "template_card" else self._markdown(part)

    def _card(self, card: dict[str, Any]) -> dict[str, Any]:
        problem = card_problem(card, "bot")
        if problem:
            raise ApiError(self._rules.card_errcode, None, f": template_card.{problem}")
        if not self._task_ids.may_use(card):
            raise ApiError(self._rules.card_errcode, None, ": template_card.task_id repeated")
        return {
            "type": "template_card",
            "content": card_text(card),
            "fields": shown_card(card, "bot"),
            "feedback": card_feedback(card),
        }

    def _markdown(self, markdown: dict[str, Any]) -> dict[str, Any]:
        content = markdown.get("content")
        if not isinstance(content, str) or not content:
            raise ApiError(44004, 30)
        limit = self._rules.stream_bytes
        if len(content.encode()) > limit:
            raise ApiError(40058, 30, f": markdown.content exceed max length {limit}")
        try:
            feedback = read_feedback(markdown)
        except BadReply as error:
            raise ApiError(40058, 32, ": feedback.id") from error
        return {"type": "markdown", "content": content, "feedback": feedback}
