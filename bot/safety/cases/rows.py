"""Cases and their messages as rows."""

import json
from typing import Any

from sqlalchemy import Row

from bot.safety.adverse_events import Element, Kind, Regime, Seriousness
from bot.safety.cases.case import Case, CaseMessage, CaseState, Question

_LISTS: dict[str, Any] = {
    "kinds": Kind,
    "regimes": Regime,
    "serious": Seriousness,
    "elements": Element,
    "asked": Question,
    "products": str,
    "batches": str,
    "events": str,
    "patients": str,
}


def case_of(row: Row[Any]) -> Case:
    """The case that ``row`` of :data:`.tables.cases` holds."""
    fields = dict(row._mapping)
    fields["state"] = CaseState(fields["state"])
    return Case(**(fields | {name: tuple(map(kind, fields[name])) for name, kind in _LISTS.items()}))


def row_of(case: Case) -> dict[str, Any]:
    """The inverse of :func:`case_of`, without the number."""
    fields = {name: getattr(case, name) for name in Case.__dataclass_fields__ if name != "number"}
    fields["state"] = case.state.value
    return fields | {name: json.loads(json.dumps(fields[name])) for name in (*_LISTS, "masks")}


def message_of(row: Row[Any]) -> CaseMessage:
    """The message that ``row`` of :data:`.tables.case_messages` holds."""
    fields = dict(row._mapping)
    fields["asked"] = tuple(map(Question, fields["asked"]))
    fields |= {name: tuple(fields[name]) for name in ("context", "attachments", "grounds")}
    return CaseMessage(**fields)
