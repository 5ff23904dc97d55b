"""What a person reads: everything real but the platform."""

import csv
from pathlib import Path

import pytest

from tests.e2e.conftest import Chat, Crowd, System

FAQ = Path("deploy/demo/knowledge/faq.csv")


def faq_rows() -> list[dict[str, str]]:
    with FAQ.open(encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("row", [row for row in faq_rows() if not row["失效"]][:3], ids=lambda row: row["问题"])
def test_a_faq_is_answered_word_for_word_with_its_source(doctor: Chat, row: dict[str, str]) -> None:
    heard = doctor.says(row["问题"]).hears()
    assert heard.startswith(row["答案"].strip())
    assert "来源" in heard
    assert "faq.csv" in heard


def test_a_similar_question_gets_the_same_answer(doctor: Chat) -> None:
    row = next(row for row in faq_rows() if row["相似问题"] and not row["失效"])
    assert doctor.says(row["相似问题"].split("|")[0]).hears().startswith(row["答案"].strip())


def test_a_question_only_a_document_answers_is_quoted_with_its_section(doctor: Chat) -> None:
    heard = doctor.says("示影灵的有效期是多久？").hears()
    assert "示影灵" in heard
    assert "资料原文" in heard
    assert "来源" in heard
    assert "保存与有效期" in heard


@pytest.mark.parametrize("question", ["今天上海天气怎么样？", "帮我写一首关于秋天的诗", "特斯拉的股价是多少"])
def test_what_the_knowledge_does_not_carry_is_refused(doctor: Chat, question: str) -> None:
    heard = doctor.says(question).hears()
    assert "没有找到" in heard
    assert "转人工" in heard
    assert "来源" not in heard


def test_somebody_who_writes_english_is_answered_in_english(doctor: Chat) -> None:
    assert doctor.says("What is the weather on Mars today?").hears().startswith("Sorry")


def test_a_picture_that_the_platform_has_forgotten_is_told(doctor: Chat) -> None:
    doctor.sends({"type": "image", "fields": {"PicUrl": "http://127.0.0.1/x.png", "MediaId": "m1"}})
    assert "已经过期" in doctor.hears()


def test_a_kind_nobody_knows_gets_an_answer_too(doctor: Chat) -> None:
    doctor.sends({"type": "hologram", "fields": {"Beam": "1"}})
    assert "暂不支持" in doctor.hears()


def test_a_new_member_is_welcomed_and_an_unknown_event_is_quiet(doctor: Chat) -> None:
    doctor.sends({"type": "event", "event": "subscribe"})
    assert "影像学院小助手" in doctor.hears()
    doctor.sends({"type": "event", "event": "nobody_knows_this"})
    assert doctor.hears_nothing_more()


def test_echo_goes_the_whole_way_one_reply_a_message(crowd: Crowd) -> None:
    admin = crowd.member("zhang.wei")
    for word in ("一", "二", "三"):
        admin.says(f"/echo {word}")
    assert admin.hears(3) == "一\n二\n三"


def test_commands_are_obeyed_from_admins_only_and_help_from_anyone(doctor: Chat) -> None:
    assert "管理员" in doctor.says("/echo 你好").hears()
    assert "转人工" in doctor.says("／help").hears()


def test_a_long_answer_arrives_in_numbered_parts_in_order(crowd: Crowd) -> None:
    admin = crowd.member("zhang.wei")
    text = "。".join(f"第{n}句" for n in range(400))
    heard = admin.says(f"/echo {text}").hears(3)
    assert heard.index("（1/3）") < heard.index("（2/3）") < heard.index("（3/3）")
    assert "第399句" in heard


def test_a_human_takes_over_and_gives_back(crowd: Crowd, doctor: Chat) -> None:
    servicer = crowd.member("li.na")
    assert "已为您转接人工" in doctor.says("转人工").hears()
    ticket = servicer.hears()
    number = ticket.partition("工单 ")[2].partition("】")[0]
    assert doctor.member in ticket
    doctor.says("我的学分没有到账")
    assert "我的学分没有到账" in servicer.hears()
    assert doctor.hears_nothing_more(), "while a human has the conversation the bot is silent"
    servicer.says(f"/reply {number} 正在为您查询，请稍等")
    assert doctor.hears() == "人工客服：正在为您查询，请稍等"
    assert number in servicer.hears()
    servicer.says(f"/release {number}")
    farewell = doctor.hears(2)
    assert "由我继续" in farewell
    assert "请评价这次人工服务" in farewell
    servicer.hears()
    assert "来源" in doctor.says(faq_rows()[0]["问题"]).hears(), "the bot answers again"


def test_nobody_comes_and_the_person_is_told(crowd: Crowd, doctor: Chat) -> None:
    servicer = crowd.member("li.na")
    assert "已为您转接人工" in doctor.says("／human").hears()
    servicer.hears()
    assert "没有人工回复" in doctor.hears()
    assert "已告知对方" in servicer.hears()
    assert "来源" in doctor.says(faq_rows()[0]["问题"]).hears(), "then the bot answers again"


def test_knowledge_ingested_while_running_answers_at_once(system: System, doctor: Chat, tmp_path: Path) -> None:
    page = tmp_path / "月球分院.md"
    page.write_text("# 月球分院开放时间\n\n## 时间\n\n月球分院（虚构）的阅片室每天 21:00 开门。\n", encoding="utf-8")
    question = "月球分院的阅片室几点开门？"
    assert "21:00" not in doctor.says(question).hears()
    draft = system.command("ingest", str(page))
    assert draft.returncode == 0, draft.stderr
    assert "draft" in draft.stdout
    assert "21:00" not in doctor.says(question).hears(), "a draft is never searched"
    approved = system.command("ingest", str(page), "--approve")
    assert approved.returncode == 0, approved.stderr
    assert "21:00" in doctor.says(question).hears()
    again = system.command("ingest", str(page), "--approve")
    assert "unchanged" in again.stdout
