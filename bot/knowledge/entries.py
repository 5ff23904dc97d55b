"""The unit of knowledge that is indexed, searched and cited."""

from dataclasses import dataclass
from enum import StrEnum


class Audience(StrEnum):
    """Who may read an entry; ``public`` < ``hcp`` (verified health-care professional) < ``staff``."""

    PUBLIC = "public"
    HCP = "hcp"
    STAFF = "staff"

    @property
    def readable(self) -> tuple["Audience", ...]:
        """The audiences whose entries a reader of this audience may see, itself included."""
        order = list(Audience)
        return tuple(order[: order.index(self) + 1])


class EntryKind(StrEnum):
    """A curated question with its answer, or a passage of a document."""

    FAQ = "faq"
    PASSAGE = "passage"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One approved FAQ or one passage of an approved document, as the index sees it.

    ``id`` is stable while the content is: a UUID made from document, position and content.
    ``title`` is the FAQ's question or the document's title; ``questions`` are a FAQ's question and similar questions
    (empty for a passage); ``text`` is the FAQ's answer or the passage, word for word.
    ``source`` is the file name, ``location`` the section path (``A › B``) or the row (``第 12 行``).
    ``valid_from`` and ``valid_to`` are epoch seconds, half open: valid_from <= now < valid_to. ``approval_number`` is
    the company's number of the review that approved the material (审批号), empty where none was given.
    """

    id: str
    tenant: str
    collection: str
    kind: EntryKind
    audience: Audience
    title: str
    questions: tuple[str, ...]
    text: str
    source: str
    location: str
    valid_from: float
    valid_to: float
    approval_number: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """What a search may see: part of the search filter itself, never applied afterwards.

    ``reader`` is the audience of the person (or the lowest of a group); ``now`` is epoch seconds.
    """

    tenant: str
    collections: tuple[str, ...]
    reader: Audience
    now: float
