"""A folder of thirty files of every kind goes in, and each answers the question that only it can."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest

from bot.knowledge.calibration import Calibration
from bot.knowledge.edge_index import EdgeIndex
from bot.knowledge.embedder import E5Embedder
from bot.knowledge.entries import Audience, Scope
from bot.knowledge.figures import FigureStore
from bot.knowledge.ingest import FileStatus, Ingestor, IngestReport
from bot.knowledge.loaders.reader import FileReader
from bot.knowledge.search import Searcher
from bot.knowledge.segment import Segmenter, jieba_dictionary
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.sync import sync_collection
from bot.knowledge.tokens import Tokenizer
from bot.records.database import Database
from tests.knowledge.varied_files import Varied, varied_files

SCOPE = Scope(tenant="academy", collections=("varied",), reader=Audience.PUBLIC, now=1_000.0)
FILES = varied_files()


class House:
    """What was ingested, and a way to ask."""

    def __init__(self, report: IngestReport, searcher: Searcher, figures: FigureStore) -> None:
        self.report = report
        self.searcher = searcher
        self.figures = figures


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("varied")
    embedder, tokenizer = E5Embedder(folder / "cache"), Tokenizer(Segmenter(jieba_dictionary()))
    for file in FILES:
        path = folder / "files" / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
    database = Database(f"sqlite:///{folder}/bot.sqlite")
    database.upgrade()
    store, index = KnowledgeStore(database), EdgeIndex(folder / "index", embedder, tokenizer)
    figures = FigureStore(folder / "figures")
    ingestor = Ingestor(
        store=store,
        reader=FileReader(figures),
        warm=lambda _entries, _tell: None,
        sync=lambda tenant, collection: sync_collection(store, index, tenant, collection),
        timezone=ZoneInfo("Asia/Shanghai"),
    )
    report = ingestor.ingest(
        [folder / "files"],
        tenant="academy",
        collection="varied",
        audience=Audience.PUBLIC,
        approve=True,
        actor="cli:li",
    )
    yield House(report, Searcher(index, embedder, Calibration.shipped()), figures)
    index.close()
    database.dispose()


def test_all_thirty_go_in_without_a_complaint(house: House) -> None:
    assert len(FILES) == 30
    assert house.report.problems == ()
    assert house.report.count(FileStatus.ADDED) == 30
    (skipped,) = [result for result in house.report.results if result.status is FileStatus.SKIPPED]
    assert skipped.source == "资料包.zip/说明.bin"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_each_answers_its_own_question(house: House, file: Varied) -> None:
    first = house.searcher.search(file.question, SCOPE).hits[0].entry
    assert first.source.startswith(file.name)
    assert file.says in first.text
    assert first.page == file.page


def test_an_answer_knows_the_pictures_beside_it(house: House) -> None:
    for question, pictured in (
        ("后门刷卡时听到几声蜂鸣？", True),
        ("备用钥匙放在哪里？", True),
        ("陪产假有多少天？", False),
    ):
        entry = house.searcher.search(question, SCOPE).hits[0].entry
        assert bool(entry.figures) is pictured
        assert all(house.figures.path(figure) for figure in entry.figures)
