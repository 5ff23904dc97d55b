"""Files to searchable knowledge: read, divide, store, embed, index.

Files are read one by one, each stored in one transaction; a bad file or row is reported and never stops the rest.
Then, only when something was to be approved, what the collection has approved is embedded into the vector cache and
the index is brought up to date. These last two take up whatever an interrupted run has left.
"""

import re
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog

from bot.errors import BotError, InputError, KnowledgeError, UsageError
from bot.knowledge.approval import Gate, Warm, approval_number, in_words, no_gate, unfit_numbers
from bot.knowledge.archive import unpacked
from bot.knowledge.entries import Audience
from bot.knowledge.files import Found, find_files
from bot.knowledge.loaders import LoadLimits
from bot.knowledge.loaders.kinds import is_archive
from bot.knowledge.loaders.reader import FileReader
from bot.knowledge.origin import Origin
from bot.knowledge.progress import Progress, counted, unseen
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.submissions import Loader
from bot.knowledge.sync import SyncReport
from bot.knowledge.versions import WAITING, Status, Submission, Version
from bot.safety.conduct import ApprovalNumber

log = structlog.get_logger()

_GIVE_NUMBER = "give it with --approval-number, in the column 审批号 of a table, or in the front matter"
_STAYS_WITHDRAWN = "it was withdrawn and stays so while its content is the same; --restore brings it back"
_NAME = re.compile(r"[\w.-]{1,64}")


def _no_rules(_tenant: str, _collection: str) -> tuple[ApprovalNumber, ...]:
    """Where nothing is asked of approval numbers."""
    return ()


def _ungated(_tenant: str, _collection: str) -> bool:
    """Where nothing is asked of what is approved."""
    return False


class FileStatus(StrEnum):
    """What became of a file. ``APPROVED``: its waiting draft, unchanged, was approved. ``WITHDRAWN``: just this was
    taken out of service, and stays so. ``SKIPPED``: nothing stored."""

    ADDED = "added"
    CHANGED = "changed"
    APPROVED = "approved"
    UNCHANGED = "unchanged"
    WITHDRAWN = "withdrawn"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True, slots=True)
class FileResult:
    """What became of one file.

    ``path`` is where it lies, as it can be printed; ``source`` its name in the knowledge. ``draft`` is true when its
    content waits for approval, as the version with the id ``version``. ``entries`` is how many entries it has now, of
    which ``added`` are new; ``removed`` are gone. ``problems`` are for the author to mend (each names its row and what
    to do), ``notes`` only say what was passed over.
    """

    path: str
    source: str
    status: FileStatus
    draft: bool = False
    version: int = 0
    entries: int = 0
    added: int = 0
    removed: int = 0
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class IngestReport:
    """One result a file, in the order they were read; ``synced`` is ``None`` when nothing was to be approved."""

    results: tuple[FileResult, ...]
    synced: SyncReport | None = None

    @property
    def problems(self) -> tuple[str, ...]:
        """Every problem as one line that begins with the path of its file."""
        return tuple(f"{result.path}: {problem}" for result in self.results for problem in result.problems)

    @property
    def drafts(self) -> int:
        """The number of files whose content waits for approval and is not searched."""
        return sum(result.draft for result in self.results)

    def count(self, status: FileStatus) -> int:
        """The number of files with this status."""
        return sum(result.status is status for result in self.results)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """Where files go and how: ``number`` is the approval number of what names none itself, ``bots`` those that alone
    may answer from it. ``override`` is the reason for which it is approved whatever the gate says. With ``restore``
    what was taken out of service comes back, else it stays so while its bytes are the same."""

    tenant: str
    collection: str
    audience: Audience
    approve: bool
    actor: str
    number: str = ""
    bots: tuple[str, ...] = ()
    override: str = ""
    restore: bool = False

    def check(self) -> None:
        """Raise :class:`~bot.errors.UsageError` for what cannot be a name, :class:`~bot.errors.KnowledgeError` for what
        cannot be an approval number."""
        for name in (self.tenant, self.collection):
            if not _NAME.fullmatch(name):
                raise UsageError(f"{name[:80]!r} is no name: use up to 64 letters, digits, '_', '-' and '.'")
        approval_number(self.number)

    def origin(self, source: str) -> Origin:
        """Of the file called ``source``."""
        return Origin(
            tenant=self.tenant,
            collection=self.collection,
            audience=self.audience,
            source=source,
            approval_number=approval_number(self.number),
            bots=self.bots,
        )


class NotSearchable(KnowledgeError):
    """The files are stored and approved, but the index could not be brought up to date; ``report`` says what is stored.

    Running the same command again, or starting the system, puts it right.
    """

    def __init__(self, report: IngestReport, cause: BotError) -> None:
        self.report = report
        super().__init__(f"stored, but not searchable yet ({cause}): run the same command again")


class Ingestor:
    """Takes files into the knowledge of a collection.

    ``reader`` reads what is no text. ``warm`` (:data:`bot.knowledge.approval.Warm`) puts the vectors of the given
    entries into the vector cache;
    ``sync`` brings the index of one collection (tenant, collection) up to date, here or in the process that owns the
    index. ``timezone`` is where the days of FAQ tables begin; ``rules(tenant, collection)`` says what is asked of
    approval numbers there; ``gated(tenant, collection)`` whether what is to be approved there waits until all of it
    passes ``gate``. ``clock`` gives epoch seconds.
    """

    def __init__(
        self,
        *,
        store: KnowledgeStore,
        reader: FileReader,
        warm: Warm,
        sync: Callable[[str, str], SyncReport],
        timezone: ZoneInfo,
        limits: LoadLimits | None = None,
        rules: Callable[[str, str], Collection[ApprovalNumber]] = _no_rules,
        gate: Gate = no_gate,
        gated: Callable[[str, str], bool] = _ungated,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._warm = warm
        self._sync = sync
        self._loader = Loader(reader, timezone, limits or LoadLimits())
        self._rules = rules
        self._gate = gate
        self._gated = gated
        self._clock = clock

    def ingest(
        self,
        paths: Sequence[Path],
        *,
        tenant: str,
        collection: str,
        audience: Audience,
        approve: bool,
        actor: str,
        number: str = "",
        bots: tuple[str, ...] = (),
        override: str = "",
        restore: bool = False,
        progress: Progress | None = None,
    ) -> IngestReport:
        """Store the files at and below ``paths``; with ``approve`` they are searchable when this returns.

        ``actor`` (``cli:<os user>``) is kept with every version; the others are as in :class:`Wishes`.
        Raises :class:`~bot.errors.UsageError` for a name that cannot be a collection's,
        :class:`~bot.errors.KnowledgeError` for what cannot be an approval number, :class:`~bot.errors.InputError` when
        all is stored and waits because it does not pass the gate, :class:`NotSearchable` when storing went well and
        indexing did not, and :class:`~bot.errors.Unavailable` when the database does not answer.
        """
        tell = progress or unseen
        wishes = Wishes(
            tenant=tenant,
            collection=collection,
            audience=audience,
            approve=approve,
            actor=actor,
            number=number,
            bots=bots,
            override=override,
            restore=restore,
        )
        wishes.check()
        found = list(find_files(paths))
        results: list[FileResult] = []
        for done, file in enumerate(found, 1):
            results += self.take(file, wishes, tell)
            tell("read", done, len(found))
        return self._finished(results, wishes, tell)

    def ingest_documents(
        self, documents: Sequence[Submission], wishes: Wishes, progress: Progress | None = None
    ) -> IngestReport:
        """The same for ``documents`` that were read before; each says itself who may read it."""
        wishes.check()
        results = [self._stored(document, wishes, document.origin.source) for document in documents]
        return self._finished(results, wishes, progress or unseen)

    def _finished(self, results: Sequence[FileResult], wishes: Wishes, tell: Progress) -> IngestReport:
        tenant, collection = wishes.tenant, wishes.collection
        report = IngestReport(results=self.release(results, wishes, tell))
        log.info(
            "knowledge_ingested",
            tenant=tenant,
            collection=collection,
            approve=wishes.approve,
            actor=wishes.actor,
            problems=len(report.problems),
            **{str(status): report.count(status) for status in FileStatus},
        )
        if not wishes.approve:
            return report
        try:
            return IngestReport(results=report.results, synced=self.publish(tenant, collection, tell))
        except BotError as error:
            raise NotSearchable(report, error) from error

    def take(self, file: Found, wishes: Wishes, progress: Progress) -> Iterator[FileResult]:
        """Store one file, or each file of an archive, every document in one transaction of its own."""
        if file.problem or file.note or not is_archive(file.path):
            yield self._take(file, wishes, progress)
            return
        with tempfile.TemporaryDirectory() as folder:
            for member in unpacked(file, Path(folder)):
                yield self._take(member, wishes, progress)

    def release(self, results: Sequence[FileResult], wishes: Wishes, progress: Progress) -> tuple[FileResult, ...]:
        """``results`` after what :meth:`take` held back is approved where it takes nobody else: what replaces
        something, once its vectors are there, and with a gate everything, once it has passed that too: its time is for
        questions.

        Raises :class:`~bot.errors.InputError` when it does not pass: then all of it waits.
        """
        place = wishes.tenant, wishes.collection
        if not wishes.approve:
            return tuple(results)
        held, approved = {}, set()
        for result in results:
            newest = self._store.versions(*place, result.source)[-1] if result.draft else None
            if newest is None or newest.id != result.version:  # somebody else has brought another since
                continue
            if newest.status in WAITING:
                held[result.source] = newest
            elif newest.status is Status.APPROVED:  # before whoever did so died
                approved.add(result.source)
        total = sum(version.entries for version in held.values())
        contents = (one for version in held.values() for one in self._store.contents(version.id))
        self._warm(contents, counted(progress, "embed", total))
        if held and self._gated(*place):
            self._gate(list(held.values()), wishes.actor, wishes.override, progress)
        approved |= {source for source, version in held.items() if self._approved(version, wishes.actor)}
        return tuple(_let_go(result) if result.source in approved else result for result in results)

    def publish(self, tenant: str, collection: str, progress: Progress) -> SyncReport:
        """Make searchable what the collection has approved. Raises :class:`~bot.errors.BotError`."""
        total = len(self._store.approved_ids(tenant, collection))
        self._warm(self._store.approved_entries(tenant, collection), counted(progress, "embed", total))
        return self._sync(tenant, collection)

    def _take(self, file: Found, wishes: Wishes, progress: Progress) -> FileResult:
        if file.problem or file.note:
            return skipped(file, file.problem, note=file.note)
        origin = wishes.origin(file.source)
        try:
            known = self._loader.bytes_of(file, origin)
            again = self._store.same_file(origin, known.content_hash, known.made_with) if known.made_with else None
            if again and self._loader.keeps_figures(again):
                return self._stored(again, wishes, file.printable)
            loaded = self._loader.load(file, origin, known, partial(progress, "page"))
        except KnowledgeError as error:
            return skipped(file, str(error))
        if not loaded.submission.entries:
            return skipped(file, "nothing in it could be used: what was known from it stays", *loaded.problems)
        stored = self._stored(loaded.submission, wishes, file.printable)
        problems, notes = (*stored.problems, *loaded.problems), (*stored.notes, *loaded.notes)
        return replace(stored, problems=problems, notes=notes if stored.entries else ())

    def _stored(self, submission: Submission, wishes: Wishes, path: str) -> FileResult:
        """What became of a document that lies at ``path``."""
        result = FileResult(path=path, source=submission.origin.source, status=FileStatus.SKIPPED)
        if wishes.approve and (unfit := self._unfit(submission)):
            problem = f"not approved: bots.yaml asks for another approval number than {in_words(unfit)}; {_GIVE_NUMBER}"
            return replace(result, problems=(problem,))
        gated = self._gated(wishes.tenant, wishes.collection)
        # What answers goes on until the vectors of what replaces it are there.
        at_once = wishes.approve and not gated and not self._store.answers(submission.origin)
        stored = self._store.put(
            submission, approve=at_once, actor=wishes.actor, now=self._clock(), restore=wishes.restore
        )
        if stored.status is Status.WITHDRAWN:
            result = replace(result, notes=(_STAYS_WITHDRAWN,))
        return replace(
            result,
            status=FileStatus(stored.change),
            draft=stored.status in WAITING,
            version=stored.version,
            entries=stored.entries,
            added=stored.added,
            removed=stored.removed,
        )

    def _approved(self, version: Version, actor: str) -> bool:
        """Approve what waits; where that takes somebody else it is offered to them."""
        id_, now = version.id, self._clock()
        try:
            return self._store.approve(*version.name, version=id_, status=version.status, actor=actor, now=now)
        except InputError as error:
            log.info("approval_waits", source=version.source, reason=error.text_key)
            if version.status is Status.DRAFT:
                self._store.submit(*version.name, version=id_, actor=actor, now=now)
            return False

    def _unfit(self, submission: Submission) -> tuple[str, ...]:
        """The approval numbers that keep it from being approved."""
        material = ((entry.audience, entry.approval_number) for entry in submission.entries)
        return unfit_numbers(material, self._rules(submission.origin.tenant, submission.origin.collection))


def skipped(file: Found, *problems: str, note: str = "") -> FileResult:
    """What became of a file of which nothing was stored: the ``problems`` and the ``note`` that are not empty."""
    return FileResult(
        path=file.printable,
        source=file.source,
        status=FileStatus.SKIPPED,
        problems=tuple(filter(None, problems)),
        notes=(note,) if note else (),
    )


def _let_go(result: FileResult) -> FileResult:
    """``result``, whose version was held back and is approved now."""
    same = result.status is FileStatus.UNCHANGED
    return replace(result, draft=False, status=FileStatus.APPROVED if same else result.status)
