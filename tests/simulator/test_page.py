"""The chat page: its headers, and in a real browser that it shows, escapes and steers what it should."""

import re
from pathlib import Path

import pytest
import requests

from simulator import page
from simulator.platform import Platform
from simulator.rules import Rules
from simulator.server import SimulatorServer
from tests.simulator.bot_webhook import BotWebhook
from tests.simulator.browser import Browser
from tests.simulator.offices import office_settings
from tests.simulator.parties import Simulator, Webhook

_STATIC = Path(page.__file__).parent / "static"
_FILES = sorted(path.name for path in _STATIC.iterdir())
_KINDS = {"css": "text/css", "html": "text/html", "js": "text/javascript", "svg": "image/svg+xml"}
_LIGHT_BYTES = 70_000
_HOSTILE = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>&amp;"
_BUBBLES = "[...document.querySelectorAll('.bubble')]"


@pytest.fixture
def corp(office: Simulator) -> Simulator:
    """A corp with an app, a bot, three members and a group of them."""
    return office


@pytest.mark.parametrize("name", _FILES)
def test_files_come_with_a_strict_policy(idle_simulator: Simulator, name: str) -> None:
    path = "/" if name == "index.html" else f"/static/{name}"
    response = requests.get(idle_simulator.url + path, timeout=5)
    assert response.status_code == 200
    assert response.text == (_STATIC / name).read_text(encoding="utf-8")
    assert response.headers["Content-Type"].startswith(_KINDS[name.rpartition(".")[2]])
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
    assert '<script type="module" src="/static/main.js"></script>' in html
    assert html.count("<script") == 1
    assert "<style" not in html
    assert " style=" not in html
    assert " on" not in "".join(part.split(">")[0] for part in html.split("<"))
    assert 'src="http' not in html


def test_the_whole_page_is_light_on_its_way(idle_simulator: Simulator) -> None:
    paths = ["/", *(f"/static/{name}" for name in _FILES if name != "index.html")]
    with requests.Session() as session:
        sizes = [int(session.get(idle_simulator.url + path, timeout=5).headers["Content-Length"]) for path in paths]
    assert sum(sizes) < _LIGHT_BYTES
    plain = requests.get(f"{idle_simulator.url}/static/main.js", headers={"Accept-Encoding": "identity"}, timeout=5)
    assert "Content-Encoding" not in plain.headers


def test_every_switch_has_a_name_for_people() -> None:
    named = re.findall(r"^ {2}(\w+): \[\d+, ", (_STATIC / "switches.js").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(named) == sorted(Rules().to_json())


def test_a_conversation_in_a_browser(corp: Simulator, webhook: Webhook, browser: Browser) -> None:
    webhook.answer = lambda _received: (200, webhook.reply("请稍候"))
    browser.open(f"{corp.url}/#wang.fang/app")
    browser.wait_for("document.querySelector('#empty')?.checkVisibility()")
    assert browser.look("[...document.querySelectorAll('.member-name, .member-role')].map(n => n.textContent)") == [
        *("王芳", "医生"),
        *("张伟", "管理员"),
        *("李娜", "人工客服"),
    ]
    _write(browser, "在吗")
    browser.press("Enter")
    browser.wait_for("document.querySelector('li.mine .foot')?.textContent.includes('已送达')")
    assert browser.look("document.querySelector('#text').value") == ""
    browser.wait_for("document.querySelector('[data-via=passive] .bubble')?.textContent === '请稍候'")
    assert browser.look("document.querySelector('#live').textContent") == "影像学院小助手：请稍候"
    _write(browser, "第一行\n第二行")
    browser.look(
        "document.querySelector('#text').dispatchEvent("
        "new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true}))"
    )
    assert browser.look("document.querySelector('#text').value") == "第一行\n第二行"
    browser.press("Enter")
    browser.wait_for("document.querySelectorAll('li.mine').length === 2")
    assert len(webhook.wait_for(2)) == 2


def test_an_example_question_asks_and_the_failure_of_its_callback_is_told(
    corp: Simulator, webhook: Webhook, browser: Browser
) -> None:
    corp.rules(callback_retries=1)
    webhook.answer = lambda _received: (503, b"")
    browser.open(f"{corp.url}/?failure#wang.fang/app")
    browser.wait_for("document.querySelector('#empty')?.checkVisibility()")
    browser.look("document.querySelectorAll('#examples button')[1].click()")
    browser.wait_for("document.querySelector('.foot.bad')?.textContent === '失败，试了 2 次（HTTP 503）'")
    assert browser.look(f"{_BUBBLES}.map(bubble => bubble.textContent)") == ["/help"]


def test_what_people_write_is_never_markup(corp: Simulator, browser: Browser) -> None:
    corp.send(f'{_HOSTILE}\n<a href="javascript:alert(1)">甲</a> <a href="https://example.com/a?b=1">乙</a>')
    markdown = (
        "## 标题\n> 依据 [1]\n**粗** `<b>` [好](https://example.com) [坏](javascript:alert`1`)\n"
        f'<font color="warning">当心 **很**</font> <font color="red">红</font>\n{_HOSTILE}\n- 一'
    )
    corp.send(msgtype="markdown", markdown={"content": markdown})
    browser.open(f"{corp.url}/?escapes#wang.fang/app")
    browser.wait_for("document.querySelectorAll('.bubble').length === 2")
    assert browser.look("document.querySelectorAll('.bubble img, .bubble script').length") == 0
    assert "broken" not in browser.look("document.title")
    text = browser.look("document.querySelectorAll('.bubble')[0].textContent")
    assert text == f'{_HOSTILE}\n<a href="javascript:alert(1)">甲</a> 乙'
    assert _links(browser) == [
        ["乙", "https://example.com/a?b=1", "noopener noreferrer", "_blank"],
        ["好", "https://example.com/", "noopener noreferrer", "_blank"],
    ]
    shown = browser.look("document.querySelectorAll('.bubble')[1].innerHTML")
    for piece in (
        "<h3>标题</h3>",
        "<blockquote>依据 [1]</blockquote>",
        "<strong>粗</strong> <code>&lt;b&gt;</code>",
        "[坏](javascript:alert`1`)",
        '<span class="warning">当心 <strong>很</strong></span> &lt;font color="red"&gt;红&lt;/font&gt;',
        "<p>- 一</p>",
    ):
        assert piece in shown


def test_citations_lead_to_their_sources(corp: Simulator, browser: Browser) -> None:
    source = '[1] <a href="https://example.com/1">说明书</a>（第 3 页）'
    corp.send(f"等渗 [1]，见 [7]。\n\n来源\n{source}")
    browser.open(f"{corp.url}/?sources#wang.fang/app")
    browser.wait_for("document.querySelectorAll('.cite').length === 1")
    assert browser.look("document.querySelector('.bubble').innerText.startsWith('等渗')")
    assert browser.look("document.querySelector('.cite').textContent") == "[1]"
    assert browser.look("document.querySelector('.sources').textContent") == "来源"
    assert browser.look("document.querySelector('.source').innerText.replace(/\\s/g, '')") == "1说明书（第3页）"
    browser.look("document.querySelector('.cite').click()")
    assert browser.look("document.querySelector('.source').classList.contains('flash')")


def test_a_mention_is_picked_and_reaches_the_bot(corp: Simulator, bot: BotWebhook, browser: Browser) -> None:
    browser.open(f"{corp.url}/?mention#wang.fang/group/imaging")
    browser.wait_for("document.querySelector('#title')?.textContent === '影像学院交流群'")
    _write(browser, "请 @")
    assert browser.look("[...document.querySelectorAll('#picker li span:last-of-type')].map(n => n.textContent)") == [
        "影像机器人",
        "张伟",
        "李娜",
    ]
    browser.press("ArrowDown")
    browser.press("ArrowUp")
    browser.press("Enter")
    assert browser.look("document.querySelector('#text').value") == "请 @影像机器人 "
    assert browser.look("document.querySelector('#picker').hidden")
    browser.type("看看")
    browser.press("Enter")
    browser.wait_for("document.querySelector('li.mine .mention')?.textContent === '@影像机器人'")
    assert bot.messages(1)[0]["text"]["content"] == "请 @影像机器人 看看"
    _write(browser, "谢谢")
    browser.press("Enter")
    browser.wait_for("document.querySelectorAll('li.mine')[1]?.innerText.includes('机器人收不到这一条')")


def test_a_stream_is_written_in_place(corp: Simulator, bot: BotWebhook, browser: Browser) -> None:
    corp.rules(stream_poll_s=0.02)
    bot.stream("1. 先")
    browser.open(f"{corp.url}/?stream#wang.fang/group/imaging")
    browser.wait_for("document.querySelector('#title')?.textContent === '影像学院交流群'")
    _write(browser, "@影像机器人 问")
    browser.press("Enter")
    browser.wait_for("document.querySelector('.streaming .caret') !== null")
    assert browser.look("document.querySelector('.streaming li').textContent") == "先"
    rich = (
        f"1. 先\n   - [好](https://example.com) [坏](javascript:alert(1))\n2. 后\n\n{_HOSTILE}\n\n"
        "| 甲 | 乙 |\n| --- | ---: |\n| **1** | 2 |\n\n```\n<b>码</b>\n```\n> 引 *斜*"
    )
    bot.stream(rich, finish=True)
    browser.wait_for("document.querySelector('li.theirs table') !== null && !document.querySelector('.streaming')")
    assert browser.look("document.querySelectorAll('li.theirs').length") == 1
    assert browser.look("document.querySelectorAll('.bubble img, .bubble script, .caret').length") == 0
    assert _links(browser) == [["好", "https://example.com/", "noopener noreferrer", "_blank"]]
    shown = browser.look("document.querySelector('li.theirs .bubble').innerHTML")
    for piece in (
        '<ol start="1"><li><p>先</p><ul><li><p><a href="https://example.com"',
        "[坏](javascript:alert(1))",
        "</li></ul></li><li><p>后</p></li></ol>",
        '<td><strong>1</strong></td><td class="right">2</td>',
        "<code>&lt;b&gt;码&lt;/b&gt;</code>",
        "<blockquote><p>引 <em>斜</em></p></blockquote>",
    ):
        assert piece in shown


def test_a_quote_is_shown_and_sent(corp: Simulator, bot: BotWebhook, browser: Browser) -> None:
    corp.says("渗透压是多少", member="zhang.wei", chat="imaging")
    browser.open(f"{corp.url}/?quote#wang.fang/group/imaging")
    browser.wait_for("document.querySelectorAll('li.theirs').length === 1")
    assert browser.look("document.querySelector('li.theirs .name').textContent") == "张伟"
    browser.look("document.querySelector('[aria-label=引用]').click()")
    assert browser.look("document.querySelector('#quote-words').textContent") == "张伟 渗透压是多少"
    browser.type("@影像机器人 请答")
    browser.press("Enter")
    browser.wait_for("document.querySelector('li.mine .quoted')?.textContent === '张伟 渗透压是多少'")
    assert browser.look("document.querySelector('#quote').hidden")
    assert bot.messages(1)[0]["quote"] == {"msgtype": "text", "text": {"content": "渗透压是多少"}}


def test_another_member_is_told_of_and_played(corp: Simulator, browser: Browser) -> None:
    browser.open(f"{corp.url}/?members#wang.fang/app")
    browser.wait_for("document.querySelector('#empty')?.checkVisibility()")
    corp.send("工单 12", touser="li.na")
    browser.wait_for("document.querySelector('#toast')?.textContent.includes('李娜（人工客服）收到：工单 12')")
    assert browser.look("document.querySelector('[data-member=\"li.na\"] .badge').textContent") == "1 条未读"
    assert browser.look("document.querySelectorAll('.bubble').length") == 0
    browser.look("document.querySelector('#toast button').click()")
    browser.wait_for("document.querySelector('.bubble')?.textContent === '工单 12'")
    assert browser.look("location.hash") == "#li.na/app"
    browser.look("document.querySelector('[data-member=\"wang.fang\"]').click()")
    browser.wait_for("document.querySelector('#me').textContent === '王芳 · 医生'")
    assert browser.look("document.querySelector('[data-member=\"li.na\"] .badge')") is None
    corp.send("给王芳的")
    browser.wait_for("document.querySelector('.bubble')?.textContent === '给王芳的'")


def test_the_panel_shows_the_traffic_and_steers(corp: Simulator, webhook: Webhook, browser: Browser) -> None:
    browser.open(f"{corp.url}/?panel#wang.fang/app")
    browser.wait_for("document.querySelector('#empty')?.checkVisibility()")
    browser.look("document.querySelector('#panel-toggle').click()")
    corp.says("看得见吗")
    browser.wait_for("document.querySelector('#trace [class=kind-callback]') !== null")
    browser.look("document.querySelector('#trace summary').click()")
    decrypted = browser.wait_for("document.querySelector('#trace pre')?.textContent")
    assert re.search(r"^  <Content>.*看得见吗.*</Content>$", decrypted, re.MULTILINE)
    browser.look("document.querySelector('[data-tab=faults]').click()")
    browser.wait_for("document.querySelector('#armed-empty')?.checkVisibility()")
    browser.look("[...document.querySelectorAll('.fault')].find(b => b.textContent.startsWith('限频')).click()")
    browser.wait_for("document.querySelector('#armed')?.textContent === '应用发消息：限频 ×1'")
    assert corp.errcode("受限") == 45009
    browser.look("document.querySelector('[data-tab=rules]').click()")
    browser.wait_for("document.querySelector('[name=callback_retries]') !== null")
    browser.look(
        "(input => { input.value = '7'; input.dispatchEvent(new Event('change')); })"
        "(document.querySelector('[name=callback_retries]'))"
    )
    browser.wait_for("fetch('/_sim/rules').then(answer => answer.json()).then(rules => rules.callback_retries === 7)")
    assert len(webhook.received) == 1


def test_a_pasted_picture_is_sent(corp: Simulator, webhook: Webhook, browser: Browser) -> None:
    browser.open(f"{corp.url}/?picture#wang.fang/app")
    browser.wait_for("document.querySelector('#empty')?.checkVisibility()")
    browser.look(
        "new Promise(done => document.createElement('canvas').toBlob(done)).then(blob => {"
        " const data = new DataTransfer();"
        " data.items.add(new File([blob], '片子.png', {type: 'image/png'}));"
        " document.querySelector('#text').dispatchEvent(new ClipboardEvent('paste', {clipboardData: data}));"
        " document.querySelector('#text').focus(); })"
    )
    browser.wait_for("document.querySelector('.attachment img')?.naturalWidth > 0")
    browser.press("Enter")
    browser.wait_for("document.querySelector('li.mine .picture img')?.naturalWidth > 0")
    assert browser.look("document.querySelector('li.mine img').alt") == "片子.png"
    assert browser.look("document.querySelectorAll('.attachment').length") == 0
    assert "<MediaId>" in webhook.wait_for(1)[0].plain


def test_on_a_phone_the_list_leads_to_the_chat_and_back(corp: Simulator, browser: Browser) -> None:
    browser.resize(390, 844)
    browser.open(f"{corp.url}/?phone")
    browser.wait_for("document.querySelectorAll('.chat-button').length === 3")
    assert not browser.look("document.querySelector('#chat').checkVisibility()")
    assert browser.look("document.documentElement.scrollWidth") == 390
    browser.look("document.querySelector('[data-key=app]').click()")
    browser.wait_for("document.querySelector('#chat').checkVisibility()")
    assert not browser.look("document.querySelector('#chats').checkVisibility()")
    assert browser.look("parseFloat(getComputedStyle(document.querySelector('#text')).fontSize)") >= 16
    browser.look("document.querySelector('#back').click()")
    browser.wait_for("document.querySelector('#chats').checkVisibility()")


def test_a_lost_simulator_is_told_and_found_again(browser: Browser) -> None:
    def serve(port: int = 0) -> SimulatorServer:
        return SimulatorServer(Platform(office_settings("http://127.0.0.1:9/app", "http://127.0.0.1:9/bot")), port=port)

    with serve() as first:
        port = int(first.url.rpartition(":")[2])
        browser.open(f"{first.url}/#wang.fang/app")
        browser.wait_for("document.querySelector('#empty')?.checkVisibility()")
    browser.wait_for("document.querySelector('#lost')?.checkVisibility()")
    with serve(port) as second:
        browser.wait_for("!document.querySelector('#lost')?.checkVisibility()")
        Simulator(second.url).send("又见面了")
        browser.wait_for("document.querySelector('.bubble')?.textContent === '又见面了'")


def _write(browser: Browser, words: str) -> None:
    browser.look("document.querySelector('#text').focus()")
    browser.type(words)


def _links(browser: Browser) -> list[list[str]]:
    links: list[list[str]] = browser.look(
        "[...document.querySelectorAll('.bubble a')].map(a => [a.textContent, a.href, a.rel, a.target])"
    )
    return links
