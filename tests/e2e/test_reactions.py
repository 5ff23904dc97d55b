"""People press, rate, vote and choose in the menu; an operator writes first. Everything real but the platform."""

import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Chat, Crowd, System

QUESTION = "怎样联系学员服务台？"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cfc000000301010018dd8db0"
    "0000000049454e44ae426082"
)


def kept(system: System, query: str, *values: str) -> list[tuple[Any, ...]]:
    """Rows of the database, once there are some."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with sqlite3.connect(f"file:{system.data_dir}/bot.sqlite?mode=ro", uri=True) as database:
            if rows := database.execute(query, values).fetchall():
                return rows
        time.sleep(0.05)
    return []


def verdicts(system: System, person: str) -> list[tuple[Any, ...]]:
    query = "SELECT verdict, source, question FROM feedback JOIN turns ON turns.id = turn_id WHERE feedback.person = ?"
    return kept(system, query, person)


def test_words_after_an_answer_are_kept_with_its_turn(doctor: Chat, system: System) -> None:
    assert "可回复“有用”“没用”或“转人工”" in doctor.says(QUESTION).hears()
    assert "已记录：没用" in doctor.says("没用").hears()
    assert verdicts(system, doctor.member) == [("useless", "words", QUESTION)]


def test_thumbs_on_the_robot_s_answer_are_kept_with_its_turn(crowd: Crowd, system: System) -> None:
    member = crowd.stranger(peer="bot")
    answer = member.says(QUESTION).reads()
    assert "有用" not in answer["content"], "the platform has thumbs of its own"
    event = {"type": "event", "event": "feedback_event", "target": answer["id"]}
    member.sends({**event, "feedback": {"type": 2, "inaccurate_reason_list": [2], "content": "不全"}})
    assert verdicts(system, member.member) == [("useless", "rating", QUESTION)]
    assert member.hears_nothing_more()


def test_a_person_rates_a_human_s_service_on_a_card(crowd: Crowd, doctor: Chat, system: System) -> None:
    servicer = crowd.member("li.na")
    doctor.says("转人工").hears()
    number = servicer.hears().partition("工单 ")[2].partition("】")[0]
    servicer.says(f"/release {number}").hears()
    assert "请评价这次人工服务" in doctor.hears(2)
    card = next(entry for entry in doctor.everything() if entry["type"] == "template_card")
    vote = card["fields"]["template_card"] if "template_card" in card["fields"] else card["fields"]
    press = {"event_key": vote["submit_button"]["key"], "selected": {vote["checkbox"]["question_key"]: ["3"]}}
    doctor.sends({"type": "event", "event": "template_card_event", "target": card["id"], **press})
    assert "谢谢您的评价" in doctor.hears(2), "the pressed card changes, and a word follows"
    assert kept(system, "SELECT satisfaction FROM tickets WHERE number = ?", number) == [(3,)]
    deadline = time.monotonic() + 10
    while "已评价：满意" not in str(doctor.everything()):
        assert time.monotonic() < deadline, "the card says what was chosen"
        time.sleep(0.05)


def test_who_enters_the_app_is_welcomed_once(doctor: Chat) -> None:
    doctor.sends({"type": "event", "event": "enter_agent", "fields": {"EventKey": ""}})
    assert "影像学院小助手" in doctor.hears()
    doctor.sends({"type": "event", "event": "enter_agent", "fields": {"EventKey": ""}})
    assert doctor.hears_nothing_more()


@pytest.mark.parametrize(
    "event", ["unsubscribe", "view", "LOCATION", "scancode_push", "pic_sysphoto", "location_select"]
)
def test_events_that_ask_for_nothing_are_quiet(doctor: Chat, event: str) -> None:
    doctor.sends({"type": "event", "event": event})
    assert doctor.hears_nothing_more(seconds=0.7)
    assert doctor.says("/help").hears()


class TestOperator:
    """``send`` beside the running system."""

    def sends(self, system: System, person: str, *arguments: str) -> str:
        done = system.command("send", "--to", person, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def test_words_pictures_files_news_and_cards_arrive(self, system: System, doctor: Chat, tmp_path: Path) -> None:
        picture, file = tmp_path / "a.png", tmp_path / "handout.pdf"
        picture.write_bytes(PNG)
        file.write_bytes(b"%PDF-1.4 a handout")
        article = {"title": "示例课程", "description": "周五 19:00", "url": "https://academy.example/course"}
        (tmp_path / "news.json").write_text(json.dumps([article]), "utf-8")
        card = {"task_id": f"survey_{doctor.member}", "title": "参加吗？", "buttons": [{"label": "参加", "key": "yes"}]}
        (tmp_path / "card.json").write_text(json.dumps(card), "utf-8")
        options = ("--image", str(picture), "--file", str(file), "--news", str(tmp_path / "news.json"))
        self.sends(system, doctor.member, "各位老师好", *options, "--card", str(tmp_path / "card.json"))
        deadline = time.monotonic() + 15
        while len(shown := [e for e in doctor.everything() if e["via"] == "send"]) < 5 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert [entry["type"] for entry in shown] == ["text", "news", "template_card", "image", "file"]

    def test_what_cannot_be_sent_is_said(self, system: System, doctor: Chat, tmp_path: Path) -> None:
        broken = tmp_path / "news.json"
        broken.write_text("[{}]", "utf-8")
        for arguments, words in (
            (["--to", "x", "hello", "--channel", "ai"], "can only answer"),
            (["--to", "x", "hello", "--channel", "fax"], "has no channel"),
            (["--to", "x"], "say what to send"),
            (["--to", "x", "--news", str(broken)], "news.json: 0.title"),
        ):
            done = system.command("send", *arguments)
            assert (done.returncode, words in done.stderr) == (2, True), done.stderr
