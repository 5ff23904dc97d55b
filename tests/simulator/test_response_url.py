"""Rule 30: active replies of the bot through a response_url."""

from typing import Any

import pytest
import requests

from tests.simulator.bot_webhook import BOT_NAME, BotWebhook
from tests.simulator.parties import Clock, Simulator

_SPENT = 40058


def _url(corp: Simulator, bot: BotWebhook, **message: Any) -> str:
    corp.ended(corp.says(f"@{BOT_NAME} 在吗", **message))
    url: str = bot.messages(1)[-1]["response_url"]
    return url


def _reply(url: str, content: str = "晚到的答案", **markdown: Any) -> dict[str, Any]:
    body = {"msgtype": "markdown", "markdown": {"content": content, **markdown}}
    answer: dict[str, Any] = requests.post(url, json=body, timeout=5).json()
    return answer


def test_a_reply_is_shown_once(corp: Simulator, bot: BotWebhook) -> None:
    url = _url(corp, bot)
    assert _reply(url, feedback={"id": "turn-7"}) == {"errcode": 0, "errmsg": "ok"}
    assert _reply(url)["errcode"] == _SPENT
    (shown,) = [entry for entry in corp.entries() if entry["via"] == "response_url"]
    assert (shown["type"], shown["content"], shown["feedback"]) == ("markdown", "晚到的答案", "turn-7")
    assert shown["quote"] is None
    assert [record["errcode"] for record in corp.get("/_sim/log", rule=30)["log"]] == [_SPENT]


def test_in_a_group_it_quotes_the_message(corp: Simulator, bot: BotWebhook) -> None:
    _reply(_url(corp, bot, chat="imaging"))
    shown = corp.entry(lambda entry: entry["via"] == "response_url", member="li.na")
    assert shown["quote"]["content"] == f"@{BOT_NAME} 在吗"
    assert shown["quote"]["name"] == "王芳"


def test_it_works_for_an_hour(corp: Simulator, bot: BotWebhook, clock: Clock) -> None:
    first, second = _url(corp, bot), _url(corp, bot)
    clock.now += 3600
    assert _reply(first)["errcode"] == 0
    clock.now += 1
    corp.rules(response_url_errcode=93006)
    assert _reply(second)["errcode"] == 93006
    assert _reply(f"{corp.url}/cgi-bin/aibot/response?response_code=made-up")["errcode"] == 93006


def test_a_card_can_be_a_reply(corp: Simulator, bot: BotWebhook) -> None:
    card = {
        "card_type": "text_notice",
        "main_title": {"title": "工单"},
        "card_action": {"type": 1, "url": "https://a.cn"},
    }
    body = {"msgtype": "template_card", "template_card": card}
    assert requests.post(_url(corp, bot), json=body, timeout=5).json()["errcode"] == 0
    assert corp.entry(lambda entry: entry["via"] == "response_url")["fields"] == card


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        (b"{not json", 40058),
        (b"[]", 40058),
        (b'{"msgtype": "text", "text": {"content": "x"}}', 40008),
        (b'{"msgtype": "markdown", "markdown": "x"}', 40063),
        (b'{"msgtype": "markdown", "markdown": {"content": ""}}', 44004),
        (b'{"msgtype": "markdown", "markdown": {"content": "' + b"x" * 20_481 + b'"}}', 40058),
        (b'{"msgtype": "markdown", "markdown": {"content": "x", "feedback": {"id": 5}}}', 40058),
        (b'{"msgtype": "template_card", "template_card": {"card_type": "vote_interaction"}}', 40058),
    ],
)
def test_a_body_that_cannot_be_shown_is_refused_and_uses_nothing_up(
    corp: Simulator, bot: BotWebhook, body: bytes, errcode: int
) -> None:
    url = _url(corp, bot)
    assert requests.post(url, data=body, timeout=5).json()["errcode"] == errcode
    assert _reply(url)["errcode"] == 0


def test_it_can_fail_for_one_member(corp: Simulator, bot: BotWebhook) -> None:
    corp.fault(on="response_url", kind="errcode", errcode=45009, member="li.na")
    corp.fault(on="response_url", kind="close_after", member="wang.fang")
    url = _url(corp, bot)
    with pytest.raises(requests.ConnectionError):
        _reply(url)
    assert _reply(url)["errcode"] == _SPENT
    corp.entry(lambda entry: entry["via"] == "response_url")
    corp.ended(corp.says("在吗", member="li.na"))
    other = bot.messages(2)[-1]["response_url"]
    assert _reply(other)["errcode"] == 45009
    assert _reply(other)["errcode"] == 0
