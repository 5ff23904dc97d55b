"""The chat page in a browser: files, news and cards of the app and the bot, and what people press on them."""

import json
from typing import Any

import pytest
import requests
from defusedxml.ElementTree import fromstring

from tests.simulator.bot_webhook import BotWebhook
from tests.simulator.browser import Browser
from tests.simulator.media_files import AMR, MP4, PNG, png
from tests.simulator.parties import AGENT_ID, Simulator, Webhook
from tests.simulator.template_cards import BOT_CARD, BUTTONS, CARDS, MENU, NEWS, SELECTS, VOTE


def _qyapi(office: Simulator, api: str, **body: Any) -> dict[str, Any]:
    raw = json.dumps(body, ensure_ascii=False).encode()
    query = {"access_token": office.token()}
    answer: dict[str, Any] = requests.post(f"{office.url}/cgi-bin/{api}", params=query, data=raw, timeout=5).json()
    assert answer["errcode"] == 0, answer
    return answer


def _picture_url(office: Simulator) -> str:
    query, files = {"access_token": office.token()}, {"media": ("a.png", png(40, 20))}
    url: str = requests.post(f"{office.url}/cgi-bin/media/uploadimg", params=query, files=files, timeout=5).json()[
        "url"
    ]
    return url


def _open(office: Simulator, browser: Browser, page: str, place: str = "app") -> None:
    browser.open(f"{office.url}/?{page}#wang.fang/{place}")
    browser.wait_for("document.querySelector('#title')?.textContent")


def _card(office: Simulator, card: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = office.send(msgtype="template_card", template_card=card, **more)
    assert answer["errcode"] == 0, answer
    return answer


def test_what_the_app_sends_is_shown(office: Simulator, browser: Browser) -> None:
    kinds = {"image": PNG, "file": b"some bytes", "voice": AMR, "video": MP4}
    for kind, data in kinds.items():
        office.send(msgtype=kind, **{kind: {"media_id": office.media_id(kind, data, f"资料.{kind}")}})
    _open(office, browser, "files")
    browser.wait_for("document.querySelectorAll('.bubble').length === 4")
    browser.wait_for("document.querySelector('.picture img')?.naturalWidth === 2")
    assert browser.look("document.querySelector('.picture').target") == "_blank"
    assert browser.look("[...document.querySelectorAll('a.file')].map(a => [a.download, a.innerText])") == [
        ["资料.file", "资料.file\n10 B"],
        ["资料.voice", "语音消息\nAMR，浏览器放不了 · 2 KB"],
    ]
    assert browser.look("document.querySelector('video').controls")


def test_news_and_text_cards_are_shown(office: Simulator, browser: Browser) -> None:
    articles = [
        {"title": "第一条", "description": "摘要", "url": "https://example.com/1", "picurl": _picture_url(office)},
        {"title": "第二条", "url": "https://example.com/2", "picurl": "https://example.com/p.png"},
    ]
    office.send(msgtype="news", news={"articles": articles})
    words = '<div class="gray">今天</div><div class="highlight">请领取 <b></div>'
    office.send(msgtype="textcard", textcard={"title": "通知", "description": words, "url": "https://example.com/3"})
    _open(office, browser, "news")
    browser.wait_for("document.querySelector('.article img')?.naturalWidth === 40")
    assert browser.look("[...document.querySelectorAll('.article b')].map(b => b.textContent)") == ["第一条", "第二条"]
    assert browser.look("document.querySelectorAll('.article .image').length") == 2
    assert browser.look("[...document.querySelectorAll('.card-words p')].map(p => p.textContent)") == [
        "今天",
        "请领取 <b>",
    ]
    assert browser.look("[...document.querySelectorAll('.bubble a')].map(a => a.href)") == [
        "https://example.com/1",
        "https://example.com/2",
        "https://example.com/3",
    ]


def test_all_kinds_of_cards_are_shown(office: Simulator, browser: Browser) -> None:
    for card in (*CARDS, MENU):
        _card(office, card)
    _open(office, browser, "cards")
    browser.wait_for("document.querySelectorAll('.carded').length === 6")
    assert browser.look("[...document.querySelectorAll('.carded h3')].map(h => h.textContent)") == [
        card["main_title"]["title"] for card in (*CARDS, MENU)
    ]
    assert browser.look("document.querySelectorAll('.card-vote input[type=checkbox]').length") == 2
    assert browser.look("document.querySelectorAll('.card-select select').length") == 3
    assert browser.look("document.querySelector('.carded dd a').href") == "https://example.com/slides"
    assert browser.look("document.querySelectorAll('.card-menu').length") == 1


def test_a_card_of_the_web_loads_nothing_from_there(office: Simulator, browser: Browser) -> None:
    """The page's policy would be broken, and a picture of the web is a link."""
    _card(office, NEWS)
    _open(office, browser, "offline")
    browser.wait_for("document.querySelector('.carded .image a')?.textContent === 'example.com'")
    assert browser.look("document.querySelectorAll('.bubble img').length") == 0


def test_a_cards_button_is_pressed_and_dies(office: Simulator, webhook: Webhook, browser: Browser) -> None:
    webhook.answer = lambda _received: (
        200,
        webhook.reply_xml("update_button", "<Button><ReplaceName>已转人工</ReplaceName></Button>"),
    )
    _card(office, BUTTONS)
    _open(office, browser, "button")
    browser.wait_for("document.querySelectorAll('.card-button').length === 2")
    browser.look("(s => { s.value = 'med'; })(document.querySelector('.card-select select'))")
    browser.look("document.querySelector('.card-button').click()")
    browser.wait_for("document.querySelector('.card-button:disabled')?.textContent === '已转人工'")
    assert browser.look("document.querySelectorAll('.card-button').length") == 1
    assert browser.look("document.querySelector('.card-select select').disabled")
    root = fromstring(webhook.received[-1].plain)
    assert (root.findtext("Event"), root.findtext("EventKey")) == ("template_card_event", "yes")
    assert root.findtext("SelectedItems/SelectedItem/OptionIds/OptionId") == "med"
    browser.wait_for("document.querySelector('li.event')?.textContent.includes('王芳 点了卡片')")


def test_a_vote_is_submitted(office: Simulator, webhook: Webhook, browser: Browser) -> None:
    _card(office, VOTE)
    _open(office, browser, "vote")
    browser.wait_for("document.querySelectorAll('.card-vote input').length === 2")
    browser.look("document.querySelectorAll('.card-vote input')[1].click()")
    browser.look("document.querySelector('.card-button').click()")
    root = fromstring(webhook.wait_for(1)[0].plain)
    assert [option.text for option in root.iter("OptionId")] == ["a", "b"]
    assert root.findtext("EventKey") == "submit"


def test_selections_are_submitted(office: Simulator, webhook: Webhook, browser: Browser) -> None:
    _card(office, SELECTS)
    _open(office, browser, "select")
    browser.wait_for("document.querySelectorAll('.card-select select').length === 2")
    browser.look("document.querySelector('.card-button').click()")
    root = fromstring(webhook.wait_for(1)[0].plain)
    assert [option.text for option in root.iter("OptionId")] == ["a", "ct"]


def test_a_menu_item_is_chosen(office: Simulator, webhook: Webhook, browser: Browser) -> None:
    _card(office, MENU)
    _open(office, browser, "menu")
    browser.wait_for("document.querySelector('.card-menu summary') !== null")
    browser.look("document.querySelector('.card-menu summary').click()")
    browser.wait_for("document.querySelector('.card-menu .menu').checkVisibility()")
    browser.look("document.querySelector('.card-menu .menu button').click()")
    root = fromstring(webhook.wait_for(1)[0].plain)
    assert (root.findtext("Event"), root.findtext("EventKey")) == ("template_card_menu_event", "mute")
    browser.wait_for("!document.querySelector('.card-menu').open")


def test_a_card_changes_in_place_and_a_message_is_recalled(office: Simulator, browser: Browser) -> None:
    code = _card(office, BUTTONS)["response_code"]
    msgid = office.send("说错了")["msgid"]
    _open(office, browser, "changes")
    browser.wait_for("document.querySelectorAll('.bubble').length === 2")
    update = {"userids": ["wang.fang"], "agentid": AGENT_ID, "response_code": code}
    new = {**CARDS[0], "replace_text": "已受理"}
    _qyapi(office, "message/update_template_card", **update, template_card=new)
    _qyapi(office, "message/recall", msgid=msgid)
    browser.wait_for("document.querySelector('li.event')?.textContent === '影像学院小助手撤回了一条消息'")
    assert browser.look("document.querySelector('.carded h3').textContent") == "会议提醒"
    assert browser.look("document.querySelector('.card-button:disabled').textContent") == "已受理"
    assert browser.look("document.querySelectorAll('.bubble').length") == 1


def test_a_question_on_the_bots_card_is_asked(office: Simulator, bot: BotWebhook, browser: Browser) -> None:
    """§5.9: a jump of type 3."""
    card = {**BOT_CARD, "jump_list": [{"type": 3, "title": "再问", "question": "渗透压是多少"}]}
    bot.script = lambda _body: {"msgtype": "template_card", "template_card": card}
    office.says("在吗", peer="bot")
    _open(office, browser, "ask", "bot")
    browser.wait_for("document.querySelector('.card-ask') !== null")
    browser.look("document.querySelector('.card-ask').click()")
    assert bot.messages(2)[-1]["text"]["content"] == "渗透压是多少"


def test_in_a_group_only_ones_own_card_changes(office: Simulator, bot: BotWebhook, browser: Browser) -> None:
    """§4.6: an update for some members."""
    bot.script = lambda _body: {"msgtype": "template_card", "template_card": BOT_CARD}
    office.ended(office.says("@影像机器人 在吗", chat="imaging"))
    bot.script = lambda body: {
        "response_type": "update_template_card",
        "userids": [body["from"]["userid"]],
        "template_card": {**BOT_CARD, "replace_text": "已登记"},
    }
    _open(office, browser, "own", "group/imaging")
    browser.wait_for("document.querySelector('.card-button') !== null")
    browser.look("document.querySelector('.card-button').click()")
    browser.wait_for("document.querySelector('.card-button:disabled')?.textContent === '已登记'")
    browser.look("document.querySelector('[data-member=\"li.na\"]').click()")
    browser.wait_for("document.querySelector('#me').textContent.startsWith('李娜')")
    browser.wait_for("document.querySelector('.card-button:enabled')?.textContent === '好'")


def _drop(browser: Browser, data: bytes, name: str, kind: str) -> None:
    """Let a person drop a file on the chat, and wait until it waits to be sent."""
    browser.look(
        f"(() => {{ const data = new DataTransfer(); const bytes = new Uint8Array({list(data)});"
        f" data.items.add(new File([bytes], {name!r}, {{type: {kind!r}}}));"
        " const drop = new DragEvent('drop', {dataTransfer: data, bubbles: true});"
        " document.querySelector('#chat').dispatchEvent(drop); })()"
    )
    browser.wait_for("document.querySelectorAll('.attachment').length === 1")


@pytest.mark.parametrize(
    ("file", "msgtype"),
    [
        ((png(), "片子.png", "image/png"), "image"),
        ((b"%PDF-1.7", "报告.pdf", "application/pdf"), "file"),
        ((AMR, "录音.amr", ""), "voice"),
    ],
    ids=["picture", "file", "voice"],
)
def test_a_dropped_file_is_sent_to_the_app(
    office: Simulator, webhook: Webhook, browser: Browser, file: tuple[bytes, str, str], msgtype: str
) -> None:
    _open(office, browser, f"drop-{msgtype}")
    _drop(browser, *file)
    browser.look("document.querySelector('#send').click()")
    root = fromstring(webhook.wait_for(1)[0].plain)
    assert root.findtext("MsgType") == msgtype
    query = {"access_token": office.token(), "media_id": root.findtext("MediaId")}
    assert requests.get(f"{office.url}/cgi-bin/media/get", params=query, timeout=5).content == file[0]


def test_in_a_group_a_picture_goes_with_its_words(office: Simulator, bot: BotWebhook, browser: Browser) -> None:
    """Rule 26: a picture alone is not heard there, a mixed message that mentions the bot is."""
    _open(office, browser, "mixed", "group/imaging")
    _drop(browser, png(), "片子.png", "image/png")
    browser.look("document.querySelector('#send').click()")
    browser.wait_for("document.querySelector('li.mine')?.innerText.includes('机器人收不到这一条')")
    _drop(browser, png(), "片子.png", "image/png")
    browser.look("document.querySelector('#text').focus()")
    browser.type("@影像机器人 看看")
    browser.look("document.querySelector('#send').click()")
    items = bot.messages(1)[0]["mixed"]["msg_item"]
    assert [item["msgtype"] for item in items] == ["text", "image"]


def test_the_voice_of_the_menu_can_be_fetched(office: Simulator, webhook: Webhook, browser: Browser) -> None:
    _open(office, browser, "voice")
    browser.look("[...document.querySelectorAll('#more-menu button')].find(b => b.textContent === '发语音').click()")
    root = fromstring(webhook.wait_for(1)[0].plain)
    query = {"access_token": office.token(), "media_id": root.findtext("MediaId")}
    answer = requests.get(f"{office.url}/cgi-bin/media/get", params=query, timeout=5)
    assert answer.headers["Content-Type"] == "audio/amr"
    assert answer.content.startswith(b"#!AMR\n")
