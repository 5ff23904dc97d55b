"""Looking after documents from the command line."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from structlog.testing import capture_logs

from bot.audit.entries import Action
from bot.audit.table import audit_entries
from bot.cli import kb
from bot.cli.access import actor
from bot.errors import UsageError
from bot.knowledge.entries import Audience, EntryKind
from bot.knowledge.origin import ALWAYS_TO, Origin, make_entry
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.versions import Submission, Version
from bot.records.database import Database
from bot.records.turns import TurnRecord, TurnRecords

BOTS = """
bots:
  imaging:
    name: 小影
    tenant: academy
    knowledge: [c]
    four_eyes: true
    channels:
      robot: {type: wecom-robot, webhook: "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=not-a-key"}
"""
ORIGIN = Origin(tenant="academy", collection="c", audience=Audience.PUBLIC, source="年假.csv")
DAY = 86_400.0


class Desk:
    """The command line in a folder of its own, and what it stands on."""

    def __init__(self, database: Database) -> None:
        self.database, self.store = database, KnowledgeStore(database)

    def run(self, name: str, *arguments: str) -> Result:
        """Without the group's own part, which sets up the log of a process."""
        with capture_logs():
            return CliRunner().invoke(kb.command.commands[name], arguments)

    def says(self, *arguments: str) -> str:
        result = self.run(*arguments)
        assert result.exception is None, result.exception
        return result.output

    def refuses(self, *arguments: str) -> str:
        error = self.run(*arguments).exception
        assert isinstance(error, UsageError), error
        return str(error)

    def bring(
        self, *texts: str, at: float, approve: bool = False, by: str = "cli:other", origin: Origin = ORIGIN
    ) -> Version:
        entries = tuple(
            make_entry(
                origin,
                kind=EntryKind.FAQ,
                title=f"问{n}？",
                text=text,
                location="",
                valid_to=20 * DAY if text == "两天" else ALWAYS_TO,
            )
            for n, text in enumerate(texts, 1)
        )
        submission = Submission(origin=origin, title="年假", content_hash="c" * 64, entries=entries)
        self.store.put(submission, approve=approve, actor=by, now=at)
        return self.store.versions("academy", origin.collection, origin.source)[-1]

    def asked(self, turn: str, at: float, version: Version, **more: object) -> None:
        fields: dict[str, object] = {
            "id": turn,
            "bot": "imaging",
            "tenant": "academy",
            "conversation": "imaging/robot//dr.wang",
            "person": "dr.wang",
            "asked_at": at,
            "answered_at": at,
            "message_ids": ("m",),
            "question": "年假几天？我的电话13800138000",
            "step": "compose",
            "kind": "faq",
            "answer": "五天",
            "cited": (self.store.contents(version.id)[0].id,),
            "parts_sent": 1,
        }
        TurnRecords(self.database).save(TurnRecord(**(fields | more)))  # type: ignore[arg-type]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/bot.sqlite")
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))  # the command sets it: it ends with the test
    (tmp_path / "bots.yaml").write_text(BOTS, encoding="utf-8")
    database = Database(f"sqlite:///{tmp_path}/bot.sqlite")
    database.upgrade()
    yield Desk(database)
    database.dispose()


def test_a_document_from_draft_to_review_and_back(desk: Desk) -> None:
    desk.bring("五天", "两天", at=DAY, approve=True)
    desk.bring("七天", "两天", at=2 * DAY)
    assert desk.says("list") == (
        "1  approved  v1  2 entries  public  年假.csv  '年假'\n1  draft  v2  2 entries  public  年假.csv  '年假'\n"
    )
    assert "somebody" not in desk.says("submit", "年假.csv", "--version", "2")
    assert desk.says("list", "--waiting").startswith("1  in review  v2")
    assert "draft again" in desk.says("return", "年假.csv", "天数\n不对")
    shown = desk.says("show", "1")
    assert f"    returned {shown.split('returned ')[1][:16]} by {actor()}: 天数 不对\n" in shown
    assert desk.refuses("return", "年假.csv", "x").startswith("no version of '年假.csv' is in review")
    assert "until 1970-01-21  expired" in desk.says("show", "年假.csv", "--version", "1")


def test_nobody_approves_what_they_brought_here_either(desk: Desk) -> None:
    desk.bring("五天", at=DAY, by=actor())
    assert desk.refuses("approve", "年假.csv") == "You brought document 1; somebody else has to approve it."
    desk.bring("七天", at=DAY)
    assert "Please offer it first" in desk.refuses("approve", "年假.csv")
    assert "version 1 of '年假.csv' is not" in desk.refuses("approve", "年假.csv", "--version", "1")


def test_what_differs_is_shown_word_by_word(desk: Desk) -> None:
    desk.bring("满一年有五天。", "三天", at=DAY, approve=True)
    assert "is its first" in desk.refuses("diff", "年假.csv")
    desk.bring("满一年有七天。", "三天", "可顺延", at=2 * DAY, approve=True)
    desk.bring("满一年有九天。", at=3 * DAY)
    assert desk.says("diff", "年假.csv", "--to", "2").splitlines() == [
        "年假.csv: version 1 to 2",
        "1 added, 0 removed, 1 changed, 0 moved, 1 the same",
        "~ 问1？",
        "    满一年有[-五-]{+七+}天。",
        "+ 问3？",
        "    可顺延",
    ]
    found = json.loads(desk.says("diff", "年假.csv", "--from", "1", "--json"))
    assert (found["from"], found["to"], found["changed"][0]["words"]) == (1, 3, "满一年有[-五-]{+九+}天。")
    assert [entry["text"] for entry in found["removed"]] == ["三天"]


def test_the_answers_that_rested_on_a_version(desk: Desk) -> None:
    first = desk.bring("五天", at=DAY, approve=True)
    desk.asked("a" * 20, 2 * DAY, first)
    desk.asked("b" * 20, 3 * DAY, first, person="cli:li", step="ask", parts_sent=0)
    second = desk.bring("七天", at=4 * DAY, approve=True)
    desk.asked("c" * 20, 5 * DAY, second)
    lines = desk.says("used", "年假.csv", "--version", "1").splitlines()
    assert [line.split("  ")[1] for line in lines] == ["b" * 20, "a" * 20]
    assert "cli:li" in lines[0]
    assert "person:" in lines[1]
    assert not any(secret in "".join(lines) for secret in ("dr.wang", "13800138000"))
    assert [json.loads(line)["turn"] for line in desk.says("used", "1", "--json").splitlines()] == ["c" * 20]
    with desk.database.read() as connection:
        actions = [row.action for row in connection.execute(audit_entries.select())]
    assert actions.count(Action.READ) == 2, "somebody looked at what people asked"


def test_who_was_answered_from_what_is_withdrawn_can_be_told_at_once(desk: Desk) -> None:
    now = time.time()
    desk.asked("a" * 20, now - DAY, desk.bring("五天", at=now - 2 * DAY, approve=True))
    assert "1 people will be told" in desk.says("withdraw", "年假.csv", "--tell")
    assert "0 people will be told" in desk.says("notify", "年假.csv"), "nobody is told twice"
    other = replace(ORIGIN, source="病假.csv")
    desk.asked("b" * 20, now - DAY, desk.bring("三天", at=now - 2 * DAY, approve=True, origin=other))
    assert "1 people were answered from what it said before: `kb notify 病假.csv`" in desk.says("withdraw", "病假.csv")


def test_what_is_not_there_is_said(desk: Desk) -> None:
    assert desk.says("list") == "there are no documents\n"
    assert "has no document '7'" in desk.refuses("show", "7")
    assert "has no document" in desk.refuses("show", "9" * 20)
    desk.bring("五天", at=DAY)
    assert "has answered yet" in desk.refuses("used", "年假.csv")
    assert "nobody to tell" in desk.refuses("notify", "年假.csv")


def test_another_tenant_s_and_another_bot_s_documents_are_unknown(desk: Desk) -> None:
    for origin in (
        Origin(tenant="other", collection="c", audience=Audience.PUBLIC, source="x.csv"),
        Origin(tenant="academy", collection="d", audience=Audience.PUBLIC, source="y.csv"),
        Origin(tenant="academy", collection="c", audience=Audience.PUBLIC, source="z.csv", bots=("second",)),
    ):
        entry = make_entry(origin, kind=EntryKind.FAQ, title="问", text="答", location="")
        submission = Submission(origin=origin, title="年假", content_hash="c" * 64, entries=(entry,))
        desk.store.put(submission, approve=True, actor="cli:other", now=DAY)
        for name in (origin.source, "1", "2", "3"):
            for command in ("show", "withdraw", "used", "notify"):
                assert "has no document" in desk.refuses(command, name)
    assert desk.says("list") == "there are no documents\n"
