"""Every command that the documentation shows is run, in a copy of the repository, beside a system that it started."""

import json
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs.commands import Shown, shown
from tests.e2e.conftest import System, running_system
from tests.forked import run_forked

REPOSITORY = Path(__file__).parent.parent.parent
NOT_COPIED = {".git", ".venv", ".env", "var", "bots.yaml", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis"}
PLACEHOLDERS = {
    "PATH…": "deploy/demo/knowledge",
    "路径…": "deploy/demo/knowledge",
    "https://… ": "http://127.0.0.1:9 ",
    "=… ": "=x ",
}
TURN_IDS = ("TURN_ID", "回合编号")
OUR_COMMAND = ".venv/bin/python -m bot "
IN_A_SHELL = set("|&;<>$`*~(\\")
"""A line with one of these needs a shell."""
COMMANDS = list(dict.fromkeys(command.line.removeprefix(".venv/bin/") for command in shown(REPOSITORY)))
MAKE = [line for line in COMMANDS if re.match(r"(\w+=\S+ )*make\b", line)]
"""Installing, testing, measuring: the test run is itself one of them, so that it is checked that make knows them."""
PROCESSES = [line for line in COMMANDS if line in {"python -m simulator", "python -m bot up"}]
"""What would run for ever, or beside what runs already: that they start is what the whole test run shows."""
OTHERS = [line for line in COMMANDS if line not in MAKE and line not in PROCESSES and line != ".ci/run"]


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who follows the pages, in ``folder``, beside ``system``."""

    folder: Path
    system: System
    turn_id: str

    def runs(self, line: str) -> "subprocess.CompletedProcess[str]":
        for placeholder, value in (PLACEHOLDERS | dict.fromkeys(TURN_IDS, self.turn_id)).items():
            line = line.replace(placeholder, value)
        line = line.replace("http://127.0.0.1:8000", self.system.web).replace(
            "http://127.0.0.1:8001", self.system.simulator
        )
        line = re.sub(r"^python\b", ".venv/bin/python", line)
        if line.startswith(OUR_COMMAND) and not set(line) & IN_A_SHELL:
            return run_forked(shlex.split(line.removeprefix(OUR_COMMAND)), self.folder, self.system.environment, 120)
        return subprocess.run(
            ["/bin/bash", "-euo", "pipefail", "-c", line],
            cwd=self.folder,
            env=self.system.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    folder = tmp_path_factory.mktemp("clone") / "repository"
    shutil.copytree(REPOSITORY, folder, ignore=_own_files_of_this_checkout)
    (folder / ".venv").symlink_to(REPOSITORY / ".venv")
    (folder / "corpus.jsonl").write_text('{"id": "a", "title": "年假", "text": "年假有五天。"}\n', "utf-8")
    (folder / "queries.jsonl").write_text('{"id": "q", "query": "年假几天", "positives": ["a"]}\n', "utf-8")
    (folder / "asked.txt").write_text("年假有几天？\n学分多久会过期？\n食堂几点开饭？\n", "utf-8")
    (folder / "roster.csv").write_text("record,valid_until\n1,2099-12-31\n", "utf-8")
    with closing(sqlite3.connect(folder / "crm.sqlite")) as crm:
        crm.executescript("CREATE TABLE doctors (no TEXT, until DATE); INSERT INTO doctors VALUES ('2', '2099-12-31')")
        crm.executescript("CREATE TABLE scans (id INT, scan TEXT, pregnant TEXT, egfr TEXT, allowed TEXT, fee NUMERIC)")
        crm.execute("INSERT INTO scans VALUES (1, '星影扫描', '没有怀孕', '≥60', '可以', 300)")
        crm.commit()
    (folder / ".env").write_text(f"CRM_URL=sqlite:///{folder}/crm.sqlite\n", "utf-8")
    with running_system(tmp_path_factory.mktemp("data"), folder, command=("make", "run")) as system:
        Reader(folder, system, "").runs(".venv/bin/python -m bot golden import deploy/demo/golden.csv")
        asked = Reader(folder, system, "").runs(".venv/bin/python -m bot ask 示影灵是什么 --json")
        yield Reader(folder, system, json.loads(asked.stdout)["turn_id"])


def _own_files_of_this_checkout(folder: str, names: list[str]) -> set[str]:
    """What a clone would not have, at the top of the repository."""
    return NOT_COPIED.intersection(names) if Path(folder) == REPOSITORY else set()


def test_the_pages_show_commands() -> None:
    assert len(OTHERS) > 10
    assert "make run" in MAKE
    assert "make test" in MAKE


@pytest.mark.parametrize("line", OTHERS)
def test_a_command_does_what_its_page_says(reader: Reader, line: str) -> None:
    done = reader.runs(line)
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("line", MAKE)
def test_make_knows_what_a_page_asks_of_it(reader: Reader, line: str) -> None:
    done = reader.runs(re.sub(r"\bmake\b", "make --dry-run", line, count=1))
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("line", PROCESSES)
def test_a_process_can_be_asked_what_it_is(reader: Reader, line: str) -> None:
    assert "Usage" in (done := reader.runs(f"{line} --help")).stdout or "usage" in done.stdout


def test_what_a_change_must_pass_can_be_run() -> None:
    assert os.access(REPOSITORY / ".ci/run", os.X_OK)


def test_every_page_is_looked_at() -> None:
    assert {command.page for command in shown(REPOSITORY)} >= {"README.md", "README.zh-CN.md", "docs/tour.md"}
    assert all(isinstance(command, Shown) for command in shown(REPOSITORY))
