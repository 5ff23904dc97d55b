"""What is measured when somebody asks for the metrics: what waits and since when, what is dead, who is there."""

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from prometheus_client import REGISTRY

from bot import keys
from bot.dead_letters import DeadLetters
from bot.inbox import Inbox, InboxLimits
from bot.live import Live, Snapshot
from bot.reload import Reloader
from bot.running_versions import RunningVersions
from bot.web.app import create_app
from bot.web.health import HEARTBEAT_PREFIX, HEARTBEATS
from tests.delivery.conftest import DOCTOR, make_message
from tests.handoff.office import make_bot
from tests.operations.conftest import dead_message
from tests.web.library import web_services

Scrape = Callable[[], Mapping[str, float]]


@pytest.fixture
def scrape(redis_client: "redis.Redis", tmp_path: Path) -> Scrape:
    """Asks ``/metrics`` of a web process that runs one bot."""
    return scraper(redis_client, tmp_path)


def scraper(client: "redis.Redis", folder: Path) -> Scrape:
    reloader = Reloader(
        Live(Snapshot(version="", bots={"imaging": make_bot()}, channels={})),
        kind="web",
        files=(),
        read=dict,
        version_of=lambda _bots: "",
        build=lambda address, _config: pytest.fail(f"{address} is built"),
        running=RunningVersions(client),
        count=lambda *_: None,
    )
    web = create_app(web_services(client, reloader=reloader, metrics_dir=folder)).test_client()

    def scrape() -> Mapping[str, float]:
        response = web.get("/metrics")
        assert response.status_code == 200
        lines = [line.rpartition(" ") for line in response.text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in lines}

    return scrape


def heard(client: "redis.Redis") -> None:
    """A worker that is well, and one that was heard of an hour ago."""
    now = time.time()
    beat = {"at": now, "pid": 1, "parts": {"sql": {"state": "ok"}}}
    client.set(HEARTBEAT_PREFIX + "w1", json.dumps(beat))
    client.zadd(HEARTBEATS, {"w1": now, "long gone": now - 3600})


def accept(client: "redis.Redis", message_id: str, person: str, age_s: float) -> None:
    limits = InboxLimits(person_per_minute=99, conversation_waiting=99, bot_waiting=99)
    message = make_message(message_id, conversation=replace(DOCTOR, person=person))
    Inbox(client, limits, lambda _: None).accept(replace(message, received_at=time.time() - age_s))


def test_every_metric_is_on_the_page_for_operators(
    scrape: Scrape, redis_client: "redis.Redis", repository: Path
) -> None:
    """And no other is there."""
    redis_client.set(keys.SWEEP_LAST, redis_client.time()[0])
    heard(redis_client)
    counted = {
        metric.name + "_total" * (metric.type == "counter")
        for metric in REGISTRY.collect()
        if metric.name.startswith("bot_")
    }
    asked = {name.partition("{")[0] for name in scrape()}
    page = (repository / "docs/operations.md").read_text(encoding="utf-8")
    told = {
        name for row in re.findall(r"^\| (`bot_.*?) \|", page, re.MULTILINE) for name in re.findall(r"`(bot_\w+)`", row)
    }
    assert told == counted | asked


def test_since_when_nobody_has_swept(redis_client: "redis.Redis", scrape: Scrape) -> None:
    assert "bot_sweep_age_seconds" not in scrape(), "never is not now"
    redis_client.set(keys.SWEEP_LAST, redis_client.time()[0] - 40)
    assert scrape()["bot_sweep_age_seconds"] == pytest.approx(40, abs=10)


def test_what_waits_and_since_when(redis_client: "redis.Redis", scrape: Scrape) -> None:
    idle = scrape()
    assert idle['bot_waiting_messages{bot="imaging"}'] == 0
    assert idle['bot_oldest_waiting_seconds{bot="imaging"}'] == 0
    for number, (person, age_s) in enumerate([("wang", 5), ("li", 90), ("li", 3), ("zhao", 20)]):
        accept(redis_client, f"m{number}", person, age_s)
    busy = scrape()
    assert busy['bot_waiting_messages{bot="imaging"}'] == 4
    assert busy['bot_oldest_waiting_seconds{bot="imaging"}'] == pytest.approx(90, abs=15)


def test_what_is_dead_by_kind(scrape: Scrape, letters: DeadLetters) -> None:
    for number in range(3):
        letters.keep(dead_message(number))
    assert scrape()['bot_dead_letters{bot="imaging",kind="message"}'] == 3
    assert scrape()['bot_dead_letters{bot="imaging",kind="reply"}'] == 0


def test_whether_somebody_is_there_to_answer(redis_client: "redis.Redis", scrape: Scrape) -> None:
    nobody = scrape()
    assert (nobody["bot_ready"], nobody["bot_workers"], nobody["bot_redis_up"]) == (0, 0, 1)
    heard(redis_client)
    somebody = scrape()
    assert (somebody["bot_ready"], somebody["bot_workers"]) == (1, 1)


def test_without_redis_the_page_says_so_and_shows_nothing_old(tmp_path: Path) -> None:
    scrape = scraper(redis.Redis(unix_socket_path=str(tmp_path / "nobody.sock")), tmp_path)
    shown = scrape()
    assert (shown["bot_redis_up"], shown["bot_ready"]) == (0, 0)
    assert [name for name in shown if name.startswith(("bot_waiting", "bot_oldest", "bot_dead_letters"))] == []
