"""Checks on what was JSON, so that a type of ours that travelled through Redis holds what it says, or is not made.

Every function raises ``TypeError`` or ``ValueError`` for a value of another kind.
"""

import math
from collections.abc import Mapping
from typing import Any


def texts(fields: Mapping[str, Any]) -> dict[str, str]:
    """``fields``, all of which are text."""
    odd = [name for name, value in fields.items() if not isinstance(value, str)]
    if odd:
        raise TypeError(f"not text: {', '.join(odd)}")
    return dict(fields)


def text_list(value: Any) -> tuple[str, ...]:
    """The items of a list, all of which are text."""
    found = items(value)
    if not all(isinstance(each, str) for each in found):
        raise TypeError("a list of other things than text")
    return tuple(found)


def items(value: Any) -> list[Any]:
    """A list: anything else that can be walked through, such as a text, would become one of its pieces."""
    if not isinstance(value, list):
        raise TypeError("not a list")
    return value


def number(value: Any) -> float:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("not a number")
    try:
        found = float(value)
    except OverflowError as error:
        raise ValueError("too large") from error
    if not math.isfinite(found):
        raise ValueError("not finite")
    return found
