"""Events (page 101027): what was pressed on a card, and what somebody thinks of an answer.

The page's table and its examples spell the fields in two ways (``cardtype``, ``card_type``); both are read.
"""

from collections.abc import Callable, Mapping

from bot.events import CardClick, Event, Rating, Verdict
from channels.wecom.clicks import card_click
from channels.wecom.json_fields import Fields

MAX_FEEDBACK_ID_BYTES = 256
"""Page 101031."""

_VERDICTS: Mapping[int, Verdict] = {1: Verdict.USEFUL, 2: Verdict.USELESS, 3: Verdict.WITHDRAWN}
_REASONS: Mapping[int, str] = {1: "unrelated", 2: "incomplete", 3: "wrong", 4: "wrong_analysis"}


def read_event(event: Fields) -> Event | None:
    """The event in ``event``; ``None`` for one that is not known, or that says nothing about anything of ours.

    Raises :class:`~bot.channel.Rejected` ``bad_message``.
    """
    name = event.text("eventtype")
    reader = _READERS.get(name)
    return reader(event.object(name)) if reader else None


def _card_click(click: Fields) -> CardClick:
    chosen: dict[str, tuple[str, ...]] = {}
    items = click.named("selected_items", "selecteditems")
    if click.values.get(items) is not None:
        selected = click.object(items)
        for item in selected.objects(selected.named("selected_item", "selecteditem")):
            chosen[item.text(item.named("question_key", "questionkey"))] = _options(item)
    return card_click(
        task_id=click.text(click.named("task_id", "taskid")),
        key=click.text(click.named("event_key", "eventkey")),
        chosen=chosen,
    )


def _options(item: Fields) -> tuple[str, ...]:
    name = item.named("option_ids", "optionids")
    if not isinstance(item.values.get(name), dict):
        return item.texts(name)
    options = item.object(name)
    return options.texts(options.named("option_id", "optionid"))


def _rating(feedback: Fields) -> Rating | None:
    turn_id = feedback.identifier("id", MAX_FEEDBACK_ID_BYTES)
    verdict = _VERDICTS.get(feedback.number("type") or 0)
    numbers = dict.fromkeys(feedback.numbers("inaccurate_reason_list"))
    reasons = [_REASONS[number] for number in numbers if number in _REASONS]
    if not turn_id or verdict is None:
        return None
    return Rating(turn_id=turn_id, verdict=verdict, reasons=tuple(reasons), words=feedback.text("content"))


_READERS: Mapping[str, Callable[[Fields], Event | None]] = {
    "template_card_event": _card_click,
    "feedback_event": _rating,
}
