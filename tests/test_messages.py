"""What travels through Redis comes back the same, and keys stay where they are for ever."""

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.events import CardClick, Entered, Event, MenuClick, Rating, Subscribed, Verdict, Warned
from bot.messages import Attachment, ConversationId, InboundMessage, MessageKind, Quoted, Sender, UndecodableMessage

MESSAGE = InboundMessage(
    conversation=ConversationId(bot="imaging", channel="app", person="王/医 生", chat="wr%1"),
    message_id="6054768590064713728",
    sender=Sender(id="王/医 生", name="王医生"),
    kind=MessageKind.IMAGE,
    text="看看这张图 😀",
    sent_at=1_800_000_000.0,
    received_at=1_800_000_000.25,
    attachments=(Attachment(kind=MessageKind.IMAGE, media_id="m1", url="https://example.com/a"),),
)


EVENTS: tuple[Event, ...] = (
    Subscribed(),
    Entered(),
    MenuClick("courses"),
    CardClick(task_id="t", key="k", chosen={"q": ("1", "2")}, response_code="r"),
    Rating(turn_id="t1", verdict=Verdict.USELESS, reasons=("wrong",), words="不对"),
    Warned("inactive_alert"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)


def test_a_message_survives_the_queue() -> None:
    assert InboundMessage.decode(MESSAGE.encode()) == MESSAGE
    quoting = replace(MESSAGE, quoted=Quoted(kind=MessageKind.FILE, text=""), stream_id="s", response_url="https://r")
    assert InboundMessage.decode(quoting.encode()) == quoting


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_survives_the_queue(event: Event) -> None:
    message = replace(MESSAGE, kind=MessageKind.EVENT, text="", attachments=(), event=event)
    assert InboundMessage.decode(message.encode()) == message


def changed(**fields: object) -> bytes:
    return json.dumps(json.loads(MESSAGE.encode()) | fields).encode()


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"\xff", b"[]", b"{}", b'{"v":2}', b"[" * 100_000),
        changed(kind="hologram"),
        changed(text=7),
        changed(text=None),
        changed(received_at="x"),
        changed(received_at=True),
        changed(sent_at=float("nan")),
        MESSAGE.encode().replace(b"1800000000.0", b"1" + b"0" * 400),
        changed(sender={"id": 7}),
        changed(conversation={"bot": "imaging", "channel": "app", "person": ["a"]}),
        changed(attachments={"kind": "image"}),
        changed(attachments=[{"kind": "image", "url": 7}]),
        changed(quoted="words"),
        changed(event={"type": "menuclick", "key": 7}),
        changed(event={"type": "rating", "turn_id": "t", "verdict": "useful", "reasons": "wrong", "words": ""}),
        changed(event={"type": "cardclick", "task_id": "t", "key": "k", "chosen": {"q": "12"}, "response_code": ""}),
        changed(colour="blue"),
    ],
)
def test_what_cannot_be_decoded_keeps_its_bytes(raw: bytes) -> None:
    with pytest.raises(UndecodableMessage) as caught:
        InboundMessage.decode(raw)
    assert caught.value.raw == raw


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(field=st.sampled_from([*json.loads(MESSAGE.encode()), "quoted", "event"]), value=JSON)
def test_a_message_with_anything_in_a_field_is_a_message_or_undecodable(field: str, value: Any) -> None:
    with suppress(UndecodableMessage):
        message = InboundMessage.decode(changed(**{field: value}))
        wanted = get_type_hints(InboundMessage)
        assert all(isinstance(getattr(message, name), wanted[name]) for name in ("text", "message_id", "stream_id"))
        assert isinstance(message.received_at, float)
        assert InboundMessage.decode(message.encode()) == message


def test_a_conversation_key_reads_back_whatever_the_platform_calls_people() -> None:
    assert ConversationId.from_key(MESSAGE.conversation.key) == MESSAGE.conversation
    assert MESSAGE.conversation.key.count("/") == 3


def test_conversations_do_not_share_a_key() -> None:
    ids = [
        ConversationId(bot="a", channel="b", person="c"),
        ConversationId(bot="a", channel="b", person="", chat="c"),
        ConversationId(bot="a/b", channel="", person="c"),
        replace(MESSAGE.conversation, person="c"),
    ]
    assert len({identity.key for identity in ids}) == len(ids)


def test_the_bucket_of_a_conversation_never_moves() -> None:
    assert ConversationId(bot="imaging", channel="app", person="zhang.wei").tag == "{b096}"
