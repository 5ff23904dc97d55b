"""Offices that are closed after the test."""

from collections.abc import Callable, Iterator

import pytest

from bot.bots_file import BotConfig
from tests.handoff.office import Office, make_bot


@pytest.fixture
def open_office(database_url: str) -> Iterator[Callable[..., Office]]:
    """Opens an office for the bots given; it works for the first one unless told otherwise."""
    opened: list[Office] = []

    def open_office(*bots: BotConfig) -> Office:
        opened.append(Office(database_url, bots))
        return opened[-1]

    yield open_office
    for office in opened:
        office.database.dispose()


@pytest.fixture
def office(open_office: Callable[..., Office]) -> Office:
    """The office of a bot with two servicers and an admin."""
    return open_office(make_bot())
