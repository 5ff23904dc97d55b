"""The digest: what many asked lately and an approved question-and-answer answered, for those who did not ask.

Nothing in it was written by a person who asked: question and answer are those of the approved FAQ, word for word, and
only one that so many different people asked that none of them can be told from it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.bots_file import BotConfig
from bot.errors import InputError
from bot.knowledge.approval import approval_words
from bot.knowledge.entries import Audience, Entry, EntryKind
from bot.knowledge.store import KnowledgeStore
from bot.messages import ReplyKind
from bot.records.reports import Reports
from bot.records.turns import TurnRecord
from bot.safety.disclaimers import disclaimers
from bot.texts import Language, Texts

CONFIRMED, BY_ITSELF = "digest_tail", "digest_tail_weekly"
"""The last line: who let the digest out."""
_DAYS = 7
_ITEMS = 5
_TURNS_READ = 20_000
"""Turns of a week that a digest looks at, the newest first."""


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
        if _is_for_everybody(entry, now) and entry.is_for(bot.id)
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Digests:
    """Writes digests; days are those of ``timezone``."""

    reports: Reports
    store: KnowledgeStore
    texts: Texts
    timezone: ZoneInfo

    def words(self, bot: BotConfig, language: Language, now: float, limit_bytes: int, tail: str = CONFIRMED) -> str:
        """The digest of the seven days before today, as far as it fits into one message; no answer is cut. ``tail`` is
        the key of its last line.

        Raises :class:`~bot.errors.InputError` where nothing was asked by enough people, and
        :class:`~bot.errors.Unavailable`.
        """
        end = datetime.fromtimestamp(now, self.timezone).replace(hour=0, minute=0, second=0, microsecond=0)
        begin = end - timedelta(days=_DAYS)
        turns = self.reports.newest(bot.id, begin.timestamp(), end.timestamp(), _TURNS_READ)
        shown: list[Asked] = []
        for one in asked_by_many(turns, bot, self.store, now):
            longer = [*shown, one]
            fits = len(self._written(bot, language, longer, tail).encode(errors="replace")) <= limit_bytes
            if len(shown) < _ITEMS and fits:
                shown = longer
        if not shown:
            raise InputError("digest_nothing", days=_DAYS, people=bot.digest_people)
        return self._written(bot, language, shown, tail)

    def _written(self, bot: BotConfig, language: Language, asked: Sequence[Asked], tail: str) -> str:
        say = self.texts.say
        items = []
        for n, one in enumerate(asked, 1):
            entry, approval = one.entry, approval_words(one.entry.approval_number, self.texts, language)
            where = " · ".join(filter(None, (entry.source, entry.location, approval)))
            items.append(say("digest_item", language, n=n, question=entry.title, answer=entry.text, where=where))
        closing = [*disclaimers("\n".join(items), bot.safety, Audience.PUBLIC, self.texts, language)]
        head = say("digest_head", language, name=bot.name, days=_DAYS)
        return "\n\n".join([head, *items, *closing, say(tail, language)])
