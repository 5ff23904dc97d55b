"""Rules 6, 27, 31 and 32: what the bot may answer, and how a stream grows."""

import base64
import hashlib
import json
from typing import Any

import pytest
import requests

from tests.simulator.bot_webhook import BOT_NAME, STREAM_ID, Body, BotWebhook, stream_reply
from tests.simulator.parties import CORP_ID, Clock, Simulator, until
from tests.simulator.template_cards import BOT_CARD

_PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 24


def _item(data: bytes, md5: str = "") -> Body:
    digest = md5 or hashlib.md5(data).hexdigest()  # noqa: S324 -- the protocol fixes MD5
    return {"msgtype": "image", "image": {"base64": base64.b64encode(data).decode(), "md5": digest}}


def test_a_stream_grows_until_it_is_finished(corp: Simulator, bot: BotWebhook) -> None:
    """Rule 27: content replaces content in one bubble; refreshes carry the first answer's id and end with finish."""
    bot.stream("正在查")
    sent = corp.says(f"@{BOT_NAME} 在吗", chat="imaging")
    refresh = bot.refreshes(2)[0]
    message = bot.messages(1)[0]
    assert refresh.pop("msgid") != message["msgid"]
    same = ("aibotid", "chatid", "chattype", "from")
    assert refresh == {
        **{name: message[name] for name in same},
        "msgtype": "stream",
        "stream": {"id": STREAM_ID},
    }
    growing = corp.entry(lambda entry: entry["via"] == "stream", member="li.na")
    assert (growing["content"], growing["stream"]["finished"]) == ("正在查", False)
    bot.stream("**查到了** [1]", finish=True)
    ended = corp.stream()
    assert (ended["id"], ended["content"], ended["type"]) == (growing["id"], "**查到了** [1]", "markdown")
    assert ended["rev"] > growing["rev"]
    assert ended["stream"]["polls"] >= 2
    assert len(bot.refreshes(1)) == ended["stream"]["polls"]
    assert corp.ended(sent)["state"] == "delivered"


def test_a_stream_ends_after_six_minutes(corp: Simulator, bot: BotWebhook, clock: Clock) -> None:
    """Rule 27: counted from the member's message."""
    bot.stream("还在想")
    corp.says("在吗")
    clock.now += 360
    bot.refreshes(3)
    assert corp.entries()[-1]["stream"]["expired"] is False
    clock.now += 1
    ended = corp.stream()
    assert (ended["stream"]["finished"], ended["stream"]["expired"]) == (False, True)
    assert corp.log(27) == ["stream_expired"]
    came = len(bot.refreshes(0))
    corp.stream()
    assert len(bot.refreshes(0)) == came


def test_failed_and_empty_refreshes_are_asked_again(corp: Simulator, bot: BotWebhook) -> None:
    """Rule 27."""
    answers: list[tuple[int, bytes]] = [(500, b""), (200, b""), (200, b"nonsense")]
    bot.stream("正在查")
    honest = bot.answer
    bot.answer = lambda received: (
        answers.pop(0) if answers and json.loads(received.plain)["msgtype"] == "stream" else honest(received)
    )
    corp.says("在吗")
    until(lambda: not answers)
    bot.stream("好了", finish=True)
    assert corp.stream()["content"] == "好了"
    assert corp.stream()["stream"]["polls"] >= 4
    assert corp.log(6) == ["unreadable_reply"]


@pytest.mark.parametrize("kind", ["drop", "lose_answer", "duplicate"])
def test_refreshes_can_go_wrong(corp: Simulator, bot: BotWebhook, kind: str) -> None:
    """Rule 9, for the refreshes of one member's streams."""
    corp.fault(on="poll", kind=kind, times=2, member="wang.fang")
    bot.stream("正在查")
    corp.says("在吗")
    until(lambda: not corp.get("/_sim/faults")["faults"])
    bot.stream("好了", finish=True)
    assert corp.stream()["content"] == "好了"
    assert corp.log(9) == [f"poll_{kind}"] * 2


def test_the_timestamp_of_an_answer_may_be_a_number_or_text(corp: Simulator, bot: BotWebhook) -> None:
    """§1.6."""
    for timestamp in (1641002400, "1641002400"):
        bot.answer = lambda received, at=timestamp: (
            200,
            bot.seal(stream_reply(f"{type(at).__name__}", finish=True), received.query["nonce"], timestamp=at),
        )
        corp.ended(corp.says("在吗"))
    assert corp.from_bot() == ["int", "str"]


@pytest.mark.parametrize(
    ("sealed", "event"),
    [
        ({"nonce": "another"}, "wrong_reply_nonce"),
        ({"token": "anothertoken"}, "bad_reply_signature"),
        ({"receive_id": CORP_ID}, "wrong_receive_id"),
        ({"timestamp": "today"}, "bad_reply_timestamp"),
    ],
    ids=["nonce", "signature", "receive-id", "timestamp"],
)
def test_a_badly_sealed_answer_is_a_fault_and_not_shown(
    corp: Simulator, bot: BotWebhook, sealed: dict[str, Any], event: str
) -> None:
    """Rule 6."""
    bot.answer = lambda received: (
        200,
        bot.seal(stream_reply("好", finish=True), **{"nonce": received.query["nonce"], **sealed}),
    )
    assert corp.ended(corp.says("在吗"))["state"] == "delivered"
    assert corp.log(6) == [event]
    assert corp.from_bot() == []


@pytest.mark.parametrize(
    ("reply", "rule", "event"),
    [
        ({"msgtype": "text", "text": {"content": "你好"}}, 31, "reply_not_allowed"),
        ({"msgtype": "markdown", "markdown": {"content": "你好"}}, 6, "reply_not_allowed"),
        ({"msgtype": "stream", "stream": {"content": "你好", "finish": True}}, 27, "stream_without_id"),
        ({"msgtype": "stream"}, 6, "incomplete_reply"),
        (stream_reply("啊" * 6827, finish=True), 27, "stream_too_long"),
        (stream_reply("图", msg_item=[_item(_PNG)]), 27, "pictures_before_the_end"),
        (stream_reply("图", finish=True, msg_item=[_item(_PNG, "0" * 32)]), 27, "bad_picture"),
        (stream_reply("图", finish=True, msg_item=[_item(b"GIF89a" + b"\0" * 20)]), 27, "bad_picture"),
        (stream_reply("图", finish=True, msg_item=[_item(_PNG)] * 11), 27, "too_many_pictures"),
        (stream_reply("评", finish=True, feedback={"id": "啊" * 86}), 32, "bad_feedback_id"),
        ({"msgtype": "template_card", "template_card": {"card_type": "poster"}}, 6, "bad_template_card"),
        ({"msgtype": "template_card", "template_card": {**BOT_CARD, "task_id": "a b"}}, 6, "bad_template_card"),
        (["stream"], 6, "unreadable_reply"),
        (stream_reply("半个 {half}", finish=True), 6, "unreadable_reply"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_answer_that_cannot_be_is_a_fault_and_not_shown(
    corp: Simulator, bot: BotWebhook, reply: object, rule: int, event: str
) -> None:
    plain = json.dumps(reply).replace("{half}", "\\ud83d")
    bot.answer = lambda received: (200, bot.seal_text(plain, received.query["nonce"]))
    corp.ended(corp.says("在吗"))
    assert corp.log(rule) == [event]
    assert corp.from_bot() == []


@pytest.mark.parametrize(
    ("refresh", "rule", "event"),
    [
        ({"msgtype": "template_card", "template_card": BOT_CARD}, 27, "reply_not_allowed"),
        ({"msgtype": "stream", "stream": {"id": "other", "content": "x", "finish": True}}, 27, "stream_id_changed"),
        (stream_reply("x" * 20_481, finish=True), 27, "stream_too_long"),
    ],
    ids=["card", "id", "length"],
)
def test_a_refresh_that_cannot_be_changes_nothing(
    corp: Simulator, bot: BotWebhook, refresh: Body, rule: int, event: str
) -> None:
    """Rule 27."""
    bot.script = lambda body: refresh if body["msgtype"] == "stream" else stream_reply("第一句")
    corp.says("在吗")
    until(lambda: event in corp.log(rule))
    assert corp.from_bot() == ["第一句"]
    bot.stream("最后一句", finish=True)
    assert corp.stream()["content"] == "最后一句"


def test_too_long_and_too_early_can_be_borne(corp: Simulator, bot: BotWebhook) -> None:
    """Rule 27, by its switches."""
    corp.rules(refuse_long_stream=False, refuse_early_pictures=False, stream_bytes=7)
    bot.stream("一二三", msg_item=[_item(_PNG)])
    corp.says("在吗")
    shown = corp.entry(lambda entry: entry["via"] == "stream")
    assert (shown["content"], shown["cut"], shown["fields"]) == ("一二", True, {})


def test_pictures_come_with_the_end(corp: Simulator, bot: BotWebhook) -> None:
    """Rule 27."""
    bot.stream("图一", finish=True, msg_item=[_item(_PNG), _item(_PNG + b"2")])
    corp.says("在吗")
    images = corp.stream()["fields"]["images"]
    assert [requests.get(f"{corp.url}/_sim/uploads/{image}", timeout=5).content for image in images] == [
        _PNG,
        _PNG + b"2",
    ]


def test_an_empty_answer_is_no_reply(corp: Simulator, bot: BotWebhook) -> None:
    """§1.6: an empty body, or an encrypted empty object."""
    for reply in (None, {}):
        bot.script = lambda _body, answer=reply: answer
        assert corp.ended(corp.says("在吗"))["state"] == "delivered"
    assert corp.from_bot() == []
    assert corp.log(6) == []


def test_a_second_answer_to_one_message_is_not_shown(corp: Simulator, bot: BotWebhook) -> None:
    """Rule 9: who is called twice answers twice."""
    corp.fault(on="bot_callback", kind="duplicate")
    bot.stream("好", finish=True)
    corp.ended(corp.says("在吗"))
    until(lambda: corp.log(6) == ["passive_reply_not_shown"])
    assert corp.from_bot() == ["好"]


@pytest.mark.parametrize(
    ("reply", "shown"),
    [
        ({"msgtype": "text", "text": {"content": "欢迎"}}, ["欢迎"]),
        ({"msgtype": "template_card", "template_card": BOT_CARD}, ["转人工？"]),
        (stream_reply("欢迎", finish=True), []),
    ],
    ids=["text", "card", "stream"],
)
def test_a_welcome_is_a_text_or_a_card(corp: Simulator, bot: BotWebhook, reply: Body, shown: list[str]) -> None:
    """Rule 31."""
    bot.script = lambda _body: reply
    corp.ended(corp.call("POST", "/_sim/messages", member="wang.fang", event="enter_chat"))
    assert corp.from_bot() == shown
    assert corp.log(31) == ([] if shown else ["reply_not_allowed"])


def test_a_reply_with_a_feedback_id_can_be_rated(corp: Simulator, bot: BotWebhook) -> None:
    """Rule 32: the id of the first answer; the event is answered with nothing."""
    bot.stream("好", finish=True, feedback={"id": "turn-7"})
    corp.says("在吗")
    answer = corp.stream()
    assert answer["feedback"] == "turn-7"
    bot.script = lambda _body: {"msgtype": "text", "text": {"content": "谢谢"}}
    rated = corp.rates(answer, type=2, content="能再详细一些么", inaccurate_reason_list=[2, 4])
    corp.ended(rated.json())
    (event,) = bot.events(1)
    assert event["event"]["feedback_event"] == {
        "id": "turn-7",
        "type": 2,
        "content": "能再详细一些么",
        "inaccurate_reason_list": [2, 4],
    }
    assert "response_url" not in event
    assert "谢谢" not in corp.from_bot()
    assert corp.rates(answer, type=4).status_code == 400
    assert corp.rates(answer, type=1, content="x").status_code == 400


def test_no_other_reply_can(corp: Simulator, bot: BotWebhook) -> None:
    """Rule 32: without an id, or with one that came too late."""
    bot.stream("正在查")
    corp.says("在吗")
    bot.refreshes(1)
    bot.stream("好", finish=True, feedback={"id": "too-late"})
    answer = corp.stream()
    assert answer["feedback"] == ""
    assert corp.rates(answer, type=1).status_code == 400
    assert corp.log(32) == ["late_feedback_id_ignored", "not_rateable"]
    assert all(json.loads(received.plain)["msgtype"] != "event" for received in bot.received)
