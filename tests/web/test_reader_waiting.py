"""Readers while the process that owns the knowledge is slow, broken or away."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import redis

from bot.knowledge.entries import Audience
from bot.knowledge.remote import REQUESTS, IndexServer
from bot.web.app import create_app
from tests.web.library import BASE_URL, LINKS, web_services

ENTRY = "0b2f4d3e-91aa-5c1d-8e77-4f6a2b9c0d11"


def path(now: float | None = None) -> str:
    url = LINKS.url_for(ENTRY, Audience.PUBLIC, "academy", time.time() if now is None else now)
    return url.removeprefix(BASE_URL)


def test_a_bad_link_is_refused_before_anything_is_asked(redis_client: "redis.Redis") -> None:
    client = create_app(web_services(redis_client)).test_client()
    assert client.get("/source/forged").status_code == 404
    assert client.get(path(now=0)).status_code == 410
    assert redis_client.llen(REQUESTS) == 0


def test_while_the_owner_fails_the_reader_is_asked_to_come_again(redis_client: "redis.Redis", redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as own:
        owner = IndexServer(own, {"read": lambda _arguments: 1 / 0})
        owner.start()
        client = create_app(web_services(redis_client)).test_client()
        page = client.get(path())
        owner.close()
    assert (page.status_code, page.headers["Retry-After"]) == (503, "5")
    assert "暂时打不开" in page.text


def test_without_an_owner_the_reader_waits_no_longer_than_the_deadline(redis_client: "redis.Redis") -> None:
    client = create_app(web_services(redis_client)).test_client()
    started = time.monotonic()
    page = client.get(path())
    assert page.status_code == 503
    assert 4.5 < time.monotonic() - started < 20


def test_readers_never_take_all_threads_of_the_web_process(redis_client: "redis.Redis", redis_url: str) -> None:
    answering, asked = threading.Event(), threading.Semaphore(0)

    def slow(_arguments: dict[str, object]) -> None:
        asked.release()
        assert answering.wait(10)

    with redis.Redis.from_url(redis_url) as own:
        owner = IndexServer(own, {"read": slow})
        owner.start()
        app = create_app(web_services(redis_client, at_once=2))

        def follow() -> int:
            return app.test_client().get(path()).status_code

        with ThreadPoolExecutor(2) as pool:
            waiting = [pool.submit(follow) for _ in range(2)]
            assert asked.acquire(timeout=10)
            assert asked.acquire(timeout=10)
            assert follow() == 503
            assert redis_client.llen(REQUESTS) == 0, "nobody was asked, so nobody was waited for"
            answering.set()
            assert [each.result(10) for each in waiting] == [404, 404]
        assert follow() == 404
        owner.close()
