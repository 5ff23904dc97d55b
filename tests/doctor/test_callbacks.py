"""The callback URL behind everything that may stand in front of it."""

import socket
from collections.abc import Callable, Mapping
from urllib.parse import unquote_plus

import pytest
import redis

from bot.channel import NOTHING, CallbackRequest, Channel, ChannelAddress, ChannelKit, Rejected
from bot.connections import Connections
from bot.doctor.callbacks import callback
from bot.finding import Finding, State
from bot.streams import Streams
from channels import wecom_aibot, wecom_app
from tests.fakes.scripted_http import Answer, Recorded, ScriptedServer
from tests.media_sources import NO_MEDIA

PATH = "/callback/imaging/app"
OWN = "/own/callback/imaging/app"
SECRETS = {
    "token": "hJqcu3uJ9Tn2gXPmxx2w9kkCkCE2EPYo",
    "encoding_aes_key": "6qkdMrq68nTKduznJYO1A37W2oEgpkMUvkttRToqhUt",
}
APP = {"corp_id": "ww1436e0e65a779aee", "agent_id": 1000002, "secret": "app-secret", **SECRETS}
ADDRESS = ChannelAddress(bot="imaging", channel="app", bot_name="影像助手")
NOW = 1_800_000_000.0


def channel(store: "redis.Redis", *, robot: bool = False, **changes: object) -> Channel:
    kit = ChannelKit(
        redis=store,
        http=Connections(environment=False),
        api_base={"wecom": "http://127.0.0.1:9"},
        callback_max_skew_s=3600,
        pace_per_minute=30,
        pace_per_hour=1000,
        bubbles=Streams(store),
        media=NO_MEDIA,
        count=lambda _event, **_labels: None,
        clock=lambda: NOW,
    )
    if robot:
        return wecom_aibot.build(ADDRESS, wecom_aibot.Config.model_validate(SECRETS | changes), kit)
    return wecom_app.build(ADDRESS, wecom_app.Config.model_validate(APP | changes), kit)


Spoil = Callable[[str], str]


def web(own: Channel, spoil: Spoil = str, delay_s: float = 0.0) -> Callable[[Recorded], Answer]:
    """The web process over ``own``, behind something that may spoil the values of the query."""

    def answer(request: Recorded) -> Answer:
        query: Mapping[str, str] = {name: spoil(value) for name, value in request.query.items()}
        try:
            received = own.receive(CallbackRequest(method="GET", query=query, body=b"", received_at=NOW))
        except Rejected as rejection:
            return Answer(status=rejection.status)
        return Answer(body=own.respond(received, NOTHING).body, delay_s=delay_s)

    return answer


@pytest.fixture
def app(redis_client: "redis.Redis") -> Channel:
    return channel(redis_client)


def look(server: ScriptedServer, own: Channel) -> Finding:
    return callback(server.url + PATH, own.verification_request, "callback", server.url + OWN)


@pytest.mark.parametrize("robot", [False, True], ids=["app", "robot"])
def test_a_url_that_decrypts_and_answers_in_time_is_right(
    platform: ScriptedServer, redis_client: "redis.Redis", *, robot: bool
) -> None:
    own = channel(redis_client, robot=robot)
    platform.on(PATH, web(own))
    found = look(platform, own)
    assert found.state is State.OK, found.detail


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(status=302, body=b"see other"), "redirects (302)"),
        (Answer(body=b"<html><title>Sign in</title></html>"), "“Sign in”"),
        (Answer(status=401, body=b"<html><title>401</title></html>"), "answers 401"),
        (Answer(status=502, body=b"<html>bad gateway</html>"), "answers 502 (a web page)"),
        (Answer(body=b""), "answers 200 with something else"),
    ],
    ids=["redirect", "login page", "login", "bad gateway", "empty"],
)
def test_something_else_that_answers_is_told_apart(
    platform: ScriptedServer, app: Channel, answer: Answer, said: str
) -> None:
    platform.on(PATH, answer)
    platform.on(OWN, web(app))
    found = look(platform, app)
    assert (found.state, said in found.detail) == (State.BROKEN, True), found.detail
    assert "proxy" in found.cure


def test_a_newline_after_the_plain_text_is_one_too_many(platform: ScriptedServer, app: Channel) -> None:
    right = web(app)
    platform.on(PATH, lambda request: Answer(body=right(request).body + b"\n"))
    assert "adds something" in look(platform, app).detail


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda value: value.replace("+", " "), "turns the + of the query into a space"),
        (unquote_plus, "decodes the query twice"),
    ],
    ids=["plus becomes space", "decoded twice"],
)
def test_a_spoilt_query_is_told_from_wrong_values(
    platform: ScriptedServer, app: Channel, spoil: Spoil, said: str
) -> None:
    platform.on(PATH, web(app, spoil))
    platform.on(OWN, web(app))
    found = look(platform, app)
    assert said in found.detail
    assert "query" in found.cure


def test_a_web_process_with_other_values_is_told_from_a_proxy(
    platform: ScriptedServer, app: Channel, redis_client: "redis.Redis"
) -> None:
    other = channel(redis_client, token="anotherToken")
    platform.on(PATH, web(other))
    platform.on(OWN, web(other))
    found = look(platform, app)
    assert "answers 403: it is an installation with other values" in found.detail


def test_a_wrong_answer_in_front_of_a_right_process_is_the_proxys(platform: ScriptedServer, app: Channel) -> None:
    platform.on(PATH, Answer(status=404))
    platform.on(OWN, web(app))
    assert "the web process itself answers rightly" in look(platform, app).detail


def test_an_answer_after_a_second_is_too_late(platform: ScriptedServer, app: Channel) -> None:
    platform.on(PATH, web(app, delay_s=1.05))
    found = look(platform, app)
    assert found.state is State.BROKEN
    assert "the platform waits 1000" in found.detail


def test_one_slow_answer_is_forgiven(platform: ScriptedServer, app: Channel) -> None:
    platform.on(PATH, web(app, delay_s=1.05), web(app))
    assert look(platform, app).state is State.OK


def test_a_port_that_nobody_listens_on_is_said(app: Channel) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}{PATH}"
    found = callback(url, app.verification_request, "callback", url)
    assert found.state is State.BROKEN
    assert "nothing listens there" in found.detail


def test_no_part_of_the_query_is_ever_said(platform: ScriptedServer, app: Channel) -> None:
    platform.on(PATH, Answer(status=500, body=b"boom"))
    platform.on(OWN, Answer(status=500, body=b"boom"))
    found = look(platform, app)
    assert "echostr" not in found.detail + found.cure
    assert "signature" not in found.detail + found.cure
