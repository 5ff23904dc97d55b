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
    """The word that is asked for."""
    return text.partition("/confirm ")[2].split()[0]


def answer(admin: Chat, text: str, expected: str) -> str:
    """What the admin hears to ``text`` that holds ``expected``; cards and changes of earlier messages come between."""
    admin.says(text)
    while expected not in (heard := admin.hears()):
        pass
    return heard


def confirmed(admin: Chat, text: str, expected: str) -> str:
    """The same after ``text`` was confirmed."""
    return answer(admin, f"/confirm {code_of(answer(admin, text, '/confirm '))}", expected)


def test_a_kill_and_a_command_that_waits_outlive_the_worker(crowd: Crowd, system: System, admin: Chat) -> None:
    doctor = crowd.stranger()
    assert doctor.says(QUESTION).hears().startswith(ANSWER)
    assert admin.says("／急停").hears().startswith("已停用：影像学院小助手。")
    assert crowd.stranger().says(QUESTION).hears().startswith(STOPPED)
    assert crowd.stranger("bot").says(QUESTION).reads()["content"].startswith(STOPPED)
    asked = answer(admin, f"/forget {doctor.member}", "（1 个回合")
    (worker,) = system.pids("celery .* worker ")
    os.kill(worker, signal.SIGKILL)
    assert crowd.stranger().says(QUESTION).hears().startswith(STOPPED)
    answer(admin, f"/confirm {code_of(asked)}", "已删除：回合 1 个")
    answer(admin, f"/confirm {code_of(asked)}", "无效")
    answer(admin, "/resume", "已恢复回答")
    assert crowd.stranger().says(QUESTION).hears().startswith(ANSWER)


def test_an_answer_is_taken_back_from_the_platform(admin: Chat) -> None:
    admin.says(QUESTION).hears()
    answer(admin, "/recall last", "已请平台撤回")
    recalled = [entry for entry in admin.everything() if entry["recalled"]]
    assert [entry["content"] for entry in recalled] == [""]
    assert "compose" in answer(admin, "/trace", "已送达")


def test_what_is_said_to_many_reaches_who_wrote(crowd: Crowd, admin: Chat) -> None:
    doctor = crowd.stranger()
    doctor.says(QUESTION).hears()
    confirmed(admin, "/broadcast 今晚十点维护", "已开始")
    assert doctor.hears() == "【通知】今晚十点维护"


def test_the_turns_come_as_a_file(admin: Chat) -> None:
    admin.says(QUESTION).hears()
    answer(admin, "/export day", "个人信息已遮盖")
    answer(admin, "/echo 之后", "之后")
    assert len([entry for entry in admin.everything() if entry["type"] == "file"]) == 1


def test_a_new_answer_is_given_once_it_is_approved(crowd: Crowd, admin: Chat) -> None:
    question, words = "茶水间的微波炉几点断电？", "每天晚上九点一刻断电。"
    number = answer(admin, f"/faq add {question} | {words}", "已提交资料").rpartition(" ")[2]
    assert words not in crowd.stranger().says(question).hears()
    confirmed(admin, f"/kb approve {number}", "已批准")
    assert words in crowd.stranger().says(question).hears()
    confirmed(admin, f"/kb withdraw {number}", "已撤下")
    assert words not in crowd.stranger().says(question).hears()
