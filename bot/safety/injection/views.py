"""What a text says beneath its disguise: a few readings of it, each in canonical form.

The first reading is the text itself. Others appear only where the text gives a reason for them: letters pulled apart,
digits for letters, words cut into variables, base64, hexadecimal, percent and Unicode escapes, HTML entities, rot13,
characters in reverse order, invisible tag characters. What comes out of one is read again, :data:`DEPTH` times at most.
"""

import base64
import binascii
import codecs
import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from bot.safety.characters import CJK, canonical, without_chinese_spaces

DEPTH: Final = 3
"""How often what was decoded is decoded again."""
MOST_VIEWS: Final = 12
MOST_CHARACTERS: Final = 200_000
"""Longest text that is looked at, and the most that all readings hold together; what is beyond is not read."""

_APART = re.compile(
    rf"(?<![a-z0-9{CJK}])(?:[a-z0-9{CJK}][ .·・•\-_*|/\\+,、~=^#]{{1,3}}){{4,400}}[a-z0-9{CJK}](?![a-z0-9{CJK}])"
)
_MARKS = re.compile(r"[ .·・•\-_*|/\\+,、~=^#]+")
_MIXED = re.compile(r"(?<![a-z0-9])(?=[a-z@$0-9]{0,40}[a-z])(?=[a-z@$]{0,40}[0-9@$])[a-z0-9@$]{3,40}(?![a-z0-9])")
_LEET = str.maketrans("0134578@$", "oieastbas")
_QUOTED = re.compile(r"[=:] ?[\"'“「]([^\"'”」]{1,40})[\"'”」]")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_URL_SAFE = str.maketrans("-_", "+/")
_HEX = re.compile(r"(?:(?:0x|\\x)?[0-9a-fA-F]{2}[\s:,]?){8,}")
_ESCAPES = re.compile(r"(?:\\u\{?[0-9a-fA-F]{4,5}\}?|\\x[0-9a-fA-F]{2}|u\+[0-9a-fA-F]{4,5} ?){3,}", re.IGNORECASE)
_ESCAPE = re.compile(r"(?:\\u\{?|\\x|u\+)([0-9a-fA-F]{2,5})\}?", re.IGNORECASE)
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2}){3,}")
_ENTITIES = re.compile(r"(?:&#x?[0-9a-fA-F]{2,6};){3,}")
_TAGS = re.compile("[\U000e0020-\U000e007e]{4,}")
_BITS = re.compile(r"(?:[01]{8} ?){6,}")
_LATIN = re.compile(r"[A-Za-z]{3,20}(?:\W{1,3}[A-Za-z]{1,20}){2}")
_SURROGATES = (0xD800, 0xDFFF)
_TEXT_SHARE = 0.9
"""How much of what base64 or hexadecimal digits decode to must be printable; most that looks like them is not."""
_DISGUISES = frozenset({"apart", "leet", "spliced", "rot13", "reversed"})
"""Readings that any text allows; one is not tried upon another."""


@dataclass(frozen=True, slots=True)
class View:
    """One reading: ``text`` in canonical form, and ``via``, the decoders that led to it (empty for the text itself)."""

    text: str
    via: tuple[str, ...]


def views(text: str) -> list[View]:
    """The readings of ``text``, the plain one first; at least one."""
    found: list[View] = []
    seen: set[str] = set()
    waiting: list[tuple[str, tuple[str, ...]]] = [(text[:MOST_CHARACTERS], ())]
    room = MOST_CHARACTERS
    while waiting and len(found) < MOST_VIEWS and room > 0:
        raw, via = waiting.pop(0)
        plain = canonical(raw)
        reading = without_chinese_spaces(plain)
        if reading in seen:
            continue
        seen.add(reading)
        room -= len(reading)
        found.append(View(reading, via))
        if len(via) < DEPTH:
            disguised = () if _DISGUISES & {*via} else _undisguised(plain, reading)
            waiting += [(decoded, (*via, name)) for name, decoded in (*_decoded(raw), *disguised)]
    return found


def _decoded(raw: str) -> Iterator[tuple[str, str]]:
    """(Name of the decoder, what it makes of the text) for those that find something."""
    for name, decode in _DECODERS:
        decoded = decode(raw)
        if decoded and decoded != raw:
            yield name, decoded


def _undisguised(plain: str, reading: str) -> Iterator[tuple[str, str]]:
    """The same for disguises that any text allows; ``plain`` and ``reading`` are canonical, the latter without the
    spaces beside Chinese characters."""
    joined = _APART.sub(_join, plain)
    if joined != plain:
        yield "apart", joined
    if _MIXED.search(reading):
        yield "leet", _MIXED.sub(lambda word: word[0].translate(_LEET), reading)
    pieces = _QUOTED.findall(reading)
    if len(pieces) > 1:
        yield "spliced", "".join(pieces)
    if _LATIN.search(reading):
        yield "rot13", codecs.encode(reading, "rot13")
    yield "reversed", reading[::-1]


def _join(apart: re.Match[str]) -> str:
    """Letters pulled apart, put together: where two sorts of gaps occur, the wider one parts words."""
    text = apart[0]
    only_spaces = all(gap.isspace() for gap in _MARKS.findall(text))
    words = re.split(" {2,}" if only_spaces else " +", text)
    return " ".join(_MARKS.sub("", word) for word in words)


def _base64(raw: str) -> str:
    def decode(token: str) -> bytes:
        return base64.b64decode(token.translate(_URL_SAFE) + "=" * (-len(token) % 4))

    return _replaced(_BASE64, raw, decode)


def _hexadecimal(raw: str) -> str:
    return _replaced(_HEX, raw, lambda token: bytes.fromhex(re.sub(r"0x|\\x|[\s:,]", "", token)))


def _bits(raw: str) -> str:
    return _replaced(_BITS, raw, lambda token: bytes(int(bits, 2) for bits in re.findall("[01]{8}", token)))


def _replaced(pattern: re.Pattern[str], raw: str, decode: Callable[[str], bytes]) -> str:
    """``raw`` with each token that decodes to readable text replaced by it; empty where none does."""
    changed = False

    def replace(token: re.Match[str]) -> str:
        nonlocal changed
        try:
            decoded = decode(token[0]).decode("utf-8")
        except (ValueError, binascii.Error):
            return token[0]
        readable = sum(character.isprintable() or character in "\n\t" for character in decoded)
        if not decoded or readable < _TEXT_SHARE * len(decoded):
            return token[0]
        changed = True
        return f" {decoded} "

    text = pattern.sub(replace, raw)
    return text if changed else ""


def _escapes(raw: str) -> str:
    def characters(run: re.Match[str]) -> str:
        codes = [int(code, 16) for code in _ESCAPE.findall(run[0])]
        return "".join(chr(code) for code in codes if not _SURROGATES[0] <= code <= _SURROGATES[1])

    return _ESCAPES.sub(characters, raw)


def _percent(raw: str) -> str:
    return unquote(raw) if _PERCENT.search(raw) else ""


def _entities(raw: str) -> str:
    return html.unescape(raw) if _ENTITIES.search(raw) else ""


def _tags(raw: str) -> str:
    """Tag characters are invisible copies of ASCII."""
    return _TAGS.sub(lambda run: " " + "".join(chr(ord(tag) - 0xE0000) for tag in run[0]) + " ", raw)


_DECODERS: Final[tuple[tuple[str, Callable[[str], str]], ...]] = (
    ("tags", _tags),
    ("base64", _base64),
    ("escapes", _escapes),
    ("percent", _percent),
    ("entities", _entities),
    ("hexadecimal", _hexadecimal),
    ("bits", _bits),
)
