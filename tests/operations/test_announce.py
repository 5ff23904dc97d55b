"""``python -m bot announce``: an operator speaks in a bot's groups."""

import csv
from pathlib import Path

import pytest

from tests.conftest import Run

BOTS = """
bots:
  imaging:
    name: 小影
    channels:
      news: {type: wecom-robot, webhook: "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=key-of-the-tests"}
      ops: {type: wecom-robot, carries: [alerts], webhook: "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=ops-key-1"}
"""


@pytest.fixture(autouse=True)
def bots_file(tmp_path: Path) -> None:
    (tmp_path / "bots.yaml").write_text(BOTS, encoding="utf-8")


def test_words_go_to_the_groups_for_announcements(command_line: Run) -> None:
    done = command_line("announce", "周五停机")
    assert (done.returncode, done.stdout) == (0, "announcement 1: now, in news\n"), done.stderr
    later = command_line("announce", "新年好", "--at", "2099-01-01 00:00", "--to", "news")
    assert later.stdout == "announcement 2: at 2099-01-01 00:00, in news\n"


def test_a_table_of_reminders_is_taken_once(command_line: Run, tmp_path: Path) -> None:
    with (tmp_path / "课程.csv").open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(
            [["时间", "内容"], ["2099-03-01 09:00", "第一课，阅片"], ["2099-03-08 09:00", "第二课"]]
        )
    first = command_line("announce", "--file", "课程.csv")
    assert first.stdout.splitlines() == [
        "announcement 1: at 2099-03-01 09:00, in news",
        "announcement 2: at 2099-03-08 09:00, in news",
    ], first.stderr
    again = (tmp_path / "课程.csv").read_text(encoding="utf-8").replace("2099-03-01 09:00", "2099-03-01T9:00")
    (tmp_path / "课程.csv").write_text(again, encoding="utf-8")
    assert command_line("announce", "--file", "课程.csv").stdout == first.stdout


def test_a_row_whose_time_is_past_is_said_to_be_so_and_to_nobody_else(command_line: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("at,text\n2020-03-01 09:00,第一课\n2099-03-08 09:00,第二课\n", encoding="utf-8")
    done = command_line("announce", "--file", "a.csv")
    assert done.stdout.splitlines() == [
        "a.csv:2: 2020-03-01 09:00 is past; not announced",
        "announcement 1: at 2099-03-08 09:00, in news",
    ], done.stderr


def test_the_same_table_is_another_one_for_another_bot(command_line: Run, tmp_path: Path) -> None:
    second = BOTS.partition("bots:\n")[2].replace("imaging:", "second:").replace("-of-the-tests", "-of-another-bot")
    (tmp_path / "bots.yaml").write_text(BOTS + second.replace("ops-key-1", "ops-key-2"), encoding="utf-8")
    (tmp_path / "a.csv").write_text("at,text\n2099-03-01 09:00,第一课\n", encoding="utf-8")
    assert "announcement 1" in command_line("announce", "--bot", "imaging", "--file", "a.csv").stdout
    assert "announcement 2" in command_line("announce", "--bot", "second", "--file", "a.csv").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "a text, or a table"),
        (("一", "--to", "ops"), "announces nothing in ops; channels that do: news"),
        (("一", "--at", "tomorrow"), "--at: 'tomorrow' is no time"),
        (("一", "--at", "2020-01-01 00:00"), "--at: 2020-01-01 00:00 is past"),
        (("长" * 700,), "2100 bytes, a message of news takes 2048"),
        ((" ",), "without words"),
    ],
)
def test_what_cannot_be_announced_is_said(command_line: Run, arguments: tuple[str, ...], said: str) -> None:
    done = command_line("announce", *arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_table_without_its_columns_or_with_a_wrong_time_is_refused(command_line: Run, tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text("when,what\n", encoding="utf-8")
    assert "needs the columns at,text" in command_line("announce", "--file", "a.csv").stderr
    table.write_text("at,text\n2099-01-01 09:00,一\n2099-13-01 09:00,二\n", encoding="utf-8")
    done = command_line("announce", "--file", "a.csv")
    assert "a.csv:3: '2099-13-01 09:00' is no time" in done.stderr
    assert "announcement" not in done.stdout
