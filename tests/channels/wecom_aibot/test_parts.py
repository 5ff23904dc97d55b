"""What a robot can say besides words: pictures at the end of a bubble, cards, and what lets people rate an answer."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.channel import Refused
from bot.media.store import MediaStore
from bot.messages import MessageKind
from bot.parts import Article, Button, Card, CardUpdate, Markdown, Medium, News, Part, Stream, Text, words_of
from bot.streams import Bubble
from tests.channels.wecom_aibot.conftest import Installation
from tests.media_sources import GIF, JPEG, PNG, put


@pytest.fixture
def store(here: Installation, tmp_path: Path) -> MediaStore:
    """Pictures that bubbles end with lie here."""
    here.media = store = MediaStore(tmp_path, keep_s=3600)
    return store


def test_a_bubble_ends_with_the_pictures_that_the_platform_takes(here: Installation, store: MediaStore) -> None:
    put(store, "p1", PNG)
    put(store, "p2", JPEG)
    put(store, "gif", GIF)
    put(store, "huge", PNG + bytes(10 * 1024 * 1024))
    here.hears()
    here.say(Stream("见图", "s1", ("p1", "gif", "p2", "huge", "gone")))
    assert here.shown() == Bubble(text="见图", finished=True, pictures=("p1", "p2"))
    assert ("degraded", {"what": "picture_left_out"}) in here.counted
    here.hears("s2")
    here.say(Stream("见图", "s2", ("p1",) * 11))
    assert here.shown("s2") == Bubble(text="见图", finished=True, pictures=("p1",) * 10)


def test_a_bubble_that_is_closed_leaves_the_words_only(here: Installation, store: MediaStore) -> None:
    put(store, "p1", PNG)
    here.hears()
    here.close_bubble()
    here.say(Stream("见图", "s1", ("p1",)))
    assert here.posted[0].json == {"msgtype": "markdown", "markdown": {"content": "见图"}}
    assert ("degraded", {"what": "picture_left_out"}) in here.counted


TURN_ID = "abcdefghijklmnop2345"


@pytest.mark.parametrize(
    ("part", "key", "feedback"),
    [
        (Markdown("words"), f"{TURN_ID}:0", {"feedback": {"id": TURN_ID}}),
        (Stream("words", "gone"), f"{TURN_ID}:1", {"feedback": {"id": TURN_ID}}),
        (Text("人工客服：您好"), f"{TURN_ID}:0", {}),
        (Markdown("words"), "ticket:7:timeout:0", {}),
        (Markdown("words"), f"welcome-{TURN_ID}:0", {}),
    ],
)
def test_a_late_answer_can_be_rated_and_a_notice_cannot(
    here: Installation, part: Part, key: str, feedback: dict[str, Any]
) -> None:
    here.hears()
    here.say(part, key=key)
    assert here.posted[0].json["markdown"] == {"content": words_of(part)} | feedback


CARD = Card(task_id="t1", title="题" * 27, text="述" * 113, buttons=(Button("有用", "k"),))


def test_a_card_uses_up_one_permission(here: Installation) -> None:
    here.hears()
    here.say(CARD)
    assert here.posted[0].json == {
        "msgtype": "template_card",
        "template_card": {
            "card_type": "button_interaction",
            "main_title": {"title": "题" * 25 + "…"},
            "sub_title_text": "述" * 111 + "…",
            "button_list": [{"text": "有用", "key": "k", "style": 1}],
            "task_id": "t1",
        },
    }
    with pytest.raises(Refused, match="no_response_url"):
        here.say(CARD)


@pytest.mark.parametrize(
    ("part", "code"),
    [
        (Medium(MessageKind.IMAGE, "p1"), "part_unsupported"),
        (Medium(MessageKind.FILE, "p1"), "part_unsupported"),
        (News((Article("一", "", "https://a.example/"),)), "part_unsupported"),
        (CardUpdate("t1", "", "已收到"), "part_unsupported"),
        (replace(CARD, task_id=""), "card_bad_task_id"),
        (replace(CARD, buttons=()), "card_without_url"),
    ],
)
def test_what_a_robot_cannot_say_uses_nothing_up(here: Installation, part: Part, code: str) -> None:
    here.hears()
    with pytest.raises(Refused, match=code):
        here.say(part)
    assert (here.posted, here.permissions) == ([], 1)
