"""``python -m bot group``: an operator makes the group that a channel speaks in."""

from pathlib import Path

from simulator.platform import Platform
from simulator.server import SimulatorServer
from tests.conftest import Run
from tests.simulator.parties import CORP_ID, SECRET, Simulator
from tests.simulator.test_group_robot import community

BOTS = f"""
bots:
  imaging:
    name: 小影
    channels:
      course: {{type: wecom-appchat, corp_id: {CORP_ID}, secret: {SECRET}, chatid: course1}}
      ops: {{type: wecom-robot, webhook: "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=key-of-the-tests"}}
"""
WHO = ("--owner", "zhang.wei", "--member", "wang.fang")


def test_a_group_is_made_once_and_what_is_wrong_is_said_with_its_cure(command_line: Run, tmp_path: Path) -> None:
    (tmp_path / "bots.yaml").write_text(BOTS, encoding="utf-8")
    with SimulatorServer(Platform(community())) as server:
        base = {"WECOM_API_BASE": server.url}
        made = command_line("group", "create", "--name", "读片课", *WHO, **base)
        assert (made.returncode, made.stdout.splitlines()) == (
            0,
            [
                "the group course1 is made, with 2 members",
                "say something in it: python -m bot announce --bot imaging --to course TEXT",
            ],
        ), made.stderr
        again = command_line("group", "create", "--name", "读片课", *WHO, **base)
        assert again.returncode == 2
        assert "appchat/create failed (86215)" in again.stderr
        assert "python -m bot group update" in again.stderr
        changed = command_line("group", "update", "--add", "li.na", **base)
        assert changed.stdout == "the group course1 is changed\n", changed.stderr
        token = Simulator(server.url).token()
        found = Simulator(server.url).get("/cgi-bin/appchat/get", access_token=token, chatid="course1")["chat_info"]
        assert found["userlist"] == ["zhang.wei", "wang.fang", "li.na"]
    robot = command_line("group", "create", "--channel", "ops", "--name", "群", *WHO)
    assert "no channel 'ops' whose group can be made; it has: course" in robot.stderr
