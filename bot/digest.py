"""The digest: what many asked lately and an approved question-and-answer answered, for those who did not ask.

Nothing in it was written by a person who asked: question and answer are those of the approved FAQ, word for word, and
only one that so many different people asked that none of them can be told from it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.bots_file import BotConfig
from bot.knowledge.entries import Audience, Entry, EntryKind
from bot.knowledge.store import KnowledgeStore
from bot.messages import ReplyKind
from bot.records.turns import TurnRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """An approved FAQ, and how many different ``people`` asked it."""

    entry: Entry
    people: int


def asked_by_many(turns: Iterable[TurnRecord], bot: BotConfig, store: KnowledgeStore, now: float) -> list[Asked]:
    """The FAQs that answered ``turns`` of at least ``bot.digest_people`` different people, the most asked first; only
    those that may answer anybody at ``now``, epoch seconds.

    Raises :class:`~bot.errors.Unavailable`.
    """
    people = _people_by_entry(turns)
    wanted = {entry: len(who) for entry, who in people.items() if len(who) >= bot.digest_people}
    found = [
        Asked(entry=entry, people=wanted[entry.id])
        for collection in bot.knowledge
        for entry in store.approved_entries(bot.tenant, collection, wanted)
        if _is_for_everybody(entry, now)
    ]
    return sorted(found, key=lambda asked: (-asked.people, asked.entry.title, asked.entry.id))


def _people_by_entry(turns: Iterable[TurnRecord]) -> Mapping[str, set[str]]:
    """Who was answered by which FAQ, by the entry's id; what did not arrive counts for nothing."""
    people: dict[str, set[str]] = {}
    for turn in turns:
        if turn.kind == ReplyKind.FAQ and not turn.failure:
            answering = next((id_ for id_, _, kind in turn.passages if kind == EntryKind.FAQ), None)
            if answering is not None:
                people.setdefault(answering, set()).add(turn.person.casefold())
    return people


def _is_for_everybody(entry: Entry, now: float) -> bool:
    is_public_faq = entry.kind is EntryKind.FAQ and entry.audience is Audience.PUBLIC
    return is_public_faq and entry.valid_from <= now < entry.valid_to
