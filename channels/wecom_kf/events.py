"""Events (page 94670): the few that the product works on. Every other one is named in the log.

Among those is a message that its customer takes back: it is answered all the same, for it may have told of a side
effect, of which the company has known since it was pulled.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from bot.events import Change, Entered, Event, SessionChanged, Undelivered
from channels.wecom.callback import LOGGED_NAME_LENGTH
from channels.wecom.json_fields import Fields

log = structlog.get_logger()

WELCOME_LIFE_S = 20.0
"""How long a ``welcome_code`` works (page 96428)."""
CODE_LIFE_S = 48 * 3600.0
"""The same of a code for a session that waits for a human, or has one."""
END_CODE_LIFE_S = 20.0
"""The same of a code for one that has ended."""
MAX_CODE_BYTES = 1024
MAX_PARAM_BYTES = 128

_CHANGES: Mapping[int, Change] = {1: Change.TAKEN, 2: Change.MOVED, 3: Change.ENDED, 4: Change.REOPENED}
_FAIL_TYPES: Mapping[int, str] = {
    0: "unknown",
    1: "account_deleted",
    2: "app_closed",
    4: "session_expired",
    5: "session_closed",
    6: "over_five_messages",
    8: "corp_not_verified",
    10: "refused_by_person",
    11: "no_member_logged_in",
    12: "type_forbidden",
    13: "security",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class EventEntry:
    """An event, and the ``code`` by which one message may answer it for ``code_life_s`` seconds; empty where it brought
    none. Of a message that failed ``failed`` is the ``msgid``, from which its part is yet to be found."""

    event: Event
    code: str = ""
    code_life_s: float = 0.0
    failed: str = ""


def read_event(event: Fields, at: float) -> EventEntry | None:
    """The event that happened at epoch second ``at``; ``None`` for one that needs no work.

    Raises :class:`~bot.channel.Rejected` ``bad_message``.
    """
    name = event.text("event_type")
    reader = _READERS.get(name)
    found = reader(event, at) if reader else None
    if found is None:
        log.info("event_ignored", name=name[:LOGGED_NAME_LENGTH])
    return found


def _enter_session(event: Fields, at: float) -> EventEntry | None:
    """A code comes only where a welcome is due: the customer got none and wrote nothing for 48 hours. Whoever came by a
    link that carries something (``scene_param``) is heard of all the same."""
    code, brought = event.identifier("welcome_code", MAX_CODE_BYTES), event.text("scene_param")
    brought = brought if brought.isprintable() and len(brought.encode()) <= MAX_PARAM_BYTES else ""
    if not code:
        return EventEntry(event=Entered(brought=brought)) if brought else None
    entered = Entered(welcome_until=at + WELCOME_LIFE_S, brought=brought)
    return EventEntry(event=entered, code=code, code_life_s=WELCOME_LIFE_S)


def _msg_send_fail(event: Fields, _at: float) -> EventEntry:
    reason = _FAIL_TYPES.get(event.number("fail_type") or 0, "unknown")
    return EventEntry(event=Undelivered(part="", reason=reason), failed=event.identifier("fail_msgid"))


def _session_status_change(event: Fields, _at: float) -> EventEntry | None:
    """By a servicer's hand: what the API itself does brings no event."""
    change = _CHANGES.get(event.number("change_type") or 0)
    if change is None:
        return None
    whose = "old_servicer_userid" if change is Change.ENDED else "new_servicer_userid"
    return EventEntry(
        event=SessionChanged(change=change, servicer=event.identifier(whose)),
        code=event.identifier("msg_code", MAX_CODE_BYTES),
        code_life_s=END_CODE_LIFE_S if change is Change.ENDED else CODE_LIFE_S,
    )


_READERS: Mapping[str, Callable[[Fields, float], EventEntry | None]] = {
    "enter_session": _enter_session,
    "msg_send_fail": _msg_send_fail,
    "session_status_change": _session_status_change,
}
