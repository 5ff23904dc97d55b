"""What the platform reads out of our HTTP answers."""

import base64
import hashlib
import json
from typing import Any

import pytest

from bot.channel import Greeting, Immediate, Messages, Poll, StreamState
from channels.wecom_aibot.replies import MAX_CONTENT_BYTES
from tests.channels.wecom_aibot.callbacks import CHANNEL, CRYPTO, NONCE, NOW, message_in, payload, receive

WAITING = StreamState(text="正在查找…", finished=False)
DONE = StreamState(text="**290** mOsm/kg", finished=True)


def read(name: str, immediate: Immediate) -> dict[str, Any]:
    """What WeCom reads out of our answer to the callback in the file ``name``."""
    response = CHANNEL.respond(receive(payload(name)), immediate)
    assert (response.status, response.content_type) == (200, "application/json; charset=utf-8")
    sealed = json.loads(response.body)
    assert set(sealed) == {"encrypt", "msgsignature", "timestamp", "nonce"}
    assert (sealed["timestamp"], sealed["nonce"]) == (int(NOW), NONCE)
    assert type(sealed["timestamp"]) is int
    plain = CRYPTO.open(sealed["msgsignature"], str(sealed["timestamp"]), sealed["nonce"], sealed["encrypt"])
    content: dict[str, Any] = json.loads(plain)
    return content


def stream(stream_id: str, *, finish: bool, content: str) -> dict[str, Any]:
    return {"msgtype": "stream", "stream": {"id": stream_id, "finish": finish, "content": content}}


@pytest.mark.parametrize("state", [WAITING, DONE])
def test_a_message_opens_its_bubble_with_the_whole_text_so_far(state: StreamState) -> None:
    stream_id = message_in(payload("text_group")).stream_id
    expected = stream(stream_id, finish=state.finished, content=state.text)
    assert read("text_group", Immediate(stream=state, notice="unknown")) == expected


def test_only_the_first_answer_of_a_bubble_lets_people_rate_it() -> None:
    immediate = Immediate(stream=WAITING, notice="unknown", turn_id="turn1")
    assert read("text_group", immediate)["stream"]["feedback"] == {"id": "turn1"}
    assert "feedback" not in read("stream_refresh", immediate)["stream"]
    assert "feedback" not in read("text_group", Immediate(notice="系统繁忙", turn_id="turn1"))["stream"]


PICTURES = (b"\x89PNG one", b"\xff\xd8\xff two")


def test_a_bubble_that_ends_shows_its_pictures() -> None:
    done = StreamState(text="见图", finished=True, pictures=PICTURES)
    assert read("stream_refresh", Immediate(stream=done))["stream"] == {
        "id": "STREAMID",
        "finish": True,
        "content": "见图",
        "msg_item": [
            {
                "msgtype": "image",
                "image": {
                    "base64": base64.b64encode(picture).decode(),
                    "md5": hashlib.md5(picture).hexdigest(),  # noqa: S324 - the platform's choice
                },
            }
            for picture in PICTURES
        ],
    }
    many = read("stream_refresh", Immediate(stream=StreamState(text="", finished=True, pictures=PICTURES * 6)))
    assert len(many["stream"]["msg_item"]) == 10


def test_a_bubble_that_goes_on_shows_none() -> None:
    open_ = StreamState(text="见图", finished=False, pictures=PICTURES)
    assert "msg_item" not in read("stream_refresh", Immediate(stream=open_))["stream"]


def test_a_busy_notice_is_a_bubble_that_has_ended() -> None:
    stream_id = message_in(payload("voice")).stream_id
    assert read("voice", Immediate(notice="系统繁忙")) == stream(stream_id, finish=True, content="系统繁忙")


@pytest.mark.parametrize("state", [WAITING, DONE])
def test_a_poll_is_answered_with_the_state_under_the_id_it_asked_for(state: StreamState) -> None:
    expected = stream("STREAMID", finish=state.finished, content=state.text)
    assert read("stream_refresh", Immediate(stream=state, notice="unknown")) == expected


def test_a_poll_for_an_unknown_bubble_ends_it() -> None:
    expected = stream("STREAMID", finish=True, content="这条消息已失效，请重新提问。")
    assert read("stream_refresh", Immediate(notice="这条消息已失效，请重新提问。")) == expected


def test_a_greeting_is_plain_text() -> None:
    expected = {"msgtype": "text", "text": {"content": "您好，我是影像助手"}}
    assert read("event_enter_chat", Immediate(notice="您好，我是影像助手")) == expected


@pytest.mark.parametrize(
    ("name", "immediate"),
    [
        ("text_group", Immediate()),
        ("stream_refresh", Immediate()),
        ("event_enter_chat", Immediate()),
        ("event_enter_chat", Immediate(stream=WAITING)),
        ("event_feedback", Immediate(notice="busy", stream=WAITING)),
        ("event_template_card", Immediate(stream=WAITING)),
    ],
)
def test_nothing_to_say_is_an_empty_200(name: str, immediate: Immediate) -> None:
    response = CHANNEL.respond(receive(payload(name)), immediate)
    assert (response.status, response.body) == (200, b"")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a" * 30_000, "a" * 20_480),
        ("好" * 7_000, "好" * 6_826),
        ("ab" + "好" * 7_000, "ab" + "好" * 6_826),
        ("😀" * 5_121, "😀" * 5_120),
        ("a\ud800b", "a?b"),
    ],
    ids=["1-byte", "3-byte", "3-byte shifted", "4-byte", "surrogate"],
)
def test_content_is_cut_between_characters(text: str, expected: str) -> None:
    assert len(expected.encode()) <= MAX_CONTENT_BYTES
    shown = read("stream_refresh", Immediate(stream=StreamState(text=text, finished=True)))
    assert shown["stream"]["content"] == expected
    assert read("event_enter_chat", Immediate(notice=text))["text"]["content"] == expected
    assert read("text_group", Immediate(notice=text))["stream"]["content"] == expected


def test_each_kind_of_callback_carries_its_own_nonce() -> None:
    for name in ("text_group", "stream_refresh", "event_enter_chat", "event_feedback"):
        received = receive(payload(name))
        assert isinstance(received, Messages | Poll | Greeting)
        assert received.context == {"nonce": NONCE}


@pytest.mark.parametrize(
    ("label", "url", "expected"),
    [
        ("说明书", "https://a.example/1?a=1&b=2", "[说明书](https://a.example/1?a=1&b=2)"),
        ("[1] 表](x)", "https://a.example/(1)", r"[\[1\] 表\](x)](https://a.example/%281%29)"),
    ],
)
def test_a_link_is_markdown_that_its_words_cannot_leave(label: str, url: str, expected: str) -> None:
    assert CHANNEL.link(label, url) == expected
