"""Offices that are closed after the test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from bot.bots_file import BotConfig
from tests.handoff.office import Office, make_bot


@pytest.fixture
def open_office(database_url: str, redis_client: redis.Redis, tmp_path: Path) -> Iterator[Callable[..., Office]]:
    """Opens an office for the bots given; it works for the first one unless told otherwise."""
    opened: list[Office] = []

    def open_office(*bots: BotConfig) -> Office:
        opened.append(Office(database_url, bots, redis_client, tmp_path))
        return opened[-1]

    yield open_office
    for office in opened:
        office.leases.close()
        office.database.dispose()


@pytest.fixture
def office(open_office: Callable[..., Office]) -> Office:
    """The office of a bot with two servicers and an admin."""
    return open_office(make_bot())
