"""The page behind a verification link, over HTTP."""

import time

import pytest
import redis
from werkzeug.test import Client

from bot.identity.codes import code_in, new_code
from bot.identity.links import VerificationLinks
from bot.links import ExpiredLink, ForgedLink
from bot.web.app import create_app
from tests.web.library import BASE_URL, LINKS, VERIFICATION, web_services

NOW = 1_800_000_000.0
CODE = new_code()


@pytest.fixture
def web(redis_client: "redis.Redis") -> Client:
    return create_app(web_services(redis_client)).test_client()


def path(links: VerificationLinks = VERIFICATION, *, life_s: float = 60.0) -> str:
    return links.url_for(CODE, time.time() + life_s).removeprefix(BASE_URL)


def test_the_page_shows_the_words_that_bind_and_binds_nobody(web: Client) -> None:
    page = web.get(path())
    assert (page.status_code, page.content_type) == (200, "text/html; charset=utf-8")
    assert f'<p class="code">绑定 {CODE}</p>' in page.text
    assert code_in(f"绑定 {CODE}") == CODE
    assert page.headers["Cache-Control"] == "private, no-store"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    english = web.get(path(), headers={"Accept-Language": "en"}).text
    assert f'<p class="code">verify {CODE}</p>' in english
    assert web.get(path()).status_code == 200, "opening it uses nothing up"
    assert web.post(path()).status_code == 405


def test_a_link_ends_with_its_code_and_only_ours_open(web: Client) -> None:
    assert web.get(path(life_s=-1)).status_code == 410
    others = VerificationLinks(b"another secret, just as long as ours", BASE_URL)
    assert web.get(path(others)).status_code == 404
    for token in ("x" * 40, "short", "%2e%2e%2f"):
        assert web.get(f"/verify/{token}").status_code == 404


def test_a_link_is_its_own_kind_and_every_character_counts() -> None:
    token = VERIFICATION.url_for(CODE, NOW).rpartition("/")[2]
    assert VERIFICATION.open(token, NOW - 1) == CODE
    with pytest.raises(ExpiredLink):
        VERIFICATION.open(token, NOW)
    for open_ in (LINKS.open, LINKS.open_answer):
        with pytest.raises(ForgedLink):
            open_(token, NOW - 1)
    for position in (0, 15, 25, 39):
        other = "B" if token[position] != "B" else "C"
        with pytest.raises(ForgedLink):
            VERIFICATION.open(token[:position] + other + token[position + 1 :], NOW - 1)
