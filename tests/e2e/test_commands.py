"""An administrator steers the running system from a chat."""

import os
import signal
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import Chat, Crowd, System
from tests.e2e.test_conversations import faq_rows

QUESTION = faq_rows()[0]["问题"]
ANSWER = faq_rows()[0]["答案"].strip()
STOPPED = "抱歉，管理员已暂时停用自动回答"


@pytest.fixture
def admin(crowd: Crowd) -> Iterator[Chat]:
    """The bot's admin; whatever a test stopped goes on afterwards."""
    admin = crowd.member("zhang.wei")
    yield admin
    admin.says("/resume").hears()


def code_of(text: str) -> str:
    return text.rpartition("/confirm ")[2].split()[0]


def kill_worker(system: System) -> None:
    (worker,) = system.pids("celery .* worker ")
    os.kill(worker, signal.SIGKILL)


def test_a_kill_is_obeyed_at_once_and_outlives_the_worker(crowd: Crowd, system: System, admin: Chat) -> None:
    assert crowd.stranger().says(QUESTION).hears().startswith(ANSWER)
    assert admin.says("／急停").hears().startswith("已停用：影像学院小助手。")
    assert crowd.stranger().says(QUESTION).hears().startswith(STOPPED)
    bubble = crowd.stranger("bot").says(QUESTION).reads()["content"]
    assert bubble.startswith(STOPPED)
    kill_worker(system)
    assert crowd.stranger().says(QUESTION).hears().startswith(STOPPED)
    assert "已恢复回答" in admin.says("/resume").hears()
    assert crowd.stranger().says(QUESTION).hears().startswith(ANSWER)


def test_a_command_that_waits_for_its_word_outlives_the_worker(crowd: Crowd, system: System, admin: Chat) -> None:
    doctor = crowd.stranger()
    doctor.says(QUESTION).hears()
    asked = admin.says(f"/forget {doctor.member}").hears()
    assert "（1 个回合" in asked
    kill_worker(system)
    assert "已删除：回合 1 个" in admin.says(f"/confirm {code_of(asked)}").hears()
    assert "无效" in admin.says(f"/confirm {code_of(asked)}").hears()


def test_an_answer_is_taken_back_from_the_platform(admin: Chat) -> None:
    admin.says(QUESTION).hears()
    assert "已请平台撤回" in admin.says("/recall last").hears()
    recalled = [entry for entry in admin.everything() if entry["recalled"]]
    assert [entry["content"] for entry in recalled] == [""]
    assert "compose" in admin.says("/trace").hears()


def test_what_is_said_to_many_reaches_who_wrote(crowd: Crowd, admin: Chat) -> None:
    doctor = crowd.stranger()
    doctor.says(QUESTION).hears()
    asked = admin.says("/broadcast 今晚十点维护").hears()
    assert "已开始" in admin.says(f"/confirm {code_of(asked)}").hears()
    assert doctor.hears() == "【通知】今晚十点维护"


def test_the_turns_come_as_a_file(admin: Chat) -> None:
    admin.says(QUESTION).hears()
    assert "个人信息已遮盖" in admin.says("/export day").hears()
    admin.says("/echo 之后").hears()
    files = [entry for entry in admin.everything() if entry["type"] == "file"]
    assert len(files) == 1


def test_a_new_answer_is_given_once_it_is_approved(crowd: Crowd, admin: Chat) -> None:
    question, answer = "茶水间的微波炉几点断电？", "每天晚上九点一刻断电。"
    submitted = admin.says(f"/faq add {question} | {answer}").hears()
    assert answer not in crowd.stranger().says(question).hears()
    number = submitted.rpartition(" ")[2]
    asked = admin.says(f"/kb approve {number}").hears()
    assert "已批准" in admin.says(f"/confirm {code_of(asked)}").hears()
    assert answer in crowd.stranger().says(question).hears()
    asked = admin.says(f"/kb withdraw {number}").hears()
    assert "已撤下" in admin.says(f"/confirm {code_of(asked)}").hears()
    assert answer not in crowd.stranger().says(question).hears()
