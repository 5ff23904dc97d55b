"""XML from outside, read with bounds: no document type, no entities, few elements, little depth.

wechatpy reads XML with xmltodict, which sets no bounds; defusedxml refuses document types and entities, and the
target below never builds a tree.
"""

from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from bot.channel import Rejected

MAX_DEPTH = 16
MAX_ELEMENTS = 2_000
_FIELD_DEPTH = 2


class _TooComplex(ValueError):
    """More depth or more elements than any documented callback has."""


class _FieldCollector:
    """An XML parser's target that keeps the text of the root's children."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self._text: list[str] = []
        self._depth = 0
        self._elements = 0

    def start(self, _tag: str, _attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > MAX_DEPTH or self._elements > MAX_ELEMENTS:
            raise _TooComplex
        if self._depth == _FIELD_DEPTH:
            self._text = []

    def data(self, text: str) -> None:
        if self._depth == _FIELD_DEPTH:
            self._text.append(text)

    def end(self, tag: str) -> None:
        if self._depth == _FIELD_DEPTH:
            self.fields.setdefault(tag, "".join(self._text))
        self._depth -= 1

    def close(self) -> None:
        pass  # the parser calls it; the fields are read from here


def read_fields(raw: bytes) -> dict[str, str]:
    """The texts of the root's children by name, with or without CDATA; the first one where a name repeats.

    What lies deeper (a card's ``SelectedItems``) is left out. Raises :class:`~bot.channel.Rejected` with
    ``bad_charset`` or ``bad_xml``.
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise Rejected("bad_charset") from error
    collector = _FieldCollector()
    parser = DefusedXMLParser(target=collector, forbid_dtd=True)
    try:
        parser.feed(text)
        parser.close()
    except (ParseError, DefusedXmlException, _TooComplex) as error:
        raise Rejected("bad_xml") from error
    return collector.fields
