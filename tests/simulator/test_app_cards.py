"""Template cards of the app: grammar (§5.9), response codes (rules 17, 21), presses (§2.4), updates (§2.5)."""

import json
from typing import Any

import pytest
import requests
from defusedxml.ElementTree import fromstring

from tests.simulator.parties import AGENT_ID, Clock, Simulator, Webhook
from tests.simulator.template_cards import BUTTONS, CARDS, MENU, NEWS, NOTICE, SELECTS, VOTE

Body = dict[str, Any]


def _send(simulator: Simulator, card: Body, **more: Any) -> Body:
    return simulator.send(msgtype="template_card", template_card=card, **more)


def _shown(simulator: Simulator, member: str = "wang.fang") -> Body:
    """The card that a member sees."""
    return simulator.entry(lambda entry: entry["type"] == "template_card", member)


def _update(simulator: Simulator, code: str, **body: Any) -> Body:
    update = {"userids": ["wang.fang"], "agentid": AGENT_ID, "response_code": code, **body}
    answer: Body = requests.post(
        f"{simulator.url}/cgi-bin/message/update_template_card",
        params={"access_token": simulator.token()},
        data=json.dumps(update, ensure_ascii=False).encode(),
        timeout=5,
    ).json()
    return answer


def _press(simulator: Simulator, key: str, event: str = "template_card_event", **more: Any) -> Body:
    card = _shown(simulator)
    press = {"member": "wang.fang", "event": event, "target": card["id"], "event_key": key, **more}
    return simulator.call("POST", "/_sim/messages", **press)


def _fields(webhook: Webhook) -> dict[str, str]:
    return {child.tag: child.text or "" for child in fromstring(webhook.received[-1].plain)}


@pytest.mark.parametrize("card", CARDS, ids=lambda card: str(card["card_type"]))
def test_all_five_kinds_are_shown(simulator: Simulator, card: Body) -> None:
    assert _send(simulator, card)["errcode"] == 0
    shown = _shown(simulator)
    assert shown["fields"] == card
    assert shown["content"].startswith(card["main_title"]["title"])


@pytest.mark.parametrize(
    ("card", "has_code"), [(NOTICE, False), (NEWS, False), (MENU, True), (BUTTONS, True), (VOTE, True), (SELECTS, True)]
)
def test_only_what_can_be_pressed_brings_a_response_code(simulator: Simulator, card: Body, has_code: bool) -> None:
    """Rule 17."""
    assert ("response_code" in _send(simulator, card)) == has_code


def _without(card: Body, name: str) -> Body:
    return {key: value for key, value in card.items() if key != name}


def _select(**changes: Any) -> Body:
    return {**SELECTS, "select_list": [{**SELECTS["select_list"][0], **changes}]}


_OPTION = {"id": "a", "text": "甲"}
_BAD: list[tuple[Body, str]] = [
    ({**NOTICE, "card_type": "poster"}, "card_type"),
    (_without(NOTICE, "card_action"), "card_action"),
    ({**NOTICE, "card_action": {"type": 1}}, "card_action.url"),
    ({**NOTICE, "card_action": {"type": 2, "url": "https://a.cn"}}, "card_action.appid"),
    ({**NOTICE, "card_action": {"type": 3, "url": "https://a.cn"}}, "card_action.type"),
    ({**_without(NOTICE, "sub_title_text"), "main_title": {"desc": "只有说明"}}, "main_title"),
    (_without(_without(NEWS, "card_image"), "image_text_area"), "card_image"),
    ({**NEWS, "card_image": {"url": "https://a.cn", "aspect_ratio": 3}}, "card_image.aspect_ratio"),
    ({**NEWS, "vertical_content_list": [{"title": "一"}] * 5}, "vertical_content_list"),
    ({**NOTICE, "horizontal_content_list": [{"keyname": "键"}] * 7}, "horizontal_content_list"),
    ({**NOTICE, "horizontal_content_list": [{"value": "值"}]}, "horizontal_content_list[0].keyname"),
    ({**NOTICE, "jump_list": [{"type": 0, "title": "去"}] * 4}, "jump_list"),
    ({**NOTICE, "jump_list": [{"type": 3, "title": "问"}]}, "jump_list[0].type"),
    ({**NOTICE, "source": {"desc_color": 4}}, "source.desc_color"),
    ({**NOTICE, "source": "出处"}, "source"),
    ({**NOTICE, "replace_text": "已处理"}, "replace_text"),
    (_without(MENU, "task_id"), "task_id"),
    ({**MENU, "action_menu": {"action_list": [{"text": str(n), "key": str(n)} for n in range(4)]}}, "action_list"),
    ({**MENU, "action_menu": {"action_list": [{"text": "收", "key": "k"}] * 2}}, "action_list[].key"),
    (_without(BUTTONS, "task_id"), "task_id"),
    ({**BUTTONS, "task_id": "有汉字"}, "task_id"),
    ({**BUTTONS, "task_id": "t" * 129}, "task_id"),
    ({**BUTTONS, "button_list": []}, "button_list"),
    ({**BUTTONS, "button_list": [{"text": str(n), "key": str(n)} for n in range(7)]}, "button_list"),
    ({**BUTTONS, "button_list": [{"text": "好", "key": "k" * 1025}]}, "button_list[0].key"),
    ({**BUTTONS, "button_list": [{"text": "好", "key": "啊" * 342}]}, "button_list[0].key"),
    ({**BUTTONS, "button_list": [{"text": "好", "key": "k"}] * 2}, "button_list[].key"),
    ({**BUTTONS, "button_list": [{"key": "k"}]}, "button_list[0].text"),
    ({**BUTTONS, "button_list": [{"text": "好", "key": "k", "style": 5}]}, "button_list[0].style"),
    (_without(VOTE, "submit_button"), "submit_button"),
    ({**VOTE, "submit_button": {"text": "提交"}}, "submit_button.key"),
    ({**VOTE, "checkbox": {**VOTE["checkbox"], "option_list": []}}, "checkbox.option_list"),
    ({**VOTE, "checkbox": {**VOTE["checkbox"], "mode": 2}}, "checkbox.mode"),
    (
        {
            **VOTE,
            "checkbox": {
                **VOTE["checkbox"],
                "option_list": [{"id": str(n), "text": str(n)} for n in range(21)],
            },
        },
        "checkbox.option_list",
    ),
    (_without(SELECTS, "select_list"), "select_list"),
    (
        {**SELECTS, "select_list": [{"question_key": str(n), "option_list": [_OPTION]} for n in range(4)]},
        "select_list",
    ),
    (_select(option_list=[_OPTION] * 2), "select_list[0].option_list[].id"),
    (_select(option_list=[{"id": "i" * 129, "text": "甲"}]), "select_list[0].option_list[0].id"),
    (_select(option_list=[{"id": str(n), "text": "x"} for n in range(11)]), "select_list[0].option_list"),
    (_select(question_key="q" * 1025), "select_list[0].question_key"),
]


@pytest.mark.parametrize(("card", "field"), _BAD, ids=[f"{at}-{field}" for at, (_, field) in enumerate(_BAD)])
def test_a_card_that_breaks_the_grammar_is_refused_and_not_shown(simulator: Simulator, card: Body, field: str) -> None:
    """§5.9."""
    answer = _send(simulator, card)
    assert answer["errcode"] == 40058
    assert field in answer["errmsg"].partition(", hint")[0]
    assert simulator.entries() == []


def test_what_a_kind_does_not_have_is_not_shown(simulator: Simulator) -> None:
    _send(simulator, {**NOTICE, "button_list": [{"text": "好", "key": "k"}]})
    assert _shown(simulator)["fields"] == NOTICE


def test_lengths_that_are_advice_pass(simulator: Simulator) -> None:
    assert _send(simulator, {**NOTICE, "main_title": {"title": "长" * 100}})["errcode"] == 0


def test_a_task_id_is_used_once(simulator: Simulator) -> None:
    """§5.9, by its switch; a card that was refused has used nothing."""
    assert _send(simulator, BUTTONS, touser="nobody")["errcode"] == 81013
    assert _send(simulator, BUTTONS)["errcode"] == 0
    assert _send(simulator, BUTTONS)["errcode"] == 40058
    assert _send(simulator, {**VOTE, "task_id": BUTTONS["task_id"]})["errcode"] == 40058
    simulator.rules(refuse_repeated_task_id=False, card_errcode=42014)
    assert _send(simulator, BUTTONS)["errcode"] == 0
    assert _send(simulator, {**BUTTONS, "task_id": "a b"})["errcode"] == 42014


def test_the_duplicate_check_comes_before_the_task_id(simulator: Simulator) -> None:
    """Rule 20: a call that is repeated because its answer was lost is answered 0."""
    for _ in range(2):
        assert _send(simulator, BUTTONS, enable_duplicate_check=1)["errcode"] == 0
    assert len(simulator.entries()) == 1


def test_a_press_arrives_as_documented(simulator: Simulator, webhook: Webhook) -> None:
    """§2.4, element by element."""
    first = _send(simulator, VOTE)["response_code"]
    simulator.ended(_press(simulator, "submit", selected={"q1": ["a", "b"]}))
    root = fromstring(webhook.received[-1].plain)
    assert [child.tag for child in root] == [
        *("ToUserName", "FromUserName", "CreateTime", "MsgType", "Event", "EventKey", "TaskId", "CardType"),
        *("ResponseCode", "AgentID", "SelectedItems"),
    ]
    fields = _fields(webhook)
    assert (fields["Event"], fields["EventKey"], fields["TaskId"], fields["CardType"]) == (
        *("template_card_event", "submit"),
        *(VOTE["task_id"], "vote_interaction"),
    )
    assert fields["ResponseCode"] not in ("", first)
    (item,) = root.findall("SelectedItems/SelectedItem")
    assert [child.tag for child in item] == ["QuestionKey", "OptionIds"]
    assert item.findtext("QuestionKey") == "q1"
    assert [option.text for option in item.findall("OptionIds/OptionId")] == ["a", "b"]


def test_a_menu_item_is_an_event_of_its_own(simulator: Simulator, webhook: Webhook) -> None:
    """§2.4."""
    _send(simulator, MENU)
    simulator.ended(_press(simulator, "mute", "template_card_menu_event"))
    fields = _fields(webhook)
    assert (fields["Event"], fields["EventKey"], fields["CardType"]) == (
        *("template_card_menu_event", "mute"),
        "text_notice",
    )
    assert fields["ResponseCode"]
    assert "SelectedItems" not in fields


@pytest.mark.parametrize(
    ("card", "press"),
    [
        (BUTTONS, {"event_key": "no such key"}),
        (NOTICE, {"event_key": ""}),
        (MENU, {"event_key": "mute"}),
        (BUTTONS, {"event_key": "yes", "event": "template_card_menu_event"}),
        (VOTE, {"event_key": "submit", "selected": {"q2": ["a"]}}),
        (VOTE, {"event_key": "submit", "selected": {"q1": ["z"]}}),
        (VOTE, {"event_key": "submit", "selected": {"q1": "a"}}),
        (SELECTS, {"event_key": "submit", "selected": {"s1": ["a", "b"]}}),
    ],
)
def test_nobody_presses_what_is_not_there(simulator: Simulator, card: Body, press: Body) -> None:
    _send(simulator, card)
    target = _shown(simulator)["id"]
    body = {"member": "wang.fang", "event": "template_card_event", "target": target, **press}
    assert requests.post(f"{simulator.url}/_sim/messages", json=body, timeout=5).status_code == 400


def test_a_card_can_be_updated_by_the_code_of_its_answer(simulator: Simulator) -> None:
    """Rule 21: once; for whom the call names."""
    code = _send(simulator, BUTTONS, touser="wang.fang|li.na")["response_code"]
    answer = _update(simulator, code, userids=["wang.fang", "Zhang.Wei"], button={"replace_name": "已处理"})
    assert answer == {"errcode": 0, "errmsg": "ok", "invaliduser": ["zhang.wei"]}
    assert _shown(simulator)["fields"] == {**BUTTONS, "replace_text": "已处理"}
    assert _shown(simulator, "li.na")["fields"] == BUTTONS
    assert _update(simulator, code, button={"replace_name": "再来"})["errcode"] == 40058
    assert _update(simulator, "made-up", button={"replace_name": "再来"})["errcode"] == 40058
    simulator.rules(response_code_errcode=42014)
    assert _update(simulator, code, button={"replace_name": "再来"})["errcode"] == 42014
    assert [record["event"] for record in simulator.get("/_sim/log", rule=21)["log"]] == ["errcode"] * 3


def test_a_dead_button_cannot_be_pressed(simulator: Simulator) -> None:
    code = _send(simulator, BUTTONS)["response_code"]
    _update(simulator, code, button={"replace_name": "已处理"})
    press = {"event": "template_card_event", "target": _shown(simulator)["id"], "event_key": "yes"}
    body = {"member": "wang.fang", **press}
    assert requests.post(f"{simulator.url}/_sim/messages", json=body, timeout=5).status_code == 400


def test_a_card_can_become_another_one_for_all(simulator: Simulator) -> None:
    """§2.8: any kind, and it stays the same task."""
    code = _send(simulator, BUTTONS, touser="@all")["response_code"]
    new = {**_without(VOTE, "task_id"), "replace_text": "谢谢"}
    assert _update(simulator, code, userids=[], atall=1, template_card=new)["errcode"] == 0
    for member in ("wang.fang", "zhang.wei", "li.na"):
        assert _shown(simulator, member)["fields"] == {**new, "task_id": BUTTONS["task_id"]}


def test_each_press_brings_a_new_code_that_lives_three_days(
    simulator: Simulator, webhook: Webhook, clock: Clock
) -> None:
    """Rule 21."""
    _send(simulator, BUTTONS)
    codes = []
    for _ in range(3):
        simulator.ended(_press(simulator, "yes"))
        codes.append(_fields(webhook)["ResponseCode"])
    assert len(set(codes)) == 3
    clock.now += 259_200
    assert _update(simulator, codes[0], button={"replace_name": "一"})["errcode"] == 0
    clock.now += 1
    assert _update(simulator, codes[1], button={"replace_name": "二"})["errcode"] == 40058


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({"userids": []}, 40058),
        ({"userids": ["u"] * 1001}, 40058),
        ({"userids": "wang.fang"}, 40058),
        ({"button": {}}, 40058),
        ({"button": None}, 40058),
        ({"template_card": {"card_type": "text_notice"}}, 40058),
        ({"agentid": AGENT_ID + 1}, 301002),
        ({"agentid": "x"}, 40056),
    ],
    ids=str,
)
def test_an_update_that_cannot_be_uses_no_code_up(simulator: Simulator, body: Body, errcode: int) -> None:
    code = _send(simulator, BUTTONS)["response_code"]
    assert _update(simulator, code, **{"button": {"replace_name": "x"}, **body})["errcode"] == errcode
    assert _update(simulator, code, button={"replace_name": "已处理"})["errcode"] == 0


def test_a_notice_with_a_menu_has_no_button_to_update(simulator: Simulator) -> None:
    """§2.8: it can become another card only."""
    code = _send(simulator, MENU)["response_code"]
    assert _update(simulator, code, button={"replace_name": "x"})["errcode"] == 40058
    assert _update(simulator, code, template_card=NOTICE)["errcode"] == 0


def test_the_answer_to_a_press_kills_the_clickers_button(simulator: Simulator, webhook: Webhook) -> None:
    """§2.5."""
    _send(simulator, BUTTONS, touser="wang.fang|li.na")
    webhook.answer = lambda _received: (
        200,
        webhook.reply_xml("update_button", "<Button><ReplaceName><![CDATA[已转人工]]></ReplaceName></Button>"),
    )
    simulator.ended(_press(simulator, "yes"))
    assert _shown(simulator)["fields"]["replace_text"] == "已转人工"
    assert _shown(simulator, "li.na")["fields"] == BUTTONS


_NEW_CARD = (
    "<TemplateCard><CardType>text_notice</CardType>"
    "<Source><IconUrl>https://a.cn/i.png</IconUrl><Desc>学院</Desc><DescColor>1</DescColor></Source>"
    "<MainTitle><Title><![CDATA[工单 12]]></Title><Desc>已受理</Desc></MainTitle>"
    "<SubTitleText>李娜会联系您</SubTitleText>"
    "<HorizontalContentList><KeyName>编号</KeyName><Value>12</Value></HorizontalContentList>"
    "<HorizontalContentList><KeyName>官网</KeyName><Value>点击</Value><Type>1</Type><Url>https://a.cn</Url>"
    "</HorizontalContentList>"
    "<JumpList><Title>去看</Title><Type>1</Type><Url>https://a.cn</Url></JumpList>"
    "<CardAction><Type>1</Type><Url>https://a.cn</Url></CardAction></TemplateCard>"
)


def test_the_answer_to_a_press_replaces_the_clickers_card(simulator: Simulator, webhook: Webhook) -> None:
    """§2.5: a list is a repeated element."""
    _send(simulator, BUTTONS, touser="wang.fang|li.na")
    webhook.answer = lambda _received: (200, webhook.reply_xml("update_template_card", _NEW_CARD))
    simulator.ended(_press(simulator, "yes"))
    assert _shown(simulator)["fields"] == {
        "task_id": BUTTONS["task_id"],
        "card_type": "text_notice",
        "source": {"icon_url": "https://a.cn/i.png", "desc": "学院", "desc_color": 1},
        "main_title": {"title": "工单 12", "desc": "已受理"},
        "sub_title_text": "李娜会联系您",
        "horizontal_content_list": [
            {"keyname": "编号", "value": "12"},
            {"keyname": "官网", "value": "点击", "type": 1, "url": "https://a.cn"},
        ],
        "jump_list": [{"title": "去看", "type": 1, "url": "https://a.cn"}],
        "card_action": {"type": 1, "url": "https://a.cn"},
    }
    assert _shown(simulator, "li.na")["fields"] == BUTTONS


@pytest.mark.parametrize(
    ("kind", "xml", "event"),
    [
        ("update_button", "<Button/>", "incomplete_reply"),
        ("update_template_card", "<TemplateCard><CardType>text_notice</CardType></TemplateCard>", "bad_template_card"),
        ("text", "<Content>收到</Content>", "reply_not_allowed"),
    ],
)
def test_an_answer_to_a_press_that_cannot_be_changes_nothing(
    simulator: Simulator, webhook: Webhook, kind: str, xml: str, event: str
) -> None:
    """Rule 6."""
    _send(simulator, BUTTONS)
    webhook.answer = lambda _received: (200, webhook.reply_xml(kind, xml))
    simulator.ended(_press(simulator, "yes"))
    assert simulator.log(6) == [event]
    assert _shown(simulator)["fields"] == BUTTONS
    assert simulator.seen(via=("passive",)) == []


def test_only_a_press_may_be_answered_with_an_update(simulator: Simulator, webhook: Webhook) -> None:
    button = "<Button><ReplaceName>x</ReplaceName></Button>"
    webhook.answer = lambda _received: (200, webhook.reply_xml("update_button", button))
    simulator.ended(simulator.says("在吗"))
    assert simulator.log(6) == ["reply_not_allowed"]
