"""An installation that nothing runs on, and servers that stand for what it reaches."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.finding import Finding
from bot.settings import Settings
from tests.fakes.scripted_http import ScriptedServer

MakeSettings = Callable[..., Settings]


@pytest.fixture
def make_settings(tmp_path: Path, redis_url: str) -> MakeSettings:
    """Settings over the run's own Redis and an empty DATA_DIR, with changes."""

    def make(**changes: object) -> Settings:
        return Settings.model_validate({"data_dir": str(tmp_path / "var"), "redis_url": redis_url, **changes})

    return make


@pytest.fixture
def platform() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


def named(findings: list[Finding], name: str) -> Finding:
    """The one finding called ``name``."""
    (found,) = [finding for finding in findings if finding.name == name]
    return found
