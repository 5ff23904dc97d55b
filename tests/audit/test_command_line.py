"""``audit`` as an operator and an auditor meet it."""

import json
import os
import pwd
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis

from bot.audit.anchors import read_anchors
from bot.audit.log import AuditLog
from bot.audit.verification import verify
from bot.dead_letters import DeadLetters
from bot.records.database import Database
from bot.records.turns import TurnRecords
from bot.settings import Settings
from tests.audit.conftest import event
from tests.audit.test_reports import RECORD
from tests.conftest import Run
from tests.one_bot import ONE_BOT
from tests.operations.conftest import dead_message

ME = f"cli:{pwd.getpwuid(os.getuid()).pw_name}"


@pytest.fixture
def bot(command_line: Run, tmp_path: Path) -> Run:
    (tmp_path / "bots.yaml").write_text(ONE_BOT)
    return command_line


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[AuditLog]:
    """The audit log that the commands use."""
    settings = Settings(data_dir=tmp_path / "var")
    settings.data_dir.mkdir()
    database = Database(settings.database_url)
    database.upgrade()
    yield AuditLog.from_settings(settings, database)
    database.dispose()


def written(log: AuditLog) -> list[tuple[str, str, str]]:
    return [(entry.action, entry.subject, entry.actor) for entry in log.entries()]


def sql(file: Path, *statements: str) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_log_that_is_whole_says_so_and_notes_that_it_was_checked(bot: Run, tmp_path: Path) -> None:
    first = bot("audit", "verify")
    assert (first.returncode, first.stdout, first.stderr) == (0, "the audit log is empty\n", "")
    second = bot("audit", "verify")
    assert second.stdout == "whole: 1 entries, 1 to 1; 1 anchors agree\n"
    shown = bot("audit", "show", "--last", "1", "--action", "read").stdout
    assert shown.startswith("2  20")
    assert shown.endswith(f'+08:00  {ME}  read  audit:verify  -  {{"entries":1,"first_bad":null,"last":1}}\n')
    assert (tmp_path / "var/audit_key").stat().st_mode & 0o777 == 0o600
    found = json.loads(bot("audit", "verify", "--json").stdout)
    assert found == {"ok": True, "first_bad": None, "entries": 3, "first": 1, "last": 3, "anchors": 3, "problems": []}


def test_a_log_that_somebody_changed_is_one_line_and_exit_2(bot: Run, kept: AuditLog, tmp_path: Path) -> None:
    kept.append_many([event(1), event(2)])
    change = "UPDATE audit_entries SET actor = 'cli:nobody' WHERE seq = 2"
    sql(tmp_path / "var/bot.sqlite", "DROP TRIGGER audit_entries_no_update", change)
    done = bot("audit", "verify", "--json")
    assert done.returncode == 2
    assert done.stderr == (
        "error: the audit log is not whole from entry 2 on: entry 2 was changed: its hash is that of something else\n"
    )
    assert json.loads(done.stdout)["first_bad"] == 2


def test_an_end_that_was_cut_off_is_found_by_anchors_kept_elsewhere(bot: Run, kept: AuditLog, tmp_path: Path) -> None:
    kept.append_many([event(1), event(2)])
    kept.anchor()
    kept.anchors.path.rename(tmp_path / "elsewhere.jsonl")
    cut = "DELETE FROM audit_entries WHERE seq > 1"
    sql(tmp_path / "var/bot.sqlite", "DROP TRIGGER audit_entries_no_delete", cut)
    assert bot("audit", "verify", "--anchors", "elsewhere.jsonl").returncode == 2
    said = bot("audit", "verify", "--anchors", "nowhere.jsonl").stderr
    assert said == "error: nowhere.jsonl cannot be read: No such file or directory\n"


def test_entries_are_exported_once_and_that_is_an_entry(bot: Run, kept: AuditLog) -> None:
    kept.append(event())
    done = bot("audit", "export", "--from", "2020-01-01", "--out", "out.jsonl")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1 entries, 1 to 1, in out.jsonl (SHA-256 ")
    assert written(kept)[1:] == [("export", "audit:1-1", ME)]
    again = bot("audit", "export", "--from", "2020-01-01", "--to", "2099-12-31", "--out", "out.jsonl")
    assert (again.returncode, again.stderr) == (2, "error: out.jsonl is there already; name another file\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("export", "--from", "yesterday", "--out", "x"), "'yesterday' is no day or time: write 2026-01-31 or"),
        (("export", "--from", "2020-01-01", "--to", "2020-01-02", "--out", "x"), "there are no entries in that time"),
        (("take-out", "--before", "2999-01-01", "--out", "x"), "entries are kept for 365 days (AUDIT_KEEP_DAYS)"),
        (("take-out", "--before", "2020-01-01", "--out", "x"), "there is no entry that is so old"),
        (("who", f"person:{'0' * 32}", "--reason", "r"), f"nobody that is still known is 'person:{'0' * 32}'"),
    ],
)
def test_what_cannot_be_is_one_line_and_exit_2(
    bot: Run, kept: AuditLog, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    kept.append(event())
    done = bot("audit", *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"error: {said}")
    assert not (tmp_path / "x").exists()


def test_who_stands_behind_a_pseudonym_is_shown_after_it_was_written_down(bot: Run, kept: AuditLog) -> None:
    TurnRecords(kept.database).save(RECORD)
    kept.append(event(person=RECORD.person))
    shown = bot("audit", "show", "--tenant", "academy", "--person", RECORD.person, "--json").stdout
    pseudonym = json.loads(shown)["actor"]
    done = bot("audit", "who", pseudonym, "--reason", "complaint 17")
    assert (done.returncode, done.stdout) == (0, "张三丰 (tenant academy)\n")
    assert written(kept)[1:] == [("read", "audit:show", ME), ("unmasking", pseudonym, ME)]
    assert (
        bot("audit", "who", pseudonym, "--reason", "r", AUDIT_KEY="another key, long enough for this").returncode == 2
    )


@pytest.mark.parametrize("name", ["张三丰", "zhang.wei", "person:0", "person:" + "g" * 32])
def test_who_takes_no_name_which_would_stand_in_the_log_for_ever(bot: Run, kept: AuditLog, name: str) -> None:
    done = bot("audit", "who", name, "--reason", "complaint 17")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: that is no pseudonym")
    assert list(kept.entries()) == []


def test_nobody_acts_in_another_s_name(bot: Run, kept: AuditLog) -> None:
    names = dict.fromkeys(("LOGNAME", "USER", "LNAME", "USERNAME"), "somebody.else")
    assert bot("audit", "verify", **names).returncode == 0
    assert written(kept) == [("read", "audit:verify", ME)]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody whom the system does not know")
def test_who_has_no_name_on_the_system_is_a_number(repository: Path) -> None:
    script = "import os; from bot.cli.access import actor; os.setuid(54321); print(actor())"
    done = subprocess.run([sys.executable, "-c", script], cwd=repository, capture_output=True, text=True, check=True)
    assert done.stdout == "cli:54321\n"


def test_what_is_ingested_and_what_is_sent_again(
    bot: Run, kept: AuditLog, tmp_path: Path, redis_client: "redis.Redis"
) -> None:
    (tmp_path / "a.md").write_text("# 册\n\n一段。\n")
    assert bot("ingest", "a.md").returncode == 0
    letter = dead_message()
    DeadLetters(redis_client).keep(letter)
    assert bot("queue", "resend", letter.key).returncode == 0
    assert written(kept) == [("draft", "document:imaging/a.md", ME), ("operation", f"letter:{letter.key}", ME)]
    (newest,) = kept.newest(1)
    assert (newest.tenant, newest.bot) == ("academy", "imaging")
    details = json.loads(newest.details)
    assert details == {"what": "resend", "kind": "message", "turn": letter.turn, "reason": "KeyError"}
    anchors = read_anchors(kept.anchors.path)
    assert [anchor.seq for anchor in anchors] == [1, 2]
    assert verify(kept.entries(), kept.key, anchors).ok


def test_a_bot_that_answers_from_nothing_takes_nothing_in(bot: Run, tmp_path: Path) -> None:
    (tmp_path / "bots.yaml").write_text(ONE_BOT.replace("    knowledge: [imaging]\n", ""))
    (tmp_path / "a.md").write_text("# 册\n\n一段。\n")
    done = bot("ingest", "a.md")
    said = "error: imaging answers from no collection; name some as its `knowledge` in bots.yaml\n"
    assert (done.returncode, done.stderr) == (2, said)


def test_what_a_person_wrote_is_not_read_unseen(bot: Run, kept: AuditLog) -> None:
    TurnRecords(kept.database).save(RECORD)
    assert bot("trace", RECORD.id).returncode == 0
    assert written(kept) == [("read", f"turn:{RECORD.id}", ME)]
