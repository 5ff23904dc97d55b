"""Golden questions asked of what runs and of what somebody is about to approve, with the real search and model."""

import fcntl
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from bot.audit.log import AuditLog
from bot.bots_file import BotConfig, GateConfig
from bot.errors import InputError
from bot.golden.candidate import AnswerParts
from bot.golden.gate import ApprovalGate, gated_in
from bot.golden.questions import GoldenQuestion
from bot.golden.running import run_questions
from bot.golden.store import EVAL, GoldenStore, Run
from bot.golden.tables import golden_runs
from bot.golden.versions import content_digest, ran_on
from bot.knowledge.entries import Audience, Entry
from bot.knowledge.figures import FigureStore
from bot.knowledge.ingest import Ingestor
from bot.knowledge.loaders.reader import FileReader
from bot.knowledge.origin import Origin
from bot.knowledge.progress import Progress, unseen
from bot.knowledge.review import Review
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.sync import SyncReport
from bot.knowledge.versions import Status, Version
from bot.knowledge_service import KnowledgeService
from bot.records.database import Database
from bot.settings import Settings
from tests.golden.knowledge import FAQS, ORIGIN, submission

BOT = BotConfig(
    id="imaging",
    name="小影",
    tenant="academy",
    knowledge=("c",),
    channels={},
    gate=GateConfig(required=True),
    answer_threshold=0.3,  # these tests are not about what surely answers
)
QUESTIONS = [
    GoldenQuestion(question="年假有几天？", sources=("faq.csv",), facts=("五天",)),
    GoldenQuestion(question="怎么预订会议室？", sources=("会议室怎么预订？",)),
    GoldenQuestion(question="工资条在哪里看？", sources=("faq.csv",)),
    GoldenQuestion(question="食堂今天吃什么？", must_refuse=True),
]


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
