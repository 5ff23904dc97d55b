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
    """A curated question with its answer, a passage of a document, or a row of a look-up table, which is found by its
    conditions (:mod:`bot.lookup`) and never by its likeness to a question."""

    FAQ = "faq"
    PASSAGE = "passage"
    ROW = "row"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One approved FAQ or one passage of an approved document, as the index sees it.

    ``id`` is stable while the content is: a UUID made from document, position and content.
    ``title`` is the FAQ's question or the document's title; ``questions`` are a FAQ's question and similar questions
    (empty for a passage); ``text`` is the FAQ's answer or the passage, word for word.
    ``source`` is the file name, ``location`` the section path (``A › B``) or the row (``第 12 行``).
    ``valid_from`` and ``valid_to`` are epoch seconds, half open: valid_from <= now < valid_to. ``approval_number`` is
    the company's number of the review that approved the material (审批号), empty where none was given. ``bots`` are the
    ids of those that alone may answer from it; where none is named, every bot of the tenant that has the collection.
    ``page`` is the page or slide it begins on, from 1, 0 where the file has none; ``figures`` are the ids of the
    pictures that stand with it (:mod:`bot.knowledge.figures`).
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
    bots: tuple[str, ...] = ()
    page: int = 0
    figures: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Where it stands, for people: the location, and the page where there is one (``A › B · 第 3 页``)."""
        return " · ".join(filter(None, (self.location, f"第 {self.page} 页" if self.page else "")))

    def is_for(self, bot: str) -> bool:
        """Whether the bot with this id may answer from it."""
        return not self.bots or bot in self.bots


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """What a search may see: part of the search filter itself, never applied afterwards.

    ``reader`` is the audience of the person (or the lowest of a group); ``now`` is epoch seconds. ``bot`` is the id of
    who answers: without one nothing is seen that is for some bots alone.
    """

    tenant: str
    collections: tuple[str, ...]
    reader: Audience
    now: float
    bot: str = ""
