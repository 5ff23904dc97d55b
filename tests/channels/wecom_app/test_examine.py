"""What ``doctor`` learns from the platform, and that it asks gently."""

import time
from dataclasses import replace

import pytest

from bot.finding import Finding, State
from bot.redis_client import connect
from channels.wecom_app import build
from tests.channels.wecom_app.conftest import (
    ADDRESS,
    SECRET,
    SEND_PATH,
    TOKEN_PATH,
    Clock,
    Installation,
    config,
)
from tests.fakes.scripted_http import Answer, Recorded, reply

IPS_PATH = "/cgi-bin/getcallbackip"
TAIL = "hint: [1576065934_28_e0fae07666aa64636023c1fa7e8f49a4], from ip: 203.0.113.7, more info at https://open.work"


def error(code: int, text: str = "no") -> Answer:
    return reply({"errcode": code, "errmsg": f"{text}, {TAIL}"})


def said(findings: list[Finding]) -> str:
    return "\n".join(f"{finding.name} {finding.state} {finding.detail} {finding.cure}" for finding in findings)


@pytest.fixture
def here(here: Installation) -> Installation:
    """Like the platform, the scripted one stamps its answers with the real time."""
    here.clock = Clock(time.time())
    here.platform.on(IPS_PATH, reply({"errcode": 0, "errmsg": "ok", "ip_list": ["127.0.0.1"]}))
    here.platform.on(SEND_PATH, error(81013))
    return here


def look(here: Installation, within_s: float = 5.0, **changes: object) -> dict[str, Finding]:
    findings = here.channel(**changes).examine(here.clock() + within_s)
    assert SECRET not in said(findings)
    assert "token-1" not in said(findings)
    return {finding.name: finding for finding in findings}


def test_an_app_that_is_right_is_ok_in_all_four_and_nobody_hears_of_it(here: Installation) -> None:
    found = look(here)
    assert [(name, finding.state) for name, finding in found.items()] == [
        ("token", State.OK),
        ("trusted IP", State.OK),
        ("clock", State.OK),
        ("agent id", State.OK),
    ]
    (message,) = here.sent
    assert message.json["touser"].startswith("doctor-")
    assert message.json["agentid"] == 1000002


@pytest.mark.parametrize(
    ("code", "cure"),
    [(40001, "Secret"), (40013, "corp_id"), (40091, "two companies"), (45009, "wait an hour"), (99999, "e=99999")],
)
def test_a_refused_secret_is_explained(here: Installation, code: int, cure: str) -> None:
    here.platform.on(TOKEN_PATH, error(code))
    found = look(here)
    assert found["token"].state is State.BROKEN
    assert str(code) in found["token"].detail
    assert cure in found["token"].cure
    assert {found[name].state for name in ("trusted IP", "clock", "agent id")} == {State.SKIPPED}


def test_a_refused_secret_is_not_tried_again_within_a_minute(here: Installation) -> None:
    here.platform.on(TOKEN_PATH, error(40001))
    first, second = look(here), look(here)
    assert here.token_fetches == 1, "wrong secrets lock the IP"
    assert "40001" in second["token"].detail
    assert first["token"].cure == second["token"].cure


def test_an_ip_that_is_not_trusted_is_named_with_the_place_to_add_it(here: Installation) -> None:
    here.platform.on(IPS_PATH, error(60020, "not allow to access from your ip"))
    found = look(here)
    assert found["trusted IP"].state is State.BROKEN
    assert "203.0.113.7" in found["trusted IP"].detail
    assert "企业可信IP" in found["trusted IP"].cure
    assert found["agent id"].state is State.SKIPPED
    assert here.sent == []


def test_a_token_that_died_early_is_fetched_again_once(here: Installation) -> None:
    here.platform.on(IPS_PATH, error(42001), reply({"errcode": 0}))
    assert {finding.state for finding in look(here).values()} == {State.OK}
    assert here.token_fetches == 2


@pytest.mark.parametrize("code", [40056, 301002])
def test_an_agent_id_of_another_secret_is_broken(here: Installation, code: int) -> None:
    here.platform.on(SEND_PATH, error(code))
    found = look(here)["agent id"]
    assert (found.state, str(code) in found.detail) == (State.BROKEN, True)


def test_what_could_not_be_proved_is_said(here: Installation) -> None:
    here.platform.on(SEND_PATH, error(-1, "system busy"))
    found = look(here)["agent id"]
    assert found.state is State.WARNING
    assert "could not be proved" in found.detail


@pytest.mark.parametrize(
    ("off_s", "state"),
    [(0, State.OK), (40, State.OK), (90, State.WARNING), (-90, State.WARNING), (4000, State.BROKEN)],
)
def test_our_clock_is_compared_with_the_platforms(here: Installation, off_s: float, state: State) -> None:
    here.clock.now += off_s
    found = look(here)["clock"]
    assert found.state is state, found.detail
    assert state is State.OK or ("ahead" if off_s > 0 else "behind") in found.detail


@pytest.mark.parametrize("path", [TOKEN_PATH, IPS_PATH])
def test_a_platform_that_hangs_ends_with_the_deadline(here: Installation, path: str) -> None:
    here.platform.on(path, Answer(delay_s=30))
    started = time.monotonic()
    found = look(here, within_s=0.3)
    assert time.monotonic() - started < 20
    assert found["token"].state is State.BROKEN
    assert "timeout" in found["token"].detail


def test_something_else_that_answers_is_not_taken_for_the_platform(here: Installation) -> None:
    here.platform.on(IPS_PATH, Answer(body=b"<html>login</html>", content_type="text/html"))
    assert look(here)["trusted IP"].state is State.BROKEN


def test_without_redis_the_platform_is_asked_directly(here: Installation) -> None:
    away = replace(here.kit(), redis=connect("unix:///nonexistent/redis.sock"))
    found = build(ADDRESS, config(), away).examine(here.clock() + 5)
    assert {finding.state for finding in found} == {State.OK}
    assert here.token_fetches == 1


def test_the_query_of_the_harmless_call_holds_the_token_alone(here: Installation) -> None:
    asked: list[Recorded] = []

    def note(request: Recorded) -> Answer:
        asked.append(request)
        return reply({"errcode": 0})

    here.platform.on(IPS_PATH, note)
    look(here)
    assert [dict(request.query) for request in asked] == [{"access_token": "token-1"}]
