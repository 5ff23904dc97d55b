"""Callbacks: what is let in, and as what."""

import base64
import hashlib
import json
import struct
from typing import Any

import pytest
import structlog
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bot.channel import CallbackRequest, Echo, Greeting, Messages, Poll, Rejected
from bot.messages import Attachment, ConversationId, InboundMessage, MessageKind, Quoted
from channels.wecom.crypto import CallbackCrypto
from channels.wecom_aibot.replies import stream_id_of
from tests.channels.wecom_aibot.callbacks import (
    CHANNEL,
    CRYPTO,
    NONCE,
    NOW,
    PAYLOADS,
    channel_of,
    message_in,
    payload,
    post,
    receive,
)
from tests.channels.wecom_aibot.conftest import ENCODING_AES_KEY, TOKEN

GROUP = ConversationId(bot="imaging", channel="robot", person="zhang.wei", chat="CHATID")
SINGLE = ConversationId(bot="imaging", channel="robot", person="zhang.wei")
MEDIA = "https://ww-aibot-img-1.cos.ap-guangzhou.myqcloud.com/"
RESPONSE_URL = "https://qyapi.weixin.qq.com/cgi-bin/aibot/response?response_code=RESPONSE_CODE"


def encrypted_by_hand(plain: bytes) -> tuple[str, int]:
    """``plain`` encrypted as page 90930 says with an empty receive id (page 101033), and the padding's length."""
    content = b"0123456789abcdef" + struct.pack(">I", len(plain)) + plain
    padding = 32 - len(content) % 32
    key = base64.b64decode(ENCODING_AES_KEY + "=")
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    sealed = encryptor.update(content + bytes([padding]) * padding) + encryptor.finalize()
    return base64.b64encode(sealed).decode(), padding


def signature_by_hand(*pieces: str) -> str:
    return hashlib.sha1("".join(sorted(pieces)).encode()).hexdigest()  # noqa: S324 - the platform's choice


def post_by_hand(encrypted: str, query_name: str = "msg_signature", body_name: str = "encrypt") -> CallbackRequest:
    timestamp = str(int(NOW))
    signature = signature_by_hand(TOKEN, timestamp, NONCE, encrypted)
    query = {query_name: signature, "timestamp": timestamp, "nonce": NONCE}
    return CallbackRequest(
        method="POST", query=query, body=json.dumps({body_name: encrypted}).encode(), received_at=NOW
    )


def verification(encrypted: str, signature_name: str = "msg_signature") -> CallbackRequest:
    query = dict(post_by_hand(encrypted, signature_name).query) | {"echostr": encrypted}
    return CallbackRequest(method="GET", query=query, body=b"", received_at=NOW)


def test_url_verification_is_answered_with_exactly_the_plain_text() -> None:
    received = CHANNEL.receive(verification(encrypted_by_hand(b"1616140317555161061")[0]))
    assert received == Echo(plain="1616140317555161061")
    response = CHANNEL.respond(received)
    assert (response.status, response.body) == (200, b"1616140317555161061")


def test_every_padding_length_opens_under_an_empty_receive_id() -> None:
    lengths = set()
    for length in range(32):
        content = payload("text_single") | {"text": {"content": "x" * length}}
        encrypted, padding = encrypted_by_hand(json.dumps(content).encode())
        received = CHANNEL.receive(post_by_hand(encrypted))
        assert isinstance(received, Messages)
        assert received.messages[0].text == "x" * length
        lengths.add(padding)
    assert lengths == set(range(1, 33))


@pytest.mark.parametrize("query_name", ["msg_signature", "msgsignature", "signature"])
@pytest.mark.parametrize("body_name", ["encrypt", "Encrypt"])
def test_every_name_that_peers_use_is_taken(query_name: str, body_name: str) -> None:
    encrypted, _ = encrypted_by_hand((PAYLOADS / "text_single.json").read_bytes())
    assert isinstance(CHANNEL.receive(post_by_hand(encrypted, query_name, body_name)), Messages)
    assert CHANNEL.receive(verification(encrypted_by_hand(b"1")[0], query_name)) == Echo(plain="1")


def test_a_receive_id_that_is_configured_must_match() -> None:
    channel = channel_of(receive_id="ww1436e0e65a779aee")
    with pytest.raises(Rejected, match="wrong_receive_id"):
        receive(payload("text_single"), channel)
    foreign = CallbackCrypto(TOKEN, ENCODING_AES_KEY, "ww1436e0e65a779aee").encrypt(
        (PAYLOADS / "text_single.json").read_bytes()
    )
    assert isinstance(channel.receive(post_by_hand(foreign)), Messages)
    with pytest.raises(Rejected, match="wrong_receive_id"):
        CHANNEL.receive(post_by_hand(foreign))


def test_a_group_message_arrives_whole() -> None:
    message = message_in(payload("text_group"))
    assert message == InboundMessage(
        conversation=GROUP,
        message_id="CAIQ16HMjQYY/NGagIOAgAMgq4KM0A01=",
        sender=message.sender,
        kind=MessageKind.TEXT,
        text="碘克沙醇的渗透压是多少？ <b>&amp; 😀",
        sent_at=float(int(NOW)),
        received_at=NOW,
        stream_id=stream_id_of("CAIQ16HMjQYY/NGagIOAgAMgq4KM0A01=", ENCODING_AES_KEY),
        response_url=RESPONSE_URL,
    )
    assert message.sender.id == "zhang.wei"


@pytest.mark.parametrize(
    ("name", "chat", "kind", "text", "attachments"),
    [
        ("text_group", "CHATID", "text", "碘克沙醇的渗透压是多少？ <b>&amp; 😀", []),
        ("text_single", "", "text", "@影像助手 和 @李娜 你们好", []),
        ("mixed", "CHATID", "text", "这是说明书吗\n还有这张", [("image", "one"), ("image", "two")]),
        ("mixed_images_only", "", "image", "", [("image", "one")]),
        ("image", "", "image", "", [("image", "image")]),
        ("voice", "", "voice", "这是语音转成文本的内容", []),
        ("file", "", "file", "", [("file", "file")]),
        ("video", "", "video", "", [("video", "video")]),
        ("unknown_type", "", "unsupported", "", []),
    ],
)
def test_each_documented_type_becomes_a_message(
    name: str, chat: str, kind: str, text: str, attachments: list[tuple[str, str]]
) -> None:
    message = message_in(payload(name))
    assert (message.conversation.chat, message.kind, message.text) == (chat, MessageKind(kind), text)
    expected = tuple(Attachment(kind=MessageKind(kind), url=MEDIA + path) for kind, path in attachments)
    assert message.attachments == expected
    assert message.quoted is None
    assert InboundMessage.decode(message.encode()) == message


def test_an_unknown_type_is_logged_by_name() -> None:
    with structlog.testing.capture_logs() as lines:
        message_in(payload("unknown_type"))
    assert [(line["event"], line["name"]) for line in lines] == [("message_unsupported", "hologram")]


_NESTED = {"msgtype": "mixed", "mixed": {"msg_item": [{"msgtype": "text", "text": {"content": "deep"}}]}}


@pytest.mark.parametrize("items", [[], [{"msgtype": "hologram"}], [_NESTED]])
def test_a_mixed_message_with_nothing_we_know_is_unsupported(items: list[dict[str, Any]]) -> None:
    assert message_in(payload("mixed") | {"mixed": {"msg_item": items}}).kind is MessageKind.UNSUPPORTED


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [
        ("text_with_quote", "text", "这是今日的测试情况"),
        ("quote_of_mixed", "text", "第一段\n第二段"),
        ("quote_of_image", "image", ""),
        ("quote_of_voice", "voice", "说过的话"),
        ("quote_of_file", "file", ""),
        ("quote_of_video", "video", ""),
        ("quote_of_unknown", "unsupported", ""),
    ],
)
def test_what_a_message_quotes_comes_along(name: str, kind: str, text: str) -> None:
    message = message_in(payload(name))
    assert message.quoted == Quoted(kind=MessageKind(kind), text=text)
    assert (message.kind, message.attachments) == (MessageKind.TEXT, ())
    assert InboundMessage.decode(message.encode()) == message


def test_a_redelivery_has_the_same_bubble_and_nobody_elses() -> None:
    first, again = message_in(payload("text_group")), message_in(payload("text_group"))
    other = message_in(payload("mixed"))
    assert first.stream_id == again.stream_id != other.stream_id
    assert first.stream_id == stream_id_of(first.message_id, ENCODING_AES_KEY)
    assert len(first.stream_id) == 32
    assert set(first.stream_id) <= set("abcdefghijklmnopqrstuvwxyz234567")
    assert first.stream_id != stream_id_of(first.message_id, "k" * 43)


@pytest.mark.parametrize("message_id", [None, "", "m" * 129, "a\nb"])
def test_a_message_without_a_usable_id_gets_one_from_its_content(message_id: str | None) -> None:
    content = payload("text_without_id") | {"msgid": message_id}
    raw = json.dumps(content, ensure_ascii=False).encode()
    message = message_in(content)
    assert message.message_id == hashlib.sha1(raw).hexdigest()  # noqa: S324 - no secret
    assert message.stream_id == stream_id_of(message.message_id, ENCODING_AES_KEY)
    assert message_in(content | {"aibotid": "OTHER"}).message_id != message.message_id


def test_the_time_a_message_names_counts_before_that_of_the_callback() -> None:
    assert message_in(payload("text_single") | {"create_time": 1_699_999_999}).sent_at == 1_699_999_999.0
    assert message_in(payload("text_single")).sent_at == 1_700_000_002.0


@pytest.mark.parametrize(("name", "conversation"), [("stream_refresh", GROUP), ("stream_refresh_single", SINGLE)])
def test_a_refresh_asks_for_a_bubble_of_the_conversation(name: str, conversation: ConversationId) -> None:
    received = receive(payload(name))
    assert received == Poll(conversation=conversation, stream_id="STREAMID", context={"nonce": NONCE})


def test_a_refresh_finds_the_conversation_of_its_message() -> None:
    message = message_in(payload("text_group"))
    polled = receive(payload("stream_refresh") | {"stream": {"id": message.stream_id}})
    assert isinstance(polled, Poll)
    assert (polled.conversation, polled.stream_id) == (message.conversation, message.stream_id)


def test_entering_the_chat_is_greeted() -> None:
    assert receive(payload("event_enter_chat")) == Greeting(conversation=SINGLE, context={"nonce": NONCE})


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("event_unknown", {"event": "event_ignored", "name": "brand_new_event"}),
    ],
)
def test_other_events_are_one_line_in_the_log_and_an_empty_200(name: str, line: dict[str, object]) -> None:
    with structlog.testing.capture_logs() as lines:
        received = receive(payload(name))
    assert lines == [line | {"bot": "imaging", "channel": "robot", "log_level": "info"}]
    assert isinstance(received, Messages)
    assert received.messages == ()
    response = CHANNEL.respond(received)
    assert (response.status, response.body) == (200, b"")


def test_a_named_chat_is_a_group_unless_it_is_said_to_be_single() -> None:
    unnamed = {key: value for key, value in payload("text_group").items() if key != "chattype"}
    assert message_in(unnamed).conversation == GROUP
    assert message_in(payload("text_group") | {"chattype": "single"}).conversation == SINGLE
    assert message_in(payload("text_group") | {"chattype": "brand_new"}).conversation == GROUP


def test_what_utf8_and_sql_cannot_hold_is_replaced() -> None:
    odd = '{"msgtype":"text","from":{"userid":"u"},"text":{"content":"a\\ud800b\\u0000c"}}'
    received = CHANNEL.receive(post(odd.encode()))
    assert isinstance(received, Messages)
    assert received.messages[0].text == "a?b\ufffdc"
    assert received.messages[0].encode()


def test_our_own_sealing_is_what_the_platform_would_do() -> None:
    plain = b'{"msgtype":"text"}'
    assert CRYPTO.encrypt(plain, random_part=b"0123456789abcdef") == encrypted_by_hand(plain)[0]
    assert CRYPTO.signature("1", "2", "3") == signature_by_hand(TOKEN, "1", "2", "3")
