"""What the audit log keeps of a turn: which step decided what, from which entries, and what became of the reply."""

import hashlib
from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from bot.audit.entries import Action, AuditEvent
from bot.audit.log import AuditLog
from bot.records.turns import TurnRecord


def turn_decided(record: TurnRecord) -> AuditEvent:
    """The decision of ``record``, without a word that the person wrote.

    ``cited`` are the ids of the entries that the answer rests on, ``offered`` of those that a refusal names;
    ``tentative`` says that the answer was said with reserve, ``answer`` is the SHA-256 of what was said.
    """
    composed = next((step for step in reversed(record.steps) if "cited" in step), None)
    generation = record.generation
    details = {
        "step": record.step,
        "kind": record.kind,
        "reader": record.reader,
        "confidence": None if record.confidence is None else round(record.confidence, 4),
        "cited": list(composed["cited"]) if composed else [],
        "offered": list(composed.get("offered", ())) if composed else [],
        "tentative": bool(composed and composed.get("tentative")),
        "answer": hashlib.sha256(record.answer.encode("utf-8", "surrogatepass")).hexdigest(),
        "model": generation.get("model", ""),
        "prompt": generation.get("prompt", ""),
        "parts": record.parts,
        "sent": record.parts_sent,
        "failure": record.failure,
    }
    asked_by = "actor" if record.step == "ask" else "person"  # the command line asks in the name of an operator
    return AuditEvent(
        action=Action.TURN_DECIDED,
        subject=f"turn:{record.id}",
        **{asked_by: record.person},
        tenant=record.tenant,
        bot=record.bot,
        details=details,
    )


def audit_of_turns(log: AuditLog) -> Callable[[Connection, Sequence[TurnRecord]], None]:
    """What writes turns into ``log``, in the transaction of the connection: the last thing to be done in it."""

    def audit(connection: Connection, records: Sequence[TurnRecord]) -> None:
        log.append_within(connection, [turn_decided(record) for record in records])

    return audit
