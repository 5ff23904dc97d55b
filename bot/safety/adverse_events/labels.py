"""The screen as a classifier, for measuring it on a labelled set (``eval classify --task adverse-event``)."""

from collections.abc import Mapping
from typing import Any, Literal

from bot.safety.adverse_events.screening import Kind, screen

Label = Literal["adverse", "special_situation", "side_effect_question", "none"]


def predict(row: Mapping[str, Any]) -> Label:
    """The label of a data row: of its ``messages`` (oldest first) or, where it has none, of its ``text``.

    ``adverse`` wins over ``special_situation``: a message that tells of harm reaches the safety desk as such. Raises
    ``KeyError`` when the row has neither.
    """
    messages = row["messages"] if "messages" in row else [row["text"]]
    screening = screen(messages)
    if screening.grounds:
        return "adverse" if Kind.ADVERSE_EVENT in screening.kinds else "special_situation"
    return "side_effect_question" if screening.asks_about_effects else "none"
