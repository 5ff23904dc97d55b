"""Knowledge as people look after it: what waits for approval, what answers, and small additions.

A document is known to people by a number, which stays its own for ever. Who looks after a bot sees the documents of its
collections, but for those that are for other bots alone.
"""

import hashlib
import time
from collections.abc import Callable, Collection, Sequence

import structlog
from sqlalchemy import ColumnElement, func, select

from bot import telemetry
from bot.bots_file import BotConfig
from bot.errors import BotError, InputError
from bot.knowledge.approval import Gate, Warm, no_gate, unfit_numbers
from bot.knowledge.chunk import passages
from bot.knowledge.entries import Entry, EntryKind
from bot.knowledge.history import find_versions
from bot.knowledge.loaders import load_plain_text
from bot.knowledge.origin import Origin, make_entry
from bot.knowledge.progress import Progress, counted, unseen
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.tables import documents, entries, version_entries, versions
from bot.knowledge.versions import WAITING, Status, Submission, Version
from bot.records.database import Database
from bot.safety.conduct import ApprovalNumber

log = structlog.get_logger()

MOST_ENTRIES = 200
"""Of a document that may be approved from a chat: embedding takes a fifth of a second an entry, and somebody waits."""


class Review:
    """The documents of all tenants.

    ``sync(tenant, collection)`` brings the index to what is approved; ``drop(tenant, collection)`` takes out of it what
    is not, and waits for nobody; ``rules(tenant, collection)`` says what is asked of approval numbers there. Before
    something is approved ``warm`` (:data:`bot.knowledge.approval.Warm`) makes its vectors, and it passes ``gate``;
    ``progress`` is told how far that is. Methods raise :class:`~bot.errors.Unavailable` when the database does not
    answer.
    """

    def __init__(
        self,
        database: Database,
        store: KnowledgeStore,
        sync: Callable[[str, str], object],
        drop: Callable[[str, str], object],
        rules: Callable[[str, str], Collection[ApprovalNumber]],
        *,
        warm: Warm,
        gate: Gate = no_gate,
        progress: Progress = unseen,
    ) -> None:
        self._database = database
        self._store = store
        self._sync = sync
        self._drop = drop
        self._rules = rules
        self._warm = warm
        self._gate = gate
        self._progress = progress

    def waiting(self, bot: BotConfig) -> list[Version]:
        """What nobody has approved yet, that which has waited longest first."""
        found = self._versions(bot, versions.c.status.in_(WAITING))
        return sorted(found, key=lambda version: (version.ingested_at, version.id))

    def find(self, bot: BotConfig, number: int) -> list[Version]:
        """What answers and what waits of document ``number``, in this order; nothing of one that is not the bot's."""
        return self._held(bot, documents.c.id == number)

    def history(self, bot: BotConfig, number: int) -> list[Version]:
        """Every version of document ``number``, the oldest first; nothing of one that is not the bot's."""
        return self._versions(bot, documents.c.id == number)

    def find_source(self, bot: BotConfig, source: str) -> list[Version]:
        """Every version of the document called ``source`` in the bot's collections, the oldest first."""
        return self._versions(bot, documents.c.source == source)

    def every(self, bot: BotConfig) -> list[Version]:
        """What answers and what waits, by source."""
        return self._held(bot)

    def approved_as(self, bot: BotConfig, number: str) -> list[Version]:
        """What answers or waits with material of the approval number ``number``, however it is spelt."""
        numbered = (
            select(version_entries.c.version_id)
            .join(entries, version_entries.c.entry_id == entries.c.id)
            .where(func.lower(entries.c.approval_number) == number.lower(), entries.c.approval_number != "")
        )
        return self._held(bot, versions.c.id.in_(numbered))

    def before(self, bot: BotConfig, version: Version) -> Version | None:
        """The version of its document that was approved last before it, of those that are the bot's; ``None`` where
        there was none."""
        history = self.history(bot, version.document)
        approved = [one for one in history if one.approved_at is not None and one.number < version.number]
        return approved[-1] if approved else None

    def contents(self, version: Version) -> list[Entry]:
        """Its entries in their order."""
        return self._store.contents(version.id)

    def approval_numbers(self, version: Version) -> tuple[str, ...]:
        """Those of what stands in it; an empty one where something has none."""
        return tuple(sorted({entry.approval_number for entry in self.contents(version)}))

    def numbers(self, tenant: str, found: Sequence[Entry]) -> dict[tuple[str, str], int]:
        """The numbers of the documents that ``found`` are of, by collection and source."""
        sources = {entry.source for entry in found}
        query = select(documents).where(documents.c.tenant == tenant, documents.c.source.in_(sources))
        with self._database.read() as connection:
            return {(row.collection, row.source): row.id for row in connection.execute(query)}

    def submit_faq(self, origin: Origin, question: str, answer: str, *, actor: str, now: float) -> Version:
        """Offer ``answer`` to ``question`` for approval, in a document of its own."""
        title = " ".join(question.split())
        entry = make_entry(origin, kind=EntryKind.FAQ, title=title, questions=(title,), text=answer, location="")
        return self._bring(_submission(origin, title, answer, (entry,)), actor, now)

    def submit_text(self, origin: Origin, title: str, text: str, *, actor: str, now: float) -> Version:
        """Offer a short document for approval."""
        document = load_plain_text(text, name=title)
        return self._bring(_submission(origin, title, text, tuple(passages(document, origin))), actor, now)

    def submit(self, version: Version, *, actor: str, now: float) -> None:
        """Offer ``version``, a draft, for approval.

        Raises :class:`~bot.errors.InputError` when it is no draft any more.
        """
        if not self._store.submit(*version.name, version=version.id, actor=actor, now=now):
            raise InputError("kb_no_draft", number=version.document)

    def send_back(self, version: Version, because: str, *, actor: str, now: float) -> None:
        """Give ``version``, which is in review, back to its author.

        Raises :class:`~bot.errors.InputError` when it is not in review any more.
        """
        if not self._store.send_back(*version.name, version=version.id, because=because, actor=actor, now=now):
            raise InputError("kb_not_in_review", number=version.document)

    def approve(
        self,
        version: Version,
        *,
        actor: str,
        now: float,
        most_entries: int | None = MOST_ENTRIES,
        override: str = "",
    ) -> None:
        """Let ``version``, which waits, answer from now on; past the gate for the reason ``override``. The one before
        answers until the vectors of this one are there and the gate is passed: what that takes is added to ``now``, so
        that what was answered meanwhile is not taken for an answer of ``version``.

        Raises :class:`~bot.errors.InputError` when it has more than ``most_entries``, does not carry the approval
        number that is asked for, does not pass the gate, takes another person, or does not wait any more as it did.
        """
        began = time.monotonic()
        if most_entries is not None and version.entries > most_entries:
            raise InputError("kb_too_large", number=version.document, entries=version.entries, limit=most_entries)
        material = ((version.audience, number) for number in self.approval_numbers(version))
        if unfit := unfit_numbers(material, self._rules(version.tenant, version.collection)):
            found = "、".join(one or "–" for one in unfit)
            raise InputError("kb_approval_number", number=version.document, found=found)
        self._warm(self.contents(version), counted(self._progress, "embed", version.entries))
        self._gate([version], actor, override, self._progress)
        now += time.monotonic() - began
        if not self._store.approve(*version.name, version=version.id, status=version.status, actor=actor, now=now):
            raise InputError("kb_not_waiting", number=version.document)
        self._sync(version.tenant, version.collection)

    def withdraw(self, bot: BotConfig, shown: Sequence[Version], *, actor: str, now: float) -> None:
        """Take the document of ``shown`` out of service; these are all of it that answers and waits and is the bot's.

        Raises :class:`~bot.errors.InputError` when others do by now.
        """
        first = shown[0]
        ids = {version.id for version in shown}
        if not self._store.withdraw(*first.name, actor=actor, now=now, shown=ids, bot=bot.id):
            raise InputError("kb_changed_withdraw", number=first.document)
        self.drop(first.tenant, first.collection)

    def sync(self, tenant: str, collection: str) -> None:
        """Bring the index to what is approved, for a turn that died between the approval and that."""
        self._sync(tenant, collection)

    def drop(self, tenant: str, collection: str) -> None:
        """The same for what is out of service. Nothing is answered from that, whatever the index holds: where it cannot
        be reached, whoever withdrew something is not told that it failed."""
        try:
            self._drop(tenant, collection)
        except BotError as error:
            telemetry.count("degraded", what="index_behind_withdrawal")
            log.warning("index_not_dropped", tenant=tenant, collection=collection, error=str(error))

    def _bring(self, submission: Submission, actor: str, now: float) -> Version:
        self._store.put(submission, approve=False, submit=True, actor=actor, now=now)
        origin = submission.origin
        return self._store.versions(origin.tenant, origin.collection, origin.source)[-1]

    def _held(self, bot: BotConfig, *conditions: ColumnElement[bool]) -> list[Version]:
        found = self._versions(bot, versions.c.status.in_((Status.APPROVED, *WAITING)), *conditions)
        return sorted(found, key=lambda version: (version.source, version.document, version.status in WAITING))

    def _versions(self, bot: BotConfig, *conditions: ColumnElement[bool]) -> list[Version]:
        place = (documents.c.tenant == bot.tenant, documents.c.collection.in_(bot.knowledge))
        with self._database.read() as connection:
            found = find_versions(connection, *place, *conditions)
        return [version for version in found if not version.bots or bot.id in version.bots]


def _submission(origin: Origin, title: str, text: str, made: tuple[Entry, ...]) -> Submission:
    content = hashlib.sha256(f"{title}\0{text}".encode(errors="backslashreplace")).hexdigest()
    return Submission(origin=origin, title=title, content_hash=content, entries=made)
