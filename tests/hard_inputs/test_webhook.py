"""The webhook over real HTTP: no input makes a 5xx, a traceback, or a thread that does not come back."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.hard_inputs.bodies import JSON, ODD_IDS, ODD_TEXTS, XML, any_json, any_xml, text_from
from tests.hard_inputs.conftest import PATHS, Webhook, genuine

quick = settings(
    max_examples=60,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
HOST = b"Host: localhost\r\n"
MIB = 1024 * 1024


def fine(status: int) -> bool:
    return status == 200 or 400 <= status < 500


def status_of(answer: bytes) -> int:
    """0 where the server only hung up."""
    answer = answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    return int(answer.split(b" ", 2)[1]) if answer else 0


@pytest.mark.parametrize("channel", PATHS)
def test_hostile_contents_of_genuine_callbacks(webhook: Webhook, channel: str) -> None:
    statuses = {name: webhook.callback(channel, plain) for name, plain in {**XML, **JSON}.items()}
    assert {name: status for name, status in statuses.items() if not fine(status)} == {}
    assert 400 in statuses.values()


def test_odd_people_saying_odd_things_are_taken(webhook: Webhook) -> None:
    for person in ODD_IDS:
        assert webhook.callback("app", text_from(person, "你好")) == 200, person
    for n, text in enumerate(ODD_TEXTS):
        content = {"msgid": f"odd-{n}", "chattype": "single", "from": {"userid": "wang"}, "msgtype": "text"}
        assert webhook.callback("robot", json.dumps(content | {"text": {"content": text}}).encode()) == 200, text


@quick
@given(plain=any_xml())
def test_any_xml(webhook: Webhook, plain: bytes) -> None:
    assert fine(webhook.callback("app", plain))


@quick
@given(plain=any_json())
def test_any_json(webhook: Webhook, plain: bytes) -> None:
    assert fine(webhook.callback("robot", plain))


@quick
@given(channel=st.sampled_from(sorted(PATHS)), body=st.binary(max_size=300), query=st.text(max_size=30))
def test_any_bytes_as_a_body(webhook: Webhook, channel: str, body: bytes, query: str) -> None:
    assert 400 <= webhook.post(PATHS[channel], body) < 500
    target, _ = genuine(channel, b"")
    assert 400 <= webhook.post(target, body) < 500


@quick
@given(raw=st.binary(max_size=200))
def test_any_bytes_as_a_request(webhook: Webhook, raw: bytes) -> None:
    assert status_of(webhook.says(raw)) in {0, 400, 404, 405, 408, 414, 417, 431, 505}


def test_a_callback_in_chunks_without_a_length_is_taken_within_bounds(webhook: Webhook) -> None:
    target, body = genuine("app", text_from("wang", "in chunks"))
    assert webhook.post(target, iter([body[:10], body[10:]])) == 200
    statuses = set()
    for size in (300 * 1024, 2 * MIB):
        raw = b"".join((f"{size:x}\r\n".encode(), b"x" * size, b"\r\n0\r\n\r\n"))
        head = f"POST {target} HTTP/1.1\r\n".encode() + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
        statuses.add(status_of(webhook.says(head + raw)))
    assert statuses <= {413, 0}


@pytest.mark.parametrize("size", [257 * 1024, 2 * MIB, 20 * MIB])
def test_what_is_too_large_is_refused(webhook: Webhook, size: int) -> None:
    target, _ = genuine("app", b"")
    assert status_of(webhook.says(_with_length(target, size) + b"x" * size)) in {413, 0}


@pytest.mark.parametrize("length", [1, 300, 10 * MIB, 10**12])
def test_a_peer_that_hangs_up_in_the_middle_holds_nothing_up(webhook: Webhook, length: int) -> None:
    target, _ = genuine("app", b"")
    for _ in range(8):  # twice as many as there are threads
        assert status_of(webhook.says(_with_length(target, length) + b"<")) < 500


@pytest.mark.parametrize(
    "head",
    [
        b"POST %s HTTP/1.1\r\nContent-Length: -1\r\n",
        b"POST %s HTTP/1.1\r\nContent-Length: 1e3\r\n",
        b"POST %s HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n",
        b"POST %s HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"POST %s HTTP/1.1\r\nTransfer-Encoding: gzip\r\n",
        b"POST %s HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n",
        b"POST %s HTTP/1.1\r\nContent-Type: text/xml; charset=klingon\r\nContent-Length: 2\r\n",
        b"POST %s HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=\xff\r\nContent-Length: 2\r\n",
        b"POST %s HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n",
        b"POST %s?a=%%ff&b=%%00&c=%%&d[]=1&=&&;;timestamp=1 HTTP/1.1\r\n",
        b"POST %s?" + b"timestamp=1&" * 300 + b" HTTP/1.1\r\n",
        b"POST %s?" + b"a" * 100_000 + b" HTTP/1.1\r\n",
        b"GET %s?msg_signature=%%e4%%bd%%a0&timestamp=1&nonce=1&echostr=%%ff HTTP/1.1\r\n",
        b"HEAD %s HTTP/1.1\r\n",
        b"TRACE %s HTTP/1.1\r\n",
        b"\xff\xfe %s HTTP/1.1\r\n",
        b"POST %s HTTP/9.9\r\n",
        b"POST http://other%s HTTP/1.1\r\n",
        b"POST %s/ HTTP/1.1\r\n",
        b"POST %s%%2f..%%2f..%%2f HTTP/1.1\r\n",
        b"POST /callback/%%00/%%ff HTTP/1.1\r\n",
        b"POST /callback/%%0a%%22/%%f0%%9f%%92%%a9 HTTP/1.1\r\n",
        b"POST /callback/" + b"x" * 3000 + b"/app HTTP/1.1\r\n",
        b"GET /source/%%ff%%00 HTTP/1.1\r\nAccept-Language: *;q=\xff,,;;\r\n",
        b"GET /source/" + b"A" * 60 + b" HTTP/1.1\r\nAccept-Language: " + b"en;q=0.1," * 800 + b"\r\n",
        b"PRI * HTTP/2.0\r\n",
        b"POST %s HTTP/1.1\r\n" + b"X-A: 1\r\n" * 500,
        b"POST %s HTTP/1.1\r\nX-A: " + b"x" * 100_000 + b"\r\n",
        b"POST %s HTTP/1.1\r\nX-A: 1\r\n continued\r\nno colon here\r\n",
    ],
    ids=lambda head: ascii(head[:60]),
)
def test_hostile_requests(webhook: Webhook, head: bytes) -> None:
    line = head.replace(b"%s", PATHS["app"].encode()).replace(b"%%", b"%")
    answer = webhook.says(line + HOST + b"Connection: close\r\n\r\n")
    status = status_of(answer)
    assert status == 0 or 400 <= status < 500 or (status == 505 and b"HTTP/" in line), answer[:200]


def test_a_stranger_makes_up_no_metrics(webhook: Webhook) -> None:
    for made_up in ("never-heard-of", "%22%0a%7d", "a%5c"):
        assert webhook.post(f"/callback/{made_up}/{made_up}", b"x") == 404
    page = webhook.says(b"GET /metrics HTTP/1.0\r\n\r\n")
    assert b'result="no_such_channel"' in page
    assert b"never-heard-of" not in page


def _with_length(target: str, length: int) -> bytes:
    head = f"POST {target} HTTP/1.1\r\nContent-Length: {length}\r\nConnection: close\r\n"
    return head.encode() + HOST + b"\r\n"
