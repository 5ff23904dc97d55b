"""Golden questions asked of what runs and of what somebody is about to approve, with the real search and model."""

import fcntl
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import func, select
from structlog.testing import capture_logs

from bot.audit.log import AuditLog
from bot.bots_file import BotConfig, GateConfig
from bot.cli import gate as gate_command
from bot.cli import golden as golden_command
from bot.cli import reindex as reindex_command
from bot.cli import threshold as threshold_command
from bot.errors import InputError, UsageError
from bot.golden.candidate import AnswerParts
from bot.golden.gate import ApprovalGate, gated_in
from bot.golden.questions import GoldenQuestion
from bot.golden.running import run_questions
from bot.golden.store import EVAL, GoldenStore, Run
from bot.golden.tables import golden_runs
from bot.golden.versions import content_digest, ran_on
from bot.knowledge.entries import Audience, Entry, EntryKind
from bot.knowledge.figures import FigureStore
from bot.knowledge.ingest import Ingestor
from bot.knowledge.loaders.reader import FileReader
from bot.knowledge.origin import Origin, make_entry
from bot.knowledge.progress import Progress, unseen
from bot.knowledge.review import Review
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.sync import SyncReport
from bot.knowledge.versions import Status, Submission, Version
from bot.knowledge_service import KnowledgeService
from bot.records.database import Database
from bot.records.turns import turns
from bot.settings import Settings

BOT = BotConfig(
    id="imaging",
    name="小影",
    tenant="academy",
    knowledge=("c",),
    channels={},
    gate=GateConfig(required=True),
    answer_threshold=0.3,  # these tests are not about what surely answers
)
ORIGIN = Origin(tenant="academy", collection="c", audience=Audience.PUBLIC, source="faq.csv")
FAQS = {
    "年假有几天？": "入职满一年的员工每年有 5 天年假。",
    "会议室怎么预订？": "在日历里新建会议，点“添加会议室”，选好时间即可。",
    "如何修改登录密码？": "在“我的—设置—安全”里点“修改密码”，输入旧密码和两次新密码。",
}
QUESTIONS = [
    GoldenQuestion(question="年假有几天？", sources=("faq.csv",), facts=("五天",)),
    GoldenQuestion(question="怎么预订会议室？", sources=("会议室怎么预订？",)),
    GoldenQuestion(question="工资条在哪里看？", sources=("faq.csv",)),
    GoldenQuestion(question="食堂今天吃什么？", must_refuse=True),
]
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


def submission(faqs: dict[str, str], origin: Origin = ORIGIN) -> Submission:
    entries = tuple(
        make_entry(origin, kind=EntryKind.FAQ, title=title, questions=(title,), text=text, location="")
        for title, text in faqs.items()
    )
    return Submission(origin=origin, title="常见问题", content_hash="0" * 64, entries=entries)


@dataclass
class House:
    """An installation whose bot asks its golden questions before anything is approved."""

    database: Database
    audit: AuditLog
    store: KnowledgeStore
    golden: GoldenStore
    service: KnowledgeService
    bots: dict[str, BotConfig]

    @property
    def gate(self) -> ApprovalGate:
        return self.service.gate(self.audit)

    @property
    def review(self) -> Review:
        return Review(
            self.database,
            self.store,
            lambda tenant, collection: self.service.sync({"tenant": tenant, "collection": collection}),
            lambda _tenant, _collection: None,
            lambda _tenant, _collection: (),
            warm=self.service.warm,
            gate=self.gate,
        )

    def bring(self, faqs: dict[str, str], origin: Origin = ORIGIN) -> Version:
        self.store.put(submission(faqs, origin), approve=False, actor="cli:li", now=2.0)
        return self.store.versions(*("academy", "c", origin.source))[-1]

    def run(self) -> Run:
        asked = [vars_of(question) for question in QUESTIONS]
        replies = iter([self.service.golden(arguments) for arguments in asked])
        outcomes, made = run_questions(QUESTIONS, lambda _question: next(replies), lambda _done, _total: None, 1e12)
        rests_on = ran_on(BOT, QUESTIONS, {"c": self.store.approved_entries("academy", "c")}, made)
        return Run(
            bot="imaging", tenant="academy", at=1.0, actor="a", occasion=EVAL, ran_on=rests_on, outcomes=tuple(outcomes)
        )

    def set_bar(self) -> Run:
        self.golden.replace(BOT, QUESTIONS, "cli:li")
        run = self.run()
        self.golden.save(run)
        self.golden.accept(run, BOT, actor="cli:li", now=3.0, reason="", fell=0)
        return run

    def audited(self) -> list[tuple[str, dict[str, Any]]]:
        return [(entry.action, json.loads(entry.details)) for entry in self.audit.entries()]

    def says(self, question: str) -> str:
        answer: str = self.service.ask({"bot": "imaging", "actor": "cli:li", "question": question})["answer"]
        return answer


def vars_of(question: GoldenQuestion) -> dict[str, str]:
    return {"bot": "imaging", "actor": "cli:li", "question": question.question, "audience": question.audience.value}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """With one cache for all tests: the model's graph takes seconds to build."""
    return Settings(data_dir=tmp_path_factory.mktemp("data"))


@pytest.fixture
def house(settings: Settings, tmp_path: Path) -> Iterator[House]:
    database = Database(f"sqlite:///{tmp_path}/bot.sqlite")
    database.upgrade()
    audit, bots = AuditLog.from_settings(settings, database), {"imaging": BOT}
    store = KnowledgeStore(database, audit)
    store.put(submission(FAQS), approve=True, actor="cli:li", now=1.0)
    service = KnowledgeService(settings, bots, database)
    service.start()
    yield House(database, audit, store, GoldenStore(audit), service, bots)
    service.close()
    database.dispose()


def test_a_run_knows_what_is_right_and_what_it_rested_on(house: House) -> None:
    run = house.set_bar()
    assert [outcome.fault for outcome in run.outcomes] == [None, None, "refused", None]
    assert [outcome.first_right for outcome in run.outcomes] == [True, True, True, False]
    assert run.ran_on["embedder"] == house.service.versions["embedder"]
    kept = house.golden.accepted("imaging")
    assert kept == replace(run, accepted_at=3.0, accepted_by="cli:li")
    assert ("gate", {"change": "accepted", "fell": 0, "of": 4, "right": 3}) in house.audited()


def test_a_draft_with_which_a_question_falls_is_not_approved_nor_shown_to_anybody(house: House) -> None:
    house.set_bar()
    version = house.bring(FAQS | {"年假有几天？": "入职满一年的员工每年有 7 天年假。"})
    with pytest.raises(InputError) as refused:
        house.review.approve(version, actor="cli:li", now=4.0)
    assert refused.value.text_key == "kb_gate_fell"
    assert (refused.value.values["fell"], refused.value.values["questions"]) == (1, "年假有几天？")
    assert house.store.versions("academy", "c", "faq.csv")[-1].status is Status.DRAFT
    assert "5 天" in house.says("年假有几天？")
    assert house.service.health()["entries"] == len(FAQS)


def test_it_passes_for_a_reason_which_is_kept(house: House) -> None:
    house.set_bar()
    version = house.bring(FAQS | {"年假有几天？": "入职满一年的员工每年有 7 天年假。"})
    house.review.approve(version, actor="cli:wu", now=4.0, override="制度改了")
    assert "7 天" in house.says("年假有几天？")
    action, details = next(one for one in house.audited() if one[1].get("change") == "overridden")
    assert (action, details["because"], details["fell"], details["right"]) == ("gate", "kb_gate_fell", 1, 2)
    with house.database.read() as connection:
        rows = connection.execute(select(golden_runs).where(golden_runs.c.occasion == "approval")).all()
    assert [(row.reason, row.actor, row.accepted_at) for row in rows] == [("制度改了", "cli:wu", None)]


def test_what_lets_nothing_fall_passes_and_is_searched(house: House) -> None:
    house.set_bar()
    version = house.bring(FAQS | {"工资条在哪里看？": "在“我的—薪资”里看。"})
    house.review.approve(version, actor="cli:li", now=4.0, override="不需要")
    assert "薪资" in house.says("工资条在哪里看？")
    with house.database.read() as connection:
        rows = connection.execute(select(golden_runs).where(golden_runs.c.occasion == "approval")).all()
    assert [(row.reason, [one["right"] for one in row.outcomes]) for row in rows] == [("", [True] * 4)]


def test_a_document_for_other_bots_and_a_bot_without_a_gate_are_not_asked(house: House) -> None:
    version = house.bring({"甲？": "乙。"}, replace(ORIGIN, source="other.csv", bots=("other",)))
    house.gate([version], "cli:li", "", unseen)
    open_bots = {"imaging": BOT.model_copy(update={"gate": GateConfig()})}
    ApprovalGate(open_bots, house.store, house.golden, lambda: pytest.fail("nothing is to be answered"))(
        [house.bring(FAQS | {"甲？": "乙。"})], "cli:li", "", unseen
    )
    assert gated_in(house.bots, "academy", "c")
    assert not gated_in(house.bots, "academy", "d")
    assert not gated_in(open_bots, "academy", "c")


def test_without_a_bar_nothing_is_approved_but_for_a_reason(house: House) -> None:
    version = house.bring(FAQS | {"甲？": "乙。"})
    with pytest.raises(InputError, match="kb_gate_no_bar"):
        house.gate([version], "cli:li", "", unseen)
    house.gate([version], "cli:li", "首批资料", unseen)
    assert [details["because"] for _, details in house.audited() if "because" in details] == ["kb_gate_no_bar"]


def test_asking_has_an_end(house: House) -> None:
    house.set_bar()
    house.bots["imaging"] = BOT.model_copy(update={"gate": GateConfig.model_construct(required=True, seconds=0)})
    with pytest.raises(InputError, match="kb_gate_slow"):
        house.gate([house.bring(FAQS | {"甲？": "乙。"})], "cli:li", "", unseen)


def test_what_somebody_else_approves_meanwhile_is_judged_too(house: House) -> None:
    house.set_bar()
    mine = house.bring(FAQS | {"甲？": "乙。"})
    theirs, runs = replace(ORIGIN, source="other.csv"), []

    def parts() -> AnswerParts:
        """Asked for when what is approved has been read."""
        runs.append(1)
        if len(runs) == 1:
            wrong = submission({"食堂今天吃什么？": "红烧肉。"}, theirs)
            house.store.put(wrong, approve=True, actor="cli:wu", now=3.5)
        return house.service._parts

    with pytest.raises(InputError, match="kb_gate_fell"):
        ApprovalGate(house.bots, house.store, house.golden, parts)([mine], "cli:li", "", unseen)
    assert len(runs) == 2


def test_a_gate_removes_the_indexes_of_those_that_were_killed_and_its_own(house: House, settings: Settings) -> None:
    house.set_bar()
    killed, at_work = settings.cache_dir / "gate-index-killed", settings.cache_dir / "gate-index-at-work"
    for folder in (killed, at_work):
        (folder / "shard").mkdir(parents=True)
        (folder / "lock").touch()
    with (at_work / "lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        house.gate([house.bring(FAQS | {"甲？": "乙。"})], "cli:li", "", unseen)
        assert [*settings.cache_dir.glob("gate-index-*")] == [at_work]


def test_files_wait_together_until_all_of_them_pass(house: House, settings: Settings, tmp_path: Path) -> None:
    house.set_bar()
    files = tmp_path / "files"
    files.mkdir()
    (files / "faq.csv").write_text(
        "问题,答案\n年假有几天？,每年有 7 天年假。\n会议室怎么预订？,在日历里。\n", encoding="utf-8"
    )
    (files / "b.md").write_text("# 打印机\n\n打印机在三楼东侧，刷工卡后取件。\n", encoding="utf-8")
    embedded: set[str] = set()
    told: list[str] = []

    def warm(entries: Iterable[Entry], _tell: object) -> None:
        embedded.update(entry.text for entry in entries)

    def gate(versions: Sequence[Version], actor: str, override: str, progress: Progress) -> None:
        waiting = {entry.text for version in versions for entry in house.store.contents(version.id)}
        assert waiting <= embedded, "or the time that the gate has would go by with making vectors"
        house.gate(versions, actor, override, progress)

    ingestor = Ingestor(
        store=house.store,
        reader=FileReader(FigureStore(settings.data_dir / "figures")),
        warm=warm,
        sync=lambda *place: SyncReport(**house.service.sync(dict(zip(("tenant", "collection"), place, strict=True)))),
        timezone=ZoneInfo("Asia/Shanghai"),
        gate=gate,
        gated=lambda tenant, collection: gated_in(house.bots, tenant, collection),
    )

    def ingest(override: str = "") -> list[bool]:
        place = {"tenant": "academy", "collection": "c", "audience": Audience.PUBLIC}
        report = ingestor.ingest(
            [files],
            approve=True,
            actor="cli:li",
            override=override,
            progress=lambda stage, _done, _total: told.append(stage),
            **place,  # type: ignore[arg-type]
        )
        return [result.draft for result in report.results]

    with pytest.raises(InputError, match="kb_gate_fell"):
        ingest()
    waiting = house.store.versions("academy", "c")
    assert {version.source for version in waiting if version.status is Status.DRAFT} == {"faq.csv", "b.md"}
    assert list(dict.fromkeys(told)) == ["read", "index", "gate"]
    assert ingest("制度改了") == [False, False]
    assert "7 天" in house.says("年假有几天？")
    assert "三楼" in house.says("打印机在几楼？")


def test_the_digest_of_knowledge_is_of_what_it_says_and_not_of_where_it_lies() -> None:
    there = replace(ORIGIN, tenant="t", collection="d")
    here, elsewhere = submission(FAQS).entries, submission(FAQS, there).entries[::-1]
    reworded: list[Entry] = [*here[:-1], replace(here[-1], text="别的")]
    assert content_digest(here) == content_digest(elsewhere) != content_digest(reworded)


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
