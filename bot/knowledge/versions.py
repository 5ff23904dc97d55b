"""What is said of a document's versions: where each stands, and what storing one came to."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from bot.knowledge.entries import Audience, Entry
from bot.knowledge.origin import Origin


class Status(StrEnum):
    """Where a version stands.

    ``DRAFT``: its author's, or sent back to its author. ``IN_REVIEW``: offered for approval. ``APPROVED``: answering.
    ``WITHDRAWN``: out of service, or replaced by a later one. ``EXPIRED`` is never stored: an approved version of which
    nothing is valid any more.
    """

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


WAITING = (Status.DRAFT, Status.IN_REVIEW)
"""What nobody has approved yet; a document has at most one such version."""

FourEyes = Callable[[str, str], bool]
"""(tenant, collection) to whether nobody may approve there what they brought themselves."""


OnePerson = Callable[[str, str, str], bool]
"""(tenant, who did one thing, who did another) to whether both are one person."""


def two_eyes(_tenant: str, _collection: str) -> bool:
    """Where everybody may approve everything."""
    return False


def one_name(_tenant: str, one: str, other: str) -> bool:
    """Where nobody goes by two names."""
    return one == other


class Change(StrEnum):
    """What storing a document did. ``APPROVED``: its waiting version, unchanged, was approved. ``WITHDRAWN``: nothing,
    since just this was taken out of service."""

    ADDED = "added"
    CHANGED = "changed"
    APPROVED = "approved"
    UNCHANGED = "unchanged"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """A document as it was read: where from, its title, the SHA-256 of its file and its entries in order.

    ``made_with`` (:func:`bot.knowledge.recipe.recipe`) says what else they depend on; empty where the same bytes must
    be read again.
    """

    origin: Origin
    title: str
    content_hash: str
    entries: tuple[Entry, ...]
    made_with: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """What storing a document came to.

    ``version`` is the id of the version that holds this content now, and ``status`` where that stands; ``entries`` how
    many it has, of which ``added`` were not in the version before, which had ``removed`` others.
    """

    change: Change
    version: int
    status: Status
    entries: int
    added: int
    removed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """One version of a document, for people: what it is, who did what with it, and when.

    ``id`` is that of its row, ``document`` the number of the document. ``bots`` are those that alone may answer from
    it; any where none is named. ``valid_to`` is when the last of it ends. Times are epoch seconds; a time and its actor
    are ``None`` where that has not happened. ``returned_because`` is why it was sent back to its author, the last time.
    """

    id: int
    document: int
    tenant: str
    collection: str
    source: str
    number: int
    status: Status
    audience: Audience
    bots: tuple[str, ...]
    title: str
    content_hash: str
    entries: int
    valid_to: float
    ingested_at: float
    ingested_by: str
    submitted_at: float | None
    submitted_by: str | None
    returned_at: float | None
    returned_by: str | None
    returned_because: str | None
    approved_at: float | None
    approved_by: str | None
    withdrawn_at: float | None
    withdrawn_by: str | None

    def standing(self, now: float) -> Status:
        """Where it stands at ``now``, epoch seconds: its status, and whether it has expired."""
        expired = self.status is Status.APPROVED and self.valid_to <= now
        return Status.EXPIRED if expired else self.status

    @property
    def name(self) -> tuple[str, str, str]:
        """The document's tenant, collection and source."""
        return self.tenant, self.collection, self.source
