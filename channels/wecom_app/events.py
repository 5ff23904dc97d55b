"""Events (page 90240): the few that the product works on. Every other one is named in the log, and nothing else of it:
a person's position or what they scanned is nobody's business."""

from collections.abc import Callable, Mapping

import structlog

from bot.events import Entered, Event, MenuClick, Subscribed, Warned
from channels.wecom.callback import LOGGED_NAME_LENGTH
from channels.wecom.cards import MAX_KEY_BYTES
from channels.wecom.clicks import bounded, card_click
from channels.wecom.xml_fields import Element

log = structlog.get_logger()

SYSTEM_SENDER = "sys"
"""``FromUserName`` of events that no person caused (page 90240)."""
PRESSED_BUTTON = "template_card_event"
"""The event that a passive reply may answer by letting the pressed button become a text (page 90241)."""

_WARNINGS = (
    "inactive_alert",
    "close_inactive_agent",
    "reopen_inactive_agent",
    "low_active_alert",
    "low_active",
    "active_restored",
)
"""The platform stops, or restores, an app that is little used: somebody must act (page 90240)."""


def read_event(callback: Element, bot: str, channel: str) -> Event | None:
    """The event in ``callback``; ``None`` for one that needs no work and was only logged.

    Raises :class:`~bot.channel.Rejected` ``bad_message``.
    """
    fields = callback.fields()
    name, by_system = fields.get("Event", ""), fields.get("FromUserName") == SYSTEM_SENDER
    if name in _WARNINGS:
        log.warning("app_warned", bot=bot, channel=channel, name=name)
        return Warned(name)
    if name in _OF_PEOPLE and not by_system:
        return _OF_PEOPLE[name](callback)
    log.info("event_ignored", bot=bot, channel=channel, name=name[:LOGGED_NAME_LENGTH])
    return None


def _menu_click(callback: Element) -> Event:
    return MenuClick(bounded(callback.fields().get("EventKey", ""), MAX_KEY_BYTES))


def _card_click(callback: Element) -> Event:
    """``SelectedItems`` names questions and, for each, the options chosen (page 90240)."""
    fields = callback.fields()
    chosen: dict[str, tuple[str, ...]] = {}
    for item in callback.all("SelectedItems", "SelectedItem"):
        options = tuple(option.text for option in item.all("OptionIds", "OptionId"))
        chosen[item.fields().get("QuestionKey", "")] = options
    return card_click(
        task_id=fields.get("TaskId", ""),
        key=fields.get("EventKey", ""),
        chosen=chosen,
        response_code=fields.get("ResponseCode", ""),
    )


_OF_PEOPLE: Mapping[str, Callable[[Element], Event]] = {
    "subscribe": lambda _: Subscribed(),
    "enter_agent": lambda _: Entered(),
    "click": _menu_click,
    PRESSED_BUTTON: _card_click,
    "template_card_menu_event": _card_click,
}
