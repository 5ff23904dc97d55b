"""The collections behind one installation's index on a Qdrant server: how they are named, made, switched and dropped.

An alias is the installation's name for its index. A collection is named after the alias, its build number and how it
was made: ``knowledge-000007-f2-multilingual-e5-small-1f0c2a9b``. A rebuild fills the collection of the next number and
then points the alias at it, which the server does in one step; whoever reads the old one finds it gone and looks at
the alias again.

No lock is needed. Two processes that rebuild at once, as well as one that goes on after another's death, have the same
collection for their goal, and what they write there is named by its content. A collection with a lower number than
the alias' is left over and dropped.
"""

import hashlib
import re
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

import structlog
from qdrant_client import models

from bot.errors import KnowledgeError, Unavailable
from bot.knowledge.index import BELIEVED_S, IndexMissing, IndexState
from bot.knowledge.points import DENSE_ROUTES, MARKS_FIELD, NUMBER_FIELDS, SPARSE_ROUTES, TENANT_FIELD
from bot.knowledge.qdrant_calls import AlreadyThere, Gone, QdrantCalls

log = structlog.get_logger()

Quantization = Literal["none", "scalar", "binary"]

TENANT_LINKS = 16
"""Links of a point in the graph of its tenant, where vectors are quantised."""
QUANTILE = 0.99
"""Share of a vector's numbers that scalar quantisation spans; the few beyond are cut to it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """How a collection is made; another value in any of these needs another collection.

    ``format`` and ``embedder`` decide what its vectors mean. There is always one shard: the server counts the idf of a
    word in each shard for itself, so that more of them would change the scores.
    """

    format: int
    embedder: str
    dimension: int
    quantization: Quantization = "none"
    replicas: int = 1

    @property
    def label(self) -> str:
        """The end of a collection's name: readable, and different for every build."""
        digest = hashlib.sha256(repr(sorted(asdict(self).items())).encode()).hexdigest()[:8]
        readable = re.sub(r"[^a-z0-9]+", "-", self.embedder.lower().rsplit("/", 1)[-1]).strip("-")[-60:]
        return f"f{self.format}-{readable}-{digest}"


class Collections:
    """The collections of the installation whose alias is ``alias``, made as ``build`` says. Safe for threads.

    Methods raise :class:`~bot.errors.Unavailable` and :class:`~bot.errors.KnowledgeError`.
    """

    def __init__(
        self, calls: QdrantCalls, alias: str, build: Build, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.calls = calls
        self.build = build
        self._client = calls.client
        self._alias = alias
        self._clock = clock
        self._lock = threading.Lock()
        self._live = ""
        self._looked_at = 0.0

    def state(self) -> IndexState:
        """What stands behind the alias now."""
        name = self._target()
        if name is None:
            return IndexState.MISSING
        return IndexState.READY if self._is_ours(name) else IndexState.FOREIGN

    def live(self, *, look: bool = False) -> str:
        """The collection behind the alias; with ``look`` surely now, otherwise within :data:`BELIEVED_S`.

        Raises :class:`~bot.knowledge.index.IndexMissing` when there is none, and
        :class:`~bot.errors.Unavailable` for one whose vectors mean nothing here.
        """
        with self._lock:
            if not look and self._live and self._clock() - self._looked_at < BELIEVED_S:
                return self._live
        name = self._target()
        if name is None or not self._is_ours(name):
            self._believe("")  # the next collection of that name may be one that is only being filled
        if name is None:
            raise IndexMissing("the index is not on the Qdrant server; the worker builds it, or run `reindex`")
        if not self._is_ours(name):
            raise Unavailable(
                f"the index on the Qdrant server ({name}) was made by another version, embedder or setting than this "
                f"process has ({self.build.label}): start this process again with the others', or run `reindex`"
            )
        self._believe(name)
        return name

    def begin(self) -> str:
        """The collection for a rebuild: empty, or with what an earlier one that was cut off has written."""
        current = self._target()
        name = f"{self._alias}-{self._number(current) + 1:06d}-{self.build.label}"
        try:
            self.calls.run(lambda: self._create(name))
            log.info("index_rebuild_begun", collection=name)
        except AlreadyThere:
            log.info("index_rebuild_goes_on", collection=name)
        for field, schema in _indexes(self.build):
            self.calls.run(
                lambda field=field, schema=schema: self._client.create_payload_index(  # type: ignore[misc]
                    name, field, schema, wait=True, timeout=self.calls.server_timeout_s
                )
            )
        return name

    def switch(self, name: str) -> None:
        """Let the alias mean ``name`` from now on, and drop what it meant before and what older rebuilds left.

        Where a newer rebuild of the same kind was quicker, that one stays.
        """
        current = self._target()
        if current is not None and self._is_ours(current) and self._number(current) > self._number(name):
            log.info("index_rebuild_overtaken", collection=name, by=current)
            name = current
        if current != name:
            self._point_alias(current, name)
            log.info("index_switched", collection=name, before=current)
        self._believe(name)
        self._drop_left_over(name, current)

    def _point_alias(self, current: str | None, name: str) -> None:
        create = models.CreateAliasOperation(
            create_alias=models.CreateAlias(collection_name=name, alias_name=self._alias)
        )
        delete = models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=self._alias))
        operations: list[models.AliasOperations] = [create] if current is None else [delete, create]
        try:
            self.calls.run(lambda: self._client.update_collection_aliases(operations))
        except Gone as error:
            raise Unavailable("another process rebuilt the index meanwhile; nothing is lost") from error
        except AlreadyThere as error:
            raise KnowledgeError(
                f"a collection on the Qdrant server is called {self._alias}: set QDRANT_COLLECTION to another name"
            ) from error

    def _drop_left_over(self, name: str, before: str | None) -> None:
        """A collection that cannot be dropped is dropped after the next rebuild; it only takes room."""
        try:
            found = self.calls.run(self._client.get_collections).collections
            number = self._number(name)
            old = {item.name for item in found if 0 < self._number(item.name) < number} | {before} - {None, name}
            for collection in old:
                self.calls.run(lambda collection=collection: self._client.delete_collection(collection))  # type: ignore[misc]
                log.info("index_dropped", collection=collection)
        except Unavailable as error:
            log.warning("index_not_dropped", error=str(error))

    def _target(self) -> str | None:
        self.calls.check_version()
        aliases = self.calls.run(self._client.get_aliases).aliases
        name = next((item.collection_name for item in aliases if item.alias_name == self._alias), None)
        if name is not None and not self._number(name):  # it would be dropped after a rebuild
            raise KnowledgeError(
                f"the alias {self._alias} on the Qdrant server means {name}, which is not ours: set QDRANT_COLLECTION "
                "to another name"
            )
        return name

    def _believe(self, name: str) -> None:
        with self._lock:
            self._live, self._looked_at = name, self._clock()

    def _is_ours(self, name: str) -> bool:
        return name.endswith(f"-{self.build.label}")

    def _number(self, name: str | None) -> int:
        """A collection's build number; 0 for none and for a stranger's."""
        found = re.fullmatch(rf"{re.escape(self._alias)}-(\d{{6}})-.+", name or "")
        return int(found[1]) if found else 0

    def _create(self, name: str) -> None:
        build = self.build
        quantised = build.quantization != "none"
        dense = models.VectorParams(
            size=build.dimension,
            distance=models.Distance.DOT,
            # Quantised vectors are held in memory, and the exact ones read when the best few are scored again.
            memory=models.Memory.COLD if quantised else None,
        )
        sparse = models.SparseVectorParams(modifier=models.Modifier.IDF)
        self._client.create_collection(
            name,
            vectors_config={route.value: dense for route in DENSE_ROUTES},
            sparse_vectors_config={route.value: sparse for route in SPARSE_ROUTES},
            # No graph over everybody's points: without quantisation search is exact, with it each tenant has a graph.
            hnsw_config=models.HnswConfigDiff(m=0, payload_m=TENANT_LINKS if quantised else None),
            quantization_config=_quantisation(build.quantization),
            shard_number=1,
            replication_factor=build.replicas,
            write_consistency_factor=build.replicas // 2 + 1,
            metadata=asdict(build),
            timeout=self.calls.server_timeout_s,
        )


def _indexes(build: Build) -> list[tuple[str, models.KeywordIndexParams | models.FloatIndexParams]]:
    """The payload's fields that searches filter by; only the tenant's gets a graph, and that only when quantised."""
    graph = build.quantization != "none"
    keyword, number = models.KeywordIndexType.KEYWORD, models.FloatIndexType.FLOAT
    tenant = models.KeywordIndexParams(type=keyword, is_tenant=True, enable_hnsw=graph)
    return [
        (TENANT_FIELD, tenant),
        (MARKS_FIELD, models.KeywordIndexParams(type=keyword, enable_hnsw=False)),
        *((field, models.FloatIndexParams(type=number, enable_hnsw=False)) for field in NUMBER_FIELDS),
    ]


def _quantisation(kind: Quantization) -> models.QuantizationConfig | None:
    match kind:
        case "none":
            return None
        case "scalar":
            return models.ScalarQuantization(
                scalar=models.ScalarQuantizationConfig(
                    type=models.ScalarType.INT8, quantile=QUANTILE, memory=models.Memory.PINNED
                )
            )
        case "binary":
            return models.BinaryQuantization(binary=models.BinaryQuantizationConfig(memory=models.Memory.PINNED))
