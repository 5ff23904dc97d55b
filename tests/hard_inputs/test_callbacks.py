"""Nothing that a genuine signature covers makes a channel raise anything but a refusal with a constant reason."""

import base64
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channel import CallbackRequest, Messages, Received, Rejected
from bot.messages import InboundMessage
from tests.channels.wecom_aibot import callbacks as robot
from tests.channels.wecom_app import callbacks as app
from tests.hard_inputs.bodies import JSON, ODD_IDS, ODD_TEXTS, XML, any_json, any_xml, text_from

quick = settings(max_examples=300, deadline=None, database=None, derandomize=True)
CHANNELS = {"app": app, "robot": robot}


def received(channel: str, plain: bytes) -> Received | None:
    """What the channel makes of a genuine callback, ``None`` for a refusal; any other exception fails the test."""
    side = CHANNELS[channel]
    request: CallbackRequest = side.post(plain)
    try:
        result: Received = side.CHANNEL.receive(request)
    except Rejected as refusal:
        assert 400 <= refusal.status < 500  # noqa: PT017 - being let in is as good
        assert re.fullmatch("[a-z_]+", refusal.reason)  # noqa: PT017
        return None
    side.CHANNEL.respond(result)
    for message in result.messages if isinstance(result, Messages) else ():
        assert InboundMessage.decode(message.encode()) == message, "it stands being stored"
        assert type(message.conversation).from_key(message.conversation.key) == message.conversation
    return result


@pytest.mark.parametrize("plain", XML.values(), ids=XML)
@pytest.mark.parametrize("channel", CHANNELS)
def test_hostile_xml_is_refused_or_read(channel: str, plain: bytes) -> None:
    received(channel, plain)


@pytest.mark.parametrize("plain", JSON.values(), ids=JSON)
@pytest.mark.parametrize("channel", CHANNELS)
def test_hostile_json_is_refused_or_read(channel: str, plain: bytes) -> None:
    received(channel, plain)


@pytest.mark.parametrize("name", ["entity bomb", "external entity", "external document type", "unknown entity"])
def test_no_entity_is_ever_followed(name: str) -> None:
    assert received("app", XML[name]) is None


@quick
@given(plain=any_xml())
def test_any_xml_is_refused_or_read(plain: bytes) -> None:
    received("app", plain)


@quick
@given(plain=any_json())
def test_any_json_is_refused_or_read(plain: bytes) -> None:
    received("robot", plain)


@quick
@given(
    channel=st.sampled_from(sorted(CHANNELS)),
    sealed=st.binary(max_size=100) | st.binary(min_size=64, max_size=64) | st.just(b""),
    random_part=st.binary(max_size=20),
)
def test_any_block_that_is_signed_is_opened_or_refused(channel: str, sealed: bytes, random_part: bytes) -> None:
    """Both what decrypts to noise and what decrypts to a wrong length, padding or receiver."""
    side = CHANNELS[channel]
    for encrypted in (base64.b64encode(sealed).decode(), side.CRYPTO.encrypt(sealed, random_part)):
        signature = side.CRYPTO.signature("1", "n", encrypted)
        try:
            plain = side.CRYPTO.open(signature, "1", "n", encrypted)
        except Rejected:
            continue
        assert plain == sealed


@pytest.mark.parametrize("text", ODD_TEXTS, ids=lambda text: ascii(text)[:20])
def test_odd_texts_arrive_as_they_were_written(text: str) -> None:
    content = robot.payload("text_single") | {"text": {"content": text}}
    assert robot.message_in(content).text == text
    message = received("app", text_from("a", text))
    if message is None:
        assert "\ufffe" in text, "a character that XML has no place for"
    else:
        assert isinstance(message, Messages)
        assert message.messages[0].text == text


@pytest.mark.parametrize("person", ODD_IDS, ids=ascii)
def test_an_odd_user_id_stays_the_same_person_through_every_key(person: str) -> None:
    xml = (
        f"<xml><FromUserName><![CDATA[{person}]]></FromUserName><CreateTime>1</CreateTime><MsgType>text</MsgType></xml>"
    )
    result = received("app", xml.encode())
    if result is not None:
        assert isinstance(result, Messages)
        conversation = result.messages[0].conversation
        assert conversation.person == person
        assert re.fullmatch(r"[\x21-\x7e]+", conversation.key), "fit for a Redis key and for a log line"
        assert "{" not in conversation.key, "no second hash tag"
