"""What stands still: seen by every process, kept through restarts, and never undone by a turn that runs again."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import redis

from bot.messages import ConversationId
from bot.records.database import Database
from bot.switches import State, Switch, Switches
from tests.conftest import database_url

__all__ = ["database_url"]

NOW = 1_800_000_000.0
KILLED = Switch(bot="imaging", state=State.KILLED, at=NOW, by="zhang.wei")
HERE = ConversationId(bot="imaging", channel="app", person="dr.wang")
GROUP = replace(HERE, chat="experts")

Process = Callable[..., Switches]


@pytest.fixture
def process(database_url: str, redis_client: redis.Redis) -> Iterator[Process]:
    """Begins a process, over a connection of its own if it is given one: what it has not looked at yet it does not
    know."""
    database = Database(database_url)
    database.upgrade()
    yield lambda client=redis_client: Switches(client, database, lambda: NOW)
    database.dispose()


def states(switches: Switches, *conversations: ConversationId) -> list[State | None]:
    found = [switches.stopping(conversation) for conversation in conversations]
    return [None if switch is None else switch.state for switch in found]


def test_every_process_sees_a_kill_and_its_end(process: Process) -> None:
    one = process()
    assert states(one, HERE) == [None]
    one.turn([KILLED], "t1")
    assert states(one, HERE) == [State.KILLED], "who commands it sees it at once"
    assert states(process(), HERE, GROUP, replace(HERE, bot="other")) == [State.KILLED, State.KILLED, None]
    one.turn([replace(KILLED, state=State.RUNNING)], "t2")
    assert states(process(), HERE) == [None]


def test_a_process_that_looked_looks_again_within_a_second(process: Process) -> None:
    one, other = process(), process()
    assert states(other, HERE) == [None]
    one.turn([KILLED], "t1")
    deadline = time.monotonic() + 1.0
    while time.monotonic() < deadline and states(other, HERE) == [None]:
        pass
    assert states(other, HERE) == [State.KILLED]


def test_a_kill_outlives_redis(process: Process, redis_client: redis.Redis) -> None:
    process().turn([KILLED], "t1")
    redis_client.flushdb()
    assert states(process(), HERE) == [State.KILLED]
    assert redis_client.exists("switches")


def test_a_turn_that_runs_again_undoes_nothing(process: Process) -> None:
    switches = process()
    switches.turn([replace(KILLED, state=State.RUNNING)], "resume")
    switches.turn([KILLED], "kill")
    switches.turn([replace(KILLED, state=State.RUNNING)], "resume")
    assert states(process(), HERE) == [State.KILLED]


class Overtaken(redis.Redis):
    """A connection over which somebody else is quicker once, between a look at the database and what follows."""

    quicker: Callable[[], None] | None = None

    def eval(self, *arguments: Any) -> Any:
        quicker, self.quicker = self.quicker, None
        if quicker is not None:
            quicker()
        return super().eval(*arguments)


def test_who_was_overtaken_looks_again(process: Process, redis_client: redis.Redis) -> None:
    slow = Overtaken(connection_pool=redis_client.connection_pool)
    slow.quicker = lambda: process().turn([KILLED], "t1")
    assert [switch.state for switch in process(slow).publish()] == [State.KILLED]
    assert states(process(), HERE) == [State.KILLED]


@pytest.mark.parametrize("version", ["12", "99999"])
def test_a_kill_counts_beside_a_redis_that_knew_another_database(
    process: Process, redis_client: redis.Redis, version: str
) -> None:
    """As after a backup was restored, or DATABASE_URL was changed."""
    redis_client.hset("switches", mapping={"version": version, "content": "[]"})
    switches = process()
    switches.turn([KILLED], "t1")
    assert states(switches, HERE) == [State.KILLED]
    assert states(process(), HERE) == [State.KILLED]


def test_a_pause_ends_by_itself_and_a_group_s_is_its_own(process: Process) -> None:
    paused = Switch(bot="imaging", state=State.PAUSED, at=NOW, by="chen", chat="experts", until=NOW + 60)
    switches = process()
    switches.turn([paused, replace(paused, chat="", until=NOW)], "t1")
    assert states(switches, GROUP, HERE, replace(GROUP, chat="others")) == [State.PAUSED, None, None]


def test_the_strongest_reason_counts(process: Process) -> None:
    switches = process()
    paused = replace(KILLED, state=State.PAUSED, chat="experts", until=NOW + 60)
    switches.turn([paused, replace(KILLED, state=State.DRAINING)], "t1")
    assert states(switches, GROUP, HERE) == [State.PAUSED, State.DRAINING]
    switches.turn([KILLED], "t2")
    assert states(switches, GROUP) == [State.KILLED]


def test_a_person_is_blocked_at_one_bot_however_the_id_is_written(process: Process) -> None:
    switches = process()
    switches.turn([Switch(bot="imaging", state=State.BLOCKED, at=NOW, by="zhang.wei", person="Dr.Wang")], "t1")
    assert switches.blocking("imaging", "dr.WANG") is not None
    assert switches.blocking("other", "dr.wang") is None
    assert switches.blocking("imaging", "dr.li") is None
    assert states(switches, HERE) == [None]
