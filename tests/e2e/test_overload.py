"""More messages than a small installation with a slow language model can answer: bounded, honest, and fair."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from bot import keys
from bot.texts import Texts
from tests.e2e.conftest import WAITING, WORKERS, Chat, Crowd, System
from tests.e2e.test_conversations import faq_rows
from tests.fakes.llm_server import LlmServer, Say

BUSY = Texts().say("busy", "zh")
REFUSED = 7
QUESTION = "虚拟皮疹出现的比例是多少？"
ANSWER = "虚拟皮疹：每 50 次练习约出现 1 次[1]。"
FAQ = faq_rows()[0]
WITHIN_S = 40.0


class SlowModel:
    """A language model that says nothing until it is let go."""

    def __init__(self, server: LlmServer) -> None:
        self._server, self._go = server, threading.Event()
        self._before = len(server.requests)
        server.on(self._answer)

    def _answer(self, _request: dict[str, Any]) -> Say:
        self._go.wait(WITHIN_S)
        return Say(ANSWER)

    def let_go(self) -> None:
        self._go.set()

    @property
    def asked(self) -> int:
        """How many questions it was asked."""
        return len(self._server.requests) - self._before


@pytest.fixture
def model(awaited_llm: LlmServer) -> Iterator[SlowModel]:
    slow = SlowModel(awaited_llm)
    yield slow
    slow.let_go()


@pytest.fixture
def in_flight(small: System) -> Iterator["redis.Redis"]:
    with redis.Redis(unix_socket_path=str(small.data_dir / "run/redis.sock")) as client:
        yield client


def test_twice_as_many_as_there_is_room_for(small: System, model: SlowModel, in_flight: "redis.Redis") -> None:
    crowd = Crowd(small)
    admin = crowd.member("zhang.wei")
    accepted = [crowd.stranger().says(QUESTION) for _ in range(WORKERS)]
    until(lambda: model.asked == WORKERS)
    accepted += [crowd.stranger().says(QUESTION) for _ in range(WAITING - WORKERS)]
    until(lambda: in_flight.get(keys.waiting("imaging")) == str(WAITING).encode())

    refused = [crowd.stranger() for _ in range(REFUSED)]
    for n, person in enumerate(refused):
        assert person.says(f"{QUESTION}（{n}）").hears() == BUSY
    bubble = crowd.stranger(peer="bot").says(QUESTION).reads()
    assert bubble["content"] == BUSY
    newcomer = crowd.stranger().sends({"event": "enter_agent"})
    assert newcomer.hears_nothing_more(0.5), "an event is refused without a word"
    assert model.asked == WORKERS, "everybody heard while nobody was answered"

    status, body = small.get("/readyz")
    load = json.loads(body)["load"]
    assert (status, load["state"], load["overloaded"]["imaging"]["refused"]) == (200, "degraded", REFUSED + 2)
    assert metric(small, 'bot_messages_refused_total{bot="imaging",limit="bot"}') == REFUSED + 2
    assert sorted(kept(in_flight)) == sorted([QUESTION, *(f"{QUESTION}（{n}）" for n in range(REFUSED))])

    model.let_go()
    for person in accepted:
        assert person.hears().startswith(ANSWER), "nothing acknowledged is dropped"
    assert all(person.hears_nothing_more(0.1) for person in [*accepted, *refused])
    assert "忙不过来" in admin.hears()
    assert sum("忙不过来" in entry["content"] for entry in admin.everything()) == 1
    until(lambda: int(in_flight.get(keys.waiting("imaging")) or 0) == 0)
    assert refused[0].says(FAQ["问题"]).hears().startswith(FAQ["答案"].strip()), "and takes messages again"


def test_who_writes_a_lot_holds_up_nobody_else(small: System, model: SlowModel) -> None:
    crowd = Crowd(small)
    flood, patient = crowd.stranger(), crowd.stranger()
    for _ in range(4):
        flood.says(QUESTION)
    until(lambda: model.asked == 1)
    assert patient.says(FAQ["问题"]).hears().startswith(FAQ["答案"].strip())
    assert model.asked == 1, "one person has one worker at a time"
    assert silent(flood)
    model.let_go()
    assert flood.hears().startswith(ANSWER)


def silent(person: Chat) -> bool:
    return all(entry["via"] == "member" for entry in person.everything())


def kept(client: "redis.Redis") -> list[str]:
    """The words of every refused message that is kept."""
    names = list(client.scan_iter(match="{b*}:refused"))
    return [fields[b"text"].decode() for name in names for _, fields in client.xrange(name)]


def metric(system: System, name: str) -> float:
    page = system.get("/metrics")[1].decode()
    return sum(float(line.rpartition(" ")[2]) for line in page.splitlines() if line.startswith(name + " "))


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not true():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)
