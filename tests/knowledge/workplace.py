"""An installation of the knowledge part, with a folder of files to ingest: a real SQLite file, the real engine."""

from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.errors import Unavailable
from bot.knowledge.edge_index import EdgeIndex
from bot.knowledge.entries import Audience, Entry
from bot.knowledge.figures import FigureStore
from bot.knowledge.ingest import Ingestor, IngestReport
from bot.knowledge.loaders import LoadLimits
from bot.knowledge.loaders.reader import FileReader
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.sync import SyncReport, sync_collection
from tests.knowledge.small_index import open_small_index

SHANGHAI = ZoneInfo("Asia/Shanghai")


class Workplace:
    """``index_is_down`` makes the index unavailable; ``warmed`` has one item for each vector that was made."""

    def __init__(self, folder: Path, store: KnowledgeStore, *, gated: bool = False, patience_s: float = 60.0) -> None:
        self.folder = folder
        self.files = folder / "files"
        self.files.mkdir(exist_ok=True)
        self.store = store
        self.warmed: list[int] = []
        self.answering: list[set[str]] = []
        """The texts that may answer while the vectors of others are made."""
        self.index_is_down = False
        self._ingestor = Ingestor(
            store=store,
            reader=FileReader(FigureStore(folder / "figures"), seconds=patience_s),
            warm=self._warm,
            sync=self._sync,
            timezone=SHANGHAI,
            limits=LoadLimits(file_bytes=4_000),
            gated=lambda _tenant, _collection: gated,
            clock=lambda: 1_000.0,
        )

    @cached_property
    def index(self) -> EdgeIndex:
        return open_small_index(self.folder)

    def _warm(self, entries: Iterable[Entry], tell: Callable[[int], object]) -> None:
        for _ in entries:
            self.warmed.append(1)
            self.answering.append({entry.text for entry in self.store.approved_entries("academy", "imaging")})
            tell(1)

    def _sync(self, tenant: str, collection: str) -> SyncReport:
        if self.index_is_down:
            raise Unavailable("nobody owns the index")
        return sync_collection(self.store, self.index, tenant, collection)

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.files / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def ingest(
        self,
        *paths: Path,
        approve: bool = True,
        audience: Audience = Audience.PUBLIC,
        collection: str = "imaging",
        actor: str = "cli:li",
        bots: tuple[str, ...] = (),
        restore: bool = False,
    ) -> IngestReport:
        return self._ingestor.ingest(
            paths or [self.files],
            tenant="academy",
            collection=collection,
            audience=audience,
            approve=approve,
            actor=actor,
            bots=bots,
            restore=restore,
        )

    def searchable(self) -> dict[str, Entry]:
        entries = self.index.entries(sorted(self.index.ids("academy", "imaging")))
        return {entry.text: entry for entry in entries}
