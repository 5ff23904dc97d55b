"""The folder of the embedded index: who owns it, the engine's shard in it, and what that holds."""

import contextlib
import fcntl
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import qdrant_edge as qdrant
import structlog

from bot.errors import BotError, KnowledgeError
from bot.knowledge.entries import Entry
from bot.knowledge.index import IndexInUse
from bot.knowledge.points import (
    ALWAYS,
    DENSE_ROUTES,
    ENTRY_ROLE,
    MARKS_FIELD,
    NUMBER_FIELDS,
    SPARSE_ROUTES,
    entry_from_payload,
    point_ids,
    role_mark,
    texts_with_states,
    validity_of,
)
from bot.knowledge.state_store import StateStore

log = structlog.get_logger()

_PAGE = 1_000
"""Points read at a time."""
_NEVER_KB = 1_000_000_000
"""The size from which the engine would build an approximate graph: never, exact search is quick enough."""


@dataclass(slots=True)
class Held:
    """Of the entries of an index: ``owners`` says whose each point is, by number; ``validities`` which there are, by
    their words."""

    owners: dict[int, str] = field(default_factory=dict)
    validities: dict[str, tuple[float, float]] = field(default_factory=dict)


def open_shard(folder: Path, marker: dict[str, object]) -> tuple[qdrant.EdgeShard, Held]:
    """The shard in ``folder`` and what it holds; an empty one where there is none, or none that can be used."""
    marker_file, shard_folder = folder / "format.json", folder / "shard"
    if shard_folder.exists():
        try:
            return _load(shard_folder, marker_file, marker)
        except KnowledgeError as error:
            log.error("index_rebuilt_empty", reason=str(error), cause=str(error.__cause__ or ""))
    with contextlib.suppress(FileNotFoundError):
        marker_file.unlink()  # first: a folder without it is never loaded
    shutil.rmtree(shard_folder, ignore_errors=True)
    shard_folder.mkdir()
    with engine_errors("the index could not be made"):
        shard = qdrant.EdgeShard.create(str(shard_folder), _configuration(int(str(marker["dimension"]))))
        shard.update(qdrant.UpdateOperation.create_field_index(MARKS_FIELD, qdrant.PayloadSchemaType.Keyword))
        for field in NUMBER_FIELDS:
            shard.update(qdrant.UpdateOperation.create_field_index(field, qdrant.PayloadSchemaType.Float))
        shard.flush()
    marker_file.write_text(json.dumps(marker), encoding="utf-8")
    return shard, Held()


def state_keys(shard: qdrant.EdgeShard, states: StateStore) -> set[bytes]:
    """Where the token states of its entries are."""
    found = by_id(scroll(shard, marked(role_mark(ENTRY_ROLE)), payload=True))
    entries = (entry_from_payload(id_, record.payload or {}) for id_, record in found)
    return {states.key(text) for entry in entries for text in texts_with_states(entry)}


def _load(shard_folder: Path, marker_file: Path, marker: dict[str, object]) -> tuple[qdrant.EdgeShard, Held]:
    """The shard as it was left, and what it holds.

    Raises ``KnowledgeError`` when it is damaged or another version's.
    Every payload is read once, which finds what the engine itself would find only when a question meets it.
    """
    try:
        found = json.loads(marker_file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise KnowledgeError("its format.json is missing or unreadable") from error
    if found != marker:
        raise KnowledgeError(f"it was made as {found}, and {marker} is wanted")
    with engine_errors("it is damaged"):
        shard = qdrant.EdgeShard.load(str(shard_folder))
    held = Held()
    try:
        with engine_errors("it is damaged"):
            for id_, record in by_id(scroll(shard, marked(role_mark(ENTRY_ROLE)), payload=True)):
                entry = entry_from_payload(id_, record.payload or {})
                held.owners |= {point_number(point): id_ for point in point_ids([entry])}
                held.validities |= validities_of([entry])
    except KnowledgeError:
        shard.close()
        raise
    return shard, held


def _configuration(dimension: int) -> qdrant.EdgeConfig:
    dense = qdrant.EdgeVectorParams(size=dimension, distance=qdrant.Distance.Dot, memory=qdrant.Memory.Cold)
    sparse = qdrant.EdgeSparseVectorParams(modifier=qdrant.Modifier.Idf)
    return qdrant.EdgeConfig(
        vectors={route.value: dense for route in DENSE_ROUTES},
        sparse_vectors={route.value: sparse for route in SPARSE_ROUTES},
        optimizers=qdrant.EdgeOptimizersConfig(indexing_threshold=_NEVER_KB),
        max_search_threads=1,
    )


@contextlib.contextmanager
def engine_errors(message: str) -> Iterator[None]:
    """Turns whatever the engine raises into :class:`~bot.errors.KnowledgeError`."""
    try:
        yield
    except BaseException as error:
        # The binding raises bare Exception, and a panic as a BaseException whose class cannot be imported.
        if isinstance(error, BotError) or not (
            isinstance(error, Exception) or type(error).__name__ == "PanicException"
        ):
            raise
        raise KnowledgeError(f"{message} ({error})") from error


def take_lock(folder: Path) -> int:
    """A lock on ``folder`` that ends with the process, however it ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise KnowledgeError(f"the index folder {folder} cannot be used: {error}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise IndexInUse(f"index is open in another process ({folder}); ask that process, or stop it") from error
    return handle


def scroll(shard: qdrant.EdgeShard, wanted: qdrant.Filter | None, *, payload: bool) -> Iterator[Any]:
    offset = None
    while True:
        records, offset = shard.scroll(
            qdrant.ScrollRequest(offset=offset, limit=_PAGE, filter=wanted, with_payload=payload, with_vector=False)
        )
        yield from records
        if offset is None:
            return


def by_id(records: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    return ((str(record.id), record) for record in records)


def point_number(id_: str) -> int:
    """A point's id as the number that the engine's answers carry without the cost of its text."""
    return uuid.UUID(id_).int


def marked(mark: str) -> qdrant.Filter:
    return qdrant.Filter(must=[qdrant.FieldCondition(MARKS_FIELD, match=qdrant.MatchValue(mark))])


def validities_of(entries: Iterable[Entry]) -> dict[str, tuple[float, float]]:
    bounded = ((validity_of(entry), entry) for entry in entries)
    return {word: (entry.valid_from, entry.valid_to) for word, entry in bounded if word != ALWAYS}
