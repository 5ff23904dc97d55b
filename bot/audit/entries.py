"""What is written into the audit log, and the bytes that its hashes are taken over.

An :class:`AuditEvent` is what somebody reports; the log makes an :class:`AuditEntry` of it. Nothing here needs a
database, so that light processes may import it. No event carries what people wrote or how they are called: a person is
named by the platform's id, which the log writes as a pseudonym, and details hold codes, counts and names of our own
things.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from bot.shallow import shallow

GENESIS = "0" * 64
"""What stands for the hash before the first entry."""


_plain = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_sorted = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False).encode


class Action(StrEnum):
    """What was done; the subject of the entry says to what."""

    TURN_DECIDED = "turn_decided"
    """What a message was answered with, and by which step."""
    COMMAND = "command"
    """A command message was obeyed or refused."""
    DRAFT = "draft"
    """A document was stored, not searched until somebody approves it."""
    REVIEW = "review"
    """A version of a document was offered for approval, or sent back to its author."""
    APPROVAL = "approval"
    """A document answers from now on."""
    WITHDRAWAL = "withdrawal"
    """A document answers no more."""
    SETTING_CHANGE = "setting_change"
    """A process runs with another configuration."""
    OPERATION = "operation"
    """An operator acted on what is in flight: sent again, dropped, wrote to somebody."""
    UNMASKING = "unmasking"
    """Somebody was shown who stands behind a pseudonym or a placeholder."""
    EXPORT = "export"
    """Data left the installation."""
    DELETION = "deletion"
    """Data was erased."""
    GATE = "gate"
    """A bot's golden questions were changed, a run of them became the bar, or an approval went past it."""
    CASE = "case"
    """Something happened to a case: opened, handed over, acknowledged, closed."""
    CONSENT = "consent"
    """Somebody was asked for a separate consent, gave, refused or withdrew it."""
    IDENTITY = "identity"
    """A professional's record came or went, or somebody was bound to one or released from it."""
    READ = "read"
    """An operator looked at what a person wrote, or at this log."""
    CHECKPOINT = "checkpoint"
    """Old entries were exported and removed; the entry keeps the hash of the last of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEvent:
    """Something that was done, as it is reported to the log.

    ``subject`` is ``<kind>:<name>`` of what it was done to, such as ``turn:<id>`` or ``document:<collection>/<name>``.
    Who did it is either ``actor``, written as it is (``cli:<os user>``, ``system:<process>``), or ``person``, the id of
    somebody on the platform, which may be empty and is written as a pseudonym. ``tenant`` and ``bot`` are empty where
    it concerns all. ``details`` are JSON; see the module for what they must not hold. Raises ``ValueError`` without one
    or with both of ``actor`` and ``person``.
    """

    action: Action
    subject: str
    actor: str = ""
    person: str | None = None
    tenant: str = ""
    bot: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if bool(self.actor) == (self.person is not None):
            raise ValueError("an event has an actor or a person")


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEntry:
    """One line of the log.

    ``seq`` counts from 1 without gaps; ``at`` is UTC in ISO 8601 with microseconds and ``Z``, so that times sort as
    texts do. ``details`` is the JSON text that the hash is taken over. ``previous`` and ``hash`` are SHA-256 in
    hexadecimal digits; ``seal`` is the HMAC of the hash under the installation's key (:mod:`bot.audit.key`).
    """

    seq: int
    at: str
    actor: str
    tenant: str
    bot: str
    action: str
    subject: str
    details: str
    previous: str
    hash: str
    seal: str

    def expected_hash(self) -> str:
        """The hash that follows from the other fields."""
        return digest(
            (self.seq, self.at, self.actor, self.tenant, self.bot, self.action, self.subject, self.details),
            self.previous,
        )

    def to_row(self) -> dict[str, Any]:
        """Field to value."""
        return shallow(self)

    def to_line(self) -> str:
        """One JSON object, as it is exported."""
        return _plain(self.to_row())


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """The details of :attr:`Action.CHECKPOINT`: the entries up to ``through``, whose hash was ``hash``, were taken out
    of the database and lie in the exported file with this ``sha256``."""

    through: int
    hash: str
    sha256: str

    @classmethod
    def of(cls, entry: AuditEntry) -> "Checkpoint":
        """What ``entry`` says, which is one of :attr:`Action.CHECKPOINT`."""
        return cls(**json.loads(entry.details))


def digest(values: tuple[int | str, ...], previous: str) -> str:
    """SHA-256 over the UTF-8 of a JSON array: ``values``, which are the fields of :class:`AuditEntry` from ``seq`` to
    ``details``, then ``previous``; without spaces, and without escapes that JSON does not ask for."""
    return hashlib.sha256(_plain([*values, previous]).encode()).hexdigest()


def canonical_details(details: Mapping[str, Any]) -> str:
    """``details`` as JSON with sorted keys and without spaces. Raises ``ValueError`` or ``TypeError`` for what JSON
    has no word for."""
    return storable(_sorted(details))


def storable(text: str) -> str:
    """``text`` as every database keeps it: without NUL, and with bytes of a file's name that are no UTF-8 as
    ``\\udce9``. What is hashed must be what is stored."""
    return text.replace("\0", "").encode("utf-8", "backslashreplace").decode()


def utc_text(epoch_s: float) -> str:
    """Epoch seconds as :attr:`AuditEntry.at`."""
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
