"""The load generator counts what really happened to each message, whatever the product does with it."""

from collections.abc import Callable, Iterator

import openai
import pytest
import requests
import yaml

from benchmarks.callbacks import DEMO_BOTS
from benchmarks.load import Load, Plan
from simulator import crypto, envelope
from tests.fakes.scripted_http import Answer, Cut, Recorded, Scripted, ScriptedServer, Step

PATH = "/callback/imaging/app"
APP = yaml.safe_load(DEMO_BOTS.read_text(encoding="utf-8"))["bots"]["imaging"]["channels"]["app"]
ACKNOWLEDGED = Answer(content_type="text/plain")


@pytest.fixture(scope="module")
def load() -> Iterator[Load]:
    with Load() as load:
        yield load


@pytest.fixture
def product() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


def port_of(product: ScriptedServer) -> int:
    return int(product.url.rpartition(":")[2])


def sender_of(request: Recorded) -> str:
    encrypted = envelope.read_xml(request.body)["Encrypt"]
    plain = crypto.decrypt(crypto.aes_key(APP["encoding_aes_key"]), encrypted).message
    return str(envelope.read_xml(plain)["FromUserName"])


def answering(load: Load, times: int = 1) -> Callable[[Recorded], Scripted]:
    """A product that writes to the sender ``times`` times before it acknowledges."""

    def answer(request: Recorded) -> Scripted:
        for _ in range(times):
            message = {"touser": sender_of(request), "msgtype": "text", "text": {"content": "好"}}
            sent = requests.post(f"{load.url}/cgi-bin/message/send", json=message, timeout=5)
            assert sent.json()["errcode"] == 0
        return ACKNOWLEDGED

    return answer


def by_person(steps: dict[str, Step], otherwise: Callable[[Recorded], Scripted]) -> Callable[[Recorded], Scripted]:
    def choose(request: Recorded) -> Scripted:
        step = steps.get(sender_of(request), otherwise)
        return step(request) if callable(step) else step

    return choose


def test_each_fate_of_a_message_is_counted_once(load: Load, product: ScriptedServer) -> None:
    fates: dict[str, Step] = {
        "admin0": Answer(body=b"<xml>busy</xml>"),
        "admin1": Answer(status=503),
        "admin2": answering(load, times=2),
        "admin3": ACKNOWLEDGED,  # and never answered
    }
    product.on(PATH, by_person(fates, answering(load)))
    outcome = load.run(Plan(port=port_of(product), seconds=0.1, rate=100.0, people=10, patience_s=1.0))
    assert (outcome.sent, outcome.refused, outcome.failed, outcome.accepted) == (10, 1, 1, 8)
    assert (outcome.answers, outcome.lost, outcome.extra) == (7, 1, 1)


def test_people_who_wait_ask_again_only_when_they_were_answered(load: Load, product: ScriptedServer) -> None:
    waiting: set[str] = set()

    def answer(request: Recorded) -> Scripted:
        person = sender_of(request)
        assert person not in waiting
        waiting.add(person)
        assert len(waiting) <= 3
        scripted = answering(load)(request)
        waiting.discard(person)
        return scripted

    product.on(PATH, answer)
    outcome = load.run(Plan(port=port_of(product), seconds=60.0, in_flight=3, most=30))
    assert (outcome.sent, outcome.answers, outcome.lost, outcome.extra) == (30, 30, 0, 0)


def test_a_message_whose_connection_the_server_closed_is_sent_again(load: Load, product: ScriptedServer) -> None:
    product.on(PATH, Cut(), ACKNOWLEDGED)
    plan = Plan(port=port_of(product), seconds=0.05, rate=100.0, people=5, answers=False, connections=1)
    outcome = load.run(plan)
    assert (outcome.accepted, outcome.failed, outcome.sent_again) == (5, 0, 1)
    assert [sender_of(request) for request in product.requests][:2] == ["admin0", "admin0"]


def test_a_flood_is_sent_and_not_counted(load: Load, product: ScriptedServer) -> None:
    product.on(PATH, answering(load))
    outcome = load.run(Plan(port=port_of(product), seconds=0.1, rate=50.0, flood=100.0))
    senders = [sender_of(request) for request in product.requests]
    assert (outcome.sent, outcome.answers, outcome.extra) == (5, 5, 0)
    assert senders.count("flooder") == 10
    assert len(set(senders)) == 6


def test_latencies_count_from_the_moment_a_message_was_due(load: Load, product: ScriptedServer) -> None:
    """One connection and a slow server: what waits for its turn is not left out."""
    product.on(PATH, Answer(delay_s=0.05))
    plan = Plan(port=port_of(product), seconds=0.1, rate=100.0, people=10, answers=False, connections=1)
    assert load.run(plan).acknowledged["max"] > 10 * 50 - 9 * 10


def test_its_model_quotes_the_first_source_and_counts_who_asks(load: Load) -> None:
    model = openai.OpenAI(base_url=load.model_url, api_key="none", max_retries=0)
    prompt = '<source n="1" title="课表">周三上课。周五不上课。</source>'
    with model.chat.completions.create(
        model="slow", messages=[{"role": "user", "content": prompt}], stream=True
    ) as stream:
        text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    assert text == "周三上课[1]。"
