"""``hcp`` as an operator meets it."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.forked import run_forked

APP = f"{{type: wecom-app, corp_id: ww1, agent_id: %d, secret: s, token: tok, encoding_aes_key: {'k' * 42}A}}"
BOTS = f"""
bots:
  imaging:
    name: 小影
    tenant: academy
    channels:
      app: {APP % 7}
  foreign:
    name: 外人
    tenant: rival
    channels:
      app: {APP % 8}
"""
OURS = ("--tenant", "academy")
ROSTER = (
    "编号,姓名,医院,有效期至,账号,渠道\nH-1,王芳,示例医院,2099-12-31,wang.fang,imaging/app\nH-2,李娜,,2099-12-31,,\n"
)


@pytest.fixture
def bot(tmp_path: Path, redis_url: str) -> Run:
    """``python -m bot`` in a folder with two bots and a roster; no process is the point here."""
    (tmp_path / "bots.yaml").write_text(BOTS)
    (tmp_path / "roster.csv").write_text(ROSTER, encoding="gb18030")
    return lambda *arguments: run_forked(arguments, tmp_path, {"PATH": "/usr/bin:/bin", "REDIS_URL": redis_url})


def test_a_roster_is_imported_listed_shown_linked_and_removed(bot: Run) -> None:
    tried = bot("hcp", "import", "roster.csv", *OURS, "--dry-run")
    assert tried.stdout == "of 2 records would be: 2 added, 0 changed, 0 unchanged, 0 removed, 1 bound, 0 unbound\n", (
        tried.stderr
    )
    assert bot("hcp", "list", *OURS).stdout == "there are no records\n"
    done = bot("hcp", "import", "roster.csv", *OURS, "--json")
    assert json.loads(done.stdout)["added"] == 2
    assert done.stderr == "columns not kept: 姓名\n"
    assert bot("hcp", "list", *OURS).stdout.splitlines() == [
        "H-1  示例医院  until 2099-12-31  bound: 1",
        "H-2  until 2099-12-31  bound: 0",
    ]
    assert bot("hcp", "list", "--tenant", "rival").stdout == "there are no records\n"
    shown = json.loads(bot("hcp", "show", "H-1", *OURS, "--json").stdout)
    assert shown["accounts"] == [{"bot": "imaging", "channel": "app", "person": "wang.fang"}]
    linked = bot("hcp", "link", "H-2", *OURS).stdout
    assert re.fullmatch(r"code: (\w{4}-?){4}\nlink: http\S+/verify/[\w-]{40}\n", linked)
    assert bot("hcp", "unbind", "wang.fang", "--bot", "imaging", "--channel", "app").returncode == 0
    assert bot("hcp", "bind", "wang.fang", "H-2", "--bot", "imaging", "--channel", "app").returncode == 0
    assert bot("hcp", "remove", "H-2", *OURS).stdout == "record H-2 is removed, with 1 bindings\n"
    entries = bot("audit", "show", "--action", "identity", "--json").stdout
    assert len(entries.splitlines()) == 5
    assert "wang.fang" not in entries


def test_a_database_is_a_roster_like_a_file(bot: Run, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "crm.sqlite")) as crm:
        crm.executescript(
            "CREATE TABLE doctors (no TEXT, until DATE); INSERT INTO doctors VALUES ('H-1', '2099-12-31')"
        )
    (tmp_path / ".env").write_text(f"CRM_URL=sqlite:///{tmp_path}/crm.sqlite\n")
    asked = ("--sql", "${CRM_URL}", "--query", "SELECT no AS 编号, until AS 有效期至, 'x' AS 姓名 FROM doctors")
    done = bot("hcp", "import", *asked, *OURS)
    assert done.stdout == "of 1 records were: 1 added, 0 changed, 0 unchanged, 0 removed, 0 bound, 0 unbound\n"
    assert done.stderr == "columns not kept: 姓名\n"
    shown = json.loads(bot("hcp", "show", "H-1", "--tenant", "academy", "--json").stdout)
    assert (shown["valid_until"], shown["source"]) == ("2099-12-31", "sql")
    wrong = bot("hcp", "import", *asked[:3], "SELECT no AS record, 'soon' AS valid_until FROM doctors", *OURS)
    assert wrong.stderr.splitlines()[0] == "row 2: valid_until is not a date (soon): write it like 2027-01-31"
    assert wrong.returncode == 2


def test_what_is_wrong_is_said_in_a_line_each_and_nothing_is_imported(bot: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("record,valid_until\n1,2099-12-31\n2,soon\na b,2099-12-31\n")
    done = bot("hcp", "import", "bad.csv", *OURS)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "row 3: valid_until is not a date (soon): write it like 2027-01-31",
        "row 4: record must be 1 to 64 letters, digits, or one of . _ @ -",
        "error: nothing was imported: 2 problems, listed above",
    ]
    assert bot("hcp", "list", *OURS).stdout == "there are no records\n"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("import", "roster.csv"), "say whose with --tenant; there are: academy, rival"),
        (("list", "--tenant", "nobody"), "there is no tenant 'nobody'; there are: academy, rival"),
        (("import", "roster.csv", "--tenant", "rival"), "nothing was imported: 1 problems, listed above"),
        (("import", "absent.csv", *OURS), "absent.csv cannot be read: No such file or directory"),
        (("import", *OURS), "say what to import: FILE, or --sql URL with --query SELECT"),
        (("import", "--sql", "sqlite:///x", *OURS), "say what to import: FILE, or --sql URL with --query SELECT"),
        (("import", "--sql", "${CRM}", "--query", "x", *OURS), "CRM is set neither in the environment nor in .env"),
        (("show", "H-9", *OURS), "There is no valid professional's record H-9."),
        (("bind", "x", "H-9", "--bot", "imaging", "--channel", "kf"), "imaging has no channel 'kf'; there are: app"),
    ],
)
def test_every_mistake_is_one_line(bot: Run, arguments: tuple[str, ...], error: str) -> None:
    done = bot("hcp", *arguments)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == f"error: {error}"


def test_an_empty_file_does_not_remove_everybody(bot: Run, tmp_path: Path) -> None:
    bot("hcp", "import", "roster.csv", *OURS)
    (tmp_path / "empty.csv").write_text("record,valid_until\n")
    done = bot("hcp", "import", "empty.csv", "--tenant", "academy", "--replace")
    assert done.returncode == 2
    assert len(bot("hcp", "list", *OURS).stdout.splitlines()) == 2
