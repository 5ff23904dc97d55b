"""Patients are asked once for a separate consent before data of their health is processed (row 31)."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.events import CardClick
from bot.messages import Attachment, ConversationId, MessageKind, ReplyKind
from bot.parts import Card, CardUpdate
from bot.safety.conduct import ConsentText
from tests.fakes.scripted_http import Answer, ScriptedServer
from tests.media import files
from tests.pipeline.conftest import FAQS, House, words

QUESTION, ANSWER = next(iter(FAQS.items()))
NOTICE = "示例公司为回答您的问题处理您的健康信息，需要您的单独同意。"
HEALTH = "我有糖尿病，密码怎么修改？"
MISSING = "没有您的单独同意"


@pytest.fixture(autouse=True)
def _patients(house: House) -> None:
    """The bot is one that patients write to."""
    ask(house, "2026-1")


def ask(house: House, version: str, text: str = NOTICE) -> None:
    bot = house.bots["imaging"]
    consent = ConsentText(version=version, text=text)
    house.bots["imaging"] = bot.model_copy(update={"safety": bot.safety.model_copy(update={"consent": consent})})


def audited(folder: Path) -> list[tuple[str, str, str]]:
    """What the audit log says of consents: who, by pseudonym, what, and of which version of the text."""
    with closing(sqlite3.connect(folder / "bot.sqlite")) as connection:
        rows = connection.execute("SELECT actor, details FROM audit_entries WHERE action = 'consent' ORDER BY seq")
        return [(actor, (found := json.loads(details))["state"], found["version"]) for actor, details in rows]


def everything_stored(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "bot.sqlite")) as connection:
        return "\n".join(connection.iterdump())


def test_the_first_message_about_health_gets_the_notice_and_no_answer(house: House, tmp_path: Path) -> None:
    record = house.delivers(HEALTH)
    assert record.answer.startswith(NOTICE)
    assert "版本 2026-1" in record.answer
    assert "“撤回同意”" in record.answer
    assert (record.step, record.kind, record.citations) == ("heed", ReplyKind.NOTICE, ())
    assert record.question == "…"
    assert "糖尿病" not in everything_stored(tmp_path)
    assert audited(tmp_path) == [(house.tools.pseudonym("academy", "wang.fang"), "asked", "2026-1")]


def test_it_is_asked_once_and_general_questions_are_answered(house: House, tmp_path: Path) -> None:
    house.says(HEALTH)
    again = house.hears("我妈妈有高血压，能做增强吗")
    assert MISSING in again
    assert NOTICE not in again
    assert ANSWER in house.hears(QUESTION)
    assert len(audited(tmp_path)) == 1


def test_a_turn_that_runs_again_shows_the_notice_again(house: House, tmp_path: Path) -> None:
    message = house.message(HEALTH)
    first, second = (words(house.runs([message])) for _ in range(2))
    assert NOTICE in first
    assert NOTICE in second


@pytest.mark.parametrize(("said", "state"), [("同意", "given"), ("我同意！", "given"), ("不同意", "refused")])
def test_what_somebody_says_is_recorded_with_the_version_and_a_pseudonym(
    house: House, tmp_path: Path, said: str, state: str
) -> None:
    house.says(HEALTH)
    assert house.record(said).step == "take_consent"
    person = house.tools.pseudonym("academy", "wang.fang")
    assert audited(tmp_path) == [(person, "asked", "2026-1"), (person, state, "2026-1")]
    record = house.record(HEALTH)
    assert (ANSWER in record.answer) is (state == "given")
    assert (record.question == HEALTH) is (state == "given")
    assert (MISSING in record.answer) is (state == "refused")


def test_a_button_does_the_same(house: House, tmp_path: Path) -> None:
    house.channels["imaging", "app"].cards = True
    (card,) = [part for part in house.says(HEALTH).reply.parts if isinstance(part, Card)]
    assert [button.label for button in card.buttons] == ["同意", "不同意"]
    pressed = house.event(CardClick(task_id=card.task_id, key=card.buttons[0].key, response_code="r"))
    assert "已记录您的同意" in words(pressed)
    assert [part.label for part in pressed.reply.parts if isinstance(part, CardUpdate)] == ["已同意"]
    assert audited(tmp_path)[-1][1:] == ("given", "2026-1")
    assert ANSWER in house.hears(HEALTH)


def test_the_button_of_an_older_text_or_of_somebody_else_is_no_consent(house: House, tmp_path: Path) -> None:
    house.says(HEALTH)
    for key, person in (("consent:given:2025-9", "wang.fang"), ("consent:given:2026-1", "li.si")):
        here = ConversationId(bot="imaging", channel="app", person=person)
        assert "已不适用" in words(house.event(CardClick(task_id="t", key=key), conversation=here))
    assert [state for _, state, _ in audited(tmp_path)] == ["asked"]


def test_consent_is_withdrawn_at_any_time(house: House, tmp_path: Path) -> None:
    assert "无需撤回" in house.hears("撤回同意")
    house.says(HEALTH)
    house.says("同意")
    house.says("转人工")
    assert "已撤回您的同意" in house.hears("撤回同意"), "also while a human has the conversation"
    assert audited(tmp_path)[-1][1] == "withdrawn"
    here = ConversationId(bot="imaging", channel="ai", person="wang.fang", chat="anywhere")
    assert MISSING in house.hears(HEALTH, conversation=here), "one word for all conversations with the bot"


def test_a_new_text_asks_again(house: House, tmp_path: Path) -> None:
    house.says(HEALTH)
    house.says("同意")
    ask(house, "2026-2", "新的告知。")
    assert house.hears(HEALTH).startswith("新的告知。")
    house.says("同意")
    assert ANSWER in house.hears(HEALTH)
    assert [version for _, _, version in audited(tmp_path)] == ["2026-1", "2026-1", "2026-2", "2026-2"]


def test_an_agreement_counts_only_after_the_notice_and_to_the_bot(house: House, tmp_path: Path) -> None:
    assert house.record("同意").step != "take_consent"
    house.says(HEALTH)
    house.says("转人工")
    assert house.record("同意").step == "leave_to_human", "they may agree with the human"
    assert [state for _, state, _ in audited(tmp_path)] == ["asked"]


def test_a_report_an_emergency_a_complaint_and_a_human_need_no_consent(house: House) -> None:
    def person(name: str) -> ConversationId:
        return ConversationId(bot="imaging", channel="app", person=name)

    reported = house.record("我打了碘海醇，全身起疹子", conversation=person("a"))
    assert NOTICE not in reported.answer
    assert len(house.safety.cases.newest(10)) == 1
    assert reported.question == "…", "the case keeps it, as the law wants, and the record need not"
    assert "120" in house.hears("我妈突然胸痛喘不上气", conversation=person("b"))
    assert NOTICE not in house.hears("我有糖尿病你们不管，我要投诉", conversation=person("c"))
    assert NOTICE not in house.hears("/human 我怀孕了想问医生", conversation=person("d"))


def test_professionals_and_bots_without_patients_are_not_asked(house: House) -> None:
    doctor = ConversationId(bot="imaging", channel="ai", person="dr.li")
    assert house.record(HEALTH, conversation=doctor).question == HEALTH
    bot = house.bots["imaging"]
    house.bots["imaging"] = bot.model_copy(update={"safety": bot.safety.model_copy(update={"consent": None})})
    assert house.record(HEALTH).question == HEALTH


def shows_file(house: House, platform: ScriptedServer, *pages: str) -> str:
    """What a patient hears who sends a document with these pages."""
    platform.on("/file", Answer(body=files.pdf(list(pages)), headers={"X-Name": "a.pdf"}))
    shown = (Attachment(kind=MessageKind.FILE, url=f"{platform.url}/file"),)
    return house.hears("", kind=MessageKind.FILE, attachments=shown)


def test_a_patient_s_file_cannot_be_asked_about_before(house: House) -> None:
    with ScriptedServer() as platform:
        assert NOTICE in shows_file(house, platform, "检查报告", "肌酐 180")
        assert "180" not in house.hears("这个文件里肌酐是多少？")
        house.says("同意")
        assert "a.pdf" in shows_file(house, platform, "检查报告", "肌酐 180")


def test_a_report_in_a_patient_s_file_needs_no_consent(house: House) -> None:
    with ScriptedServer() as platform:
        heard = shows_file(house, platform, "注射造影剂后患者出现喉头水肿，抢救后好转。")
        assert NOTICE in heard
        (case,) = house.safety.cases.newest(10)
        (message,) = house.safety.cases.messages(case.number)
        assert "喉头水肿" in house.safety.cases.unsealed(message).words
        assert "喉头水肿" not in house.hears("这个文件里写了什么？")


def test_what_was_heard_is_not_repeated_in_the_record(house: House) -> None:
    record = house.record("我得了肺癌，密码怎么修改？", kind=MessageKind.VOICE)
    assert NOTICE in record.answer
    assert "肺癌" not in record.encode()


def test_people_see_their_consent_and_have_it_removed(house: House, tmp_path: Path) -> None:
    house.says(HEALTH)
    house.says("同意")
    assert "健康信息同意 1 条" in house.hears("你知道我什么")
    held = house.tools.personal.held("imaging", "Wang.Fang").to_json()["consents"]
    assert [(row["state"], row["version"]) for row in held] == [("given", "2026-1")]
    assert "健康信息同意 1 条" in house.hears("确认删除我的信息")
    assert house.tools.personal.held("imaging", "wang.fang").consents == ()
    assert house.hears(HEALTH).startswith(NOTICE), "they are asked anew"
