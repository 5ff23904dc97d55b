"""Callbacks: what is let in, as what, and what is turned away."""

import dataclasses
import hashlib

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channel import NOTHING, CallbackRequest, Echo, Messages, Rejected
from bot.events import Subscribed
from bot.messages import Attachment, ConversationId, InboundMessage, MessageKind
from channels.wecom.callback import MAX_BODY_BYTES
from channels.wecom.crypto import CallbackCrypto
from tests.channels.wecom_app import vectors
from tests.channels.wecom_app.callbacks import (
    CHANNEL,
    CRYPTO,
    NOW,
    PAYLOADS,
    channel_of,
    envelope,
    post,
    signed_query,
)
from tests.channels.wecom_app.vectors import SAMPLE, Sealed


def deliver(name: str) -> tuple[InboundMessage, ...]:
    received = CHANNEL.receive(post((PAYLOADS / f"{name}.xml").read_bytes()))
    assert isinstance(received, Messages)
    return received.messages


def refusal(request: CallbackRequest) -> tuple[str, int]:
    with pytest.raises(Rejected) as caught:
        CHANNEL.receive(request)
    return caught.value.reason, caught.value.status


def verification(sealed: Sealed) -> CallbackRequest:
    query = sealed.query | {"echostr": sealed.encrypted}
    return CallbackRequest(method="GET", query=query, body=b"", received_at=float(sealed.timestamp))


@pytest.mark.parametrize(
    ("sealed", "plain"),
    [
        (vectors.A, "1288432023552776189"),
        (vectors.C, "1616140317555161061"),
        (vectors.E_ECHO, "5927782489442352469"),
    ],
    ids=["A", "C", "E"],
)
def test_url_verification_is_answered_with_exactly_the_plain_text(sealed: Sealed, plain: str) -> None:
    channel = channel_of(sealed.keys)
    received = channel.receive(verification(sealed))
    assert received == Echo(plain=plain)
    response = channel.respond(received, NOTHING)
    assert (response.status, response.body) == (200, plain.encode())


@pytest.mark.parametrize(
    ("sealed", "person", "text", "message_id"),
    [
        (vectors.B, "ChenJiaShun", "你好", "1456453720"),
        (vectors.D, "mycreate", "hello", "4561255354251345929"),
        (vectors.E, "messense", "test", "4363689963896700987"),
    ],
    ids=["B", "D", "E"],
)
def test_published_messages_arrive(sealed: Sealed, person: str, text: str, message_id: str) -> None:
    received_at = float(sealed.timestamp) + 1
    request = CallbackRequest(
        method="POST", query=sealed.query, body=envelope(sealed.encrypted), received_at=received_at
    )
    received = channel_of(sealed.keys).receive(request)
    assert isinstance(received, Messages)
    (message,) = received.messages
    assert message.conversation == ConversationId(bot="imaging", channel="app", person=person)
    assert (message.sender.id, message.text, message.message_id) == (person, text, message_id)
    assert (message.sent_at, message.received_at) == (float(sealed.timestamp), received_at)


@pytest.mark.parametrize(
    ("name", "kind", "text", "attachments", "message_id"),
    [
        ("text", "text", "碘克沙醇的渗透压是多少？ <b>&amp; 😀", (), "1234567890123456"),
        ("text_without_cdata", "text", "1 < 2 & 你好", (), "1456453720"),
        ("image", "image", "", ("media_image", "https://p.example/pic.jpg"), "1234567890123457"),
        ("voice", "voice", "", ("media_voice", "", "amr"), "1234567890123458"),
        ("video", "video", "", ("media_video", ""), "1234567890123459"),
        ("location", "location", "位置信息", ("", "geo:23.134,113.358"), "1234567890123460"),
        ("link", "link", "标题\n描述", ("", "https://a.example/1?a=1&b=2"), "1234567890123461"),
        ("unknown_type", "unsupported", "", (), "1234567890123462"),
    ],
)
def test_each_documented_type_becomes_a_message(
    name: str, kind: str, text: str, attachments: tuple[str, ...], message_id: str
) -> None:
    (message,) = deliver(name)
    assert (message.kind, message.text, message.message_id) == (MessageKind(kind), text, message_id)
    expected = tuple(
        Attachment(kind=MessageKind(kind), media_id=media_id, url=url, format="".join(form))
        for media_id, url, *form in ([attachments] if attachments else [])
    )
    assert message.attachments == expected


def test_a_type_without_id_gets_one_from_its_content() -> None:
    (first,), (again,) = deliver("unknown_type_without_id"), deliver("unknown_type_without_id")
    raw = (PAYLOADS / "unknown_type_without_id.xml").read_bytes()
    other = CHANNEL.receive(post(raw.replace(b"media_file", b"media_2")))
    assert isinstance(other, Messages)
    assert first.kind is MessageKind.FILE  # not in the documentation, and fetched like the others
    assert first.attachments == (Attachment(kind=MessageKind.FILE, media_id="media_file"),)
    assert first.message_id == again.message_id != other.messages[0].message_id
    assert len(first.message_id) == 40


def test_subscribe_is_an_event_that_needs_work_and_keeps_its_id() -> None:
    (event,), (again,) = deliver("event_subscribe"), deliver("event_subscribe")
    assert (event.kind, event.event, event.sender.id) == (MessageKind.EVENT, Subscribed(), "zhang.wei")
    assert event.message_id == again.message_id
    assert event.message_id == hashlib.sha1(b"zhang.wei\x001348831860\0subscribe\0\0").hexdigest()  # noqa: S324


@pytest.mark.parametrize(
    "replacement",
    [
        (b"<EventKey></EventKey>", b"<EventKey>menu</EventKey>"),
        (b"<EventKey></EventKey>", b"<EventKey></EventKey><TaskId>task</TaskId>"),
        (b"<EventKey></EventKey>", b"<ChangeType>create_user</ChangeType>"),
        (b"1348831860", b"1348831861"),
        (b"zhang.wei", b"li.na"),
    ],
)
def test_two_different_events_of_one_second_have_two_ids(replacement: tuple[bytes, bytes]) -> None:
    raw = (PAYLOADS / "event_subscribe.xml").read_bytes()
    one, other = CHANNEL.receive(post(raw)), CHANNEL.receive(post(raw.replace(*replacement)))
    assert isinstance(one, Messages)
    assert isinstance(other, Messages)
    assert one.messages[0].message_id != other.messages[0].message_id


@pytest.mark.parametrize(
    ("name", "event", "level"),
    [
        ("event_unknown", "brand_new_event", "info"),
        ("event_change_contact_by_sys", "change_contact", "info"),
        ("event_subscribe_by_sys", "subscribe", "info"),
    ],
)
def test_other_events_are_logged_once_and_answered_with_an_empty_200(name: str, event: str, level: str) -> None:
    with structlog.testing.capture_logs() as lines:
        received = CHANNEL.receive(post((PAYLOADS / f"{name}.xml").read_bytes()))
    assert received == Messages(messages=())
    assert [(line["event"], line["name"], line["log_level"]) for line in lines] == [("event_ignored", event, level)]
    response = CHANNEL.respond(received, NOTHING)
    assert (response.status, response.body) == (200, b"")


def test_a_callback_of_another_family_is_ignored() -> None:
    assert deliver("suite_ticket") == ()


def test_forged_and_foreign_callbacks_are_refused() -> None:
    genuine = post(b"<xml/>")
    forged = dict(genuine.query) | {"msg_signature": "0" * 40}
    assert refusal(dataclasses.replace(genuine, query=forged)) == ("bad_signature", 403)
    other = CallbackCrypto(SAMPLE.token, SAMPLE.encoding_aes_key, "ww_another_corp").encrypt(b"<xml/>")
    foreign = dataclasses.replace(genuine, query=signed_query(other, str(int(NOW))), body=envelope(other))
    assert refusal(foreign) == ("wrong_receive_id", 403)


@pytest.mark.parametrize("age_s", [-3603, 3603])
def test_callbacks_far_from_our_clock_are_stale(age_s: int) -> None:
    assert refusal(post(b"<xml/>", str(int(NOW) + age_s))) == ("stale", 403)


@pytest.mark.parametrize("age_s", [-3599, 3600])
def test_a_drifting_clock_loses_nothing(age_s: int) -> None:
    raw = (PAYLOADS / "text.xml").read_bytes()
    assert CHANNEL.receive(post(raw, str(int(NOW) + age_s)))


@pytest.mark.parametrize("timestamp", ["1348831862.5", "１３４８８３１８６２", "-1", "1e9", "9" * 13])
def test_a_signed_timestamp_that_is_no_number_is_refused(timestamp: str) -> None:
    assert refusal(post(b"<xml/>", timestamp)) == ("bad_argument", 400)


@pytest.mark.parametrize("name", ["msg_signature", "timestamp", "nonce"])
def test_each_argument_is_needed(name: str) -> None:
    genuine = post(b"<xml/>")
    without = {key: value for key, value in genuine.query.items() if key != name}
    assert refusal(dataclasses.replace(genuine, query=without)) == ("missing_argument", 400)
    for odd in ("\ud800", "签名", "a\0b", "a" * 5000):
        assert refusal(dataclasses.replace(genuine, query=dict(genuine.query) | {name: odd})) == ("bad_argument", 400)


def test_url_verification_names_what_is_wrong() -> None:
    request = verification(vectors.A)
    late = dataclasses.replace(request, received_at=request.received_at + 3601)
    assert refusal(late) == ("stale", 403)
    spaced = dict(request.query) | {"echostr": request.query["echostr"].replace("+", " ")}
    assert refusal(dataclasses.replace(request, query=spaced)) == ("decoded_twice", 400)
    assert refusal(dataclasses.replace(request, query=vectors.A.query)) == ("missing_argument", 400)
    assert refusal(dataclasses.replace(request, method="PUT")) == ("bad_method", 405)
    binary = CRYPTO.encrypt(b"\xff\xfe")
    unreadable = signed_query(binary, vectors.A.timestamp) | {"echostr": binary}
    assert refusal(dataclasses.replace(request, query=unreadable)) == ("bad_charset", 400)


_BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><xml><Encrypt>&b;</Encrypt></xml>'
_EXTERNAL = b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><xml><Encrypt>&f;</Encrypt></xml>'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", ("bad_xml", 400)),
        (b"\xff\xfe<xml/>", ("bad_charset", 400)),
        (b"<xml><Encrypt>", ("bad_xml", 400)),
        (b"<xml><Encrypt>\0</Encrypt></xml>", ("bad_xml", 400)),
        (b"<xml>&undefined;</xml>", ("bad_xml", 400)),
        (_BOMB, ("bad_xml", 400)),
        (_EXTERNAL, ("bad_xml", 400)),
        (b"<!DOCTYPE xml><xml><Encrypt>eA==</Encrypt></xml>", ("bad_xml", 400)),
        (b"<a>" * 20_000 + b"</a>" * 20_000, ("bad_xml", 400)),
        (b"<a>" * 17 + b"</a>" * 17, ("bad_xml", 400)),
        (b"<a>" * 16 + b"</a>" * 16, ("bad_envelope", 400)),
        (b"<xml>" + b"<a/>" * 20_000 + b"</xml>", ("bad_xml", 400)),
        (b"<xml></xml>", ("bad_envelope", 400)),
        (b"<xml><Encrypt></Encrypt></xml>", ("bad_envelope", 400)),
        (b"<xml><a><Encrypt>eA==</Encrypt></a></xml>", ("bad_envelope", 400)),
        (b"<xml>" + b" " * MAX_BODY_BYTES + b"</xml>", ("too_large", 413)),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_malformed_and_hostile_bodies_are_refused(body: bytes, expected: tuple[str, int]) -> None:
    assert refusal(dataclasses.replace(post(b"<xml/>"), body=body)) == expected


@pytest.mark.parametrize(
    ("plain", "reason"),
    [
        (b"\xff", "bad_charset"),
        (b"", "bad_xml"),
        (_BOMB, "bad_xml"),
        ((PAYLOADS / "message_from_nobody.xml").read_bytes(), "bad_message"),
        ((PAYLOADS / "text.xml").read_bytes().replace(b"1348831860", b"yesterday"), "bad_message"),
        ((PAYLOADS / "text.xml").read_bytes().replace(b"zhang.wei", b"z" * 129), "bad_message"),
        ((PAYLOADS / "image.xml").read_bytes().replace(b"<MediaId>", b"<MediaId>" + b"m" * 10_000), "bad_message"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_signed_nonsense_is_refused_too(plain: bytes, reason: str) -> None:
    assert refusal(post(plain)) == (reason, 400)


def received_or_rejected(request: CallbackRequest) -> None:
    """Anything else that :meth:`receive` raises fails the test by itself."""
    try:
        assert isinstance(CHANNEL.receive(request), Echo | Messages)
    except Rejected as rejection:
        assert 400 <= rejection.status < 500  # noqa: PT017 - being let in is as good


def _mutate(original: bytes, position: int, removed: int, inserted: bytes) -> bytes:
    start = position % (len(original) + 1)
    return original[:start] + inserted + original[start + removed :]


_mutation = st.tuples(st.integers(0, 4000), st.integers(0, 30), st.binary(max_size=20))
_any_content = settings(max_examples=150, deadline=None, database=None, derandomize=True)
_payloads = st.sampled_from(sorted(path.read_bytes() for path in PAYLOADS.glob("*.xml")))


@_any_content
@given(plain=_payloads, mutation=_mutation)
def test_nothing_but_rejected_is_raised_for_a_mutated_envelope(plain: bytes, mutation: tuple[int, int, bytes]) -> None:
    request = post(plain)
    received_or_rejected(dataclasses.replace(request, body=_mutate(request.body, *mutation)))


@_any_content
@given(plain=_payloads, mutation=_mutation)
def test_nothing_but_rejected_is_raised_for_a_mutated_message(plain: bytes, mutation: tuple[int, int, bytes]) -> None:
    received_or_rejected(post(_mutate(plain, *mutation)))


@_any_content
@given(
    method=st.sampled_from(["GET", "POST", "HEAD"]),
    query=st.dictionaries(
        st.sampled_from(["msg_signature", "timestamp", "nonce", "echostr"]), st.text(max_size=50), max_size=4
    ),
    body=st.binary(max_size=200),
)
def test_nothing_but_rejected_is_raised_for_noise(method: str, query: dict[str, str], body: bytes) -> None:
    received_or_rejected(CallbackRequest(method=method, query=query, body=body, received_at=NOW))
