"""Who has to hear what of a case: the outbox of the safety desk, in SQL.

::

    waiting ──post──► posted ──the platform took it──► arrived          medium ``chat``
       ▲                 └── given up ──┐
       └────────────────────────────────┘ later
    waiting ──claim──► sending until T ──the server took it──► arrived   medium ``mail``
       ▲                 ├── refused, or no answer ──┐
       │                 └── T has passed: the sender died ──┐
       └──────────────────────────────────────────────────────┘ later

A row is written with what it tells of, in one transaction, and is tried until it has arrived.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.safety.cases.tables import case_notices

CASE_KEY = "case"
"""Every notice's id, and the key of a card's button (``case:NUMBER``), begins with it."""
BACKOFF_S = (0.0, 15.0, 30.0, 60.0, 120.0, 240.0)
"""Seconds before the next try after so many; the last counts for all that follow."""


class Medium(StrEnum):
    """How a notice goes: a message in a single chat, or a mail."""

    CHAT = "chat"
    MAIL = "mail"


class NoticeState(StrEnum):
    """See the picture above."""

    WAITING = "waiting"
    POSTED = "posted"
    SENDING = "sending"
    ARRIVED = "arrived"


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseNotice:
    """One thing to tell one ``recipient`` (a user id or a mailbox) of the case.

    ``reason`` is ``new``, ``message:<position>``, ``group``, ``alarm:<how many>`` or ``due:<days before>``;
    ``not_before`` is the epoch second before which nobody touches the row.
    """

    id: str
    case_number: int
    reason: str
    medium: Medium
    recipient: str
    state: NoticeState
    tries: int
    not_before: float
    created_at: float
    arrived_at: float | None
    error: str


def write_notices(
    connection: Connection, case_number: int, reason: str, recipients: Iterable[tuple[Medium, str]], now: float
) -> int:
    """Add what ``recipients`` have to hear; what was added before stays as it is. Returns how many are new."""
    rows = [
        {
            "id": f"{CASE_KEY}:{case_number}:{reason}:{medium}:{recipient}"[:255],
            "case_number": case_number,
            "reason": reason,
            "medium": medium.value,
            "recipient": recipient,
            "state": NoticeState.WAITING.value,
            "tries": 0,
            "not_before": now,
            "created_at": now,
            "error": "",
        }
        for medium, recipient in recipients
    ]
    insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(case_notices)
    added = (connection.execute(insert.values(row).on_conflict_do_nothing(index_elements=["id"])) for row in rows)
    return sum(result.rowcount for result in added)


def due_notices(connection: Connection, now: float, medium: Medium, case_number: int | None = None) -> list[CaseNotice]:
    """What may be tried now, what has waited longest first; of one case only, where its number is given."""
    waiting = [state.value for state in NoticeState if state is not NoticeState.ARRIVED]
    query = select(case_notices).where(
        case_notices.c.state.in_(waiting), case_notices.c.not_before <= now, case_notices.c.medium == medium.value
    )
    if case_number is not None:
        query = query.where(case_notices.c.case_number == case_number)
    rows = connection.execute(query.order_by(case_notices.c.created_at, case_notices.c.id).limit(500)).all()
    return [_notice(row) for row in rows]


def notices_of(connection: Connection, case_number: int) -> list[CaseNotice]:
    """All that was or is to be told of a case, in order."""
    query = select(case_notices).where(case_notices.c.case_number == case_number)
    return [_notice(row) for row in connection.execute(query.order_by(case_notices.c.created_at, case_notices.c.id))]


def notice_called(connection: Connection, notice_id: str) -> CaseNotice | None:
    """The notice with this id."""
    row = connection.execute(select(case_notices).where(case_notices.c.id == notice_id)).one_or_none()
    return None if row is None else _notice(row)


def change_notice(
    connection: Connection, notice: CaseNotice, *, expected: Sequence[NoticeState], **values: Any
) -> bool:
    """Set ``values`` if nobody else has touched ``notice`` since it was read and its state is ``expected``; whether it
    was so."""
    same = (
        (case_notices.c.id == notice.id)
        & (case_notices.c.tries == notice.tries)
        & (case_notices.c.not_before == notice.not_before)
        & case_notices.c.state.in_([state.value for state in expected])
    )
    return connection.execute(case_notices.update().where(same).values(values)).rowcount == 1


def wait_after(tries: int) -> float:
    """Seconds until the next try after ``tries``."""
    return BACKOFF_S[min(tries, len(BACKOFF_S) - 1)]


def _notice(row: Row[Any]) -> CaseNotice:
    fields = dict(row._mapping)
    fields["medium"], fields["state"] = Medium(fields["medium"]), NoticeState(fields["state"])
    return CaseNotice(**fields)
