"""What somebody who holds the keys, or a faulty peer, might put into a callback: by hand, and by hypothesis."""

import json
from pathlib import Path

from hypothesis import strategies as st

PAYLOADS = Path(__file__).parents[1] / "payloads"
_TEXT = "<xml><FromUserName>a</FromUserName><CreateTime>1348831860</CreateTime><MsgType>text</MsgType>{}</xml>"


def text_from(person: str, content: str = "") -> bytes:
    """A text message as XML; a text that ends a CDATA section is not for it."""
    return (
        f"<xml><FromUserName><![CDATA[{person}]]></FromUserName><CreateTime>1</CreateTime>"
        f"<MsgType>text</MsgType><Content><![CDATA[{content}]]></Content></xml>"
    ).encode()


ODD_TEXTS = (
    "",
    " ",
    "\u202e\u2066反过来\u2069",
    "\u200b\ufeff\u00ad",
    "👩\u200d👩\u200d👧" * 50,
    "é" * 50 + "\u0301" * 500,
    "{0} {name} %s %(x)s ${A} \\u0041",
    "../../../etc/passwd",
    "a/b|c@all",
    "'; DROP TABLE turns; --",
    "<script>alert(1)</script>",
    "/echo " + "x" * 5000,
    "一" * 5000,
    "1. " * 2000,
    "\U0010ffff\ufffe\ufdd0",
)
"""Texts that some layer or other has been known to stumble over; all of them can stand in XML but for their escapes."""
ODD_IDS = (
    *("a/b", "{b042}", "a%2Fb", "用户", "a b", "..", "@all", "a|b", "%s%n", "'\""),
    *("\u202eabc", "x" * 128, "A" * 64),
)

XML: dict[str, bytes] = {
    "document type": b'<!DOCTYPE x [<!ENTITY a "b">]><xml>&a;</xml>',
    "entity bomb": (
        b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
        b"<xml><Content>&c;</Content></xml>"
    ),
    "external entity": b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><xml><Content>&e;</Content></xml>',
    "external document type": b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><xml/>',
    "unknown entity": _TEXT.format("<Content>&nbsp;</Content>").encode(),
    "deep": b"<a>" * 60_000,
    "deep and closed": b"<a>" * 20_000 + b"</a>" * 20_000,
    "wide": b"<xml>" + b"<a/>" * 40_000 + b"</xml>",
    "many attributes": b"<xml " + b" ".join(b'a%d="1"' % n for n in range(9_000)) + b"/>",
    "many namespaces": b"<xml " + b" ".join(b'xmlns:a%d="u"' % n for n in range(6_000)) + b"/>",
    "long tag": b"<" + b"a" * 150_000 + b"/>",
    "open section": b"<xml><Content><![CDATA[" + b"]" * 150_000,
    "section's end in it": _TEXT.format("<Content><![CDATA[]]]]><![CDATA[>]]></Content>").encode(),
    "half a character": b"<xml><Content>&#xD800;</Content></xml>",
    "NUL by number": b"<xml><Content>&#0;</Content></xml>",
    "NUL": b"<xml>\0</xml>",
    "control character": b"<xml><Content>\x07</Content></xml>",
    "GB18030 said to be UTF-8": _TEXT.format("<Content>影像学院</Content>").encode("gb18030"),
    "UTF-8 said to be GB18030": b'<?xml version="1.0" encoding="GB18030"?>'
    + _TEXT.format("<Content>影</Content>").encode(),
    "UTF-8 said to be of another world": b'<?xml version="1.0" encoding="klingon"?><xml/>',
    "UTF-16": _TEXT.format("<Content>影</Content>").encode("utf-16"),
    "mark of UTF-8": b"\xef\xbb\xbf" + _TEXT.format("<Content>hi</Content>").encode(),
    "fields twice": _TEXT.format("<Content>a</Content><Content>b</Content><MsgType>event</MsgType>").encode(),
    "fields within fields": _TEXT.format("<Content>a<MsgType>event</MsgType>b</Content>").encode(),
    "a number that is none": _TEXT.replace("1348831860", "1e9").encode(),
    "a location nowhere": (
        b"<xml><FromUserName>a</FromUserName><CreateTime>1</CreateTime><MsgType>location</MsgType>"
        b"<Location_X>north</Location_X><Location_Y>NaN</Location_Y><Scale>-</Scale></xml>"
    ),
    "two documents": b"<xml/><xml/>",
    "nothing": b"",
    "JSON": b'{"msgtype":"text"}',
}

JSON: dict[str, bytes] = {
    "deep list": b"[" * 100_000,
    "deep object": b'{"a":' * 30_000 + b"1" + b"}" * 30_000,
    "deep inside a field": b'{"msgtype":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "a number without end": b'{"create_time":' + b"9" * 100_000 + b"}",
    "a number that is none": b'{"msgtype":"text","create_time":NaN,"text":{"content":Infinity}}',
    "fields twice": b'{"msgtype":"text","msgtype":"event","from":{"userid":"a"},"from":7}',
    "half a character": b'{"msgtype":"text","text":{"content":"\\ud800"},"from":{"userid":"\\udfff"}}',
    "NUL": b'{"msgtype":"text","text":{"content":"a\\u0000b"},"from":{"userid":"a\\u0000"}}',
    "NUL among bytes": b'{"msgtype":"te\0xt"}',
    "GB18030": '{"msgtype":"text","text":{"content":"影像"}}'.encode("gb18030"),
    "UTF-16": '{"msgtype":"text"}'.encode("utf-16"),
    "UTF-32": '{"msgtype":"text"}'.encode("utf-32"),
    "mark of UTF-8": b'\xef\xbb\xbf{"msgtype":"text"}',
    "wide": json.dumps({f"f{n}": n for n in range(15_000)}).encode(),
    "many items": json.dumps({"msgtype": "mixed", "mixed": {"msg_item": [{"msgtype": "text"}] * 5_000}}).encode(),
    "nothing": b"",
    "XML": b"<xml/>",
}

_characters = st.characters(codec="utf-8")
_words = st.text(_characters, max_size=12) | st.sampled_from([*ODD_TEXTS[:10], *ODD_IDS, "event", "text", "0", "sys"])
_XML_NAMES = (
    *("ToUserName", "FromUserName", "CreateTime", "MsgType", "Content", "MsgId", "AgentID", "Event", "EventKey"),
    *("TaskId", "CardType", "ResponseCode", "SelectedItems", "SelectedItem", "QuestionKey", "OptionIds", "OptionId"),
    *("PicUrl", "MediaId", "Format", "ThumbMediaId", "Location_X", "Location_Y", "Scale", "Label", "Title", "Url"),
    *("Description", "AppType", "InfoType", "ChangeType", "xml"),
)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


_leaves = st.builds(lambda name, text: f"<{name}>{_escaped(text)}</{name}>", st.sampled_from(_XML_NAMES), _words)
_elements = st.recursive(
    _leaves,
    lambda inner: st.builds(
        lambda name, children: f"<{name}>{''.join(children)}</{name}>",
        st.sampled_from(_XML_NAMES),
        st.lists(inner, max_size=4),
    ),
    max_leaves=8,
)
_kinds = st.sampled_from(["text", "event", "image", "voice", "video", "location", "link", "shortvideo", "file", ""])


@st.composite
def any_xml(draw: st.DrawFn) -> bytes:
    """A message of a known kind whose fields hold anything, or any XML, or any bytes."""
    kind, fields = draw(_kinds), "".join(draw(st.lists(_elements, max_size=8)))
    head = f"<MsgType>{kind}</MsgType><FromUserName>wang</FromUserName><CreateTime>1348831860</CreateTime>"
    framed = f"<xml>{head if draw(st.booleans()) else ''}{fields}</xml>"
    return draw(st.sampled_from([framed.encode(), framed.encode("gb18030"), fields.encode()]) | st.binary(max_size=60))


_json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(ODD_IDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
_robot_payloads = [json.loads(path.read_bytes()) for path in sorted((PAYLOADS / "wecom_aibot").glob("*.json"))]


@st.composite
def any_json(draw: st.DrawFn) -> bytes:
    """A documented callback with a few of its values, however deep, replaced by anything; or any JSON; or any bytes."""
    content = json.loads(json.dumps(draw(st.sampled_from(_robot_payloads))))
    for _ in range(draw(st.integers(0, 3))):
        place = content
        while True:
            key = draw(st.sampled_from(sorted(place)))
            if not (isinstance(place[key], dict) and place[key]) or draw(st.booleans()):
                break
            place = place[key]
        place[key] = draw(_json_values)
    return draw(st.just(json.dumps(content).encode()) | _json_values.map(lambda any_: json.dumps(any_).encode()))
