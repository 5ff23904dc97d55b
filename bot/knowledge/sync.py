"""The index follows the database: what is approved there is searchable, nothing else.

Both sides are compared by entry id. An id stands for one exact content, so there is nothing else to compare, and a
run that was interrupted is healed by the next one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import structlog

from bot.errors import KnowledgeError
from bot.knowledge.entries import Entry
from bot.knowledge.index import Index
from bot.knowledge.progress import Progress
from bot.knowledge.store import KnowledgeStore

log = structlog.get_logger()

BATCH = 256
"""Entries an upsert, whose end waits for the disk: what is written before progress is told."""

DELETE_BATCH = 10_000
"""Ids a deletion, after which the embedded engine may write itself anew, for seconds in which nobody is answered."""

MAX_PASSES = 10
"""More passes than this mean that the index does not keep what it is given."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncReport:
    """How many entries were put into the index and how many taken out."""

    upserted: int
    deleted: int


def sync_collection(
    store: KnowledgeStore, index: Index, tenant: str, collection: str, progress: Progress | None = None
) -> SyncReport:
    """Bring the index to what the database has approved in one collection.

    Runs until a pass finds nothing to do, so that what others approve or withdraw meanwhile is not lost. Raises
    :class:`~bot.errors.KnowledgeError` when the index does not come to rest.
    """
    upserted = deleted = 0
    for _ in range(MAX_PASSES):
        # The index is read first: what it holds and the database, read later, does not approve is surely stale.
        # The other way round, an entry approved and indexed between the two reads would be deleted.
        held = index.ids(tenant, collection)
        approved = store.approved_ids(tenant, collection)
        if held == approved:
            if upserted or deleted:
                log.info("index_synced", tenant=tenant, collection=collection, upserted=upserted, deleted=deleted)
            return SyncReport(upserted=upserted, deleted=deleted)
        # What is out of service goes at once; new entries may take long, and no answer is better than a stale one.
        deleted += _delete(index, held - approved)
        missing = approved - held
        upserted += _upsert(index, store.approved_entries(tenant, collection, missing), len(missing), progress)
    raise KnowledgeError(
        f"the index does not keep collection {collection} of tenant {tenant}: run `reindex`, and look at its disk space"
    )


def drop_withdrawn(store: KnowledgeStore, index: Index, tenant: str, collection: str) -> set[str]:
    """Take out of the index what the database does not approve in one collection, and nothing else; returns the ids.

    What is approved again while this runs may be gone from the index afterwards: look, and sync.
    """
    held = index.ids(tenant, collection)  # first, as in sync_collection
    stale = held - store.approved_ids(tenant, collection)
    _delete(index, stale)
    return stale


def sync_all(
    store: KnowledgeStore, index: Index, also: Iterable[tuple[str, str]] = (), progress: Progress | None = None
) -> SyncReport:
    """:func:`sync_collection` for every collection the database knows, and for those of ``also``.

    ``also`` should name the collections (tenant, collection) bots answer from: after a change of database the index
    may still hold entries of one that the database has never seen.
    """
    reports = [
        sync_collection(store, index, tenant, collection, progress)
        for tenant, collection in sorted({*store.collections(), *also})
    ]
    return _sum(reports)


def reindex(
    store: KnowledgeStore, index: Index, also: Iterable[tuple[str, str]] = (), progress: Progress | None = None
) -> SyncReport:
    """Build the index anew out of the database; questions are answered meanwhile.

    An index that is rebuilt in its place has every approved entry written again, one batch after the other, and all
    others deleted.
    """
    collections = sorted({*store.collections(), *also})
    reports: list[SyncReport] = []
    with index.rebuilt() as fresh:
        for tenant, collection in collections:
            if fresh is index:  # what it holds is not trusted, whatever its id
                total = len(store.approved_ids(tenant, collection))
                written = _upsert(fresh, store.approved_entries(tenant, collection), total, progress)
                reports.append(SyncReport(upserted=written, deleted=0))
            reports.append(sync_collection(store, fresh, tenant, collection, progress))
    if fresh is not index:  # what others wrote into the old one while the new one took its place
        reports.append(sync_all(store, index, collections))
    return _sum(reports)


def batches(entries: Iterable[Entry], size: int) -> Iterator[Sequence[Entry]]:
    """``entries`` in their order, at most ``size`` at a time."""
    rest = iter(entries)
    while batch := list(islice(rest, size)):
        yield batch


def _upsert(index: Index, entries: Iterable[Entry], total: int, progress: Progress | None) -> int:
    done = 0
    for batch in batches(entries, BATCH):
        index.upsert(batch)
        done += len(batch)
        if progress:
            progress("index", done, max(done, total))
    return done


def _delete(index: Index, stale: set[str]) -> int:
    ids = sorted(stale)
    for start in range(0, len(ids), DELETE_BATCH):
        index.delete(ids[start : start + DELETE_BATCH])
    return len(ids)


def _sum(reports: Iterable[SyncReport]) -> SyncReport:
    upserted = deleted = 0
    for report in reports:
        upserted += report.upserted
        deleted += report.deleted
    return SyncReport(upserted=upserted, deleted=deleted)
