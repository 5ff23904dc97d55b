"""The embedded index: one process has it, and what went in is there tomorrow."""

import math
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.errors import KnowledgeError
from bot.knowledge.edge_index import EdgeIndex
from bot.knowledge.index import Route
from bot.knowledge.points import coverage_weights
from tests.knowledge.small_index import SCOPE, ask, entry, faq, open_small_index


@pytest.fixture
def index(tmp_path: Path) -> Iterator[EdgeIndex]:
    index = open_small_index(tmp_path)
    yield index
    index.close()


def test_coverage_weights_invert_the_idf_of_the_engine() -> None:
    entries, holding = 300, 7
    (weight, unseen) = coverage_weights([math.log((entries + 1) / (holding + 0.5)), None], entries)
    assert weight == pytest.approx(math.log((entries + 101) / (holding + 0.5)))
    assert unseen == pytest.approx(math.log((entries + 101) / 0.5))


def test_a_second_process_is_told_who_has_it(index: EdgeIndex, tmp_path: Path) -> None:
    program = f"""
from pathlib import Path
from bot.errors import KnowledgeError
from tests.knowledge.small_index import open_small_index
try:
    open_small_index(Path({str(tmp_path)!r}))
except KnowledgeError as error:
    print(error)
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert "index is open in another process" in told.stdout


def test_a_forked_child_gets_an_error_and_no_hang(index: EdgeIndex) -> None:
    child = os.fork()
    if child == 0:
        try:
            index.count()
        except KnowledgeError:
            os._exit(7)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_what_was_upserted_survives_a_kill(tmp_path: Path) -> None:
    program = f"""
import os, signal
from pathlib import Path
from tests.knowledge.small_index import entry, open_small_index
index = open_small_index(Path({str(tmp_path)!r}))
index.upsert([entry(f"学分 {{n}}") for n in range(150)])
index.delete([entry("学分 0").id])
os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", program], check=False, timeout=60)
    assert ended.returncode == -signal.SIGKILL
    with capture_logs() as logs:
        index = open_small_index(tmp_path)
    assert logs == []
    assert index.count() == 149
    assert len(ask(index, "学分").routes[Route.LEXICAL]) == 100
    index.close()


def _delete(folder: Path) -> None:
    shutil.rmtree(next((folder / "shard" / "segments").iterdir()) / "payload_storage")


def _garble(folder: Path) -> None:
    for page in (folder / "shard").rglob("page_0.dat"):
        page.write_bytes(os.urandom(4096))


def _truncate(folder: Path) -> None:
    next((folder / "shard").rglob("status.dat")).write_bytes(b"")


def _unmark(folder: Path) -> None:
    (folder / "format.json").unlink()


def _outdate(folder: Path) -> None:
    (folder / "format.json").write_text('{"format": 0}')


@pytest.mark.parametrize("damage", [_delete, _garble, _truncate, _unmark, _outdate])
def test_a_damaged_or_foreign_folder_is_emptied_and_said(tmp_path: Path, damage: Any) -> None:
    index = open_small_index(tmp_path)
    index.upsert([entry("学分")])
    index.close()
    damage(tmp_path / "index")
    with capture_logs() as logs:
        index = open_small_index(tmp_path)
    assert [(log["event"], log["log_level"]) for log in logs] == [("index_rebuilt_empty", "error")]
    assert index.count() == 0
    index.upsert([entry("学分")])
    index.close()
    with capture_logs() as logs:
        index = open_small_index(tmp_path)
    assert (logs, index.count()) == ([], 1)
    index.close()


def test_what_was_read_before_a_change_is_not_read_again(index: EdgeIndex) -> None:
    first, second = entry("学分"), entry("课程")
    index.upsert([first, second])
    assert index.entries([first.id, second.id]) == [first, second]
    index.delete([first.id])
    assert index.entries([first.id, second.id]) == [second]
    mended = replace(second, text="课程表")
    index.upsert([mended])
    assert index.entries([second.id]) == [mended]


def test_questions_find_their_faq_after_the_index_was_opened_again(tmp_path: Path) -> None:
    wanted = faq("学分怎么算？", "课程值多少分", answer="2")
    index = open_small_index(tmp_path)
    index.upsert([wanted, entry("预约")])
    before = ask(index, "学分 课程")
    index.close()
    index = open_small_index(tmp_path)
    assert ask(index, "学分 课程") == before
    assert set(before.routes[Route.QUESTION_DENSE]) == {wanted.id}
    index.close()


@pytest.mark.parametrize("different", [3, 201])
def test_validity_is_kept_however_many_there_are(tmp_path: Path, different: int) -> None:
    index = open_small_index(tmp_path)
    always = entry("学分")
    dated = [entry("学分", valid_from=float(at), valid_to=at + 1.5) for at in range(different)]
    index.upsert([always, *dated])
    index.close()
    index = open_small_index(tmp_path)
    for now, seen in ((-1.0, 1), (0.0, 2), (1.0, 3), (1.5, 2), (2.0, 3), (different + 1.0, 1)):
        found = ask(index, "学分", replace(SCOPE, now=now))
        assert found.visible == len(found.routes[Route.DENSE]) == seen, now
    index.close()
