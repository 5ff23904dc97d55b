"""Adverse events in a running installation: desk and mailbox hear within a minute, whatever dies on the way."""

import json
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.texts import Texts
from tests.e2e.conftest import Crowd, System, running_system
from tests.fakes.llm_server import LlmServer, Parrot
from tests.fakes.mail_server import MailServer

TEXTS = Texts()
WITHIN_S = 60.0
"""From a message to a human (compliance guidance 1.2)."""
SETTLED_WITHIN_S = 120.0
DESK = "li.na"


@pytest.fixture(scope="module")
def mails() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture(scope="module")
def llm() -> Iterator[LlmServer]:
    with LlmServer() as server:
        yield server


@pytest.fixture(scope="module")
def watched(
    tmp_path_factory: pytest.TempPathFactory, repository: Path, mails: MailServer, llm: LlmServer
) -> Iterator[System]:
    """The demo with a safety desk, a mail server and a language model."""
    folder = tmp_path_factory.mktemp("watched")
    bots = yaml.safe_load((repository / "deploy/demo/bots.yaml").read_text(encoding="utf-8"))
    bots["bots"]["imaging"]["safety"] = {"desk": [DESK], "email": ["pv@example.com"], "company": "示例药业"}
    (folder / "bots.yaml").write_text(yaml.safe_dump(bots, allow_unicode=True), encoding="utf-8")
    model = {"OPENAI_BASE_URL": llm.url, "OPENAI_API_KEY": "a-key", "OPENAI_MODEL": "scripted"}
    settings = {"BOTS_FILE": str(folder / "bots.yaml"), "SMTP_URL": mails.url, "LIMIT_PERSON_PER_MINUTE": "5"}
    with running_system(folder / "data", repository, **model, **settings) as running:
        yield running


def until(holds: Callable[[], bool], within_s: float = WITHIN_S) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


def rows(system: System, query: str, *values: int) -> list[tuple[Any, ...]]:
    with sqlite3.connect(f"file:{system.data_dir}/bot.sqlite?mode=ro", uri=True) as database:
        return database.execute(query, values).fetchall()


def told(crowd: Crowd, number: int) -> list[str]:
    """What the desk reads of a case."""
    return [
        entry["content"]
        for entry in crowd.member(DESK).everything()
        if f"病例 {number}" in str(entry.get("content", "")) and entry["type"] == "text"
    ]


def test_a_death_is_with_a_human_and_in_the_mailbox_at_once(watched: System, mails: MailServer, llm: LlmServer) -> None:
    """Rows 1 and 13: the language model is away."""
    llm.on(Parrot(delay_s=120))
    crowd = Crowd(watched)
    began = time.monotonic()
    assert "药物警戒部门" in crowd.stranger().says("病人用了碘海醇之后死了").hears()
    number = rows(watched, "SELECT max(number) FROM cases")[0][0]
    until(lambda: bool(told(crowd, number)))  # and the ticket of the conversation names it too
    until(lambda: any(f"病例 {number}" in mail["Subject"] for mail in mails.mails))
    assert time.monotonic() - began < WITHIN_S
    llm.on(Parrot())


def test_the_desk_confirms_on_the_card_and_the_command_line_shows_it(watched: System) -> None:
    crowd = Crowd(watched)
    crowd.stranger().says("患者女，56岁，用了碘海醇后皮疹，电话13800138000").hears()
    number = rows(watched, "SELECT max(number) FROM cases")[0][0]
    desk = crowd.member(DESK)
    until(lambda: len(told(crowd, number)) == 1)
    cards = [entry for entry in desk.everything() if entry["type"] == "template_card"]
    card = cards[-1]
    fields = card["fields"].get("template_card", card["fields"])
    key = fields["button_list"][0]["key"]
    desk.sends({"type": "event", "event": "template_card_event", "target": card["id"], "event_key": key})
    until(lambda: rows(watched, "SELECT state FROM cases WHERE number = ?", number) == [("acknowledged",)])

    listed = watched.command("case", "list", "--json")
    facts = [json.loads(line) for line in listed.stdout.splitlines()]
    assert (facts[0]["number"], facts[0]["state"]) == (number, "acknowledged")
    masked = watched.command("case", "show", str(number))
    assert "碘海醇" in masked.stdout
    assert "13800138000" not in masked.stdout
    assert "13800138000" in watched.command("case", "show", str(number), "--unmask").stdout
    for kind in ("xlsx", "pdf", "json"):
        out = watched.data_dir / f"case.{kind}"
        done = watched.command("case", "export", str(number), "--format", kind, "--out", str(out))
        assert done.returncode == 0, done.stderr
        assert out.stat().st_size > 500
    judged = watched.command("case", "ack", str(number), "--not-serious")
    assert judged.returncode == 0
    assert watched.command("case", "close", str(number)).returncode == 0
    assert watched.command("case", "show", "999").returncode == 2
    audited = [line for line in watched.command("audit", "show", "--last", "50").stdout.splitlines() if "case:" in line]
    assert {"unmasking", "export", "read"} <= {word for line in audited for word in line.split()}


def test_a_worker_that_dies_between_case_and_answer_neither_loses_nor_doubles_it(
    watched: System, mails: MailServer, llm: LlmServer
) -> None:
    crowd = Crowd(watched)
    taught = watched.data_dir / "knowledge.md"
    taught.write_text("# 演练\n\n虚拟皮疹：每 50 次练习约出现 1 次。\n", encoding="utf-8")
    assert watched.command("ingest", str(taught), "--approve").returncode == 0
    llm.on(Parrot(delay_s=60))
    before, asked = rows(watched, "SELECT max(number) FROM cases")[0][0], len(llm.requests)
    person = crowd.stranger()
    person.says("病人用了碘海醇起疹子了，虚拟皮疹出现的比例是多少？")
    until(lambda: len(llm.requests) > asked)
    (worker,) = watched.pids("celery .* worker ")
    os.kill(worker, signal.SIGKILL)
    llm.on(Parrot())
    deadline = time.monotonic() + SETTLED_WITHIN_S
    words = ""
    while "药物警戒部门" not in words and time.monotonic() < deadline:
        words += "\n".join(entry["content"] for entry in person.everything() if entry["via"] != "member")
        time.sleep(0.2)
    assert "药物警戒部门" in words
    number = before + 1
    assert rows(watched, "SELECT max(number) FROM cases") == [(number,)]
    assert rows(watched, "SELECT count(*) FROM case_messages WHERE case_number = ?", number) == [(1,)]
    until(lambda: rows(watched, "SELECT state FROM cases WHERE number = ?", number) == [("delivered",)])
    until(lambda: any(f"病例 {number}" in mail["Subject"] for mail in mails.mails))
    time.sleep(1)  # for what would come twice
    assert len(told(crowd, number)) == 1
    assert sum(f"病例 {number}" in mail["Subject"] for mail in mails.mails) == 1


def test_a_refused_report_is_found_all_the_same(watched: System) -> None:
    crowd = Crowd(watched)
    person = crowd.stranger()
    before = rows(watched, "SELECT max(number) FROM cases")[0][0]
    for n in range(8):
        person.says(f"/help {n}")
    person.says("病人用了碘海醇之后休克了")
    until(lambda: rows(watched, "SELECT max(number) FROM cases") == [(before + 1,)])
    until(lambda: any("药物警戒部门" in entry["content"] for entry in person.everything()))
    until(lambda: len(told(crowd, before + 1)) == 1)


def test_a_report_in_a_group_is_thanked_for_without_questions(watched: System) -> None:
    crowd = Crowd(watched)
    group = crowd.group(DESK)
    group.says("@影像学院小助手 患者打了碘海醇起疹子了")
    words = group.reads()["content"]
    assert TEXTS.say("case_in_group", "zh") in words
    assert TEXTS.say("case_question_dose", "zh") not in words
