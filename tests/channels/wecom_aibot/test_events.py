"""Events: what was pressed and how an answer was rated, in both spellings, and the one answer a press can have."""

import json
from typing import Any

import pytest
import structlog

from bot.channel import Immediate, Messages, Rejected
from bot.events import CardClick, Rating, Verdict
from bot.messages import ConversationId, InboundMessage, MessageKind
from tests.channels.wecom_aibot.callbacks import CHANNEL, CRYPTO, NONCE, NOW, message_in, payload, receive

GROUP = ConversationId(bot="imaging", channel="robot", person="zhang.wei", chat="CHATID")
RESPONSE_URL = "https://qyapi.weixin.qq.com/cgi-bin/aibot/response?response_code=RESPONSE_CODE"
CLICK = CardClick(task_id="fBmjTL7E", key="button_replace_text", chosen={"button_selection_key1": ("one", "two")})


def with_event(name: str, own: object, like: str = "event_template_card") -> dict[str, Any]:
    return payload(like) | {"event": {"eventtype": name, name: own}}


def answered(content: dict[str, Any], immediate: Immediate) -> dict[str, Any] | None:
    """What WeCom reads out of our answer; ``None`` for an empty one."""
    response = CHANNEL.respond(receive(content), immediate)
    assert response.status == 200
    if not response.body:
        return None
    envelope = json.loads(response.body)
    plain = CRYPTO.open(envelope["msgsignature"], str(envelope["timestamp"]), NONCE, envelope["encrypt"])
    reply: dict[str, Any] = json.loads(plain)
    return reply


def test_a_press_is_work_and_brings_a_permission_to_reply() -> None:
    message = message_in(payload("event_template_card"))
    assert message == InboundMessage(
        conversation=GROUP,
        message_id="CAIQ16HMjQYY/NGagIOAgAMgq4KM0E01=",
        sender=message.sender,
        kind=MessageKind.EVENT,
        text="",
        sent_at=1_700_000_000.0,
        received_at=NOW,
        event=CLICK,
        response_url=RESPONSE_URL,
    )
    assert (message.sender.id, message.stream_id) == ("zhang.wei", "")
    assert InboundMessage.decode(message.encode()) == message


_ITEM = {"question_key": "button_selection_key1", "option_ids": {"option_id": ["one", "two"]}}


@pytest.mark.parametrize(
    "own",
    [
        {"cardtype": "vote_interaction", "eventkey": CLICK.key, "taskid": CLICK.task_id},
        {"cardtype": "vote_interaction", "eventkey": CLICK.key, "task_id": CLICK.task_id},
        {"card_type": "vote_interaction", "event_key": CLICK.key, "task_id": CLICK.task_id},
    ],
)
@pytest.mark.parametrize(
    "selected",
    [
        {"selected_items": {"selected_item": [_ITEM]}},
        {"selected_items": {"selected_item": [{**_ITEM, "option_ids": ["one", "two"]}]}},
        {"selecteditems": {"selecteditem": [{"questionkey": _ITEM["question_key"], "optionids": ["one", "two"]}]}},
        {
            "selected_items": {
                "selected_item": [{"question_key": _ITEM["question_key"], "optionids": {"optionid": ["one", "two"]}}]
            }
        },
    ],
)
def test_both_spellings_are_read(own: dict[str, Any], selected: dict[str, Any]) -> None:
    assert message_in(with_event("template_card_event", own | selected)).event == CLICK


def test_a_press_without_a_choice_is_read() -> None:
    own = {"card_type": "button_interaction", "event_key": "k", "task_id": "t", "selected_items": None}
    assert message_in(with_event("template_card_event", own)).event == CardClick(task_id="t", key="k")


@pytest.mark.parametrize(
    "own",
    [
        [],
        {"event_key": 1},
        {"event_key": "k" * 1025},
        {"task_id": "t" * 129},
        {"selected_items": []},
        {"selected_items": {"selected_item": {}}},
        {"selected_items": {"selected_item": [1]}},
        {"selected_items": {"selected_item": [{"option_ids": "one"}]}},
        {"selected_items": {"selected_item": [{"option_ids": {"option_id": [1]}}]}},
        {"selected_items": {"selected_item": [{"option_ids": ["x"] * 201}]}},
        {"selected_items": {"selected_item": [{"question_key": f"q{n}"} for n in range(201)]}},
        {"selected_items": {"selected_item": [{"question_key": "q" * 1025}]}},
        {"selected_items": {"selected_item": [{"option_ids": ["x" * 129]}]}},
        {"event_key": "k\u202e"},
    ],
)
def test_a_press_out_of_shape_is_refused(own: object) -> None:
    with pytest.raises(Rejected, match="bad_message"):
        receive(with_event("template_card_event", own))


def test_a_press_turns_the_card_of_whoever_pressed_into_one_that_says_so() -> None:
    assert answered(payload("event_template_card"), Immediate(pressed="已收到")) == {
        "response_type": "update_template_card",
        "userids": ["zhang.wei"],
        "template_card": {
            "card_type": "text_notice",
            "main_title": {"title": "已收到"},
            "card_action": {"type": 1, "url": "https://work.weixin.qq.com/"},
            "task_id": "fBmjTL7E",
        },
    }


def test_a_press_that_was_not_kept_is_told_on_the_card() -> None:
    reply = answered(payload("event_template_card"), Immediate(notice="太忙了" * 20))
    assert reply is not None
    assert reply["template_card"]["main_title"] == {"title": ("太忙了" * 9)[:25] + "…"}


def test_a_card_without_an_id_cannot_be_changed() -> None:
    assert answered(with_event("template_card_event", {"event_key": "k"}), Immediate(pressed="已收到")) is None


@pytest.mark.parametrize(
    ("own", "rating"),
    [
        (
            {"id": "turn1", "type": 2, "content": "能再详细一些么", "inaccurate_reason_list": [2, 4, 1, 3, 9]},
            Rating(
                turn_id="turn1",
                verdict=Verdict.USELESS,
                reasons=("incomplete", "wrong_analysis", "unrelated", "wrong"),
                words="能再详细一些么",
            ),
        ),
        ({"id": "turn1", "type": 1}, Rating(turn_id="turn1", verdict=Verdict.USEFUL)),
        (
            {"id": "turn1", "type": 2, "inaccurate_reason_list": [3] * 10_000},
            Rating(turn_id="turn1", verdict=Verdict.USELESS, reasons=("wrong",)),
        ),
        (
            {"id": "turn1", "type": 3, "inaccurate_reason_list": None},
            Rating(turn_id="turn1", verdict=Verdict.WITHDRAWN),
        ),
    ],
)
def test_a_rating_is_work_and_answered_with_nothing(own: dict[str, Any], rating: Rating) -> None:
    content = with_event("feedback_event", own, "event_feedback")
    message = message_in(content)
    assert (message.kind, message.text, message.event) == (MessageKind.EVENT, "", rating)
    assert message.conversation == ConversationId(bot="imaging", channel="robot", person="zhang.wei")
    assert (message.stream_id, message.response_url) == ("", "")
    assert InboundMessage.decode(message.encode()) == message
    assert answered(content, Immediate(notice="busy", pressed="已收到")) is None


@pytest.mark.parametrize("own", [{"type": 1}, {"id": "", "type": 1}, {"id": "turn1", "type": 9}, {"id": "turn1"}])
def test_a_rating_of_nothing_we_know_is_only_named(own: dict[str, Any]) -> None:
    with structlog.testing.capture_logs() as lines:
        received = receive(with_event("feedback_event", own, "event_feedback"))
    assert isinstance(received, Messages)
    assert received.messages == ()
    assert [(line["event"], line["name"]) for line in lines] == [("event_ignored", "feedback_event")]


@pytest.mark.parametrize(
    "own", [{"id": "i" * 257, "type": 1}, {"id": "t", "type": "1"}, {"id": "t", "content": 1, "type": 2}]
)
def test_a_rating_out_of_shape_is_refused(own: dict[str, Any]) -> None:
    with pytest.raises(Rejected, match="bad_message"):
        receive(with_event("feedback_event", own, "event_feedback"))


def test_what_somebody_says_of_an_answer_is_never_logged() -> None:
    with structlog.testing.capture_logs() as lines:
        receive(payload("event_feedback"))
        receive(payload("event_template_card"))
    assert lines == []
