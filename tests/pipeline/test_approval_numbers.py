"""What professionals are told carries the number under which the company approved it, where the bot asks for one."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.knowledge.approval import rules_of
from bot.knowledge.calibration import Calibration
from bot.knowledge.edge_index import EdgeIndex
from bot.knowledge.embedder import E5Embedder
from bot.knowledge.entries import Audience
from bot.knowledge.figures import FigureStore
from bot.knowledge.ingest import Ingestor, IngestReport
from bot.knowledge.loaders.reader import FileReader
from bot.knowledge.search import Searcher
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.sync import sync_collection
from bot.knowledge.tokens import Tokenizer
from bot.records.database import Database
from bot.records.turns import TurnRecord
from bot.safety.conduct import ApprovalNumber
from tests.pipeline.conftest import BOT, House

RULE = ApprovalNumber(pattern=r"MLR-\d{4}-\d{3}", required=True)
ASKING = BOT.model_copy(update={"safety": BOT.safety.model_copy(update={"approval_number": RULE})})
FILES = {
    "front.md": "---\n审批号: MLR-2026-001\n---\n# 打印须知\n\n打印机在三楼东侧，刷工卡后取件，彩色每月一百页。\n",
    "table.csv": (
        "问题,答案,审批号\n如何修改登录密码？,在设置里点修改密码。,MLR-2026-002\n会议室怎么预订？,在日历里新建会议。,MLR-2026-003\n"
    ),
    "bare.md": "# 报销须知\n\n差旅报销须在返回后三十天内提交，附发票原件和行程单。\n",
    "wrong.csv": "问题,答案,审批号\n年假有几天？,入职满一年有五天。,MLR-26-1\n",
    "half.csv": "问题,答案,审批号\n食堂几点开门？,早上七点。,MLR-2026-004\n食堂几点关门？,晚上八点。,\n",
}
QUESTIONS = (
    "打印机在几楼？",
    "如何修改登录密码？",
    "会议室怎么预订？",
    "出差回来多久内要报销？",
    "年假有几天？",
    "食堂几点开门？",
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KnowledgeStore]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('store')}/bot.sqlite")
    database.upgrade()
    yield KnowledgeStore(database)
    database.dispose()


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, embedder: E5Embedder, tokenizer: Tokenizer) -> Iterator[EdgeIndex]:
    index = EdgeIndex(tmp_path_factory.mktemp("index"), embedder, tokenizer)
    yield index
    index.close()


@pytest.fixture(scope="module")
def ingestor(store: KnowledgeStore, index: EdgeIndex, tmp_path_factory: pytest.TempPathFactory) -> Ingestor:
    return Ingestor(
        store=store,
        reader=FileReader(FigureStore(tmp_path_factory.mktemp("figures"))),
        warm=lambda _entries, _tell: None,
        sync=lambda tenant, collection: sync_collection(store, index, tenant, collection),
        timezone=ZoneInfo("Asia/Shanghai"),
        rules=partial(rules_of, {ASKING.id: ASKING}),
    )


def take(
    ingestor: Ingestor, *paths: Path, number: str = "", audience: Audience = Audience.HCP, approve: bool = True
) -> IngestReport:
    return ingestor.ingest(
        paths, tenant="academy", collection="c", audience=audience, approve=approve, actor="cli:li", number=number
    )


@pytest.fixture(scope="module")
def report(ingestor: Ingestor, tmp_path_factory: pytest.TempPathFactory) -> IngestReport:
    folder = tmp_path_factory.mktemp("files")
    for name, content in FILES.items():
        (folder / name).write_text(content, encoding="utf-8")
    return take(ingestor, folder)


@pytest.fixture(scope="module")
def searcher(report: IngestReport, index: EdgeIndex, embedder: E5Embedder) -> Searcher:
    assert report.synced is not None
    return Searcher(index, embedder, Calibration.shipped())


def professional(house: House, question: str) -> TurnRecord:
    """What a verified professional is told; the robot's single chats are theirs."""
    return house.record(question, channel="ai")


def test_every_answer_to_a_professional_cites_a_number_that_fits(house: House) -> None:
    answered = [record for question in QUESTIONS if (record := professional(house, question)).citations]
    assert len(answered) == 3
    for record in answered:
        assert all(re.fullmatch(RULE.pattern, citation["approval_number"]) for citation in record.citations)
        assert re.search(f"审批号 {RULE.pattern}）", record.answer)


def test_material_without_a_fitting_number_is_not_approved_and_the_line_says_what_to_do(report: IngestReport) -> None:
    refused = {result.source: result.problems for result in report.results if result.problems}
    assert set(refused) == {"bare.md", "wrong.csv", "half.csv"}
    assert all("--approval-number" in problem for problems in refused.values() for problem in problems)
    assert "MLR-26-1" in refused["wrong.csv"][0]


def test_a_number_given_beside_the_file_is_that_of_all_that_names_none(
    house: House, ingestor: Ingestor, store: KnowledgeStore, index: EdgeIndex, tmp_path: Path
) -> None:
    path = tmp_path / "餐厅.csv"
    path.write_text(FILES["half.csv"], encoding="utf-8")
    assert take(ingestor, path, number="MLR-2026-009").problems == ()
    assert professional(house, "食堂几点关门？").citations[0]["approval_number"] == "MLR-2026-009"
    assert professional(house, "食堂几点开门？").citations[0]["approval_number"] == "MLR-2026-004"
    store.withdraw("academy", "c", "餐厅.csv", actor="cli:li", now=3.0)
    sync_collection(store, index, "academy", "c")


def test_what_only_staff_may_read_needs_none_and_drafts_wait_without(
    ingestor: Ingestor, store: KnowledgeStore, tmp_path: Path
) -> None:
    for name in ("内部.md", "草稿.md"):
        (tmp_path / name).write_text(FILES["bare.md"], encoding="utf-8")
    assert take(ingestor, tmp_path / "内部.md", audience=Audience.STAFF).problems == ()
    assert take(ingestor, tmp_path / "草稿.md", approve=False).drafts == 1
    store.withdraw("academy", "c", "内部.md", actor="cli:li", now=3.0)
