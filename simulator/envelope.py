"""XML on the wire: the plain text of messages and events (§2.2-2.4) and the encrypted envelope around it (§1.5)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

import defusedxml
from defusedxml.ElementTree import fromstring

Value = str | int | Mapping[str, "Value"] | Sequence["Value"]
"""A field: text, a number, nested fields, or the same element several times."""

Style = Literal["cdata", "bare"]
"""``cdata`` is how most callbacks look (vector D), ``bare`` how some do (vector B): escaped, on one line."""

_ILLEGAL_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_MAX_DEPTH = 5


class BadXml(ValueError):
    """XML that cannot be read, or fields that cannot be written as XML; ``str()`` says what is wrong."""


def check_fields(fields: object, depth: int = _MAX_DEPTH) -> Mapping[str, Value]:
    """``fields`` itself if every name and value in it can be written as XML. Raises :class:`BadXml`."""
    if not isinstance(fields, dict):
        raise BadXml("fields must be an object")
    for name, value in fields.items():
        if not isinstance(name, str) or not _FIELD_NAME.fullmatch(name):
            raise BadXml(f"not a field name: {name!r}")
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict) and depth > 1:
                check_fields(item, depth - 1)
            elif isinstance(item, str):
                if _ILLEGAL_IN_XML.search(item):
                    raise BadXml(f"field {name} holds a character that XML cannot carry")
            elif isinstance(item, bool) or not isinstance(item, int):
                raise BadXml(f"field {name} must be text, an integer, an object, or a list of these")
    return fields


def write_plain(fields: Mapping[str, Value], style: Style) -> bytes:
    """The decrypted body of a callback, in the order of ``fields``; numbers are never in CDATA."""
    separator = "\n" if style == "cdata" else ""
    return f"<xml>{separator.join(_elements(fields, style))}{separator}</xml>".encode()


def _elements(fields: Mapping[str, Value], style: Style) -> list[str]:
    elements = []
    for name, value in fields.items():
        repeated = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        elements += [f"<{name}>{_content(item, style)}</{name}>" for item in repeated]
    return elements


def _content(value: Value, style: Style) -> str:
    if isinstance(value, Mapping):
        return "".join(_elements(value, style))
    if isinstance(value, str) and style == "cdata":
        return "<![CDATA[" + value.replace("]]>", "]]]]><![CDATA[>") + "]]>"
    return escape(str(value))


def write_envelope(corp_id: str, agent_id: int | None, encrypted: str) -> bytes:
    """The body of a callback POST (§1.5); only an app's names an agent."""
    agent: dict[str, Value] = {} if agent_id is None else {"AgentID": str(agent_id)}
    fields: dict[str, Value] = {"ToUserName": corp_id, "Encrypt": encrypted, **agent}
    return f"<xml>{''.join(_elements(fields, 'cdata'))}</xml>".encode()


def read_xml(body: bytes) -> dict[str, Any]:
    """The root's children by name: text, an object of children, or a list where a name repeats.

    Raises :class:`BadXml`; refuses DTDs, entities and more than :data:`_MAX_DEPTH` levels.
    """
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, defusedxml.DefusedXmlException, UnicodeError, LookupError) as error:
        raise BadXml(type(error).__name__) from error
    return _children(root, _MAX_DEPTH)


def _children(element: Element, depth: int) -> dict[str, Any]:
    if not depth:
        raise BadXml("too many levels")
    found: dict[str, Any] = {}
    for child in element:
        value = _children(child, depth - 1) if len(child) else child.text or ""
        if child.tag not in found:
            found[child.tag] = value
        elif isinstance(found[child.tag], list):
            found[child.tag].append(value)
        else:
            found[child.tag] = [found[child.tag], value]
    return found
