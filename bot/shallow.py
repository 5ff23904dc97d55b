"""The fields of a dataclass by name, without copying what they hold."""

from typing import Any


def shallow(one: Any) -> dict[str, Any]:
    """Name to value of a dataclass. ``dataclasses.asdict`` copies all that lies within: it took half of the time of
    encoding a message."""
    return {name: getattr(one, name) for name in one.__dataclass_fields__}
