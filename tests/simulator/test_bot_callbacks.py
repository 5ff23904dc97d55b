"""Rules 2 to 12, 26, 28 and 31: what the AI bot is told, what it is not told, and how often."""

import json
import threading
from typing import Any

import pytest
import requests
from wechatpy.work.crypto import WeChatCrypto

from tests.simulator.bot_webhook import BOT_ID, BOT_NAME, Body, BotWebhook
from tests.simulator.parties import AES_KEY, TOKEN, Answer, Clock, Received, Simulator, until

_GROUP = "imaging"
_PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 24


def test_a_text_arrives_signed_and_encrypted_with_its_fields(corp: Simulator, bot: BotWebhook) -> None:
    """Rules 2 and 4: BotWebhook decrypts with an empty receive id and refuses a wrong signature."""
    sent = corp.says("碘对比剂外渗怎么办？😀")
    (body,) = bot.messages(1)
    url = body.pop("response_url")
    assert url.startswith(f"{corp.url}/cgi-bin/aibot/response?response_code=")
    assert body == {
        "msgid": sent["msg_id"],
        "aibotid": BOT_ID,
        "chattype": "single",
        "from": {"userid": "wang.fang"},
        "msgtype": "text",
        "text": {"content": "碘对比剂外渗怎么办？😀"},
    }
    assert json.loads(bot.received[0].body).keys() == {"encrypt"}
    assert corp.ended(sent)["state"] == "delivered"


@pytest.mark.parametrize("content", [f"@{BOT_NAME} 你好", f"你好 @{BOT_NAME}"])
def test_in_a_group_a_mention_reaches_the_bot(corp: Simulator, bot: BotWebhook, content: str) -> None:
    """Rule 26: the mention is in the text, with the space that a client puts after it."""
    corp.says(content, chat=_GROUP)
    (body,) = bot.messages(1)
    assert (body["chattype"], body["chatid"]) == ("group", _GROUP)
    assert f"@{BOT_NAME} " in body["text"]["content"]
    assert corp.entries("li.na")[0]["content"] == content
    assert corp.entries("zhang.wei") == []


def test_in_a_group_nothing_else_does(corp: Simulator, bot: BotWebhook) -> None:
    """Rule 26."""
    picture = corp.uploads(_PNG)
    for message in (
        {"content": "大家好"},
        {"content": f"@{BOT_NAME}二号 你好"},
        {"type": "image", "upload": picture},
        {"type": "voice", "content": f"@{BOT_NAME} 你好"},
        {"type": "file", "upload": picture},
        {"type": "video", "upload": picture},
    ):
        entry = corp.call("POST", "/_sim/messages", member="wang.fang", chat=_GROUP, **message)
        assert entry["delivery"] is None
    corp.says(f"@{BOT_NAME} 到此为止", chat=_GROUP)
    (body,) = bot.messages(1)
    assert body["text"]["content"] == f"@{BOT_NAME} 到此为止"
    assert corp.log(26) == ["not_mentioned"] * 2 + ["only_one_to_one"] * 4
    assert len(corp.entries("li.na", chat=_GROUP)) >= 7


def test_a_stranger_to_a_group_cannot_write_there(corp: Simulator) -> None:
    answer = requests.post(
        f"{corp.url}/_sim/messages", json={"member": "zhang.wei", "chat": _GROUP, "content": "x"}, timeout=5
    )
    assert answer.status_code == 404


def test_userids_can_be_encrypted(corp: Simulator, bot: BotWebhook) -> None:
    """Rule 26: the same every time, different for everybody."""
    corp.rules(encrypted_userids=True)
    for member in ("wang.fang", "wang.fang", "li.na"):
        corp.ended(corp.says("在吗", member=member))
    first, second, other = (body["from"]["userid"] for body in bot.messages(3))
    assert first == second
    assert len({first, other, "wang.fang", "li.na"}) == 4


def test_a_quote_is_in_the_callback_and_in_the_chat(corp: Simulator, bot: BotWebhook) -> None:
    first = corp.says(f"@{BOT_NAME} 今日的测试情况", chat=_GROUP)
    picture = corp.call("POST", "/_sim/messages", member="li.na", chat=_GROUP, type="image", upload=corp.uploads(_PNG))
    corp.says(f"@{BOT_NAME} 这个呢", member="li.na", chat=_GROUP, quote=first["id"])
    corp.ended(corp.says(f"@{BOT_NAME} 这张呢", member="li.na", chat=_GROUP, quote=picture["id"]))
    quotes = [body["quote"] for body in bot.messages(3) if "quote" in body]
    assert quotes[0] == {"msgtype": "text", "text": {"content": f"@{BOT_NAME} 今日的测试情况"}}
    assert quotes[1]["msgtype"] == "image"
    assert quotes[1]["image"]["url"].startswith(corp.url)
    quoting = corp.entry(lambda entry: entry["content"].endswith("这个呢"))
    assert quoting["quote"] == {
        "id": first["id"],
        "name": "王芳",
        "type": "text",
        "content": f"@{BOT_NAME} 今日的测试情况",
    }


def test_a_quote_from_another_chat_is_refused(corp: Simulator) -> None:
    other = corp.says("单聊里的话")
    answer = requests.post(
        f"{corp.url}/_sim/messages",
        json={"member": "wang.fang", "chat": _GROUP, "content": "x", "quote": other["id"]},
        timeout=5,
    )
    assert answer.status_code == 400


def test_other_kinds_have_their_shapes(corp: Simulator, bot: BotWebhook) -> None:
    picture = corp.uploads(_PNG)
    for message in (
        {"type": "image", "upload": picture},
        {"type": "mixed", "content": "这是什么", "upload": picture},
        {"type": "voice", "content": "语音转成的文字"},
        {"type": "file", "upload": picture},
    ):
        corp.ended(corp.call("POST", "/_sim/messages", member="wang.fang", **message))
    image, mixed, voice, file = bot.messages(4)
    assert image["image"].keys() == file["file"].keys() == {"url"}
    assert [item["msgtype"] for item in mixed["mixed"]["msg_item"]] == ["text", "image"]
    assert mixed["mixed"]["msg_item"][0]["text"] == {"content": "这是什么"}
    assert voice["voice"] == {"content": "语音转成的文字"}


@pytest.mark.parametrize(
    "message",
    [
        {"type": "image"},
        {"type": "mixed", "upload": "{text}", "content": "x"},
        {"type": "voice"},
        {"peer": "app", "content": "x"},
        {"peer": "kf", "content": "x"},
        {"event": "enter_chat", "chat": _GROUP},
        {"event": "template_card_event"},
        {"event": "feedback_event", "feedback": {"type": 1}},
        {"content": "x", "quote": "first"},
    ],
    ids=str,
)
def test_what_no_member_can_do_is_refused(corp: Simulator, bot: BotWebhook, message: dict[str, Any]) -> None:
    text = corp.uploads(b"no picture", "notes.txt")
    body = {name: text if value == "{text}" else value for name, value in message.items()}
    answer = requests.post(f"{corp.url}/_sim/messages", json={"member": "wang.fang", **body}, timeout=5)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert bot.received == []


def test_unheard_of_kinds_are_sent_on_demand(corp: Simulator, bot: BotWebhook) -> None:
    """Rule 12."""
    corp.call("POST", "/_sim/messages", member="li.na", type="hologram", fields={"beam": "blue"})
    corp.call("POST", "/_sim/messages", member="li.na", event="teleported", fields={"to": "Mars"})
    (message,) = bot.messages(1)
    assert message["hologram"] == {"beam": "blue"}
    (event,) = bot.events(1)
    assert event["event"] == {"eventtype": "teleported", "teleported": {"to": "Mars"}}


def test_failed_callbacks_are_made_again(corp: Simulator, bot: BotWebhook) -> None:
    """Rule 5: the same decrypted body, up to three retries."""
    bot.answer = lambda _received: (500, b"")
    outcome = corp.ended(corp.says("在吗"))
    assert (outcome["state"], outcome["attempts"]) == ("failed", 4)
    assert len({received.plain for received in bot.received}) == 1
    assert len({received.body for received in bot.received}) == 4


def test_a_lost_answer_makes_the_callback_come_again(corp: Simulator, bot: BotWebhook) -> None:
    """Rules 5 and 7: the bot has worked and cannot know that nobody heard it."""
    corp.fault(on="bot_callback", kind="lose_answer", member="wang.fang")
    bot.stream("答案", finish=True)
    outcome = corp.ended(corp.says("在吗"))
    assert (outcome["state"], outcome["attempts"]) == ("delivered", 2)
    first, second = bot.messages(2)
    assert first == second
    assert [entry["content"] for entry in corp.entries() if entry["via"] == "stream"] == ["答案"]


def test_faults_come_to_the_bot_and_to_one_member_only(corp: Simulator, bot: BotWebhook) -> None:
    """Rule 9."""
    corp.fault(on="bot_callback", kind="drop", member="li.na")
    corp.fault(on="bot_callback", kind="swap", member="wang.fang")
    corp.says("一")
    assert corp.ended(corp.says("丢了", member="li.na"))["state"] == "dropped"
    corp.says("二")
    assert [body["text"]["content"] for body in bot.messages(2)] == ["二", "一"]
    corp.fault(on="bot_callback", kind="duplicate")
    corp.says("三")
    third, again = bot.messages(4)[2:]
    assert third == again


def _answers_when_released(bot: BotWebhook, released: threading.Event) -> None:
    def wait(received: Received) -> Answer:
        released.wait(timeout=5)
        body = json.loads(received.plain)
        return 200, bot.seal(_finished(body), received.query["nonce"])

    bot.answer = wait


def _finished(body: Body) -> Body:
    return {"msgtype": "stream", "stream": {"id": body["msgid"], "finish": True, "content": "好"}}


def test_a_fourth_message_is_held_until_one_ends(corp: Simulator, bot: BotWebhook) -> None:
    """Rule 28: streams keep three messages in progress; a member of her own is not held up."""
    bot.script = lambda body: {
        "msgtype": "stream",
        "stream": {"id": body.get("stream", {}).get("id", body["msgid"]), "finish": False, "content": "…"},
    }
    sent = [corp.says(str(n)) for n in range(5)]
    bot.messages(3)
    assert [
        entry["delivery"]["state"] for entry in corp.entries() if entry["id"] in (sent[3]["id"], sent[4]["id"])
    ] == [
        "held",
        "held",
    ]
    corp.says("别人的", member="li.na")
    assert {body["from"]["userid"] for body in bot.messages(4)} == {"wang.fang", "li.na"}
    bot.script = lambda body: _finished({"msgid": body.get("stream", {}).get("id", body["msgid"])})
    assert [corp.ended(entry)["state"] for entry in sent] == ["delivered"] * 5
    assert [body["text"]["content"] for body in bot.messages(6) if body["from"]["userid"] == "wang.fang"] == list(
        "01234"
    )
    assert corp.log(28) == ["message_held"] * 2


def test_a_fourth_message_can_be_refused(corp: Simulator, bot: BotWebhook) -> None:
    """Rule 28, by a switch."""
    corp.rules(bot_excess="refused", bot_in_progress=1)
    released = threading.Event()
    _answers_when_released(bot, released)
    first = corp.says("一")
    assert corp.says("二")["delivery"]["state"] == "refused"
    released.set()
    corp.ended(first)
    until(lambda: corp.get("/_sim/state")["waiting"] == 0)
    assert corp.ended(corp.says("三"))["state"] == "delivered"
    assert [body["text"]["content"] for body in bot.messages(2)] == ["一", "三"]
    assert corp.log(28) == ["message_refused"]


def test_what_is_lost_no_longer_holds_up(corp: Simulator, bot: BotWebhook) -> None:
    """Rule 28: dropped, failed and faultily answered messages are over."""
    corp.rules(bot_in_progress=1, callback_retries=0)
    corp.fault(on="bot_callback", kind="drop")
    corp.says("丢了")
    bot.answer = lambda _received: (500, b"")
    corp.ended(corp.says("失败"))
    bot.answer = lambda _received: (200, b"nonsense")
    corp.ended(corp.says("答错"))
    bot.answer = lambda _received: (200, b"")
    assert corp.ended(corp.says("最后"))["state"] == "delivered"


def test_enter_chat_comes_once_a_day(corp: Simulator, bot: BotWebhook, clock: Clock) -> None:
    """Rule 31: until midnight in Shanghai, for each member."""
    clock.now = 1_800_028_799.0  # 2027-01-15 23:59:59 in Shanghai
    enter = {"event": "enter_chat"}
    corp.call("POST", "/_sim/messages", member="wang.fang", **enter)
    assert corp.call("POST", "/_sim/messages", member="wang.fang", **enter) == {"skipped": "enter_chat", "rule": 31}
    corp.call("POST", "/_sim/messages", member="li.na", **enter)
    clock.now += 1
    corp.call("POST", "/_sim/messages", member="wang.fang", **enter)
    first = bot.events(3)[0]
    assert first.keys() == {"msgid", "create_time", "aibotid", "from", "msgtype", "event"}
    assert (first["create_time"], first["event"]) == (1_800_028_799, {"eventtype": "enter_chat"})
    assert corp.log(31) == ["enter_chat_not_repeated"]
    corp.rules(enter_chat_daily=False)
    corp.call("POST", "/_sim/messages", member="wang.fang", **enter)
    bot.events(4)


def test_the_bots_callback_url_proves_itself(corp: Simulator, bot: BotWebhook) -> None:
    """Rule 1, with an empty receive id."""

    def echo(received: Received) -> Answer:
        query = received.query
        plain = WeChatCrypto(TOKEN, AES_KEY, "").check_signature(
            query["msg_signature"], query["timestamp"], query["nonce"], query["echostr"]
        )
        return 200, plain.encode() if isinstance(plain, str) else bytes(plain)

    bot.answer = echo
    assert corp.call("POST", "/_sim/callback-url", peer="bot")["ok"]
    bot.answer = lambda _received: (200, b"something else")
    assert corp.call("POST", "/_sim/callback-url", peer="bot")["reason"] == "body"
