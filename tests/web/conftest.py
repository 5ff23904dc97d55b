"""The web process, the process that owns the knowledge, and a Redis between them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from bot.knowledge.reading import Reading
from bot.knowledge.remote import IndexServer
from bot.records.database import Database
from bot.web.app import create_app
from tests.web.library import Library, web_services


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    folder: Path = tmp_path_factory.mktemp("library")
    database = Database(f"sqlite:///{folder / 'bot.sqlite'}")
    database.upgrade()
    yield database
    database.dispose()


@pytest.fixture(scope="module")
def library(redis_url: str, database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """Everything in service; each test brings documents of its own."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
        owner = IndexServer(client, {"read": Reading(database).read})
        owner.start()
        figures = tmp_path_factory.mktemp("figures")
        yield Library(database, create_app(web_services(client, figures_dir=figures)).test_client(), figures)
        owner.close()
