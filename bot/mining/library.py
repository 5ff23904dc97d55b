"""What mining reads: the approved documents of a bot, and the FAQs that it has or that wait."""

from collections.abc import Iterator

from bot.bots_file import BotConfig
from bot.knowledge.entries import Entry, EntryKind
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.versions import WAITING, Status, Version
from bot.mining.pairs import Passage, passages_of


class BotLibrary:
    """The knowledge of ``bot`` in ``store``; ``now`` is epoch seconds. Methods raise
    :class:`~bot.errors.Unavailable` when the database does not answer."""

    def __init__(self, store: KnowledgeStore, bot: BotConfig, now: float) -> None:
        self._store = store
        self._bot = bot
        self._now = now

    def documents(self) -> list[Version]:
        """The approved documents of the bot's collections, by source."""
        return [version for version in self._versions() if version.status is Status.APPROVED]

    def passages(self, document: Version) -> list[Passage]:
        """The passages of an approved document that the bot may answer from today."""
        contents = self._store.contents(document.id)
        return [passage for passage in passages_of(contents) if self._answers(passage.entry)]

    def entries(self) -> list[Entry]:
        """Every FAQ and passage the bot may answer from, now or later."""
        return [
            entry for document in self.documents() for entry in self._store.contents(document.id) if self._may(entry)
        ]

    def known_questions(self) -> list[str]:
        """The questions of FAQs that answer or wait, whoever may read them."""
        held = (version for version in self._versions() if version.status in (Status.APPROVED, *WAITING))
        return [question for version in held for question in self._questions(version)]

    def _questions(self, version: Version) -> Iterator[str]:
        for entry in self._store.contents(version.id):
            if entry.kind is EntryKind.FAQ:
                yield from entry.questions

    def _versions(self) -> list[Version]:
        return [
            version
            for collection in self._bot.knowledge
            for version in self._store.versions(self._bot.tenant, collection)
        ]

    def _answers(self, entry: Entry) -> bool:
        return self._may(entry) and entry.valid_from <= self._now < entry.valid_to

    def _may(self, entry: Entry) -> bool:
        return entry.is_for(self._bot.id) and entry.valid_to > self._now
