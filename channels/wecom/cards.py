"""Cards in the grammar that all channels of WeCom share (reference: pages 90236, 94888, 101032).

Buttons make a ``button_interaction``, a vote a ``vote_interaction``, and neither a ``text_notice``. Titles and labels
are cut, because their lengths are advice for what fits on a phone; what cannot be cut without changing what the card
does is refused.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bot.channel import Refused
from bot.parts import Button, Card, Vote
from channels.wecom.cutting import cut_characters

MAX_BUTTONS = 6
MAX_CHOICES = 20
MAX_KEY_BYTES = 1024
MAX_ID_BYTES = 128
MAX_URL_BYTES = 2048
LABEL_LENGTH = 10
"""Characters of a button's label (page 101032)."""
FIRST_BUTTON, OTHER_BUTTON = 1, 2
"""Styles: the first button stands out."""
_TASK_ID = re.compile(rf"[0-9A-Za-z_@-]{{1,{MAX_ID_BYTES}}}")


@dataclass(frozen=True, kw_only=True, slots=True)
class CardLengths:
    """Characters that fit on a card: its ``title``, the ``line`` below it, and the ``text``."""

    title: int
    line: int
    text: int


def template_card(card: Card, lengths: CardLengths) -> dict[str, Any]:
    """The platform's object for ``card``.

    Raises :class:`~bot.channel.Refused` with ``card_bad_task_id``, ``card_empty``, ``card_without_url``,
    ``card_too_many_buttons``, ``card_too_many_choices``, ``card_bad_key`` (empty, too long, or twice the same),
    ``card_bad_url`` or ``card_ambiguous`` (buttons and a vote).
    """
    if _TASK_ID.fullmatch(card.task_id) is None:
        raise Refused("card_bad_task_id")
    if not card.title.strip():
        raise Refused("card_empty")
    if len(card.url.encode(errors="replace")) > MAX_URL_BYTES:
        raise Refused("card_bad_url")
    title = {"title": cut_characters(card.title, lengths.title)}
    action = {"card_action": {"type": 1, "url": card.url}} if card.url else {}
    if card.vote is not None:
        if card.buttons:
            raise Refused("card_ambiguous")
        line = {"desc": cut_characters(card.text, lengths.line)} if card.text else {}
        own = {"card_type": "vote_interaction", "main_title": title | line, **_vote(card.vote)}
    else:
        text = {"sub_title_text": cut_characters(card.text, lengths.text)} if card.text else {}
        own = {"card_type": "text_notice", "main_title": title, **text}
        if card.buttons:
            own |= {"card_type": "button_interaction", "button_list": _buttons(card.buttons)}
        elif not card.url:
            raise Refused("card_without_url")
    return own | action | {"task_id": card.task_id}


def _buttons(buttons: tuple[Button, ...]) -> list[dict[str, Any]]:
    if len(buttons) > MAX_BUTTONS:
        raise Refused("card_too_many_buttons")
    _check_keys((button.key for button in buttons), MAX_KEY_BYTES)
    styles = (FIRST_BUTTON, *[OTHER_BUTTON] * (len(buttons) - 1))
    return [_labelled(button) | {"style": style} for button, style in zip(buttons, styles, strict=True)]


def _vote(vote: Vote) -> dict[str, Any]:
    if len(vote.choices) > MAX_CHOICES:
        raise Refused("card_too_many_choices")
    if not vote.choices:
        raise Refused("card_empty")
    _check_keys((choice.id for choice in vote.choices), MAX_ID_BYTES)
    _check_keys((vote.key,), MAX_KEY_BYTES)
    _check_keys((vote.submit.key,), MAX_KEY_BYTES)
    options = [{"id": choice.id, "text": _words(choice.label)} for choice in vote.choices]
    checkbox = {"question_key": vote.key, "mode": int(vote.multiple), "option_list": options}
    return {"checkbox": checkbox, "submit_button": _labelled(vote.submit)}


def _labelled(button: Button) -> dict[str, Any]:
    return {"text": cut_characters(_words(button.label), LABEL_LENGTH), "key": button.key}


def _words(label: str) -> str:
    if not label.strip():
        raise Refused("card_empty")
    return label


def _check_keys(keys: Iterable[str], max_bytes: int) -> None:
    seen: set[str] = set()
    for key in keys:
        if key in seen or not 1 <= len(key.encode(errors="replace")) <= max_bytes:
            raise Refused("card_bad_key")
        seen.add(key)
