"""The embedded index: what a reader finds, and that it is there tomorrow."""

import math
import os
import shutil
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.errors import KnowledgeError
from bot.knowledge.edge_index import EdgeIndex
from bot.knowledge.entries import Audience, Entry, EntryKind, Scope
from bot.knowledge.index import Candidates, Route
from bot.knowledge.points import coverage_weights
from tests.knowledge.small_index import HashEmbedder, open_small_index

SCOPE = Scope(tenant="academy", collections=("imaging",), reader=Audience.PUBLIC, now=1000.0)


def entry(text: str, **changes: Any) -> Entry:
    base = Entry(
        id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{text}{sorted(changes.items())}")),
        tenant="academy",
        collection="imaging",
        kind=EntryKind.PASSAGE,
        audience=Audience.PUBLIC,
        title="",
        questions=(),
        text=text,
        source="a.md",
        location="",
        valid_from=-math.inf,
        valid_to=math.inf,
    )
    return replace(base, **changes)


def faq(*questions: str, answer: str) -> Entry:
    return entry(answer, kind=EntryKind.FAQ, title=questions[0], questions=questions)


def ask(index: EdgeIndex, question: str, scope: Scope = SCOPE, kind: EntryKind | None = None) -> Candidates:
    (vector,) = HashEmbedder().queries([question])
    return index.candidates(question, vector, scope, kind, 100)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[EdgeIndex]:
    index = open_small_index(tmp_path)
    yield index
    index.close()


def test_an_entry_comes_back_as_it_went_in(index: EdgeIndex) -> None:
    first = faq("学分怎么算？", "学分\n如何计算", answer="每门课程 2 学分。")
    second = entry("预约 MRI", audience=Audience.STAFF, location="A › B", valid_from=1.5, valid_to=2e9)
    index.upsert([first, second])
    index.upsert([first])
    assert index.entries([second.id, str(uuid.uuid4()), first.id]) == [second, first]
    assert index.ids("academy", "imaging") == {first.id, second.id}
    assert index.ids("academy", "other") == set()
    assert index.count() == 2


def test_a_search_sees_only_its_scope(index: EdgeIndex) -> None:
    visible = [
        entry("学分"),
        entry("学分", valid_from=1000.0, valid_to=1000.5),
        faq("学分", answer="2"),
    ]
    hidden = [
        entry("学分", tenant="other"),
        entry("学分", collection="sales"),
        entry("学分", audience=Audience.HCP),
        entry("学分", audience=Audience.STAFF),
        entry("学分", valid_from=1000.5),
        entry("学分", valid_to=1000.0),
        replace(faq("学分", answer="3"), tenant="other"),
    ]
    index.upsert(visible + hidden)
    found = ask(index, "学分")
    for route in (Route.DENSE, Route.LEXICAL, Route.WORDS):
        assert set(found.routes[route]) == {item.id for item in visible}
    for route in (Route.QUESTION_DENSE, Route.QUESTION_LEXICAL):
        assert set(found.routes[route]) == {visible[2].id}
    assert found.visible == len(visible)


def test_readers_see_their_audience_and_those_below(index: EdgeIndex) -> None:
    index.upsert([entry(f"学分 {audience}", audience=audience) for audience in Audience])
    counts = [ask(index, "学分", replace(SCOPE, reader=reader)).visible for reader in Audience]
    assert counts == [1, 2, 3]


def test_a_kind_can_be_asked_for_and_no_collection_holds_nothing(index: EdgeIndex) -> None:
    passage, question = entry("学分"), faq("学分", answer="2")
    index.upsert([passage, question])
    assert list(ask(index, "学分", kind=EntryKind.FAQ).routes[Route.DENSE]) == [question.id]
    assert list(ask(index, "学分", kind=EntryKind.PASSAGE).routes[Route.DENSE]) == [passage.id]
    assert not any(ask(index, "学分", replace(SCOPE, collections=())).routes.values())


def test_each_similar_question_finds_its_faq_once(index: EdgeIndex) -> None:
    wanted = faq("学分怎么算？", "课程值多少分", "我能拿几分", answer="2")
    index.upsert([wanted, faq("预约", answer="电话")])
    for question in wanted.questions:
        found = ask(index, question).routes[Route.QUESTION_DENSE]
        assert next(iter(found.items())) == (wanted.id, pytest.approx(1.0, abs=1e-3))
        assert len(found) == 2


def test_deleting_takes_the_questions_too(index: EdgeIndex) -> None:
    gone, kept = faq("学分", "课程", answer="2"), faq("预约", answer="电话")
    index.upsert([gone, kept])
    index.delete([gone.id, str(uuid.uuid4())])
    index.delete([])
    found = ask(index, "学分 课程")
    assert {id_ for scores in found.routes.values() for id_ in scores} == {kept.id}
    assert index.ids("academy", "imaging") == {kept.id}


def test_words_tell_the_share_of_the_question_an_entry_holds(index: EdgeIndex) -> None:
    whole, half = entry("学分和课程"), entry("课程")
    index.upsert([whole, half, entry("预约")])
    words = ask(index, "学分 课程").routes[Route.WORDS]
    assert words[whole.id] == pytest.approx(1.0)
    assert 0.3 < words[half.id] < 0.5  # 课程 is held by two of three, so it weighs less
    assert ask(index, "nothing 学分").routes[Route.WORDS][whole.id] < 0.5
    assert ask(index, "nothing").routes[Route.WORDS] == {}


def test_coverage_weights_invert_the_idf_of_the_engine() -> None:
    entries, holding = 300, 7
    (weight, unseen) = coverage_weights([math.log((entries + 1) / (holding + 0.5)), None], entries)
    assert weight == pytest.approx(math.log((entries + 101) / (holding + 0.5)))
    assert unseen == pytest.approx(math.log((entries + 101) / 0.5))


def test_what_others_may_read_does_not_change_my_scores(index: EdgeIndex) -> None:
    index.upsert([entry("学分 课程"), entry("预约")])
    before = ask(index, "学分 课程")
    index.upsert([entry(f"学分 {n}", tenant="other") for n in range(20)])
    index.upsert([entry(f"学分 {n}", audience=Audience.STAFF) for n in range(20)])
    assert ask(index, "学分 课程") == before


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
from tests.knowledge.small_index import open_small_index
from tests.knowledge.test_index import entry
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


def test_questions_and_changes_at_once(index: EdgeIndex) -> None:
    index.upsert([entry(f"学分 {n}") for n in range(50)])
    failures: list[Exception] = []
    stop = threading.Event()

    def reader() -> None:
        try:
            while not stop.is_set():
                assert len(ask(index, "学分").routes[Route.DENSE]) >= 50
        except (AssertionError, KnowledgeError) as error:
            failures.append(error)

    readers = [threading.Thread(target=reader) for _ in range(4)]
    for thread in readers:
        thread.start()
    for n in range(5):
        fresh = [entry(f"课程 {n} {m}") for m in range(20)]
        index.upsert(fresh)
        index.delete([item.id for item in fresh])
    stop.set()
    for thread in readers:
        thread.join()
    assert failures == []
    assert index.count() == 50
