"""A scripted platform and HTTP connections for the channel under test."""

from collections.abc import Iterator

import pytest

from bot.connections import Connections
from tests.fakes.scripted_http import ScriptedServer


@pytest.fixture
def platform() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def http() -> Connections:
    return Connections(environment=False)
