"""Sending one part: into the bubble while it is open, by the late reply once it is not, and what each answer means."""

import logging
import socket

import pytest
import structlog

from bot.channel import ChannelError, Receipt, Refused, Retry, Unknown
from bot.parts import Markdown, Part, Stream, Text
from bot.redis_client import connect
from bot.streams import Bubble
from channels.wecom.api import JITTER
from tests.channels.chains import told_by
from tests.channels.wecom_aibot.conftest import CODE, CONVERSATION, LATE, RESPONSE_PATH, WAITING, Installation
from tests.fakes.scripted_http import Answer, Cut, Drip, Scripted, reply


def answer(code: int) -> Answer:
    text = "hint: [1576065934_28], from ip: 9.30.0.138, more info at https://open.work.weixin.qq.com/devtool/query"
    return reply({"errcode": code, "errmsg": f"{text}?e={code}"})


def codes(here: Installation) -> list[str]:
    return [request.query["response_code"] for request in here.posted]


def test_the_limits_are_the_documented_ones(here: Installation) -> None:
    limits = here.channel().limits
    assert (limits.text_bytes, limits.markdown_bytes, limits.send_timeout_s) == (20_480, 20_480, 10.0)
    assert not limits.pushes
    assert (limits.cards, limits.news, limits.media, limits.stream_pictures) == (True, False, frozenset(), 10)
    assert limits.ratings


def test_a_stream_ends_its_bubble_and_asks_nothing_of_the_platform(here: Installation) -> None:
    here.hears()
    assert here.shown() == Bubble(text=WAITING, finished=False)
    assert here.say(Stream("**290** mOsm/kg", "s1")) == Receipt()
    assert here.shown() == Bubble(text="**290** mOsm/kg", finished=True)
    assert here.say(Stream("**290** mOsm/kg", "s1")) == Receipt()  # a resend
    assert (here.posted, here.permissions) == ([], 1)
    assert here.outcomes() == [("sent", "0")] * 2


def test_a_stream_that_comes_too_late_is_posted_once_by_the_url_of_its_message(here: Installation) -> None:
    here.hears("s1", age_s=60)
    here.hears("s2")
    here.close_bubble("s1")
    with structlog.testing.capture_logs() as lines:
        assert here.say(Stream("**290** mOsm/kg\n😀", "s1")) == Receipt()
    (request,) = here.posted
    assert request.query == {"response_code": f"{CODE}-s1"}
    assert request.json == {"msgtype": "markdown", "markdown": {"content": "**290** mOsm/kg\n😀"}}
    assert "😀".encode() in request.body
    assert request.headers["content-type"] == "application/json; charset=utf-8"
    assert here.shown("s1") == Bubble(text=LATE, finished=True)
    assert here.shown("s2") == Bubble(text=WAITING, finished=False)
    assert [(line["event"], line["stream_id"]) for line in lines] == [("bubble_closed", "s1")]
    assert here.counted == [("degraded", {"what": "bubble_closed"}), ("send", {"outcome": "sent", "code": "0"})]


def test_a_stream_whose_own_url_is_gone_takes_the_newest_of_the_conversation(here: Installation) -> None:
    here.hears("s1", response_url="")
    here.hears("s2", age_s=20)
    here.hears("s3", age_s=10)
    here.close_bubble("s1")
    here.say(Stream("words", "s1"))
    assert codes(here) == [f"{CODE}-s3"]


def test_a_bubble_nobody_remembers_is_answered_late(here: Installation) -> None:
    here.hears("s2")
    here.say(Stream("words", "s1"))
    assert codes(here) == [f"{CODE}-s2"]


@pytest.mark.parametrize("make", [Text, Markdown])
def test_words_without_a_bubble_use_up_one_permission_each_newest_first(
    here: Installation, make: type[Text | Markdown]
) -> None:
    here.hears("s1", age_s=60)
    here.hears("s2")
    for _ in range(2):
        here.say(make("人工客服：请稍等"))
    assert codes(here) == [f"{CODE}-s2", f"{CODE}-s1"]
    assert here.posted[0].json == {"msgtype": "markdown", "markdown": {"content": "人工客服：请稍等"}}
    with pytest.raises(Refused, match="no_response_url"):
        here.say(make("人工客服：请稍等"))
    assert len(here.posted) == 2
    assert here.outcomes() == [("sent", "0"), ("sent", "0"), ("refused", "no_response_url")]


def test_an_expired_permission_is_none(here: Installation) -> None:
    here.hears(age_s=3_550)
    with pytest.raises(Refused, match="no_response_url"):
        here.say(Text("words"))
    assert here.posted == []


def test_what_would_be_refused_for_its_length_is_not_sent(here: Installation) -> None:
    here.hears()
    for part in (Text("好" * 6_827), Stream("a" * 20_481, "s1")):
        with pytest.raises(Refused, match="too_long"):
            here.say(part)
    assert (here.permissions, here.shown()) == (1, Bubble(text=WAITING, finished=False))
    here.say(Text("a" * 20_480))
    assert len(here.posted) == 1


@pytest.mark.parametrize("part", [Text("a\ud800b"), Stream("a\ud800b", "s1")])
def test_a_lone_surrogate_does_not_stop_a_message(here: Installation, part: Part) -> None:
    here.hears()
    here.say(part)
    if isinstance(part, Stream):
        assert here.shown() == Bubble(text="a?b", finished=True)
    else:
        assert here.posted[0].json["markdown"]["content"] == "a?b"


@pytest.mark.parametrize(
    ("scripted", "error", "code", "alert"),
    [
        (answer(40201), Refused, "40201", False),
        (answer(40058), Refused, "40058", False),
        (answer(987654), Refused, "987654", False),
        (answer(301007), Refused, "301007", True),
        (answer(-1), Retry, "-1", False),
        (answer(45009), Retry, "45009", False),
        (answer(45033), Retry, "45033", False),
        (answer(6000), Retry, "6000", False),
        (reply({"errcode": 0}, status=502), Retry, "http_502", False),
        (Answer(status=503, body=b"busy"), Retry, "http_503", False),
        (Answer(body=b"<html>"), Unknown, "no_errcode", False),
        (Answer(status=403, body=b"proxy says no"), Unknown, "http_403", False),
        (reply({"errmsg": "ok"}), Unknown, "no_errcode", False),
        (reply({"errcode": "0"}), Unknown, "no_errcode", False),
        (Answer(body=b"[" * 60_000), Unknown, "no_errcode", False),
        (Answer(body=b" " * 100_000), Unknown, "answer_too_large", False),
        (Answer(status=302, body=b""), Unknown, "http_302", False),
        (Cut(), Unknown, "connection_lost", False),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_each_answer_has_its_meaning_and_a_permission_that_was_not_used_comes_back(
    here: Installation,
    scripted: Scripted,
    error: type[Retry | Refused | Unknown],
    code: str,
    alert: bool,
) -> None:
    here.platform.on(RESPONSE_PATH, scripted)
    here.hears()
    with pytest.raises(error) as caught:
        here.say(Text("words"))
    fields = vars(caught.value)
    assert (fields["code"], fields.get("alert", False)) == (code, alert)
    assert here.outcomes() == [(error.__name__.lower(), code)]
    assert (len(here.posted), here.permissions) == (1, int(error is Retry))


def test_a_retry_uses_the_same_url_and_then_it_is_used_up(here: Installation) -> None:
    here.platform.on(RESPONSE_PATH, Answer(status=500), reply({"errcode": 0}))
    here.hears()
    with pytest.raises(Retry):
        here.say(Text("words"))
    here.say(Text("words"))
    assert codes(here) == [f"{CODE}-s1"] * 2
    assert here.permissions == 0


@pytest.mark.parametrize(("code", "least_s"), [(-1, 1.0), (6000, 0.5), (45009, 60.0), (45033, 1.0)])
def test_a_busy_platform_is_given_the_time_it_needs(here: Installation, code: int, least_s: float) -> None:
    here.platform.on(RESPONSE_PATH, answer(code))
    here.hears()
    with pytest.raises(Retry) as caught:
        here.say(Text("words"))
    assert not caught.value.paced
    assert least_s <= caught.value.after_s <= least_s * (1 + JITTER)


def test_a_code_we_do_not_know_is_shown_to_the_operator(here: Installation) -> None:
    here.platform.on(RESPONSE_PATH, answer(987654))
    here.hears()
    with structlog.testing.capture_logs() as lines, pytest.raises(Refused):
        here.say(Text("words"))
    assert [(line["event"], line["code"]) for line in lines] == [("error_code_unknown", 987654)]
    assert "from ip: 9.30.0.138" in lines[0]["detail"]


def test_nothing_is_used_up_when_no_connection_stands(here: Installation) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    here.hears(response_url=f"{base}{RESPONSE_PATH}?response_code={CODE}")
    with pytest.raises(Retry, match="connection_lost"):
        here.say(Text("words"), channel=here.channel(base))
    assert here.permissions == 1


def test_a_deadline_that_has_passed_uses_nothing_up(here: Installation) -> None:
    here.hears()
    with pytest.raises(Retry, match="timeout"):
        here.say(Text("words"), within_s=-1)
    assert (here.platform.requests, here.permissions) == ([], 1)


@pytest.mark.parametrize(
    "scripted", [Answer(delay_s=60), Drip(part="headers"), Drip(part="body")], ids=["silent", "headers", "body"]
)
def test_the_deadline_bounds_a_platform_that_never_finishes(here: Installation, scripted: Scripted) -> None:
    """Without the bound this test would not end: the server drips for ever."""
    here.platform.on(RESPONSE_PATH, scripted)
    here.hears()
    with pytest.raises(Unknown, match="timeout"):
        here.say(Text("words"), within_s=1.0)
    assert (len(here.posted), here.permissions) == (1, 0)


def test_a_redirect_is_not_followed(here: Installation) -> None:
    here.platform.on(RESPONSE_PATH, Answer(status=307))
    here.hears()
    with pytest.raises(Unknown, match="http_307"):
        here.say(Text("words"))
    assert len(here.platform.requests) == 1


@pytest.mark.parametrize("part", [Text("words"), Stream("words", "s1")])
def test_without_redis_nothing_is_sent(here: Installation, part: Part) -> None:
    here.redis = connect("unix:///nonexistent/redis.sock")
    with pytest.raises(Retry, match="redis_unavailable"):
        here.say(part)
    assert here.platform.requests == []
    assert here.outcomes() == [("retry", "redis_unavailable")]


def test_a_url_that_may_not_be_posted_to_is_refused_and_gone(here: Installation) -> None:
    here.hears(response_url=f"http://localhost:{here.platform.url.rpartition(':')[2]}{RESPONSE_PATH}")
    with pytest.raises(Refused, match="bad_response_url"):
        here.say(Text("words"))
    assert (here.platform.requests, here.permissions) == ([], 0)


@pytest.mark.parametrize(
    "scripted",
    [
        Cut(),
        Answer(delay_s=60),
        Answer(status=500),
        Answer(body=b"<html>"),
        Drip(part="headers"),
        reply({"errcode": 987654, "errmsg": f"response_code {CODE}-s1 was used"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_no_error_and_no_log_shows_the_response_code(
    here: Installation, caplog: pytest.LogCaptureFixture, scripted: Scripted
) -> None:
    caplog.set_level(logging.DEBUG)
    here.platform.on(RESPONSE_PATH, scripted)
    here.hears()
    with structlog.testing.capture_logs() as lines, pytest.raises(ChannelError) as caught:
        here.say(Text("病人的话"), within_s=0.5)
    shown = caplog.text + str(lines) + told_by(caught.value) + str(here.counted)
    for hidden in (CODE, "病人的话"):
        assert hidden not in shown


def test_the_http_library_logs_the_url_without_its_code(here: Installation, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    here.hears()
    here.say(Text("words"))
    assert f"{RESPONSE_PATH}?response_code=*** " in caplog.text
    assert CODE not in caplog.text


def test_each_conversation_has_its_own_permissions(here: Installation) -> None:
    here.hears()
    other = type(CONVERSATION)(bot="imaging", channel="robot", person="li.na", chat="CHATID")
    with pytest.raises(Refused, match="no_response_url"):
        here.channel().send(other, Text("words"), "turn:0", here.clock() + 5)
    assert here.permissions == 1
