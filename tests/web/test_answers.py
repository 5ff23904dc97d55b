"""The page behind a reply that was too long for a chat, over HTTP."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import redis
from werkzeug.test import Client, TestResponse

from bot.knowledge.entries import Audience
from bot.knowledge.remote import IndexServer
from bot.links import DAY_S, ExpiredLink, ForgedLink, SourceLinks
from bot.web.app import create_app
from tests.web.library import BASE_URL, LINKS, web_services

TURN = "abcdefghijklmnopqrst"
NOW = 1_800_000_000.0


@dataclass
class Shelf:
    """Answers that are kept, by turn; ``client`` asks the web process."""

    client: Client
    answers: dict[str, str] = field(default_factory=dict)

    def open(self, turn: str = TURN, *, now: float | None = None, links: SourceLinks = LINKS) -> TestResponse:
        """Follow the link to the answer of ``turn``, made at ``now``."""
        url = links.answer_url(turn, Audience.PUBLIC, time.time() if now is None else now)
        return self.client.get(url.removeprefix(BASE_URL))


@pytest.fixture
def shelf(redis_client: "redis.Redis") -> Iterator[Shelf]:
    shelf = Shelf(create_app(web_services(redis_client)).test_client())
    owner = IndexServer(redis_client, {"answer": lambda wanted: shelf.answers.get(wanted["turn"])})
    owner.start()
    yield shelf
    owner.close()


def test_the_whole_answer_is_read(shelf: Shelf) -> None:
    shelf.answers[TURN] = "第一段。\n\n第二段 https://bot.example.com/source/abc#cited"
    page = shelf.open()
    assert (page.status_code, page.content_type) == (200, "text/html; charset=utf-8")
    assert '<p class="begins">第一段。</p>' in page.text
    link = '<a href="https://bot.example.com/source/abc#cited" rel="noopener noreferrer">第二段</a>'
    assert f'<p class="begins">{link}</p>' in page.text
    assert page.headers["Cache-Control"] == "private, no-store"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_lines_stand_as_they_were_written(shelf: Shelf) -> None:
    shelf.answers[TURN] = "要点：\n· 一\n· 二\n\n见 (https://bot.example.com/a) 。"
    page = shelf.open().text
    assert '<p class="begins">要点：</p>\n<p class="item">· 一</p>\n<p class="item">· 二</p>' in page
    assert '<p class="begins">见 (<a href="https://bot.example.com/a"' in page


def test_what_an_answer_says_is_no_html(shelf: Shelf) -> None:
    shelf.answers[TURN] = (
        '<script>alert(1)</script> javascript:alert(1)\n<b>名</b> https://a.example/"onclick="alert(1)'
    )
    page = shelf.open()
    assert "<script>" not in page.text
    assert "<b>" not in page.text
    assert 'onclick="' not in page.text
    assert 'href="javascript' not in page.text


@pytest.mark.parametrize(
    ("token", "status"), [("x" * 56, 404), ("short", 404), ("%2e%2e%2f", 404)], ids=["forged", "short", "odd"]
)
def test_a_link_that_we_never_made_opens_nothing(shelf: Shelf, token: str, status: int) -> None:
    assert shelf.client.get(f"/answer/{token}").status_code == status


def test_a_link_of_another_installation_opens_nothing(shelf: Shelf) -> None:
    shelf.answers[TURN] = "一"
    others = SourceLinks(b"another secret, just as long as ours", BASE_URL, 30 * DAY_S)
    assert shelf.open(links=others).status_code == 404


def test_a_link_ends_with_its_time_and_with_its_answer(shelf: Shelf) -> None:
    shelf.answers[TURN] = "一"
    assert shelf.open(now=time.time() - 31 * DAY_S).status_code == 410
    assert shelf.open("bbbbbbbbbbbbbbbbbbbb").status_code == 404


def test_a_link_is_its_own_kind() -> None:
    """Neither opens what the other is for."""
    answer = LINKS.answer_url(TURN, Audience.PUBLIC, NOW).rpartition("/")[2]
    assert LINKS.open_answer(answer, NOW) == TURN
    with pytest.raises(ForgedLink):
        LINKS.open(answer, NOW)
    with pytest.raises(ExpiredLink):
        LINKS.open_answer(answer, NOW + 30 * DAY_S)
    for position in (0, 20, 40, 55):
        other = "B" if answer[position] != "B" else "C"
        with pytest.raises(ForgedLink):
            LINKS.open_answer(answer[:position] + other + answer[position + 1 :], NOW)
