"""Template cards of the bot: how they come, what may stand on them, presses and updates (§4.3, 4.5, 4.6, 5.9)."""

import pytest
import requests

from tests.simulator.bot_webhook import Body, BotWebhook, stream_reply
from tests.simulator.parties import Simulator, until
from tests.simulator.template_cards import BOT_CARD


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"button_list": [{"text": str(n), "key": str(n)} for n in range(7)]}, "button_list"),
        ({"button_list": [{"text": "好", "key": "k" * 1025}]}, "button_list[0].key"),
        ({"task_id": None}, "task_id"),
        ({"feedback": {"id": "f" * 257}}, "feedback.id"),
        ({"horizontal_content_list": [{"keyname": "附件", "type": 2}]}, "horizontal_content_list[0].type"),
        ({"jump_list": [{"type": 3, "title": "问", "question": "q" * 201}]}, "jump_list[0].question"),
    ],
    ids=str,
)
def test_a_card_of_the_bot_keeps_to_the_same_grammar(
    corp: Simulator, bot: BotWebhook, change: Body, field: str
) -> None:
    """§5.9; what only one of app and bot may have."""
    bot.script = lambda _body: {"msgtype": "template_card", "template_card": {**BOT_CARD, **change}}
    corp.ended(corp.says("在吗"))
    (record,) = [one for one in corp.get("/_sim/log")["log"] if one["event"] == "bad_template_card"]
    assert record["field"] == field
    assert corp.from_bot() == []


def test_a_card_of_the_bot_may_offer_a_question_and_be_rated(corp: Simulator, bot: BotWebhook) -> None:
    """§4.5 and §5.9; rule 32."""
    card = {**BOT_CARD, "jump_list": [{"type": 3, "title": "再问", "question": "渗透压"}], "feedback": {"id": "card-1"}}
    bot.script = lambda _body: {"msgtype": "template_card", "template_card": card}
    corp.ended(corp.says("在吗"))
    shown = corp.entry(lambda entry: entry["type"] == "template_card")
    assert (shown["fields"], shown["feedback"]) == (card, "card-1")
    bot.script = lambda _body: None
    assert corp.rates(shown, type=1).status_code == 202
    assert bot.events(1)[0]["event"]["feedback_event"] == {"id": "card-1", "type": 1}


def test_a_member_presses_the_card_that_is_its_own_now(corp: Simulator, bot: BotWebhook) -> None:
    """§4.6: after an update for one member, that one's card has other buttons."""
    card = _card_shown(corp, bot)
    ours = {**BOT_CARD, "button_list": [{"text": "撤回", "key": "undo"}]}
    bot.script = lambda _body: {
        "response_type": "update_template_card",
        "userids": ["wang.fang"],
        "template_card": ours,
    }
    corp.ended(_press(corp, card))
    body = {"member": "wang.fang", "event": "template_card_event", "target": card["id"]}
    answers = [
        requests.post(f"{corp.url}/_sim/messages", json={**body, "event_key": key}, timeout=5).status_code
        for key in ("yes", "undo")
    ]
    assert answers == [400, 202]


def test_a_task_id_of_the_bot_is_used_once(corp: Simulator, bot: BotWebhook) -> None:
    """§5.9, by its switch; in answers and in active replies."""
    bot.script = lambda _body: {"msgtype": "template_card", "template_card": BOT_CARD}
    corp.ended(corp.says("在吗"))
    corp.ended(corp.says("在吗"))
    assert corp.log(6) == ["task_id_repeated"]
    assert corp.from_bot() == ["转人工？"]
    reply = {"msgtype": "template_card", "template_card": BOT_CARD}
    url = bot.messages(2)[0]["response_url"]
    assert requests.post(url, json=reply, timeout=5).json()["errcode"] == 40058
    corp.rules(refuse_repeated_task_id=False)
    assert requests.post(url, json=reply, timeout=5).json()["errcode"] == 0


def test_a_card_comes_once_beside_a_stream(corp: Simulator, bot: BotWebhook) -> None:
    """§4.5: with the first answer or a later refresh, once a message."""
    both = {"msgtype": "stream_with_template_card", "template_card": BOT_CARD}
    bot.script = lambda body: (
        stream_reply("看卡片")
        if body["msgtype"] == "text"
        else {**both, **stream_reply("看卡片")} | {"msgtype": both["msgtype"]}
    )
    corp.says("在吗")
    card = corp.entry(lambda entry: entry["type"] == "template_card")
    assert (card["fields"], card["via"]) == (BOT_CARD, "passive")
    until(lambda: "second_card" in corp.log(6))
    bot.stream("好了", finish=True)
    corp.stream()
    assert [entry["type"] for entry in corp.entries()] == ["text", "markdown", "template_card"]


def _card_shown(corp: Simulator, bot: BotWebhook) -> Body:
    bot.script = lambda _body: {"msgtype": "template_card", "template_card": BOT_CARD}
    corp.ended(corp.says("在吗"))
    return corp.entry(lambda entry: entry["type"] == "template_card")


def _press(corp: Simulator, card: Body) -> Body:
    press = {
        "event": "template_card_event",
        "target": card["id"],
        "event_key": "yes",
        "selected": {"q": ["two"]},
    }
    return corp.call("POST", "/_sim/messages", member="wang.fang", **press)


def test_a_press_on_a_card_is_told_and_the_card_replaced(corp: Simulator, bot: BotWebhook) -> None:
    """§4.3 and §4.6."""
    card = _card_shown(corp, bot)
    replaced = {**BOT_CARD, "main_title": {"title": "已转人工"}}
    bot.script = lambda _body: {"response_type": "update_template_card", "template_card": replaced}
    corp.ended(_press(corp, card))
    (event,) = bot.events(1)
    assert event["response_url"].startswith(corp.url)
    assert event["event"]["template_card_event"] == {
        "card_type": "button_interaction",
        "event_key": "yes",
        "task_id": "task-1",
        "selected_items": {
            "selected_item": [{"question_key": "q", "option_ids": {"option_id": ["two"]}}],
        },
    }
    (now,) = [entry for entry in corp.entries() if entry["type"] == "template_card"]
    assert (now["id"], now["content"], now["fields"]) == (card["id"], "已转人工", replaced)


def test_a_card_can_change_for_some_only(corp: Simulator, bot: BotWebhook) -> None:
    """§4.6; encrypted userids are understood."""
    corp.rules(encrypted_userids=True)
    card = _card_shown(corp, bot)
    bot.script = lambda body: {
        "response_type": "update_template_card",
        "userids": [body["from"]["userid"]],
        "template_card": BOT_CARD,
    }
    corp.ended(_press(corp, card))
    now = corp.entry(lambda entry: entry["type"] == "template_card")
    assert now["fields"] == {**BOT_CARD, "updates": {"wang.fang": BOT_CARD}}


def test_another_task_id_replaces_nothing(corp: Simulator, bot: BotWebhook) -> None:
    """§4.6."""
    card = _card_shown(corp, bot)
    other = {**BOT_CARD, "task_id": "task-2"}
    bot.script = lambda _body: {"response_type": "update_template_card", "template_card": other}
    corp.ended(_press(corp, card))
    assert corp.log(6) == ["wrong_task_id"]
    assert corp.entry(lambda entry: entry["type"] == "template_card")["fields"] == BOT_CARD


def test_a_press_is_told_once(corp: Simulator, bot: BotWebhook) -> None:
    """Rule 8."""
    card = _card_shown(corp, bot)
    bot.answer = lambda _received: (500, b"")
    outcome = corp.ended(_press(corp, card))
    assert (outcome["state"], outcome["attempts"]) == ("failed", 1)
