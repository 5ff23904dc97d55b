"""Passages of one document, stored as somebody approves or only brings them."""

from bot.knowledge.entries import Audience, Entry, EntryKind
from bot.knowledge.origin import ALWAYS_TO, Origin, make_entry
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.versions import Submission

ORIGIN = Origin(tenant="academy", collection="imaging", audience=Audience.PUBLIC, source="faq.csv")


def passage(text: str, origin: Origin = ORIGIN, valid_from: float = 0.0, valid_to: float = ALWAYS_TO) -> Entry:
    """A passage with these words."""
    return make_entry(
        origin, kind=EntryKind.PASSAGE, title="", text=text, location="", valid_from=valid_from, valid_to=valid_to
    )


def put(store: KnowledgeStore, *entries: Entry, origin: Origin = ORIGIN, approve: bool = True) -> None:
    """The next version of the document."""
    texts = "".join(entry.text for entry in entries)
    submission = Submission(origin=origin, title="", content_hash=texts, entries=entries)
    store.put(submission, approve=approve, actor="cli:li", now=1.0)
