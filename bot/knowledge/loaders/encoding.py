"""Bytes to text: UTF-8 (with or without BOM) or GB18030, and nothing that is not text."""

import re
import unicodedata

from bot.errors import KnowledgeError

_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")
# Zero-width, direction and tag characters: they carry hidden text and break matching. The joiners U+200C and U+200D
# stay, because scripts and emoji need them.

_BINARY = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def decode_text(data: bytes) -> tuple[str, str]:
    """The text of a file and the name of its encoding, ``UTF-8`` or ``GB18030``.

    Lines end in ``\\n``; invisible characters are gone. Raises :class:`~bot.errors.KnowledgeError` when the bytes are
    not text in one of the two encodings, or are damaged UTF-8, which GB18030 would otherwise read as nonsense.
    """
    if data.startswith(_UTF_16):
        raise KnowledgeError("the file is UTF-16: save it as UTF-8")
    try:
        text, encoding = data.decode("utf-8"), "UTF-8"
    except UnicodeDecodeError as error:
        _refuse_damaged_utf8(data, error)
        text, encoding = _decode_gb18030(data), "GB18030"
    if _BINARY.search(text):
        raise KnowledgeError("the file is not text: export it as Markdown, plain text or CSV")
    return _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n")), encoding


def _refuse_damaged_utf8(data: bytes, error: UnicodeDecodeError) -> None:
    """Raise when most of what is not ASCII is sound UTF-8; in GB18030 text hardly any of it is."""
    attempt = data.decode("utf-8", "replace")
    broken = attempt.count("\ufffd")
    sound = sum(character > "\x7f" for character in attempt) - broken
    if sound > broken:
        line = data.count(b"\n", 0, error.start) + 1
        raise KnowledgeError(f"line {line} holds a damaged UTF-8 character: save the file again as UTF-8") from error


def _decode_gb18030(data: bytes) -> str:
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError as error:
        raise KnowledgeError("the file is neither UTF-8 nor GB18030 text: save it as UTF-8") from error
    if any(unicodedata.category(character) in ("Cn", "Co", "Cs") for character in text):
        raise KnowledgeError("the file is neither UTF-8 nor sound GB18030 text: save it as UTF-8")
    return text
