"""XML from outside, read with bounds: no document type, no entities, few elements, little depth.

wechatpy reads XML with xmltodict, which sets no bounds; defusedxml refuses document types and entities, and the
target below counts what it keeps.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from bot.channel import Rejected

MAX_DEPTH = 16
MAX_ELEMENTS = 2_000


@dataclass(slots=True)
class Element:
    """An element: its name, its own text (with or without CDATA), and its children in order."""

    tag: str
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def fields(self) -> dict[str, str]:
        """The texts of the children by name; the first one where a name repeats."""
        texts: dict[str, str] = {}
        for child in self.children:
            texts.setdefault(child.tag, child.text)
        return texts

    def all(self, *path: str) -> Iterator["Element"]:
        """The elements that ``path``, names from child to child, leads to."""
        if not path:
            yield self
            return
        for child in self.children:
            if child.tag == path[0]:
                yield from child.all(*path[1:])


class _TooComplex(ValueError):
    """More depth or more elements than any documented callback has."""


class _TreeBuilder:
    """An XML parser's target that keeps elements and their texts, within bounds."""

    def __init__(self) -> None:
        self.root = Element("")
        self._open = [self.root]
        self._texts: list[list[str]] = [[]]
        self._elements = 0

    def start(self, tag: str, _attributes: dict[str, str]) -> None:
        self._elements += 1
        if len(self._open) > MAX_DEPTH or self._elements > MAX_ELEMENTS:
            raise _TooComplex
        element = Element(tag)
        self._open[-1].children.append(element)
        self._open.append(element)
        self._texts.append([])

    def data(self, text: str) -> None:
        self._texts[-1].append(text)

    def end(self, _tag: str) -> None:
        self._open.pop().text = "".join(self._texts.pop())

    def close(self) -> None:
        pass  # the parser calls it; the tree is read from here


def read_xml(raw: bytes) -> Element:
    """The root element in ``raw``. Raises :class:`~bot.channel.Rejected` with ``bad_charset`` or ``bad_xml``."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise Rejected("bad_charset") from error
    builder = _TreeBuilder()
    parser = DefusedXMLParser(target=builder, forbid_dtd=True)
    try:
        parser.feed(text)
        parser.close()
    except (ParseError, DefusedXmlException, _TooComplex) as error:
        raise Rejected("bad_xml") from error
    return builder.root.children[0]
