"""Sending one part: what leaves, and what each answer of the platform means."""

import logging
import socket
import threading
import time

import pytest
import structlog
import urllib3

from bot.channel import ChannelError, Receipt, Refused, Retry, Unknown
from bot.parts import Markdown
from bot.redis_client import connect
from channels.wecom.api import JITTER
from channels.wecom.transport import Deadline, OutgoingBody
from tests.channels.chains import told_by
from tests.channels.threads import await_idle_threads
from tests.channels.wecom_app.conftest import SECRET, SEND_PATH, TOKEN_PATH, Installation
from tests.fakes.scripted_http import Answer, Cut, Drip, Scripted, reply


def answer(code: int, **fields: object) -> Answer:
    text = "hint: [1576065934_28], from ip: 9.30.0.138, more info at https://open.work.weixin.qq.com/devtool/query"
    return reply({"errcode": code, "errmsg": f"{text}?e={code}"} | fields)


def test_a_text_leaves_as_the_documented_request(here: Installation) -> None:
    receipt = here.say('碘克沙醇 \\u 😀\n<a href="https://a.example">说明</a>')
    assert receipt == Receipt(message_id="msg-1")
    (request,) = here.sent
    assert request.query == {"access_token": "token-1"}
    assert request.json == {
        "touser": "zhang.wei",
        "msgtype": "text",
        "agentid": 1000002,
        "text": {"content": '碘克沙醇 \\u 😀\n<a href="https://a.example">说明</a>'},
        "enable_duplicate_check": 1,
        "duplicate_check_interval": 600,
    }
    assert "碘克沙醇".encode() in request.body  # 40033: the platform takes no escaped characters
    assert request.headers["content-type"] == "application/json; charset=utf-8"
    assert here.outcomes() == [("sent", "0")]


def test_markdown_leaves_as_markdown(here: Installation) -> None:
    here.say("**粗体**", make=Markdown)
    assert (here.sent[0].json["msgtype"], here.sent[0].json["markdown"]) == ("markdown", {"content": "**粗体**"})


def test_a_lone_surrogate_does_not_stop_a_message(here: Installation) -> None:
    here.say("a\ud800b")
    assert here.sent[0].json["text"] == {"content": "a?b"}


@pytest.mark.parametrize(
    ("person", "content", "code"),
    [
        ("@all", "x", "bad_recipient"),
        ("@ALL", "x", "bad_recipient"),
        ("zhang.wei|li.na", "x", "bad_recipient"),
        ("", "x", "bad_recipient"),
        ("zhang.wei", "好" * 683, "too_long"),
    ],
)
def test_what_would_reach_others_or_be_cut_is_not_sent(
    here: Installation, person: str, content: str, code: str
) -> None:
    with pytest.raises(Refused) as caught:
        here.say(content, person=person)
    assert caught.value.code == code
    assert here.platform.requests == []


@pytest.mark.parametrize(
    ("scripted", "error", "code", "alert"),
    [
        (answer(40003), Refused, "40003", False),
        (answer(60111), Refused, "60111", False),
        (answer(81013), Refused, "81013", False),
        (answer(44004), Refused, "44004", False),
        (answer(987654), Refused, "987654", False),
        (answer(40056), Refused, "40056", True),
        (answer(48002), Refused, "48002", True),
        (answer(60020), Refused, "60020", True),
        (answer(301002), Refused, "301002", True),
        (answer(0, invaliduser="li.na|zhang.wei"), Refused, "invaliduser", False),
        (answer(0, unlicenseduser="zhang.wei"), Refused, "unlicenseduser", False),
        (reply({"errcode": 0}, status=502), Retry, "http_502", False),
        (Answer(status=503, body=b"busy"), Retry, "http_503", False),
        (Answer(body=b"<html>"), Unknown, "no_errcode", False),
        (Answer(status=403, body=b"proxy says no"), Unknown, "http_403", False),
        (reply({"errmsg": "ok"}), Unknown, "no_errcode", False),
        (reply({"errcode": "0"}), Unknown, "no_errcode", False),
        (reply({"errcode": True}), Unknown, "no_errcode", False),
        (reply([0]), Unknown, "no_errcode", False),
        (Answer(body=b"[" * 60_000), Unknown, "no_errcode", False),
        (Answer(body=b" " * 100_000), Unknown, "answer_too_large", False),
        (Answer(status=302, body=b""), Unknown, "http_302", False),
        (Cut(), Unknown, "connection_lost", False),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_each_answer_has_its_meaning(
    here: Installation, scripted: Scripted, error: type[Retry | Refused | Unknown], code: str, alert: bool
) -> None:
    here.platform.on(SEND_PATH, scripted)
    with pytest.raises(error) as caught:
        here.say(person="Zhang.Wei")
    fields = vars(caught.value)
    assert (fields["code"], fields.get("alert", False)) == (code, alert)
    assert here.outcomes() == [(error.__name__.lower(), code)]
    assert len(here.sent) == 1


def test_a_longer_name_that_is_invalid_is_somebody_else(here: Installation) -> None:
    here.platform.on(SEND_PATH, answer(0, invaliduser="zhang.wei2|li.zhang.wei"))
    here.say(person="zhang.wei")
    assert here.outcomes() == [("sent", "0")]


@pytest.mark.parametrize(("code", "least_s"), [(-1, 1.0), (6000, 0.5), (45009, 60.0), (45033, 1.0)])
def test_a_busy_platform_is_given_the_time_it_needs(here: Installation, code: int, least_s: float) -> None:
    here.platform.on(SEND_PATH, answer(code))
    with pytest.raises(Retry) as caught:
        here.say()
    assert caught.value.code == str(code)
    assert not caught.value.paced
    assert least_s <= caught.value.after_s <= least_s * (1 + JITTER)


@pytest.mark.parametrize("code", [40001, 40014, 42001])
def test_a_dead_token_is_fetched_anew_and_the_call_repeated_once(here: Installation, code: int) -> None:
    here.platform.on(SEND_PATH, answer(code), answer(0, msgid="msg-2"))
    assert here.say() == Receipt(message_id="msg-2")
    first, second = here.sent
    assert (first.query["access_token"], second.query["access_token"]) == ("token-1", "token-2")
    assert first.body == second.body


def test_a_token_that_stays_dead_is_an_alert(here: Installation) -> None:
    here.platform.on(SEND_PATH, answer(40014))
    with pytest.raises(Refused) as caught:
        here.say()
    assert (caught.value.code, caught.value.alert) == ("40014", True)
    assert (len(here.sent), here.token_fetches) == (2, 2)


def test_after_an_alert_the_app_is_left_alone_for_a_minute(here: Installation) -> None:
    here.platform.on(SEND_PATH, answer(60020), answer(0))
    with structlog.testing.capture_logs() as lines, pytest.raises(Refused):
        here.say()
    assert [(line["event"], line["code"]) for line in lines] == [("app_stopped", 60020)]
    assert "from ip: 9.30.0.138" in lines[0]["detail"]
    with pytest.raises(Retry) as caught:
        here.say(key="turn:1", person="li.na")
    assert caught.value.code == "circuit_open"
    assert 0 < caught.value.after_s <= 60 * (1 + JITTER)
    assert len(here.sent) == 1
    here.say(key="turn:1", channel=here.channel(agent_id=1000003))  # another app is not concerned


def test_nothing_is_attempted_when_no_connection_stands(here: Installation) -> None:
    here.say()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    here.redis.flushdb()
    with pytest.raises(Retry) as caught:
        here.say(channel=here.channel(f"http://127.0.0.1:{port}"))
    assert caught.value.code == "token_connection_lost"


def test_a_call_given_up_before_it_was_written_is_never_written(here: Installation) -> None:
    released, straight = threading.Event(), here.http

    def held(url: str) -> urllib3.PoolManager:
        """Holds a message back before a connection is opened, as a name server that does not answer would."""
        if SEND_PATH in url:
            released.wait(30)
        return straight(url)

    here.http = held
    with pytest.raises(Retry) as caught:
        here.say(within_s=0.3)
    assert caught.value.code == "timeout"
    released.set()
    await_idle_threads()
    assert here.sent == []


def test_a_body_cannot_be_begun_after_its_deadline() -> None:
    """A process that is frozen with the connection open wakes up too late and must not write."""
    late = OutgoingBody(b"body", Deadline(time.time() - 1, time.time))
    with pytest.raises(OSError, match="too late"):
        late.read()
    assert not late.abandon()


def test_a_body_that_was_given_up_cannot_be_begun() -> None:
    body = OutgoingBody(b"{}", Deadline(time.time() + 60, time.time))
    assert not body.abandon()
    with pytest.raises(OSError, match="too late"):
        body.read()
    assert not body.abandon()


@pytest.mark.parametrize(
    "scripted", [Answer(delay_s=60), Drip(part="headers"), Drip(part="body")], ids=["silent", "headers", "body"]
)
def test_the_deadline_bounds_a_platform_that_never_finishes(here: Installation, scripted: Scripted) -> None:
    """Without the bound this test would not end: the server drips for ever."""
    here.say(key="turn:0")  # leaves a token and an open connection, so that little time is enough
    here.platform.on(SEND_PATH, scripted)
    with pytest.raises(Unknown) as caught:
        here.say(key="turn:1", within_s=1.0)
    assert caught.value.code == "timeout"
    assert len(here.sent) == 2


@pytest.mark.parametrize("scripted", [Answer(delay_s=60), Drip(part="headers")], ids=["silent", "headers"])
def test_the_deadline_covers_the_token_too(here: Installation, scripted: Scripted) -> None:
    here.platform.on(TOKEN_PATH, scripted)
    with pytest.raises(Retry, match="token_timeout"):
        here.say(within_s=0.3)
    assert here.sent == []


def test_a_deadline_that_has_passed_attempts_nothing(here: Installation) -> None:
    with pytest.raises(Retry):
        here.say(within_s=-1)
    assert here.platform.requests == []


def test_without_redis_nothing_is_sent(here: Installation) -> None:
    here.redis = connect("unix:///nonexistent/redis.sock")
    with pytest.raises(Retry, match="redis_unavailable"):
        here.say()
    assert here.platform.requests == []
    assert here.outcomes() == [("retry", "redis_unavailable")]


@pytest.mark.parametrize(
    ("path", "scripted"),
    [
        (SEND_PATH, Cut()),
        (SEND_PATH, Answer(delay_s=60)),
        (SEND_PATH, Answer(body=b"<html>")),
        (SEND_PATH, answer(60020, errmsg=f"token-1 {SECRET}")),
        (SEND_PATH, Drip(part="headers")),
        (TOKEN_PATH, Cut()),
        (TOKEN_PATH, Answer(status=500)),
        (TOKEN_PATH, answer(40001, errmsg=f"secret {SECRET} is wrong")),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_no_error_and_no_log_shows_a_token_or_secret(
    here: Installation, caplog: pytest.LogCaptureFixture, path: str, scripted: Scripted
) -> None:
    caplog.set_level(logging.DEBUG)
    here.platform.on(path, scripted)
    with structlog.testing.capture_logs() as lines, pytest.raises(ChannelError) as caught:
        here.say("病人的话", within_s=0.5)
    shown = caplog.text + str(lines) + told_by(caught.value) + str(here.counted)
    for hidden in (SECRET, "token-1", "病人的话"):
        assert hidden not in shown


def test_the_http_library_logs_its_urls_without_token_and_secret(
    here: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    here.say()
    assert "/cgi-bin/gettoken?corpid=ww1436e0e65a779aee&corpsecret=*** " in caplog.text
    assert "/cgi-bin/message/send?access_token=*** " in caplog.text


def test_channels_of_one_app_share_its_token(here: Installation) -> None:
    here.say(key="turn-1:0")
    here.say("再见", key="turn-2:0", channel=here.channel())
    assert (len(here.sent), here.token_fetches) == (2, 1)
