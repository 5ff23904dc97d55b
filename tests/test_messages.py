"""What travels through Redis comes back the same, and keys stay where they are for ever."""

from dataclasses import replace

import pytest

from bot.messages import Attachment, ConversationId, InboundMessage, MessageKind, Sender, UndecodableMessage

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


def test_a_message_survives_the_queue() -> None:
    assert InboundMessage.decode(MESSAGE.encode()) == MESSAGE


@pytest.mark.parametrize(
    "raw",
    [b"", b"\xff", b"[]", b"{}", b'{"v":2}', MESSAGE.encode().replace(b'"image"', b'"hologram"')],
    ids=["empty", "binary", "list", "no version", "other version", "unknown kind"],
)
def test_what_cannot_be_decoded_keeps_its_bytes(raw: bytes) -> None:
    with pytest.raises(UndecodableMessage) as caught:
        InboundMessage.decode(raw)
    assert caught.value.raw == raw


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
