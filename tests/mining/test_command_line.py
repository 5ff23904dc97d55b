"""``mine`` as an operator meets it, on one installation."""

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.audit.log import AuditLog
from bot.knowledge.embedder import Embedder
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.versions import Submission
from bot.records.database import Database
from bot.records.turns import TurnRecords
from bot.settings import Settings
from tests.conftest import Run
from tests.fakes.llm_server import LlmServer, Say
from tests.mining.conftest import origin, read
from tests.mining.test_records import turn
from tests.one_bot import ONE_BOT

TEXT = (
    "# 云帆相机手册\n\n## 充一次电要多久\n\n用原装充电器约 90 分钟充满。\n\n"
    "## 防水\n\n云帆相机不防水，进水后请立即关机。\n"
)
PROPOSAL = {"question": "云帆相机防水吗？", "answer": "云帆相机不防水。", "quote": "云帆相机不防水，进水后请立即关机。"}


@pytest.fixture
def database(tmp_path: Path, embedder: Embedder, model_cache: Path) -> Iterator[Database]:
    """The database of an installation in ``tmp_path``, whose embedder is built already."""
    (tmp_path / "bots.yaml").write_text(ONE_BOT)
    embedder.queries(["先把图建好"])
    shutil.copytree(model_cache, tmp_path / "var/cache")
    database = Database(Settings(data_dir=tmp_path / "var").database_url)
    database.upgrade()
    yield database
    database.dispose()


def test_pairs_become_drafts_that_wait_with_their_words_and_gaps_are_listed(
    command_line: Run, tmp_path: Path, database: Database, server: LlmServer
) -> None:
    entries = tuple(read(TEXT))
    submission = Submission(origin=origin(), title="手册", content_hash="0" * 64, entries=entries)
    KnowledgeStore(database).put(submission, approve=True, actor="cli:li", now=1.0)
    asked = turn("我的手机13800138000停机了怎么换号")
    TurnRecords(database).save(replace(asked, asked_at=time.time() - 60, answered_at=time.time()))
    server.on(Say("没有"), Say(json.dumps([PROPOSAL])))

    mined = command_line("mine", "pairs", "--draft", OPENAI_BASE_URL=server.url, OPENAI_API_KEY="x", OPENAI_MODEL="m")
    assert mined.returncode == 0, mined.stderr
    assert "it failed on 1 of 2 passages" in mined.stderr
    assert mined.stdout.splitlines()[-1].startswith(
        "2 pairs (1 heading, 1 model), 0 known already; 2 kept as new drafts"
    )

    waiting = [json.loads(line) for line in command_line("mine", "drafts", "--json").stdout.splitlines()]
    assert {(draft["rule"], draft["status"], draft["question"], draft["span"]["text"]) for draft in waiting} == {
        ("heading", "draft", "充一次电要多久？", "用原装充电器约 90 分钟充满。"),
        ("model", "draft", "云帆相机防水吗？", "云帆相机不防水，进水后请立即关机。"),
    }
    (gap,) = [json.loads(line) for line in command_line("mine", "gaps", "--json").stdout.splitlines()]
    assert (gap["question"], gap["asked"]) == ("我的手机〔手机号1〕停机了怎么换号", 1)
    audit = AuditLog.from_settings(Settings(data_dir=tmp_path / "var"), database)
    assert [entry.action for entry in audit.entries() if entry.subject == "mining:gaps"] == ["read"]
