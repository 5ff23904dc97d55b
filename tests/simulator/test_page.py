"""The chat page: its headers, and in a real browser that it shows and escapes what was written."""

import os
from collections.abc import Iterator

import pytest
import requests

from tests.simulator.browser import Browser, find_chromium
from tests.simulator.parties import Simulator, Webhook

_HOSTILE = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>&amp;"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium; without one the test is skipped loudly, or fails where ``REQUIRE_BROWSER`` is set."""
    executable = find_chromium()
    if executable is None:
        if os.environ.get("REQUIRE_BROWSER"):  # noqa: TID251 -- the switch of the whole suite's browser tests
            pytest.fail("REQUIRE_BROWSER is set and there is no chromium")
        pytest.skip("NO CHROMIUM FOUND: the chat page is not tested in a browser")
    with Browser(executable, tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html"),
        ("/static/chat.js", "text/javascript"),
        ("/static/render.js", "text/javascript"),
        ("/static/chat.css", "text/css"),
        ("/static/icon.svg", "image/svg+xml"),
    ],
)
def test_files_come_with_a_strict_policy(idle_simulator: Simulator, path: str, kind: str) -> None:
    response = requests.get(idle_simulator.url + path, timeout=5)
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith(kind)
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self';" in policy
    assert "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/static/../server.py", "/static/%2e%2e/server.py", "/static/nothing.js"])
def test_nothing_else_is_served(idle_simulator: Simulator, path: str) -> None:
    request = requests.Request("GET", idle_simulator.url).prepare()
    request.url = idle_simulator.url + path
    with requests.Session() as session:
        assert session.send(request, timeout=5).status_code == 404


def test_the_page_has_nothing_inline_and_nothing_from_elsewhere(idle_simulator: Simulator) -> None:
    html = requests.get(idle_simulator.url, timeout=5).text
    assert '<script type="module" src="/static/chat.js"></script>' in html
    assert html.count("<script") == 1
    assert "<style" not in html
    assert " style=" not in html
    assert " on" not in "".join(part.split(">")[0] for part in html.split("<"))
    assert 'src="http' not in html


def test_a_conversation_in_a_browser(simulator: Simulator, webhook: Webhook, browser: Browser) -> None:
    webhook.answer = lambda _received: (200, webhook.reply("请稍候"))
    browser.open(f"{simulator.url}/#wang.fang")
    assert browser.wait_for("document.querySelector('#empty')?.checkVisibility()")
    assert browser.look("[...document.querySelectorAll('#member option')].map(o => o.textContent)") == [
        "王芳（医生）",
        "张伟（管理员）",
        "李娜（人工客服）",
    ]
    browser.look("document.querySelector('#text').focus()")
    browser.type("在吗")
    browser.press_enter()
    browser.wait_for("document.querySelector('li.mine .foot')?.textContent.includes('已送达')")
    assert browser.look("document.querySelector('#text').value") == ""
    browser.wait_for("document.querySelector('[data-via=passive] .bubble')?.textContent === '请稍候'")
    browser.look("document.querySelectorAll('#examples button')[1].click()")
    browser.wait_for(
        "[...document.querySelectorAll('li.mine .bubble')].map(b => b.textContent).join() === '在吗,/help'"
    )
    assert len(webhook.wait_for(2)) == 2
    simulator.send("给李娜的", touser="li.na")
    browser.open(f"{simulator.url}/#li.na")
    browser.wait_for("document.querySelector('#messages')?.innerText.includes('给李娜的')")
    assert not browser.look("document.querySelector('#messages').innerText.includes('在吗')")


def test_what_people_write_is_never_markup(simulator: Simulator, browser: Browser) -> None:
    simulator.send(f'{_HOSTILE}\n<a href="javascript:alert(1)">甲</a> <a href="https://example.com/a?b=1">乙</a>')
    markdown = (
        "## 标题\n> 依据 [1]\n**粗** `<b>` [好](https://example.com) [坏](javascript:alert`1`)\n"
        f'<font color="warning">当心 **很**</font> <font color="red">红</font>\n{_HOSTILE}\n- 一'
    )
    simulator.send(msgtype="markdown", markdown={"content": markdown})
    browser.open(f"{simulator.url}/?escapes#wang.fang")
    browser.wait_for("document.querySelectorAll('.bubble').length === 2")
    assert browser.look("document.querySelectorAll('.bubble img, .bubble script').length") == 0
    assert "broken" not in browser.look("document.title")
    text = browser.look("document.querySelectorAll('.bubble')[0].textContent")
    assert text == f'{_HOSTILE}\n<a href="javascript:alert(1)">甲</a> 乙'
    links = browser.look("[...document.querySelectorAll('.bubble a')].map(a => [a.textContent, a.href, a.rel])")
    assert links == [
        ["乙", "https://example.com/a?b=1", "noopener noreferrer"],
        ["好", "https://example.com/", "noopener noreferrer"],
    ]
    shown = browser.look("document.querySelectorAll('.bubble')[1].innerHTML")
    for piece in (
        '<h2 class="big">标题</h2>',
        "<blockquote>依据 [1]</blockquote>",
        "<strong>粗</strong> <code>&lt;b&gt;</code>",
        "[坏](javascript:alert`1`)",
        '<span class="warning">当心 <strong>很</strong></span> &lt;font color="red"&gt;红&lt;/font&gt;',
        "<p>- 一</p>",
    ):
        assert piece in shown
