"""A scripted platform and an HTTP session for the channel under test."""

from collections.abc import Iterator

import pytest
import requests

from tests.fakes.scripted_http import ScriptedServer


@pytest.fixture
def platform() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session
