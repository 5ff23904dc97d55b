"""Whatever a stranger or a faulty peer sends ends in a refusal with a constant reason, and in nothing else."""

import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channel import CallbackRequest, Echo, Greeting, Messages, Poll, Rejected
from bot.messages import InboundMessage
from channels.wecom.callback import MAX_BODY_BYTES
from tests.channels.wecom_aibot.callbacks import CHANNEL, NOW, PAYLOADS, payload, post, signed_query


def refusal(request: CallbackRequest) -> tuple[str, int]:
    with pytest.raises(Rejected) as caught:
        CHANNEL.receive(request)
    return caught.value.reason, caught.value.status


def refusal_of(content: object) -> str:
    reason, status = refusal(post(json.dumps(content).encode()))
    assert status == 400
    return reason


@pytest.mark.parametrize(
    "changes",
    [
        {"msgtype": None},
        {"msgtype": 7},
        {"from": None},
        {"from": "zhang.wei"},
        {"from": {}},
        {"from": {"userid": ""}},
        {"from": {"userid": 7}},
        {"from": {"userid": "u" * 129}},
        {"from": {"userid": "a\ud800"}},
        {"from": {"userid": "a\nb"}},
        {"chatid": None},
        {"chatid": ["CHATID"]},
        {"chatid": "c" * 129},
        {"chattype": 1},
        {"msgid": 7},
        {"create_time": "1700000000"},
        {"create_time": True},
        {"create_time": -1},
        {"create_time": 1e400},
        {"create_time": 10**12},
        {"text": None},
        {"text": "words"},
        {"text": {"content": ["words"]}},
        {"response_url": {"url": "x"}},
        {"response_url": "https://a.example/" + "x" * 4096},
        {"response_url": "https://a.example/\n"},
        {"quote": "words"},
        {"quote": {"msgtype": "text"}},
        {"quote": {"msgtype": "text", "text": {"content": 1}}},
        {"msgtype": "mixed", "mixed": {"msg_item": {}}},
        {"msgtype": "mixed", "mixed": {"msg_item": ["text"]}},
        {"msgtype": "mixed", "mixed": []},
        {"msgtype": "image", "image": {"url": 1}},
        {"msgtype": "image", "image": {"url": "u" * 4097}},
        {"msgtype": "stream"},
        {"msgtype": "stream", "stream": {}},
        {"msgtype": "stream", "stream": {"id": 1}},
        {"msgtype": "stream", "stream": {"id": "s" * 129}},
        {"msgtype": "event"},
        {"msgtype": "event", "event": {"eventtype": 1}},
        {"msgtype": "event", "event": {"eventtype": "enter_chat"}, "from": {}},
        {"msgtype": "event", "event": {"eventtype": "feedback_event"}},
        {"msgtype": "event", "event": {"eventtype": "feedback_event", "feedback_event": {"type": "2"}}},
        {
            "msgtype": "event",
            "event": {
                "eventtype": "feedback_event",
                "feedback_event": {"type": 2, "inaccurate_reason_list": ["我的话"]},
            },
        },
    ],
    ids=str,
)
def test_a_signed_body_with_a_field_out_of_shape_is_refused(changes: dict[str, object]) -> None:
    assert refusal_of(payload("text_group") | changes) == "bad_message"


@pytest.mark.parametrize(
    ("plain", "reason"),
    [
        (b"\xff", "bad_charset"),
        (b"", "bad_json"),
        (b"[]", "bad_json"),
        (b"null", "bad_json"),
        (b"[" * 100_000, "bad_json"),
        (b'{"a":' * 20_000 + b"1" + b"}" * 20_000, "bad_json"),
        (b'{"create_time":' + b"9" * 5_000 + b"}", "bad_json"),
        (b"{}", "bad_message"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_signed_nonsense_is_refused(plain: bytes, reason: str) -> None:
    assert refusal(post(plain)) == (reason, 400)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", ("bad_json", 400)),
        (b"\xff\xfe{}", ("bad_charset", 400)),
        (b"[]", ("bad_json", 400)),
        (b"{}", ("bad_envelope", 400)),
        (b'{"encrypt":""}', ("bad_envelope", 400)),
        (b'{"encrypt":7}', ("bad_envelope", 400)),
        (b'{"encrypt":{"a":1}}', ("bad_envelope", 400)),
        ('{"encrypt":"汉字"}'.encode(), ("bad_envelope", 400)),
        (b'{"encrypt":"\\ud800"}', ("bad_envelope", 400)),
        (b'{"encrypt":"eA=="}', ("bad_signature", 403)),
        (b"[" * 100_000, ("bad_json", 400)),
        (b'{"encrypt":"' + b"A" * MAX_BODY_BYTES + b'"}', ("too_large", 413)),
        (b"<xml><Encrypt>eA==</Encrypt></xml>", ("bad_json", 400)),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_malformed_and_hostile_bodies_are_refused(body: bytes, expected: tuple[str, int]) -> None:
    assert refusal(dataclasses.replace(post(b"{}"), body=body)) == expected


def test_forged_callbacks_are_refused() -> None:
    genuine = post((PAYLOADS / "text_group.json").read_bytes())
    forged = dict(genuine.query) | {"msg_signature": "0" * 40}
    assert refusal(dataclasses.replace(genuine, query=forged)) == ("bad_signature", 403)
    assert refusal(dataclasses.replace(genuine, method="PUT")) == ("bad_method", 405)
    spaced = CallbackRequest(method="GET", query=signed_query("a b") | {"echostr": "a b"}, body=b"", received_at=NOW)
    assert refusal(spaced) == ("decoded_twice", 400)


@pytest.mark.parametrize(("age_s", "stale"), [(-3603, True), (-3599, False), (3600, False), (3603, True)])
def test_callbacks_far_from_our_clock_are_stale(age_s: int, stale: bool) -> None:
    request = post((PAYLOADS / "text_group.json").read_bytes(), str(int(NOW) + age_s))
    if stale:
        assert refusal(request) == ("stale", 403)
    else:
        assert isinstance(CHANNEL.receive(request), Messages)


@pytest.mark.parametrize("name", ["msg_signature", "timestamp", "nonce"])
def test_each_argument_is_needed(name: str) -> None:
    genuine = post(b"{}")
    without = {key: value for key, value in genuine.query.items() if key != name}
    assert refusal(dataclasses.replace(genuine, query=without)) == ("missing_argument", 400)
    for odd in ("\ud800", "签名", "a\0b", "a" * 5000):
        assert refusal(dataclasses.replace(genuine, query=dict(genuine.query) | {name: odd})) == ("bad_argument", 400)


def received_or_rejected(request: CallbackRequest) -> None:
    """Anything else that :meth:`receive` raises fails the test by itself."""
    try:
        received = CHANNEL.receive(request)
    except Rejected as rejection:
        assert 400 <= rejection.status < 500  # noqa: PT017 - being let in is as good
        return
    assert isinstance(received, Echo | Messages | Poll | Greeting)
    if isinstance(received, Messages):
        assert all(InboundMessage.decode(message.encode()) == message for message in received.messages)


def _mutate(original: bytes, position: int, removed: int, inserted: bytes) -> bytes:
    start = position % (len(original) + 1)
    return original[:start] + inserted + original[start + removed :]


_mutation = st.tuples(st.integers(0, 4000), st.integers(0, 30), st.binary(max_size=20))
_any_content = settings(max_examples=150, deadline=None, database=None, derandomize=True)
_payloads = st.sampled_from(sorted(path.read_bytes() for path in PAYLOADS.glob("*.json")))
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=4), children, max_size=3),
    max_leaves=6,
)


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
@given(plain=_payloads, index=st.integers(0, 20), value=_json)
def test_nothing_but_rejected_is_raised_for_any_value_of_any_field(plain: bytes, index: int, value: object) -> None:
    content = json.loads(plain)
    content[sorted(content)[index % len(content)]] = value
    received_or_rejected(post(json.dumps(content).encode()))


@_any_content
@given(encrypted=st.text(max_size=60), plain=st.binary(max_size=60))
def test_nothing_but_rejected_is_raised_for_what_is_genuinely_signed(encrypted: str, plain: bytes) -> None:
    received_or_rejected(post(plain))
    if encrypted.isascii():
        body = json.dumps({"encrypt": encrypted}).encode()
        received_or_rejected(CallbackRequest(method="POST", query=signed_query(encrypted), body=body, received_at=NOW))


@_any_content
@given(
    method=st.sampled_from(["GET", "POST", "HEAD"]),
    query=st.dictionaries(
        st.sampled_from(["msg_signature", "signature", "timestamp", "nonce", "echostr"]),
        st.text(max_size=50),
        max_size=5,
    ),
    body=st.binary(max_size=200),
)
def test_nothing_but_rejected_is_raised_for_noise(method: str, query: dict[str, str], body: bytes) -> None:
    received_or_rejected(CallbackRequest(method=method, query=query, body=body, received_at=NOW))
