"""A changed file is taken over whole once it holds still, or refused whole; what did not change is left alone."""

import os
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import redis

from bot.bots_file import BotConfig
from bot.redis_client import connect
from bot.reload import LOOK_EVERY_S, READ_AGAIN_S, RESTLESS_S, SETTLE_S
from bot.running_versions import RunningVersions
from tests.reload.conftest import FINANCE, IMAGING, INSTALLATION_SECRET, Corp, Installation, bots_yaml, put, settle
from tests.reload.waiting import until

APP = ("imaging", "app")
OTHER = ("finance", "app")
LAW = Corp("law", "小法", "wwlaw", "secret-of-law", "tokenOfLaw", "L" * 42 + "A")


def write_in_place(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def touch_and_replace(path: Path, text: str) -> None:
    """As ``mv`` of a prepared file with an old date."""
    put(path, text)
    os.utime(path, (1, 1))


def test_only_what_changed_is_built_anew(installation: Installation) -> None:
    before = installation.snapshot
    installation.built.clear()
    installation.says(IMAGING.block(secret="another-secret"), FINANCE.block())
    after = installation.snapshot
    assert installation.built == ["imaging/app"]
    assert after.channels[OTHER] is before.channels[OTHER]
    assert after.version != before.version
    assert installation.results() == ["applied"]


def test_persona_and_admins_change_without_touching_a_channel(installation: Installation) -> None:
    channels = dict(installation.snapshot.channels)
    installation.says(IMAGING.block(admin="li.na"), FINANCE.block())
    assert installation.live.bots["imaging"].is_admin("li.na")
    assert all(installation.snapshot.channels[key] is channel for key, channel in channels.items())


def test_bots_come_and_go(installation: Installation) -> None:
    installation.says(IMAGING.block(), LAW.block())
    assert list(installation.live.channels) == [APP, ("law", "app")]
    installation.says(IMAGING.block(), FINANCE.block())
    assert list(installation.live.bots) == ["imaging", "finance"]


def test_one_fault_anywhere_refuses_the_whole_file(installation: Installation) -> None:
    before = installation.snapshot
    installation.says(IMAGING.block(name="改过的名字"), FINANCE.block().replace("corp_id", "crop_id"))
    assert installation.snapshot is before
    lines = [problem.split(": ")[0] for problem in installation.standing.problems]
    assert lines == ["bots.yaml:17", "bots.yaml:19"]
    assert any("crop_id" in problem for problem in installation.standing.problems)
    assert installation.results() == ["refused"]
    assert ("degraded", {"what": "configuration_refused"}) in installation.counted


def test_a_fault_is_said_once_and_forgotten_when_it_is_mended(installation: Installation) -> None:
    for _ in range(2):
        put(installation.file, "bots: [")
        installation.look()
    assert installation.results() == ["refused"]
    installation.says(IMAGING.block(name="新名字"), FINANCE.block())
    assert installation.standing.problems == ()
    assert installation.live.bots["imaging"].name == "新名字"
    assert installation.results() == ["refused", "applied"]


def test_a_fault_that_is_taken_back_leaves_everything_as_it_was(installation: Installation) -> None:
    before = installation.snapshot
    installation.says("nonsense")
    installation.says(IMAGING.block(), FINANCE.block())
    assert installation.standing.problems == ()
    assert installation.snapshot is before


def test_a_comment_changes_nothing(installation: Installation) -> None:
    before = installation.snapshot
    put(installation.file, "# ours\n" + bots_yaml(IMAGING.block(), FINANCE.block()))
    installation.look()
    assert installation.snapshot is before
    assert installation.results() == []


@pytest.mark.parametrize("save", [put, write_in_place, touch_and_replace])
def test_every_way_of_saving_is_noticed(installation: Installation, save: Callable[[Path, str], None]) -> None:
    installation.look()
    save(installation.file, bots_yaml(IMAGING.block(name="存过的名字"), FINANCE.block()))
    installation.look()
    assert installation.live.bots["imaging"].name == "存过的名字"


def test_a_configmap_that_is_swapped_is_noticed(installation: Installation, swap: Callable[[Path, str], None]) -> None:
    for name in ("第一版", "第二版"):
        swap(installation.file, bots_yaml(IMAGING.block(name=name), FINANCE.block()))
        installation.look()
        assert installation.live.bots["imaging"].name == name


def test_a_change_between_the_start_and_the_first_look_is_noticed(installation: Installation) -> None:
    put(installation.file, bots_yaml(IMAGING.block()))
    installation.look()
    assert list(installation.live.bots) == ["imaging"]


def test_a_file_that_is_still_being_written_is_left_alone(installation: Installation) -> None:
    installation.look()
    half = bots_yaml(IMAGING.block(name="新名字"))  # right as it stands, and a bot is missing
    write_in_place(installation.file, half)
    assert installation.reloader.look() == SETTLE_S
    write_in_place(installation.file, half + FINANCE.block())
    assert installation.reloader.look() == SETTLE_S
    assert installation.live.bots["imaging"].name == IMAGING.name
    assert installation.reloader.look() == LOOK_EVERY_S
    assert list(installation.live.bots) == ["imaging", "finance"]
    assert installation.live.bots["imaging"].name == "新名字"


def test_a_file_that_never_holds_still_is_said_and_taken_over_once_it_does(installation: Installation) -> None:
    installation.look()
    before = installation.snapshot

    def flap(seconds: float) -> None:
        """Somebody writes it again before every look."""
        until = installation.now + seconds
        while installation.now < until:
            write_in_place(installation.file, bots_yaml(IMAGING.block(name=f"第{installation.now:.0f}版")))
            installation.now += installation.reloader.look()

    flap(RESTLESS_S - 1)
    assert installation.standing.problems == ()
    flap(RESTLESS_S)
    (problem,) = installation.standing.problems
    assert problem == "bots.yaml: has not held still for 30 s and is not read; stop what keeps writing it"
    assert installation.results() == ["refused"], "once, however long it goes on"
    assert installation.snapshot is before
    installation.look()
    assert installation.standing.problems == ()
    assert list(installation.live.bots) == ["imaging"]


def test_a_file_of_ten_megabytes_is_refused_and_only_its_beginning_read(installation: Installation) -> None:
    before = installation.snapshot
    with installation.file.open("ab") as file:
        file.truncate(10_000_000)
    tracemalloc.start()
    installation.look()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert installation.standing.problems == ("bots.yaml: larger than 262144 bytes",)
    assert installation.snapshot is before
    assert most < 2_000_000


def test_a_file_that_cannot_be_read_any_more_is_a_fault_until_it_can(installation: Installation) -> None:
    """Read rights are no matter to root, who may run this; a folder cannot be read by anybody."""
    before = installation.snapshot
    away = installation.file.rename(installation.folder / "away")
    installation.file.mkdir()
    installation.look()
    assert "cannot be read: Is a directory" in installation.standing.problems[0]
    installation.file.rmdir()
    away.rename(installation.file)
    installation.look()
    assert installation.standing.problems == ()
    assert installation.snapshot is before


def test_a_file_that_changes_while_it_is_read_is_read_again(installation: Installation) -> None:
    overtaking = [bots_yaml(FINANCE.block())]

    def read_and_be_overtaken() -> Mapping[str, BotConfig]:
        found = installation.read()
        if overtaking:
            put(installation.file, overtaking.pop())
        return found

    overtaken = installation.process(read=read_and_be_overtaken)
    before = overtaken.live.snapshot
    put(installation.file, bots_yaml(IMAGING.block()))
    assert overtaken.look() == SETTLE_S
    overtaken.look()
    assert overtaken.live.snapshot is before, "what was read is not what stands there"
    settle(overtaken)
    assert list(overtaken.live.bots) == ["finance"]


def test_a_file_that_is_away_for_a_moment_is_not_missed(installation: Installation) -> None:
    installation.look()
    away = installation.file.rename(installation.folder / "away")
    assert installation.reloader.look() == SETTLE_S
    away.rename(installation.file)
    installation.look()
    assert installation.standing.problems == ()
    assert installation.results() == []


def test_a_file_that_stays_away_is_a_fault_and_the_last_configuration_runs(installation: Installation) -> None:
    before = installation.snapshot
    installation.file.unlink()
    installation.look()
    assert "cannot be read" in installation.standing.problems[0]
    assert installation.snapshot is before


def test_a_secret_in_the_dotenv_file_is_followed(installation: Installation) -> None:
    installation.dotenv.write_text("APP_SECRET=first-hidden-value\n")
    installation.says(IMAGING.block(secret="${APP_SECRET}"), FINANCE.block())
    first = installation.snapshot
    put(installation.dotenv, "APP_SECRET=second-hidden-value\n")
    installation.look()
    second = installation.snapshot
    assert second.version != first.version
    assert second.channels[APP] is not first.channels[APP]
    assert second.channels[OTHER] is first.channels[OTHER]


def test_the_environment_of_the_process_goes_before_the_dotenv_file(installation: Installation) -> None:
    installation.environ["APP_SECRET"] = "from-the-process"
    installation.says(IMAGING.block(secret="${APP_SECRET}"), FINANCE.block())
    before = installation.snapshot
    put(installation.dotenv, "APP_SECRET=from-the-file\n")
    installation.look()
    assert installation.snapshot is before


def test_what_was_only_handed_on_from_the_dotenv_file_is_read_there(installation: Installation) -> None:
    installation.environ |= {"APP_SECRET": "at-the-start", "DOTENV_NAMES": "APP_SECRET OTHER"}
    put(installation.dotenv, "APP_SECRET=at-the-start\n")
    installation.says(IMAGING.block(secret="${APP_SECRET}"), FINANCE.block())
    before = installation.snapshot
    put(installation.dotenv, "APP_SECRET=changed-since\n")
    installation.look()
    assert installation.snapshot.version != before.version
    installation.dotenv.unlink()
    installation.look()
    assert any("${APP_SECRET} is not set" in problem for problem in installation.standing.problems)


def test_no_secret_is_told_whatever_is_wrong_with_it(installation: Installation, redis_client: "redis.Redis") -> None:
    put(installation.dotenv, "KEY=too-short-and-hidden\nNUMBER=hidden-number\n")
    block = IMAGING.block().replace(IMAGING.encoding_aes_key, "${KEY}").replace("1000002", "${NUMBER}")
    installation.says(block, FINANCE.block())
    assert len(installation.standing.problems) == 2
    told = " ".join([*installation.standing.problems, *map(str, everything_in(redis_client))])
    for secret in ("hidden", IMAGING.secret, IMAGING.token, FINANCE.secret, INSTALLATION_SECRET.decode()):
        assert secret not in told


def everything_in(client: "redis.Redis") -> list[object]:
    return [client.hgetall(key) for key in client.scan_iter("config:*")]


def test_a_refused_file_is_read_again_although_it_looks_the_same(installation: Installation) -> None:
    installation.says(IMAGING.block(secret="${LATER}"), FINANCE.block())
    assert installation.standing.problems
    installation.environ["LATER"] = "set-outside"
    installation.look()
    assert installation.standing.problems, "not read at every look"
    installation.now += READ_AGAIN_S
    installation.look()
    assert installation.standing.problems == ()


def test_a_channel_that_cannot_be_built_refuses_the_change(installation: Installation) -> None:
    before = installation.snapshot
    installation.broken_builds = True
    installation.says(IMAGING.block(), LAW.block())
    assert installation.snapshot is before
    assert "cannot be taken over (ValueError)" in installation.standing.problems[0]


def test_redis_away_keeps_nobody_from_following_the_file(installation: Installation) -> None:
    process = installation.process(running=RunningVersions(connect("redis://127.0.0.1:9")))  # where nothing listens
    put(installation.file, bots_yaml(LAW.block()))
    settle(process)
    assert list(process.live.bots) == ["law"]


def test_a_started_process_follows_by_itself(installation: Installation) -> None:
    installation.reloader.start()
    try:
        put(installation.file, bots_yaml(LAW.block()))
        until(lambda: list(installation.live.bots) == ["law"])
        until(installation.reloader.running.all)
    finally:
        installation.reloader.close()
    assert installation.reloader.running.all() == {}, "who ends says so"
