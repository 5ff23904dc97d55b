"""What a member does in a chat, before it is known what becomes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.entries import Entry
from simulator.envelope import Style, Value
from simulator.uploads import Upload


class Unpostable(ValueError):
    """Something that no member can do with this peer; ``str()`` says why."""


class Overloaded(RuntimeError):
    """More callbacks, members or groups than the simulator keeps."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Posting:
    """A message (``type`` text, image, …) or an event (``type`` event) of ``member``.

    ``content`` is its text, for an event the event's name. ``fields`` carry what else its kind has; ``chat`` is a
    group's chatid or empty; ``quote`` the entry that it quotes, ``target`` the one that an event is about.
    ``create_time`` (epoch seconds) and ``style`` are the app's only.
    """

    member: str
    type: str
    content: str = ""
    fields: Mapping[str, Value] = field(default_factory=dict)
    chat: str = ""
    upload: Upload | None = None
    quote: Entry | None = None
    target: Entry | None = None
    event: Mapping[str, Any] = field(default_factory=dict)
    create_time: int | None = None
    style: Style | None = None
