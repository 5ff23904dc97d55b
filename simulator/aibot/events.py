"""Events of the bot: a member enters, presses something on a card, rates an answer (§4.3; rules 8, 31, 32)."""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from simulator.aibot.bodies import Bodies, new_msgid
from simulator.aibot.bubbles import Bubbles
from simulator.aibot.replies import BotReply
from simulator.aibot.response_urls import ResponseUrls
from simulator.aibot.sealed_reply import BadReply
from simulator.cards import pressed
from simulator.chats import Chats
from simulator.entries import Delivery, Entry
from simulator.journal import Journal
from simulator.limits import day_in_shanghai
from simulator.posting import Posting, Unpostable
from simulator.rules import Rules

KEPT_ENTRANCES = 5000
RATINGS = (1, 2, 3)
"""Accurate, inaccurate, cancelled."""
REASONS = (1, 2, 3, 4)
"""Unrelated, incomplete, wrong content, wrong data analysis."""


class Events:
    """Builds event callbacks, and updates the cards that they answer."""

    def __init__(
        self,
        *,
        bodies: Bodies,
        bubbles: Bubbles,
        rules: Rules,
        journal: Journal,
        chats: Chats,
        response_urls: ResponseUrls,
        clock: Callable[[], float],
    ) -> None:
        self._bodies = bodies
        self._bubbles = bubbles
        self._rules = rules
        self._journal = journal
        self._chats = chats
        self._response_urls = response_urls
        self._clock = clock
        self._entered: dict[str, int] = {}  # userid -> day

    def clear(self) -> None:
        """Everybody may enter for the first time again."""
        self._entered.clear()

    def post(self, posting: Posting) -> tuple[Entry, bytes] | None:
        """The entry and the callback of an event; ``None`` for a second ``enter_chat`` of the day (rule 31).

        Raises :class:`Unpostable`.
        """
        name = posting.content
        if name == "enter_chat":
            return self._enter(posting)
        content: Mapping[str, Any] = posting.fields
        if name == "template_card_event":
            content = _pressed(posting)
        elif name == "feedback_event":
            content = self._rating(posting)
        entry = self._add(posting)
        url = self._response_urls.issue(entry) if name == "template_card_event" else ""
        return entry, self._bodies.event(entry, content, self._clock(), url)

    def update_card(self, event: Entry, reply: BotReply) -> None:
        """Put the card of ``reply`` in the place of the one that ``event`` is about. Raises :class:`BadReply`."""
        shown = self._chats.find(event.fields.get("target", 0))
        if shown is None or reply.update is None or reply.update.get("task_id") != shown.fields.get("task_id"):
            raise BadReply("wrong_task_id")
        self._bubbles.replace_card(shown, reply.update, tuple(map(self._bodies.member, reply.userids)))

    def _enter(self, posting: Posting) -> tuple[Entry, bytes] | None:
        if posting.chat:
            raise Unpostable("enter_chat belongs to the one-to-one chat")
        today = day_in_shanghai(self._clock())
        if self._rules.enter_chat_daily and self._entered.get(posting.member) == today:
            self._journal.rule(31, "enter_chat_not_repeated", secrets.token_hex(16), member=posting.member)
            return None
        self._entered[posting.member] = today
        for forgotten in list(self._entered)[:-KEPT_ENTRANCES]:
            del self._entered[forgotten]
        entry = self._add(posting)
        return entry, self._bodies.event(entry, {}, self._clock())

    def _rating(self, posting: Posting) -> dict[str, Any]:
        target = posting.target
        if target is None or not target.feedback:
            self._journal.rule(32, "not_rateable", secrets.token_hex(16), member=posting.member)
            raise Unpostable("target must be a reply that carried a feedback.id (rule 32)")
        rating, reasons = posting.event.get("type"), posting.event.get("inaccurate_reason_list", [])
        if rating not in RATINGS or not isinstance(reasons, list) or any(reason not in REASONS for reason in reasons):
            raise Unpostable("feedback has type (1, 2, 3) and inaccurate_reason_list (of 1 to 4)")
        extra = {key: posting.event[key] for key in ("content", "inaccurate_reason_list") if key in posting.event}
        if extra and rating != 2:
            raise Unpostable("only feedback of type 2 has content and reasons")
        return {"id": target.feedback, "type": rating, **extra}

    def _add(self, posting: Posting) -> Entry:
        target = {"target": posting.target.id} if posting.target else {}
        return self._chats.add(
            member=posting.member,
            peer="bot",
            chat=posting.chat,
            via="member",
            type="event",
            content=posting.content,
            fields={**posting.fields, **posting.event, **target},
            msg_id=new_msgid(),
            request_id=secrets.token_hex(16),
            delivery=Delivery(),
        )


def _pressed(posting: Posting) -> dict[str, Any]:
    press = pressed(posting)
    items = [{"question_key": key, "option_ids": {"option_id": options}} for key, options in press.selected.items()]
    return {
        "card_type": press.card["card_type"],
        "event_key": press.key,
        "task_id": press.card.get("task_id", ""),
        **({"selected_items": {"selected_item": items}} if items else {}),
    }
