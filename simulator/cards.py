"""Template cards as members meet them: what they say, and what can be pressed and chosen on them (§2.4, §4.3, §5.9)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.card_grammar import INTERACTIVE, Card
from simulator.entries import Entry
from simulator.posting import Posting, Unpostable

_MULTIPLE = 1
"""The ``mode`` of a vote that takes several options."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Press:
    """A button, a submission or a menu item of ``card`` that a member used: its ``key`` and what was ``selected``,
    option ids by question key."""

    card: Card
    key: str
    selected: Mapping[str, list[str]]


def is_interactive(card: Card) -> bool:
    """Whether members can press something on it that its sender hears of."""
    return card.get("card_type") in INTERACTIVE or bool(card.get("action_menu"))


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


def card_before(entry: Entry, member: str) -> dict[str, Any]:
    """The card in ``entry`` as ``member`` sees it: an update for some members only changes theirs (§4.6)."""
    updates = entry.fields.get("updates", {})
    card: dict[str, Any] = updates.get(member) or {
        name: value for name, value in entry.fields.items() if name != "updates"
    }
    return card


def pressed(posting: Posting, *, menu: bool | None = None) -> Press:
    """What ``posting`` presses on its target; ``menu`` demands an item of the menu, or anything but one.

    Raises :class:`Unpostable` for what no client would let a member do.
    """
    target = posting.target
    if target is None or target.type != "template_card" or target.via == "member" or target.recalled:
        raise Unpostable("target must be a card")
    card = card_before(target, posting.member)
    key = posting.event.get("event_key", "")
    buttons, items = _button_keys(card), _menu_keys(card)
    if menu is None:
        menu = key in items and key not in buttons
    allowed = items if menu else buttons
    if key not in allowed:
        raise Unpostable(f"event_key must be one that the card offers now: {', '.join(allowed) or 'nothing'}")
    selected = posting.event.get("selected", {})
    _check_selected(card, selected)
    return Press(card=card, key=key, selected=selected)


def _button_keys(card: Card) -> list[str]:
    """What the buttons send; a dead button (``replace_text``) stands for all of them."""
    if card.get("replace_text"):
        return []
    buttons = [button for button in card.get("button_list", []) if button.get("type", 0) == 0]
    submit = card.get("submit_button")
    return [button["key"] for button in [*buttons, *([submit] if submit else [])]]


def _menu_keys(card: Card) -> list[str]:
    return [item["key"] for item in (card.get("action_menu") or {}).get("action_list", [])]


def _check_selected(card: Card, selected: object) -> None:
    questions = [card.get("checkbox"), card.get("button_selection"), *card.get("select_list", [])]
    known = {question["question_key"]: question for question in questions if question}
    if not isinstance(selected, dict) or not all(isinstance(options, list) for options in selected.values()):
        raise Unpostable("selected must be question keys to lists of option ids")
    for key, options in selected.items():
        if key not in known:
            raise Unpostable(f"the card asks no question {key!r}")
        offered = [option["id"] for option in known[key]["option_list"]]
        several = known[key].get("mode") == _MULTIPLE
        if any(option not in offered for option in options) or (len(options) > 1 and not several):
            raise Unpostable(f"selected[{key!r}] must be {'some' if several else 'one'} of {', '.join(offered)}")
