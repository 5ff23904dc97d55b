"""Ingestion in the background: worked file by file, taken over when its worker dies, nothing half in."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.errors import KnowledgeError, UsageError
from bot.knowledge.entries import Audience
from bot.knowledge.figures import FigureStore
from bot.knowledge.ingest import Ingestor, Wishes
from bot.knowledge.jobs import MAX_ATTEMPTS, SILENT_S, IngestJobs, Job, JobRunner, JobState
from bot.knowledge.loaders.reader import FileReader
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.sync import SyncReport
from bot.records.database import Database

WISHES = Wishes(tenant="academy", collection="imaging", audience=Audience.PUBLIC, approve=True, actor="cli:li")
DONE = SyncReport(upserted=0, deleted=0)


class Worker:
    """A process that works jobs; ``sync`` is what makes knowledge searchable."""

    def __init__(
        self, folder: Path, sync: Callable[[str, str], SyncReport] = lambda _tenant, _collection: DONE
    ) -> None:
        self.now = 1_000.0
        self.database = Database(f"sqlite:///{folder}/bot.sqlite")
        self.jobs = IngestJobs(self.database, folder / "uploads", clock=lambda: self.now)
        self.store = KnowledgeStore(self.database)
        ingestor = Ingestor(
            store=self.store,
            reader=FileReader(FigureStore(folder / "figures")),
            warm=lambda _entries, _tell: None,
            sync=sync,
            timezone=ZoneInfo("Asia/Shanghai"),
        )
        self.runner = JobRunner(self.jobs, ingestor)

    def job(self, id_: str) -> Job:
        found = self.jobs.find(id_)
        assert found is not None
        return found

    def known(self) -> dict[str, int]:
        """How many versions each document has."""
        return {version.source: version.number for version in self.store.versions("academy", "imaging")}


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    worker = Worker(tmp_path)
    worker.database.upgrade()
    yield worker
    worker.database.dispose()


@pytest.fixture
def uploads(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    for name in ("a.md", "b.md", "c.md"):
        (folder / name).write_text(f"# {name}\n\n这是 {name} 的内容。\n", encoding="utf-8")
    (folder / "bad.docx").write_bytes(b"PK\x03\x04 cut off")
    (folder / "x.bin").write_bytes(b"\0")
    return folder


def test_each_file_of_a_job_says_what_became_of_it(worker: Worker, uploads: Path, tmp_path: Path) -> None:
    id_ = worker.jobs.add([uploads], WISHES)
    assert worker.job(id_).state is JobState.WAITING
    assert worker.jobs.due() == [id_]
    worker.runner.run(id_)
    job = worker.job(id_)
    assert (job.state, job.problem, job.ended_at) == (JobState.DONE, "", 1_000.0)
    assert {file.source: str(file.results[0].status) for file in job.files} == {
        "a.md": "added",
        "b.md": "added",
        "bad.docx": "skipped",
        "c.md": "added",
        "x.bin": "skipped",
    }
    assert worker.known() == {"a.md": 1, "b.md": 1, "c.md": 1}
    assert worker.jobs.due() == []
    assert not list((tmp_path / "uploads").rglob("*.*")), "the copies are gone"
    assert [each.id for each in worker.jobs.recent()] == [id_]


def test_a_worker_killed_in_the_middle_is_followed_by_another(worker: Worker, uploads: Path, tmp_path: Path) -> None:
    id_ = worker.jobs.add([uploads], WISHES)
    child = os.fork()
    if child == 0:  # ends like kill -9 while it makes knowledge searchable: the files are stored, the job is not over

        def die(_tenant: str, _collection: str) -> SyncReport:
            os.kill(os.getpid(), signal.SIGKILL)
            return DONE

        Worker(tmp_path, sync=die).runner.run(id_)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    before = worker.job(id_)
    assert before.state is JobState.RUNNING
    assert all(file.results for file in before.files)
    worker.now += SILENT_S / 2
    worker.runner.run(id_)
    assert worker.job(id_).state is JobState.RUNNING, "its worker may still be alive"
    worker.now += SILENT_S
    assert worker.jobs.due() == [id_]
    worker.runner.run(id_)
    after = worker.job(id_)
    assert (after.state, after.files) == (JobState.DONE, before.files)
    assert worker.known() == {"a.md": 1, "b.md": 1, "c.md": 1}


def test_what_was_settled_is_not_read_again(worker: Worker, uploads: Path) -> None:
    id_ = worker.jobs.add([uploads], WISHES)
    for position in (0, 1):
        worker.jobs.settle(id_, position, worker.job(id_).files[-1].results)
    worker.runner.run(id_)
    assert worker.known() == {"c.md": 1}


def test_a_job_whose_knowledge_cannot_be_found_yet_says_so(tmp_path: Path, uploads: Path) -> None:
    def fail(_tenant: str, _collection: str) -> SyncReport:
        raise KnowledgeError("the disk is full")

    worker = Worker(tmp_path, sync=fail)
    worker.database.upgrade()
    id_ = worker.jobs.add([uploads / "a.md"], WISHES)
    worker.runner.run(id_)
    job = worker.job(id_)
    assert job.state is JobState.FAILED
    assert "the disk is full" in job.problem
    assert "reindex" in job.problem
    worker.database.dispose()


def test_a_process_works_one_job_at_a_time(tmp_path: Path, uploads: Path) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def wait(_tenant: str, _collection: str) -> SyncReport:
        inside.set()
        go_on.wait(30)
        return DONE

    worker = Worker(tmp_path, sync=wait)
    worker.database.upgrade()
    first, second = (worker.jobs.add([uploads / name], WISHES) for name in ("a.md", "b.md"))
    thread = threading.Thread(target=worker.runner.run, args=(first,))
    thread.start()
    assert inside.wait(30)
    worker.runner.run(second)
    assert worker.job(second).state is JobState.WAITING
    assert worker.runner.due() == []
    go_on.set()
    thread.join()
    assert worker.runner.due() == [second]
    worker.database.dispose()


def test_a_job_without_files_is_refused(worker: Worker, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no file"):
        worker.jobs.add([tmp_path / "empty"], WISHES)


def test_a_file_that_ends_every_worker_is_given_up_and_the_job_goes_on(worker: Worker, uploads: Path) -> None:
    id_ = worker.jobs.add([uploads], WISHES)
    for _ in range(MAX_ATTEMPTS):
        assert worker.jobs.claim(id_)
        for position in (0, 1):  # a.md is settled, and the worker dies while it reads b.md
            worker.jobs.begin(id_, position)
        worker.jobs.settle(id_, 0, worker.job(id_).files[-1].results)
        worker.now += SILENT_S + 1
    worker.runner.run(id_)
    job = worker.job(id_)
    assert job.state is JobState.DONE
    (given_up,) = job.files[1].results
    assert (given_up.source, given_up.status) == ("b.md", "skipped")
    assert "ended 3 times" in given_up.problems[0]
    assert worker.known() == {"c.md": 1}


def test_a_job_that_ends_every_worker_while_it_is_made_searchable_is_not_taken_up_for_ever(
    worker: Worker, uploads: Path
) -> None:
    id_ = worker.jobs.add([uploads / "a.md"], WISHES)
    for _ in range(MAX_ATTEMPTS):
        worker.jobs.begin_publishing(id_)
    worker.runner.run(id_)
    job = worker.job(id_)
    assert (job.state, worker.jobs.due()) == (JobState.FAILED, [])
    assert "reindex" in job.problem
