"""The passive reply: what the member reads before any worker has looked at the message."""

import xml.etree.ElementTree as ET

import pytest

from bot.channel import NOTHING, CallbackResponse, Immediate, Messages
from tests.channels.wecom_app.callbacks import CHANNEL, CRYPTO, NOW, PAYLOADS, post
from tests.channels.wecom_app.vectors import SAMPLE


def passive_reply(notice: str) -> dict[str, str]:
    """What WeCom reads out of our answer to a text message."""
    received = CHANNEL.receive(post((PAYLOADS / "text.xml").read_bytes()))
    return shown(CHANNEL.respond(received, Immediate(notice=notice)))


def shown(response: CallbackResponse) -> dict[str, str]:
    """The elements of the reply sealed in ``response``."""
    assert response.status == 200
    sealed = {child.tag: child.text or "" for child in ET.fromstring(response.body.decode())}  # noqa: S314 - our own
    plain = CRYPTO.open(sealed["MsgSignature"], sealed["TimeStamp"], sealed["Nonce"], sealed["Encrypt"])
    return {child.tag: child.text or "" for child in ET.fromstring(plain.decode())}  # noqa: S314 - our own


def test_a_notice_travels_encrypted_and_signed_to_the_sender() -> None:
    assert passive_reply("系统繁忙，请稍后再试") == {
        "ToUserName": "zhang.wei",
        "FromUserName": SAMPLE.receive_id,
        "CreateTime": str(int(NOW)),
        "MsgType": "text",
        "Content": "系统繁忙，请稍后再试",
        "AgentID": "1000002",
    }


@pytest.mark.parametrize(
    ("notice", "content"),
    [
        ("好" * 700, "好" * 682),
        ("a" + "😀" * 600, "a" + "😀" * 511),
        ("1 ]]> 2 <b>&amp;", "1 ]]> 2 <b>&amp;"),
    ],
    ids=["3-byte", "4-byte", "markup"],
)
def test_a_notice_is_cut_at_2048_bytes_between_characters(notice: str, content: str) -> None:
    assert passive_reply(notice)["Content"] == content


def test_a_sender_keeps_to_the_section_too() -> None:
    odd = (PAYLOADS / "text.xml").read_bytes().replace(b"<![CDATA[zhang.wei]]>", b"zhang]]&gt;&lt;wei")
    received = CHANNEL.receive(post(odd))
    assert shown(CHANNEL.respond(received, Immediate(notice="busy")))["ToUserName"] == "zhang]]><wei"


@pytest.mark.parametrize(
    ("label", "url", "expected"),
    [
        ("说明书", "https://a.example/1?a=1&b=2", '<a href="https://a.example/1?a=1&b=2">说明书</a>'),
        ("</a><b>", 'https://a.example/"><', '<a href="https://a.example/%22%3E%3C">＜/a＞＜b＞</a>'),
    ],
)
def test_a_link_is_an_anchor_that_its_words_cannot_leave(label: str, url: str, expected: str) -> None:
    assert CHANNEL.link(label, url) == expected


def test_no_notice_is_an_empty_200() -> None:
    received = CHANNEL.receive(post((PAYLOADS / "text.xml").read_bytes()))
    response = CHANNEL.respond(received, NOTHING)
    assert (response.status, response.body) == (200, b"")
    assert CHANNEL.respond(Messages(messages=()), Immediate(notice="busy")).body == b""
