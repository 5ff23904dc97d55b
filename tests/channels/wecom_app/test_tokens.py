"""One token for all processes: fetched once, dropped once, and never asked for in anger."""

import hashlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.channel import Refused, Retry
from channels.wecom.client import WeComClient
from channels.wecom.tokens import TokenStore
from channels.wecom.transport import Deadline
from tests.channels.wecom_app.conftest import CORP_ID, SECRET, TOKEN_PATH, Installation, issue_tokens
from tests.fakes.scripted_http import Answer, Cut, Recorded, Scripted, reply


def store_of(here: Installation, secret: str = SECRET) -> TokenStore:
    return TokenStore(WeComClient(here.http, here.platform.url), here.redis, CORP_ID, secret)


def within(seconds: float = 5.0) -> Deadline:
    return Deadline(time.time() + seconds, time.time)


def key_of(here: Installation, what: str) -> str:
    digest = hashlib.sha256("\0".join((here.platform.url, CORP_ID, SECRET)).encode()).hexdigest()
    return f"wecom:{{{digest}}}:{what}"


def in_eight_threads(call: Callable[[], str]) -> list[str]:
    """The results of eight calls that begin together; an error is named by its class and code."""
    barrier = threading.Barrier(8)

    def run(_: int) -> str:
        barrier.wait()
        try:
            return call()
        except (Refused, Retry) as error:
            return f"{type(error).__name__} {error.code}"

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(run, range(8)))


def test_the_request_and_the_shared_key(here: Installation) -> None:
    assert store_of(here).get(within()) == "token-1"
    (request,) = here.platform.to(TOKEN_PATH)
    assert (request.method, request.query) == ("GET", {"corpid": CORP_ID, "corpsecret": SECRET})
    assert here.redis.get(key_of(here, "token")) == b"token-1"
    assert 7200 - 70 < here.redis.ttl(key_of(here, "token")) <= 7200 - 60
    assert not here.redis.exists(key_of(here, "fetch"))


def test_eight_askers_cause_one_fetch(here: Installation) -> None:
    issue = issue_tokens()
    here.platform.on(TOKEN_PATH, lambda request: _slowly(issue(request)))
    assert in_eight_threads(lambda: store_of(here).get(within())) == ["token-1"] * 8
    assert here.token_fetches == 1


def _slowly(answer: Answer) -> Answer:
    return Answer(body=answer.body, delay_s=0.2)


def test_a_token_dead_under_eight_senders_is_fetched_once(here: Installation) -> None:
    tokens = store_of(here)
    dead = tokens.get(within())

    def replace() -> str:
        tokens.invalidate(dead)
        return tokens.get(within())

    assert in_eight_threads(replace) == ["token-2"] * 8
    assert here.token_fetches == 2


def test_only_the_token_that_failed_is_dropped(here: Installation) -> None:
    tokens = store_of(here)
    assert tokens.get(within()) == "token-1"
    tokens.invalidate("token-0")
    assert tokens.get(within()) == "token-1"
    assert here.token_fetches == 1


def test_a_dead_token_that_is_handed_out_again_is_not_fetched_in_a_circle(here: Installation) -> None:
    here.platform.on(TOKEN_PATH, reply({"errcode": 0, "access_token": "same", "expires_in": 7200}))
    tokens = store_of(here)
    for _ in range(5):
        tokens.invalidate(tokens.get(within()))
    assert here.token_fetches == 2


@pytest.mark.parametrize("code", [40001, 40013, 40091])
def test_a_refused_secret_is_not_tried_again_for_a_minute(here: Installation, code: int) -> None:
    here.platform.on(TOKEN_PATH, reply({"errcode": code, "errmsg": "no"}))
    assert in_eight_threads(lambda: store_of(here).get(within())) == ["TokenRefused token_refused"] * 8
    with pytest.raises(Refused) as caught:
        here.say()
    assert (caught.value.code, caught.value.alert) == ("token_refused", True)
    assert here.token_fetches == 1
    assert 50 < here.redis.ttl(key_of(here, "cooldown")) <= 60
    here.platform.on(TOKEN_PATH, issue_tokens())
    assert store_of(here, "another secret").get(within()) == "token-1"
    here.redis.delete(key_of(here, "cooldown"))
    assert store_of(here).get(within()) == "token-2"


def test_a_banned_address_waits_without_asking(here: Installation) -> None:
    here.platform.on(TOKEN_PATH, reply({"errcode": 45009}))
    for _ in range(3):
        with pytest.raises(Retry, match="token_45009") as caught:
            here.say()
        assert caught.value.after_s > 50
    assert here.token_fetches == 1


@pytest.mark.parametrize(
    ("scripted", "code"),
    [
        (Cut(), "token_connection_lost"),
        (Answer(status=502), "token_http_502"),
        (reply({"errcode": 40001}, status=502), "token_http_502"),
        (Answer(body=b"<html>"), "token_http_200"),
        (reply({"errcode": -1}), "token_-1"),
        (reply({"errcode": 0, "expires_in": 7200}), "token_malformed"),
        (reply({"errcode": 0, "access_token": "t" * 513, "expires_in": 7200}), "token_malformed"),
        (reply({"errcode": 0, "access_token": "汉", "expires_in": 7200}), "token_malformed"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_trouble_while_fetching_sends_nothing_and_holds_nobody_up(
    here: Installation, scripted: Scripted, code: str
) -> None:
    here.platform.on(TOKEN_PATH, scripted, issue_tokens())
    with pytest.raises(Retry) as caught:
        here.say()
    assert caught.value.code == code
    assert here.sent == []
    here.say()
    assert len(here.sent) == 1


def test_a_connection_cut_before_anything_is_read_is_tried_again(here: Installation) -> None:
    here.platform.cut_next_connections(1)
    with pytest.raises(Retry, match="token_connection_lost"):
        here.say()
    assert here.platform.requests == []
    here.say()


@pytest.mark.parametrize(
    ("expires_in", "kept_s"), [(7200, 7140), (90, 45), (1, 1), (None, 1), ("7200", 1), (10**9, 86_340)]
)
def test_a_token_is_kept_as_long_as_it_is_surely_good(here: Installation, expires_in: object, kept_s: int) -> None:
    here.platform.on(TOKEN_PATH, reply({"errcode": 0, "access_token": "t", "expires_in": expires_in}))
    store_of(here).get(within())
    assert kept_s * 1000 - 500 < here.redis.pttl(key_of(here, "token")) <= kept_s * 1000


def test_a_fetcher_that_died_is_replaced_when_its_time_is_over(here: Installation) -> None:
    here.redis.set(key_of(here, "fetch"), "a process that was killed", px=200)
    assert store_of(here).get(within()) == "token-1"


def test_waiting_for_another_fetcher_ends_at_the_deadline(here: Installation) -> None:
    here.redis.set(key_of(here, "fetch"), "a process that is frozen", px=60_000)
    with pytest.raises(Retry, match="token_timeout"):
        store_of(here).get(within(0.1))
    assert here.token_fetches == 0


def test_an_overtaken_fetcher_does_not_store_its_token(here: Installation) -> None:
    def overtaken(_: Recorded) -> Answer:
        here.redis.set(key_of(here, "fetch"), "a later fetcher")
        return reply({"errcode": 0, "access_token": "late", "expires_in": 7200})

    here.platform.on(TOKEN_PATH, overtaken)
    assert store_of(here).get(within()) == "late"
    assert not here.redis.exists(key_of(here, "token"))
