"""The measures of answering run without a language model and with any that speaks OpenAI's protocol, and count what
became of each question."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import planted, unrelated
from benchmarks.premises import changes
from tests.fakes.llm_server import LlmServer, Say
from tests.llm.conftest import server

__all__ = ["server"]

LOCKED, ANOTHER = "连续输错密码5次，账号锁定30分钟。", "连续输错密码5次，账号锁定60分钟。"
CORPUS = [
    {"id": "d1", "title": "", "text": "MX-300 模拟操作台2023年启用，每次最多使用2小时。"},
    {"id": "d2", "title": "", "text": "MX-300 模拟操作台放在影像楼3层，由陈明老师管理。"},
]
QUERIES = [{"id": "q1", "query": "MX-300 模拟操作台每次最多使用多久？", "positives": ["d1"], "negatives": ["d2"]}]
FACTS = [{"id": "f1", "query": "连续输错密码账号锁定多久？", "true_passages": [LOCKED], "false_passages": [ANOTHER]}]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name, rows in (("corpus", CORPUS), ("queries", QUERIES), ("counterfactual", FACTS)):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    return tmp_path


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def printed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def options(data: Path, cache: Path, *more: str) -> list[str]:
    return [str(data), "--cache", str(cache), "--threshold", "0", *more]


def test_what_is_planted_is_noticed(data: Path, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planted.main(options(data, cache))
    together, apart = printed(capsys)
    assert (together["noticed"], together["wrong"], apart) == (1.0, 0.0, {"mix": "apart", "n": 0})


def test_one_thing_is_changed_that_the_passage_has() -> None:
    others = {"title": ["《胸部诊断》", "《腹部诊断》"]}
    passage = "2023年的教材为《胸部诊断》，MX-300 每次用80 ml。"
    question = "2023年《胸部诊断》里 MX-300 用80 ml 还是90 ml？"
    assert set(changes(question, passage, others)) == {
        ("year", question.replace("2023", "2026")),
        ("title", question.replace("胸部", "腹部")),
        ("code", question.replace("300", "303")),
        ("figure", question.replace("80", "83")),
    }


@pytest.fixture
def asked(server: LlmServer, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LlmServer:
    """A model's server that the environment names."""
    for name, value in (("BASE_URL", server.url), ("API_KEY", "k"), ("MODEL", "m")):
        monkeypatch.setenv(f"OPENAI_{name}", value)
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "var"))
    return server


def test_with_a_model_what_it_makes_up_is_not_said(
    data: Path, cache: Path, asked: LlmServer, capsys: pytest.CaptureFixture[str]
) -> None:
    asked.on(Say("MX-300 每次最多使用8小时[1]。"))
    unrelated.main(options(data, cache, "--model"))
    assert len(asked.requests) == 1
    assert printed(capsys)[-1]["nothing made up"] == 1.0
