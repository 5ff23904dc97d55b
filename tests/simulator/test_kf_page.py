"""Customer service on the page: a customer's WeChat and a servicer's desk, both live, in a real browser."""

from collections.abc import Iterator

import pytest

from tests.simulator.browser import Browser
from tests.simulator.kf_desk import CHEN, KF, LIN, OTHER_KF, Desk, kf_settings, serve_kf
from tests.simulator.media_files import png
from tests.simulator.parties import Clock, Simulator, Webhook

_HOSTILE = "<img src=x onerror=\"document.title='broken'\">"


@pytest.fixture
def firm(clock: Clock, webhook: Webhook) -> Iterator[Desk]:
    """A corp with an app and customer service."""
    with serve_kf(kf_settings(webhook.url, webhook.url), clock) as server:
        running = Desk(server.url)
        running.rules(kf_send_fail_after_s=0, kf_tokenless_per_minute=1000)
        yield running


def _open(browser: Browser, desk: Desk, *, customer: str = CHEN, servicer: str = "li.na", account: str = KF) -> None:
    browser.open("about:blank")
    browser.open(f"{desk.url}/#~kf/{customer}/{account}/{servicer}")
    browser.wait_for("document.querySelector('#phone-title')?.checkVisibility !== undefined")
    browser.wait_for(f"document.querySelector('[data-customer=\"{customer}\"]')?.ariaPressed === 'true'")


def _type(browser: Browser, side: str, words: str) -> None:
    browser.look(f"document.querySelector('#{side}-text').focus()")
    browser.type(words)
    browser.press("Enter")


def _click(browser: Browser, scope: str, words: str) -> None:
    browser.wait_for(f"[...document.querySelectorAll('{scope} button')].some(one => one.textContent === '{words}')")
    browser.look(f"[...document.querySelectorAll('{scope} button')].find(one => one.textContent === '{words}').click()")


def test_the_tab_leads_to_customer_service_and_back(firm: Desk, browser: Browser) -> None:
    browser.open(f"{firm.url}/?tabs#li.na/app")
    browser.wait_for("document.querySelector('#title')?.textContent === '企业应用'")
    assert not browser.look("document.querySelector('#kf').checkVisibility()")
    browser.look("document.querySelector('#mode-kf').click()")
    browser.wait_for("document.querySelector('.phone')?.checkVisibility()")
    assert not browser.look("document.querySelector('#chat').checkVisibility()")
    names = "[...document.querySelectorAll('#customers .member-name')].map(one => one.textContent)"
    assert browser.look(names) == ["陈医生", "小林"]
    assert browser.look("document.querySelector('#mode-kf').ariaCurrent") == "page"
    browser.look("document.querySelector('#mode-corp').click()")
    browser.wait_for("document.querySelector('#chat').checkVisibility()")
    assert browser.look("document.querySelector('#title').textContent") == "企业应用"


def test_without_customer_service_there_is_no_tab(office: Simulator, browser: Browser) -> None:
    browser.open(f"{office.url}/?none#~kf")
    browser.wait_for(
        "document.querySelector('#chat')?.checkVisibility() && document.querySelector('#title').textContent"
    )
    assert not browser.look("document.querySelector('#modes').checkVisibility()")


def test_with_nothing_else_the_page_is_customer_service(desk: Desk, browser: Browser) -> None:
    browser.open(f"{desk.url}/?alone")
    browser.wait_for("document.querySelector('.phone')?.checkVisibility()")
    assert not browser.look("document.querySelector('#modes').checkVisibility()")


def test_a_customer_comes_in_and_writes(firm: Desk, browser: Browser) -> None:
    _open(browser, firm)
    browser.look("document.querySelector('#phone-enter').click()")
    browser.wait_for("document.querySelector('#desk-messages .event')?.textContent.includes('陈医生打开了会话')")
    _type(browser, "phone", f"{_HOSTILE} 渗透压")
    browser.wait_for("document.querySelector('#phone-messages .mine .foot')?.textContent === '等机器人来拉取'")
    firm.pulls()
    browser.wait_for("document.querySelector('#phone-messages .mine .foot')?.textContent === '机器人已拉取'")
    assert browser.look("document.querySelector('#phone-messages .bubble').textContent") == f"{_HOSTILE} 渗透压"
    assert browser.look("document.querySelectorAll('.kf .bubble img').length") == 0
    assert browser.look("document.querySelector('#desk-head .kf-state').textContent") == "新会话"
    assert browser.look("document.querySelector('#phone-text').value") == ""


def test_a_menu_is_pressed(firm: Desk, browser: Browser) -> None:
    firm.writes()
    item = {"type": "click", "click": {"id": "7", "content": "外渗怎么处理"}}
    firm.sends(msgtype="msgmenu", msgmenu={"head_content": "您想问？", "list": [item]})
    _open(browser, firm)
    _click(browser, "#phone-messages", "外渗怎么处理")
    browser.wait_for("document.querySelectorAll('#phone-messages .mine').length === 2")
    assert firm.pulls()[-1]["text"] == {"content": "外渗怎么处理", "menu_id": "7"}
    assert browser.look("document.querySelectorAll('#desk-messages .kf-items button').length") == 0


def test_a_servicer_takes_answers_and_ends(firm: Desk, browser: Browser) -> None:
    firm.writes("转人工")
    firm.moves(2)
    _open(browser, firm)
    browser.wait_for("document.querySelector('#pool-count')?.textContent === '1'")
    assert browser.look("document.querySelector('#desk-text').disabled")
    _click(browser, "#desk-head", "接入")
    browser.wait_for("!document.querySelector('#desk-text').disabled")
    _type(browser, "desk", "您好，我是李娜")
    browser.wait_for("document.querySelector('#phone-messages .theirs')?.textContent.includes('您好，我是李娜')")
    assert browser.look("document.querySelector('#desk-messages .mine .name').textContent") == "李娜"
    _click(browser, "#desk-head", "结束会话")
    browser.wait_for("document.querySelector('#phone-messages .event:last-child')?.textContent === '会话已结束'")
    assert browser.look("document.querySelector('#pool-count').hidden")
    assert firm.state() == (4, "")
    _click(browser, "#desk-head", "重新接入")
    browser.wait_for("document.querySelector('#desk-head .kf-state').textContent === '人工接待'")


def test_a_session_is_handed_to_a_colleague(firm: Desk, browser: Browser) -> None:
    firm.writes()
    firm.moves(3, servicer_userid="li.na")
    _open(browser, firm)
    browser.wait_for("document.querySelector('[aria-label=转给谁]') !== null")
    browser.look(
        "(to => { to.value = 'zhang.wei'; to.dispatchEvent(new Event('change')); })"
        "(document.querySelector('[aria-label=转给谁]'))"
    )
    browser.wait_for("document.querySelector('#desk-list h3')?.textContent.startsWith('同事接待')")
    assert firm.state() == (3, "zhang.wei")
    assert browser.look("document.querySelector('#desk-text').disabled")


def test_what_failed_shows_on_the_desk_and_not_on_the_phone(firm: Desk, browser: Browser) -> None:
    firm.writes()
    firm.call("POST", "/_sim/kf/refuse", customer=CHEN, on=True)
    firm.sends("没有人看到")
    _open(browser, firm)
    browser.wait_for("document.querySelector('#desk-messages .foot.bad')?.textContent === '没有送达：客户拒收'")
    assert "没有人看到" not in browser.look("document.querySelector('.phone').textContent")


def test_a_servicer_goes_away(firm: Desk, browser: Browser) -> None:
    _open(browser, firm)
    browser.look(
        "(status => { status.value = 'away'; status.dispatchEvent(new Event('change')); })"
        "(document.querySelector('#servicer-status'))"
    )
    browser.wait_for(
        "fetch('/_sim/kf/config').then(one => one.json()).then(config => config.accounts[0].servicers[0].status === 1)"
    )
    browser.wait_for("document.querySelector('#servicer-status').value === 'away'")
    assert [event["stop_type"] for event in firm.events("servicer_status_change")] == [1]


def test_files_and_other_kinds_are_shown(firm: Desk, browser: Browser) -> None:
    firm.writes(type="image", upload=firm.uploads(png(300, 200), "片子.png"))
    firm.writes(type="location", fields={"name": "广州塔", "address": "海珠区", "latitude": 1, "longitude": 2})
    _open(browser, firm)
    browser.wait_for("document.querySelector('#phone-messages .picture img')?.naturalWidth === 300")
    assert browser.look("document.querySelector('#desk-messages .kf-location').textContent") == "广州塔海珠区"


def test_another_account_and_somebody_new(firm: Desk, browser: Browser) -> None:
    _open(browser, firm, customer=LIN)
    browser.look(
        f"(to => {{ to.value = '{OTHER_KF}'; to.dispatchEvent(new Event('change')); }})"
        "(document.querySelector('#kf-account'))"
    )
    browser.wait_for(f"location.hash.startsWith('#~kf/{LIN}/{OTHER_KF}')")
    browser.look("document.querySelector('[aria-label=来一位新客户]').click()")
    browser.wait_for("document.querySelector('#phone-subtitle')?.textContent === '客户3的微信'")
    _type(browser, "phone", "给设备客服")
    browser.wait_for("document.querySelectorAll('#phone-messages .mine').length === 1")
    assert [one["text"]["content"] for one in firm.pulls(open_kfid=OTHER_KF)] == ["给设备客服"]


def test_a_link_of_add_contact_way_opens_the_chat(firm: Desk, browser: Browser) -> None:
    url = firm.kf("add_contact_way", scene="poster_7")["url"]
    browser.open(f"{url}&scene_param=ward3")
    browser.wait_for("document.querySelector('#desk-messages .event')?.textContent.includes('场景 poster_7')")
    assert "enc_scene" not in browser.look("location.href")
    (event,) = firm.events("enter_session")
    assert (event["scene"], event["scene_param"]) == ("poster_7", "ward3")


def test_the_panel_shows_the_bell_and_its_faults(firm: Desk, browser: Browser) -> None:
    _open(browser, firm)
    browser.look("document.querySelector('.desk [aria-controls=panel]').click()")
    firm.writes("看得见吗")
    browser.wait_for("document.querySelector('#trace .event-title')?.textContent === '客服 · kf_msg_or_event'")
    browser.look("document.querySelector('[data-tab=faults]').click()")
    browser.wait_for("document.querySelector('#armed-empty')?.checkVisibility()")
    browser.look("[...document.querySelectorAll('.fault')].find(b => b.textContent.startsWith('客户拒收')).click()")
    browser.wait_for("document.querySelector('#armed')?.textContent === '发给客户的消息：客户拒收 ×1'")
    firm.sends("拒收这一条")
    assert [event["fail_type"] for event in firm.events("msg_send_fail")] == [10]


def test_on_a_phone_one_side_is_seen_at_a_time(firm: Desk, browser: Browser) -> None:
    browser.resize(390, 844)
    firm.writes()
    _open(browser, firm)
    browser.wait_for("document.querySelectorAll('#phone-messages .mine').length === 1")
    assert not browser.look("document.querySelector('.desk').checkVisibility()")
    browser.look("document.querySelector('#see-desk').click()")
    assert browser.look("document.querySelector('.desk').checkVisibility()")
    assert not browser.look("document.querySelector('.phone').checkVisibility()")
    assert browser.look("document.documentElement.scrollWidth") == 390


def test_the_end_stays_in_view_unless_one_reads_above(firm: Desk, browser: Browser) -> None:
    for n in range(30):
        firm.writes(f"第 {n} 句话，" + "很长" * 20)
    _open(browser, firm)
    at_end = "(s => s.scrollHeight - s.scrollTop - s.clientHeight < 2)(document.querySelector('#phone-scroller'))"
    drawn = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    browser.wait_for("document.querySelectorAll('#phone-messages .mine').length === 30")
    browser.wait_for(at_end)
    browser.look("document.querySelector('.desk [aria-controls=panel]').click()")
    browser.wait_for("document.querySelector('.phone').clientWidth < 280")
    browser.wait_for(at_end)
    # A picture comes, and before the page has seen that, the scroll of an earlier layout is told.
    browser.look(
        "(scroller => { const tall = document.createElement('li'); tall.style.height = '900px';"
        " document.querySelector('#phone-messages').append(tall);"
        " scroller.dispatchEvent(new Event('scroll')); })(document.querySelector('#phone-scroller'))"
    )
    browser.look(drawn)
    assert browser.look(at_end)
    browser.look("document.querySelector('#phone-scroller').scrollTop = 100")
    browser.look(drawn)
    firm.writes("最后一句")
    browser.wait_for("document.querySelectorAll('#phone-messages .mine').length === 31")
    assert browser.look("document.querySelector('#phone-scroller').scrollTop") == 100
