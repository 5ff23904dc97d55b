"""What goes wrong outside is not the person's problem: one answer, or an honest word."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from simulator import crypto, envelope
from tests.e2e.conftest import Chat, Crowd, System, http
from tests.e2e.test_conversations import faq_rows

QUESTION = faq_rows()[0]["问题"]
ANSWER = faq_rows()[0]["答案"].strip()


def test_a_message_delivered_twice_is_answered_once(crowd: Crowd, doctor: Chat) -> None:
    crowd.fault(on="callback", kind="duplicate", member=doctor.member)
    assert doctor.says(QUESTION).hears().startswith(ANSWER)
    assert doctor.hears_nothing_more()


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "errcode", "errcode": -1},
        {"kind": "errcode", "errcode": 42001},
        {"kind": "http_500"},
        {"kind": "close_before"},
        {"kind": "close_after"},
    ],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
def test_a_send_that_fails_once_is_read_exactly_once(crowd: Crowd, doctor: Chat, fault: dict[str, object]) -> None:
    crowd.fault(on="message/send", times=1, **fault)
    assert doctor.says(QUESTION).hears().startswith(ANSWER)
    assert doctor.hears_nothing_more(2.5)


def test_the_same_question_asked_twice_is_answered_twice(doctor: Chat) -> None:
    for _ in range(2):
        assert doctor.says(QUESTION).hears().startswith(ANSWER)


def test_a_killed_worker_comes_back_and_answers_what_was_acknowledged(system: System, doctor: Chat) -> None:
    (worker,) = system.pids("celery .* worker ")
    os.kill(worker, signal.SIGKILL)
    heard = doctor.says(QUESTION).hears()
    assert heard.startswith(ANSWER)
    assert doctor.hears_nothing_more()
    assert system.pids("celery .* worker ") != [worker]


def test_up_says_so_when_it_is_already_running(system: System) -> None:
    second = system.command("up")
    assert second.returncode == 2
    assert "already running" in second.stdout + second.stderr
    assert system.web in second.stdout + second.stderr


BOT = {
    "corp": "wwdemo00000000cafe",
    "token": "publicDemoToken",
    "key": "PublicDemoKeyPublicDemoKeyPublicDemoKey0000",
}


def callback(
    system: System, *, now: float, token: str = BOT["token"], corp: str = BOT["corp"], tail: bytes = b""
) -> int:
    """Status of one encrypted callback made by hand."""
    fields = {"ToUserName": corp, "FromUserName": "someone", "CreateTime": int(now), "MsgType": "event"}
    plain = envelope.write_plain({**fields, "Event": "nobody_knows_this", "AgentID": 1000002}, "cdata")
    encrypted = crypto.encrypt(crypto.aes_key(BOT["key"]), plain, corp)
    signature = crypto.signature(token, str(int(now)), "n1", encrypted)
    body = envelope.write_envelope(BOT["corp"], 1000002, encrypted) + tail
    query = f"msg_signature={signature}&timestamp={int(now)}&nonce=n1"
    return http("POST", f"{system.web}/callback/imaging/app?{query}", data=body)[0]


@dataclass(frozen=True)
class Bad:
    """A callback with one thing wrong."""

    token: str = BOT["token"]
    corp: str = BOT["corp"]
    age_s: float = 0.0
    tail: bytes = b""


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(Bad(token="another"), id="forged"),
        pytest.param(Bad(age_s=7200), id="stale"),
        pytest.param(Bad(corp="wwsomebodyelse"), id="foreign"),
        pytest.param(Bad(tail=b"<xml"), id="malformed"),
        pytest.param(Bad(tail=b" " * 2_000_000), id="oversized"),
    ],
)
def test_a_bad_callback_is_refused_with_one_log_line(system: System, bad: Bad) -> None:
    before = refusals(system)
    status = callback(system, now=time.time() - bad.age_s, token=bad.token, corp=bad.corp, tail=bad.tail)
    assert 400 <= status < 500
    deadline = time.monotonic() + 5
    while refusals(system) == before and time.monotonic() < deadline:
        time.sleep(0.05)  # supervisord copies what the process wrote
    assert refusals(system) - before == 1


def refusals(system: System) -> int:
    lines = (system.data_dir / "log" / "web.log").read_text(encoding="utf-8").splitlines()
    return sum("callback_rejected" in line or "request_refused" in line for line in lines)


def test_a_good_callback_is_accepted(system: System) -> None:
    assert callback(system, now=time.time()) == 200


def test_health_readiness_and_metrics(system: System) -> None:
    assert system.get("/healthz") == (200, b"ok\n")
    status, body = system.get("/readyz")
    assert status == 200
    assert b'"index"' in body
    metrics = system.get("/metrics")[1].decode()
    assert 'bot_callbacks_total{bot="imaging",channel="app"' in metrics
    assert "bot_turns_total" in metrics, "the worker's counts are seen through the web process"
    assert system.get("/console/")[0] == 404


def test_no_secret_reaches_a_log(system: System) -> None:
    for log in Path(system.data_dir / "log").iterdir():
        text = log.read_text(encoding="utf-8", errors="replace")
        for secret in ("public-demo-secret", BOT["key"], "access_token="):
            assert secret not in text, f"{secret} in {log.name}"
