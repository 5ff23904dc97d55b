"""Template cards: what each kind must have (§5.9)."""

import re
from collections.abc import Callable, Mapping
from typing import Any

Card = Mapping[str, Any]

_TASK_ID = re.compile(r"[0-9A-Za-z_@-]{1,128}")
_INTERACTIVE = ("button_interaction", "vote_interaction", "multiple_interaction")


def card_problem(card: object) -> str:
    """Which required field ``card`` lacks, ``card_type`` if it is no card at all; empty for a good one."""
    if not isinstance(card, dict):
        return "card_type"
    rules = _REQUIRED.get(str(card.get("card_type")))
    if rules is None:
        return "card_type"
    missing = next((name for name, present in rules.items() if not present(card)), "")
    if missing:
        return missing
    task_id = card.get("task_id")
    if task_id is None:
        return "task_id" if card.get("action_menu") else ""
    return "" if isinstance(task_id, str) and _TASK_ID.fullmatch(task_id) else "task_id"


def is_interactive(card: Card) -> bool:
    """Whether members can press something on it that the bot hears of."""
    return card.get("card_type") in _INTERACTIVE or bool(card.get("action_menu"))


def card_text(card: Card) -> str:
    """The words of a card that stand for it in a list or a quote."""
    title = card.get("main_title")
    words = [title.get("title"), title.get("desc")] if isinstance(title, dict) else []
    words.append(card.get("sub_title_text"))
    return "\n".join(word for word in words if isinstance(word, str) and word)


def card_feedback(card: Card) -> str:
    """The feedback id on a card, empty without one (§4.5)."""
    feedback = card.get("feedback")
    feedback_id = feedback.get("id") if isinstance(feedback, dict) else None
    return feedback_id if isinstance(feedback_id, str) else ""


def _has(name: str) -> Callable[[Card], bool]:
    return lambda card: bool(card.get(name))


def _titled(card: Card) -> bool:
    title = card.get("main_title")
    return isinstance(title, dict) and bool(title.get("title") or title.get("desc"))


def _titled_or_subtitled(card: Card) -> bool:
    title = card.get("main_title")
    return bool(card.get("sub_title_text")) or (isinstance(title, dict) and bool(title.get("title")))


def _illustrated(card: Card) -> bool:
    return bool(card.get("card_image") or card.get("image_text_area"))


_REQUIRED: Mapping[str, Mapping[str, Callable[[Card], bool]]] = {
    "text_notice": {"main_title": _titled_or_subtitled, "card_action": _has("card_action")},
    "news_notice": {"main_title": _titled, "card_action": _has("card_action"), "card_image": _illustrated},
    "button_interaction": {"main_title": _titled, "button_list": _has("button_list"), "task_id": _has("task_id")},
    "vote_interaction": {
        "main_title": _titled,
        "checkbox": _has("checkbox"),
        "submit_button": _has("submit_button"),
        "task_id": _has("task_id"),
    },
    "multiple_interaction": {
        "main_title": _titled,
        "select_list": _has("select_list"),
        "submit_button": _has("submit_button"),
        "task_id": _has("task_id"),
    },
}
