"""Parts come back from Redis as they went, or not at all."""

import json

import pytest

from bot.messages import MessageKind
from bot.parts import (
    Article,
    Button,
    Card,
    CardUpdate,
    Choice,
    Markdown,
    Medium,
    News,
    Part,
    Stream,
    Text,
    Vote,
    decode_part,
    encode_part,
    words_of,
)

BUTTON = Button("有用", "rate:useful:t1")
VOTE = Vote(key="q", choices=(Choice("1", "好"), Choice("2", "差")), submit=Button("提交", "s"), multiple=True)
PARTS: tuple[Part, ...] = (
    Text("您好"),
    Markdown("**您好**"),
    Stream("您好", "s1", pictures=("a", "b")),
    Medium(MessageKind.FILE, "m1"),
    News((Article("题", "说明", "https://example.com", "https://example.com/p"), Article("二", "", "https://e.com"))),
    Card(task_id="c1", title="题", text="字", url="https://example.com", buttons=(BUTTON,)),
    Card(task_id="c2", title="题", vote=VOTE),
    CardUpdate(task_id="c1", response_code="r", label="已收到"),
)


def through_json(part: Part, **changes: object) -> Part:
    return decode_part(json.loads(json.dumps(encode_part(part))) | changes)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: type(part).__name__)
def test_a_part_survives_the_outbox(part: Part) -> None:
    assert through_json(part) == part


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        (PARTS[0], {"content": 7}),
        (PARTS[0], {"content": None}),
        (PARTS[0], {"type": "hologram"}),
        (PARTS[1], {"content": ["a"]}),
        (PARTS[2], {"pictures": "ab"}),
        (PARTS[2], {"pictures": [1]}),
        (PARTS[3], {"kind": "hologram"}),
        (PARTS[3], {"media": 7}),
        (PARTS[4], {"articles": {}}),
        (PARTS[4], {"articles": [{"title": 1, "description": "", "url": ""}]}),
        (PARTS[5], {"title": 7}),
        (PARTS[5], {"buttons": [{"label": "x", "key": None}]}),
        (PARTS[5], {"buttons": "ab"}),
        (PARTS[6], {"vote": "x"}),
        (PARTS[6], {"vote": {"key": "q", "choices": [], "submit": {"label": "x", "key": "y"}, "multiple": 1}}),
        (PARTS[7], {"label": 7}),
        (PARTS[7], {"colour": "blue"}),
    ],
)
def test_what_no_part_can_hold_is_refused(part: Part, changes: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        through_json(part, **changes)


def test_what_cannot_be_shown_is_put_in_words() -> None:
    assert [words_of(part) for part in PARTS] == [
        "您好",
        "**您好**",
        "您好",
        "",
        "题 https://example.com\n二 https://e.com",
        "题\n字\n有用\nhttps://example.com",
        "题\n好 / 差",
        "",
    ]
