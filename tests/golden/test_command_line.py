"""The commands around golden questions, each in a process's place, with the real search and model."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import func, select
from structlog.testing import capture_logs

from bot.cli import gate as gate_command
from bot.cli import golden as golden_command
from bot.cli import reindex as reindex_command
from bot.cli import threshold as threshold_command
from bot.errors import UsageError
from bot.knowledge.store import KnowledgeStore
from bot.records.database import Database
from bot.records.turns import turns
from bot.settings import Settings
from tests.golden.knowledge import FAQS, submission

BOTS_YAML = """
bots:
  imaging:
    name: 小影
    tenant: academy
    knowledge: [c]
    answer_threshold: 0.3
    channels:
      robot: {type: wecom-robot, webhook: "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=not-a-key"}
"""
_EVAL = {"gate": gate_command.command, "threshold": threshold_command.command}


class Desk:
    """The command line in a folder of its own."""

    def run(self, *arguments: str) -> Result:
        """Without the group's own part, which sets up the log of a process."""
        with capture_logs():
            if arguments[0] in _EVAL:
                return CliRunner().invoke(_EVAL[arguments[0]], arguments[1:])
            return CliRunner().invoke(golden_command.command.commands[arguments[1]], arguments[2:])

    def says(self, *arguments: str) -> str:
        result = self.run(*arguments)
        assert result.exception is None, result.exception
        return result.stdout

    def refuses(self, *arguments: str) -> str:
        error = self.run(*arguments).exception
        assert isinstance(error, UsageError), error
        return str(error)


@pytest.fixture
def desk(tmp_path: Path, settings: Settings, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "DATABASE_URL": f"sqlite:///{tmp_path}/bot.sqlite",
        "DATA_DIR": str(settings.data_dir),
        "REDIS_URL": redis_url,
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "bots.yaml").write_text(BOTS_YAML, encoding="utf-8")
    (tmp_path / "q.csv").write_text(
        "问题,来源,事实,应拒答\n年假有几天？,faq.csv,5 天,\n食堂今天吃什么？,,,是\n", encoding="utf-8"
    )
    return Desk()


def test_from_a_file_to_a_bar_and_to_a_fall(desk: Desk, tmp_path: Path) -> None:
    assert "has no golden questions" in desk.refuses("gate")
    assert desk.says("golden", "import", "q.csv") == "2 golden questions of imaging: 2 new, 0 gone\n"
    assert desk.says("golden", "list").count("\n") == 2
    assert desk.says("golden", "export", "again.jsonl").startswith("2 golden questions")
    database = Database(f"sqlite:///{tmp_path}/bot.sqlite")
    store = KnowledgeStore(database)
    store.put(submission(FAQS), approve=True, actor="cli:li", now=1.0)
    assert "no run was accepted yet: --accept" in desk.says("gate")
    first = json.loads(desk.says("gate", "--json", "--accept", "--pictures", "pictures"))
    assert (first["passed"], first["n"], first["right"], first["answered"]) == (True, 2, 2, 1)
    assert {path.suffix for path in (tmp_path / "pictures").iterdir()} == {".svg", ".txt"}
    store.put(submission(FAQS | {"年假有几天？": "每年有 7 天。"}), approve=True, actor="cli:li", now=2.0)
    result = desk.run("gate", "--json")
    assert isinstance(result.exception, UsageError)
    assert "1 golden questions fell: 年假有几天？" in str(result.exception)
    found = json.loads(result.stdout)
    assert (found["compared_with"], found["changed"], found["passed"]) == (first["run"], ["knowledge"], False)
    with capture_logs():
        again = CliRunner().invoke(reindex_command.command)
    assert "3 entries written" in again.stdout
    assert "embed: 100%" in again.stderr, "before the index is filled: its owner has one core for it"
    assert [(one["question"], one["fault"], one["missing"]) for one in found["fell"]] == [
        ("年假有几天？", "fact", "5 天")
    ]
    assert "say why with --reason" in desk.refuses("gate", "--accept")
    assert "accepted: it is the bar now" in desk.says("gate", "--accept", "--reason", "制度改了")
    assert "nothing changed since" in desk.says("gate")
    database.dispose()


def test_a_threshold_is_recommended_from_golden_questions_and_from_others(desk: Desk, tmp_path: Path) -> None:
    assert "neither golden questions nor questions" in desk.refuses("threshold")
    database = Database(f"sqlite:///{tmp_path}/bot.sqlite")
    KnowledgeStore(database).put(submission(FAQS), approve=True, actor="cli:li", now=1.0)
    (tmp_path / "q.csv").write_text(
        "问题,来源,应拒答\n年假有几天？,faq.csv,\n食堂今天吃什么？,,是\n我要投诉你们,,是\n", encoding="utf-8"
    )
    (tmp_path / "asked.txt").write_text("年假有几天？\n怎么预订会议室？\n怎么修改登录密码？\n", encoding="utf-8")
    desk.says("golden", "import", "q.csv")
    before = (tmp_path / "bots.yaml").read_bytes()
    found = json.loads(desk.says("threshold", "--questions", "asked.txt", "--precision", "0.9", "--json"))
    golden, free = found["golden"], found["label_free"]
    assert (found["threshold"], golden["n"], golden["left_aside"]) == (0.3, 2, 1), "a complaint is no matter of it"
    best = golden["recommended"]
    assert (best["precision"], best["right_firsts_kept"]) == (1.0, 1.0)
    assert golden["proven"] is None
    assert (free["n"], free["rough"], free["as_is"], free["masked"]) == (3, True, 1.0, 0.0)
    said = desk.says("threshold", "--questions", "asked.txt")
    assert f"answer_threshold: {best['threshold']:g}" in said
    assert f"answer_threshold: {free['threshold']:g}" in said
    assert "too few to prove it: that takes 73 answers" in said
    assert "fewer than 60 questions: a rough guess" in said
    assert "questions without labels: none" in desk.says("threshold"), "nobody asked anything yet"
    assert (tmp_path / "bots.yaml").read_bytes() == before
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(turns)) == 0, "none of it is a turn"
    database.dispose()
