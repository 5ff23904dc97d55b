"""What people read of the robot, in groups and in single chats: everything real but the platform."""

import re

import pytest

from tests.e2e.conftest import Chat, Crowd, System, http

ROBOT = "影像学院小助手"


def test_a_question_in_a_group_is_answered_in_its_bubble_with_linked_sources(crowd: Crowd, system: System) -> None:
    group = crowd.group()
    answer = group.says(f"@{ROBOT} 怎样联系学员服务台？").reads()
    assert answer["chat"]
    assert "faq.csv" in answer["content"]
    link = re.search(r"\]\((http://[^)]+/source/[^)#]+)", answer["content"])
    assert link, answer["content"]
    status, page = http("GET", link[1])
    assert status == 200
    assert "怎样联系学员服务台" in page.decode()
    assert link[1].startswith(system.web)


def test_the_robot_s_name_is_no_part_of_the_question_and_other_names_are(crowd: Crowd) -> None:
    answer = crowd.group().says(f"@{ROBOT} 示影灵的有效期是多久？").reads()
    assert "虚拟药柜" in answer["content"]
    refused = crowd.group().says(f"@{ROBOT} @张伟 今天上海天气怎么样").reads()
    assert "没有找到" in refused["content"]


def test_everybody_in_the_group_reads_the_answer_and_nobody_reads_it_alone(crowd: Crowd) -> None:
    group = crowd.group("li.na")
    answer = group.says(f"@{ROBOT} 学分会过期吗").reads()
    colleague = crowd.in_group("li.na", group)
    assert answer["content"] in [entry["content"] for entry in colleague.everything()]


def test_what_does_not_mention_the_robot_is_not_heard(crowd: Crowd) -> None:
    group = crowd.group()
    group.says("大家好，有人知道机房几点开门吗")
    assert group.said["delivery"] is None
    assert group.hears_nothing_more()


def test_two_people_in_one_group_have_a_conversation_each(crowd: Crowd) -> None:
    first = crowd.group("wang.fang")
    second = crowd.in_group("wang.fang", first)
    first.says(f"@{ROBOT} 怎样联系学员服务台？")
    second.says(f"@{ROBOT} 学分会过期吗")
    answers = {entry["member"]: entry["content"] for entry in (first.reads(), first.reads())}
    assert "service@" in answers[first.member] or "服务台" in answers[first.member]
    assert "学分" in answers["wang.fang"]


def test_a_quotation_is_the_context_of_a_short_question(crowd: Crowd) -> None:
    group = crowd.group()
    group.says("示影灵®（虚构）放在哪里")
    answer = group.says(f"@{ROBOT} 这个怎么保存？", quote=group.said["id"]).reads()
    assert "虚拟药柜" in answer["content"]


def test_a_burst_is_answered_in_its_first_bubble_and_the_others_end_too(crowd: Crowd) -> None:
    doctor = crowd.stranger(peer="bot")
    for text in ("怎样联系学员服务台？", "学分会过期吗", "怎样退课？"):
        doctor.says(text)
    contents = [doctor.reads()["content"] for _ in range(3)]
    assert all(contents)
    assert len({content for content in contents if "来源" in content or "没有找到" in content}) >= 1


def test_whoever_enters_is_welcomed_in_the_answer(crowd: Crowd) -> None:
    doctor = crowd.stranger(peer="bot")
    doctor.sends({"event": "enter_chat"})
    assert ROBOT in doctor.hears()


def test_a_redelivered_question_is_answered_once(crowd: Crowd) -> None:
    doctor = crowd.stranger(peer="bot")
    crowd.fault(on="bot_callback", kind="duplicate", member=doctor.member)
    doctor.says("怎样联系学员服务台？").reads()
    streams = [entry for entry in doctor.everything() if entry["via"] == "stream"]
    assert len(streams) == 1
    assert streams[0]["stream"]["finished"]


def test_a_human_answers_in_private_what_was_asked_in_the_group(crowd: Crowd) -> None:
    group, servicer = crowd.group(), crowd.member("li.na")
    told = group.says(f"@{ROBOT} 转人工").reads()["content"]
    assert "工单" in told
    ticket = servicer.hears()
    number = re.search(r"人工工单 (\d+)】", ticket)
    assert number, ticket
    app = Chat(crowd.simulator, group.member)
    servicer.says(f"/reply {number[1]} 我来帮您查")
    assert "我来帮您查" in app.hears()
    assert "已转给人工同事" in group.says(f"@{ROBOT} 好的谢谢").reads()["content"]
    servicer.says(f"/release {number[1]}")
    assert "人工服务已结束" in app.hears()


@pytest.mark.parametrize("kind", ["image", "file"])
def test_a_picture_or_file_that_cannot_be_opened_is_told(crowd: Crowd, kind: str) -> None:
    doctor = crowd.stranger(peer="bot")
    doctor.sends({"type": kind, "upload": crowd.upload(b"\x89PNG\r\n\x1a\n" + b"0" * 64, "x.png")})
    assert "打不开" in doctor.reads()["content"]
