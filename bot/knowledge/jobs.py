"""Ingestion in the background: a job a batch of uploaded files, worked file by file, resumed wherever it was cut off.

A job's files lie in a folder of its own until it ends. What became of each file is written down when it is stored, so
that a worker that takes a job over goes on with the next file; storing the same file twice changes nothing.
"""

import shutil
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import JSON, Column, Double, ForeignKey, Integer, Row, String, Table, Text, insert, or_, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from bot import telemetry
from bot.errors import BotError, InputError, KnowledgeError, UsageError
from bot.knowledge.entries import Audience
from bot.knowledge.files import Found, find_files
from bot.knowledge.ingest import FileResult, FileStatus, Ingestor, Wishes, skipped
from bot.knowledge.progress import Progress
from bot.records.database import Database, metadata
from bot.texts import Texts

log = structlog.get_logger()

SILENT_S = 60.0
"""A job that nobody has touched for so long has lost its worker."""
_TOUCH_EVERY_S = 10.0
MAX_ATTEMPTS = 3
"""A file that a worker has begun so often, and never ended, is what ends the workers."""
RECENT = 50

jobs = Table(
    "ingest_jobs",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("collection", String(64), nullable=False),
    Column("wishes", JSON, nullable=False),
    Column("actor", Text, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("problem", Text, nullable=False),
    Column("stage", String(16), nullable=False),
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("touched_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("publishings", Integer, nullable=False, server_default="0"),
)
files = Table(
    "ingest_files",
    metadata,
    Column("job_id", ForeignKey("ingest_jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("source", Text, nullable=False),
    Column("result", JSON(none_as_null=True)),
    Column("attempts", Integer, nullable=False, server_default="0"),
)


class JobState(StrEnum):
    """Where a job stands. ``FAILED``: its files are stored, but could not be made searchable; ``problem`` says why."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class JobFile:
    """A file of a job; ``results`` are empty until it is worked, and one for each member of an archive."""

    source: str
    results: tuple[FileResult, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A job as it stands. Of ``stage`` (``read``, ``page``, ``embed``) ``done`` of ``total`` are done; times are epoch
    seconds."""

    id: str
    wishes: Wishes
    state: JobState
    problem: str
    stage: str
    done: int
    total: int
    created_at: float
    touched_at: float
    ended_at: float | None
    files: tuple[JobFile, ...]


class IngestJobs:
    """The jobs in the database; their files below ``folder``. ``clock`` gives epoch seconds.

    Raises :class:`~bot.errors.Unavailable` when the database does not answer.
    """

    def __init__(self, database: Database, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._folder = folder
        self._clock = clock

    def add(self, paths: Sequence[Path], wishes: Wishes) -> str:
        """Copy the files at and below ``paths`` and write the job down; gives its id. A worker has to be told.

        Raises :class:`~bot.errors.UsageError` when there is no file.
        """
        wishes.check()
        id_, found = str(uuid.uuid4()), list(find_files(paths))
        if not found:
            raise UsageError("there is no file to ingest")
        for position, file in enumerate(found):
            if not file.problem and not file.note:
                kept = self.path(id_, position, file.source)
                kept.parent.mkdir(parents=True)
                shutil.copyfile(file.path, kept)
        skipped = [_left_out(file) if file.problem or file.note else None for file in found]
        now = self._clock()
        with self._database.write() as connection:
            connection.execute(
                insert(jobs).values(
                    id=id_,
                    tenant=wishes.tenant,
                    collection=wishes.collection,
                    wishes={**asdict(wishes), "bots": list(wishes.bots)},
                    actor=wishes.actor,
                    state=JobState.WAITING,
                    problem="",
                    stage="read",
                    done=0,
                    total=len(found),
                    created_at=now,
                    touched_at=now,
                )
            )
            rows = [
                {"job_id": id_, "position": at, "source": file.source, "result": left_out}
                for at, (file, left_out) in enumerate(zip(found, skipped, strict=True))
            ]
            connection.execute(insert(files), rows)
        return id_

    def path(self, id_: str, position: int, source: str) -> Path:
        """Where the copy of a file lies: under its own name, since the name says what it is."""
        return self._folder / id_ / str(position) / Path(source).name

    def find(self, id_: str) -> Job | None:
        """The job with this id."""
        with self._database.read() as connection:
            row = connection.execute(select(jobs).where(jobs.c.id == id_)).one_or_none()
            held = connection.execute(select(files).where(files.c.job_id == id_).order_by(files.c.position)).all()
        return None if row is None else _job(row, held)

    def recent(self) -> list[Job]:
        """The newest jobs without their files, the newest first."""
        query = select(jobs).order_by(jobs.c.created_at.desc()).limit(RECENT)
        with self._database.read() as connection:
            return [_job(row, ()) for row in connection.execute(query)]

    def due(self) -> list[str]:
        """The ids of jobs that wait, or whose worker is gone; the oldest first."""
        silent = self._clock() - SILENT_S
        lost = (jobs.c.state == JobState.RUNNING) & (jobs.c.touched_at < silent)
        query = select(jobs.c.id).where(or_(jobs.c.state == JobState.WAITING, lost)).order_by(jobs.c.created_at)
        with self._database.read() as connection:
            return list(connection.scalars(query))

    def claim(self, id_: str) -> bool:
        """Take a job that is due; ``False`` when it is not, or somebody else was quicker."""
        now = self._clock()
        lost = (jobs.c.state == JobState.RUNNING) & (jobs.c.touched_at < now - SILENT_S)
        wanted = (jobs.c.id == id_) & or_(jobs.c.state == JobState.WAITING, lost)
        with self._database.write() as connection:
            taken = connection.execute(update(jobs).where(wanted).values(state=JobState.RUNNING, touched_at=now))
            return taken.rowcount == 1

    def touch(self, id_: str, stage: str, done: int, total: int) -> None:
        """Say that a worker is at it, and how far."""
        self._set(id_, stage=stage, done=done, total=total, touched_at=self._clock())

    def begin(self, id_: str, position: int) -> int:
        """Write down that a worker begins a file, before it does; how often one has by now."""
        mine = (files.c.job_id == id_) & (files.c.position == position)
        return self._counted(
            update(files).where(mine).values(attempts=files.c.attempts + 1).returning(files.c.attempts)
        )

    def begin_publishing(self, id_: str) -> int:
        """The same for making searchable what was stored."""
        counted = update(jobs).where(jobs.c.id == id_).values(publishings=jobs.c.publishings + 1)
        return self._counted(counted.returning(jobs.c.publishings))

    def settle(self, id_: str, position: int, results: Sequence[FileResult]) -> None:
        """Write down what became of a file, and let its copy go."""
        mine = (files.c.job_id == id_) & (files.c.position == position)
        with self._database.write() as connection:
            connection.execute(update(files).where(mine).values(result=[asdict(result) for result in results]))
        shutil.rmtree(self._folder / id_ / str(position), ignore_errors=True)

    def end(self, id_: str, problem: str = "") -> None:
        """The job is over."""
        state, now = JobState.FAILED if problem else JobState.DONE, self._clock()
        self._set(id_, state=state, problem=problem, touched_at=now, ended_at=now)
        shutil.rmtree(self._folder / id_, ignore_errors=True)

    def _counted(self, counted: ReturningUpdate[Any]) -> int:
        with self._database.write() as connection:
            return int(connection.execute(counted).scalar_one())

    def _set(self, id_: str, **values: Any) -> None:
        with self._database.write() as connection:
            connection.execute(update(jobs).where(jobs.c.id == id_).values(**values))


class JobRunner:
    """Works jobs in this process, one at a time; a second waits until somebody says again that it is due."""

    def __init__(self, ingest_jobs: IngestJobs, ingestor: Ingestor) -> None:
        self._jobs = ingest_jobs
        self._ingestor = ingestor
        self._busy = threading.Lock()

    def due(self) -> list[str]:
        """The ids of jobs that a worker should be told of; none while this one is at a job."""
        return [] if self._busy.locked() else self._jobs.due()

    def run(self, id_: str) -> None:
        """Work a job to its end, from where it was left."""
        if not self._busy.acquire(blocking=False):
            return
        try:
            if self._jobs.claim(id_):
                with self._alive(id_) as at:
                    self._work(id_, at)
        finally:
            self._busy.release()

    def _work(self, id_: str, at: "_Progress") -> None:
        job = self._jobs.find(id_)
        if job is None:
            return
        for position, file in enumerate(job.files):
            if not file.results:
                path = self._jobs.path(id_, position, file.source)
                found = Found(path=path, source=file.source, folder=path.parent, shown=file.source)
                if self._jobs.begin(id_, position) > MAX_ATTEMPTS:
                    log.error("file_given_up", job=id_, source=file.source, attempts=MAX_ATTEMPTS)
                    telemetry.count("degraded", what="ingest_file_given_up")
                    self._jobs.settle(id_, position, [given_up(found)])
                else:
                    self._jobs.settle(id_, position, list(self._ingestor.take(found, job.wishes, at.tell)))
            at.tell("read", position + 1, len(job.files))
        if job.wishes.approve:
            self._publish(id_, job.wishes, at)
        else:
            self._over(id_)

    def _publish(self, id_: str, wishes: Wishes, at: "_Progress") -> None:
        """Make searchable what was stored, and end the job."""
        if self._jobs.begin_publishing(id_) > MAX_ATTEMPTS:
            log.error("job_given_up", job=id_, attempts=MAX_ATTEMPTS)
            telemetry.count("degraded", what="ingest_job_given_up")
            ended = f"the worker ended {MAX_ATTEMPTS} times while it made them searchable"
            self._jobs.end(id_, f"stored, but not searchable yet ({ended}): look into its log, then run `reindex`")
            return
        try:
            self._release(id_, wishes, at.tell)
            self._ingestor.publish(wishes.tenant, wishes.collection, at.tell)
        except InputError as error:
            log.error("job_not_approved", job=id_, reason=error.text_key)
            self._jobs.end(id_, Texts().say(error.text_key, "en", **error.values))
            return
        except KnowledgeError as error:
            log.error("job_not_searchable", job=id_, error=str(error))
            self._jobs.end(id_, f"stored, but not searchable yet ({error}): run `reindex`")
            return
        self._over(id_)

    def _over(self, id_: str) -> None:
        self._jobs.end(id_)
        log.info("job_done", job=id_)

    def _release(self, id_: str, wishes: Wishes, tell: Progress) -> None:
        """Approve what waits for the gate, and write down of each file what became of it."""
        job = self._jobs.find(id_)
        results = [result for file in job.files for result in file.results] if job else []
        released = iter(self._ingestor.release(results, wishes, tell))
        for position, file in enumerate(job.files if job else ()):
            self._jobs.settle(id_, position, [next(released) for _ in file.results])

    @contextmanager
    def _alive(self, id_: str) -> Iterator["_Progress"]:
        """Say every few seconds that the job has its worker, while one file may take minutes."""
        at, over = _Progress(), threading.Event()

        def beat() -> None:
            while not over.wait(_TOUCH_EVERY_S):
                try:
                    self._jobs.touch(id_, at.stage, at.done, at.total)
                except BotError as error:
                    log.warning("job_not_touched", job=id_, error=str(error))

        thread = threading.Thread(target=beat, name=f"ingest-{id_[:8]}", daemon=True)
        thread.start()
        try:
            yield at
        finally:
            over.set()
            thread.join()


@dataclass(slots=True)
class _Progress:
    stage: str = "read"
    done: int = 0
    total: int = 0

    def tell(self, stage: str, done: int, total: int) -> None:
        """As :data:`~bot.knowledge.sync.Progress`."""
        self.stage, self.done, self.total = stage, done, total


def _left_out(file: Found) -> list[dict[str, Any]]:
    return [asdict(skipped(file, file.problem, note=file.note))]


def given_up(file: Found) -> FileResult:
    """What became of a file that ended every worker that began it."""
    ended = f"given up: the worker ended {MAX_ATTEMPTS} times while it read it"
    return skipped(file, f"{ended}; divide it, or save it as another kind, and ingest it alone")


def _job(row: Row[Any], held: Sequence[Row[Any]]) -> Job:
    wishes = dict(row.wishes)
    wishes |= {"audience": Audience(wishes["audience"]), "bots": tuple(wishes["bots"])}
    return Job(
        id=row.id,
        wishes=Wishes(**wishes),
        state=JobState(row.state),
        problem=row.problem,
        stage=row.stage,
        done=row.done,
        total=row.total,
        created_at=row.created_at,
        touched_at=row.touched_at,
        ended_at=row.ended_at,
        files=tuple(JobFile(source=each.source, results=tuple(map(_result, each.result or ()))) for each in held),
    )


def _result(fields: dict[str, Any]) -> FileResult:
    listed = {name: tuple(fields[name]) for name in ("problems", "notes")}
    return FileResult(**fields | {"status": FileStatus(fields["status"])} | listed)
