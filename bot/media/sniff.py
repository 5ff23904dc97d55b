"""What bytes are, found by looking at them: neither a name nor what the other side says is believed."""

import re

from bot.messages import MessageKind

HEAD_BYTES = 4096
"""How much of the beginning tells the type."""
UNKNOWN = "application/octet-stream"

_SIGNATURES: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    ("image/png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("image/jpeg", re.compile(rb"\xff\xd8\xff")),
    ("image/gif", re.compile(rb"GIF8[79]a")),
    ("image/webp", re.compile(rb"RIFF....WEBP", re.DOTALL)),
    ("image/bmp", re.compile(rb"BM.{4}\x00\x00\x00\x00", re.DOTALL)),
    ("image/heic", re.compile(rb".{4}ftyp(?:hei[cxs]|hevc|mif1|msf1)", re.DOTALL)),
    ("audio/amr", re.compile(rb"#!AMR")),
    ("audio/silk", re.compile(rb"\x02?#!SILK_V3")),
    ("audio/wav", re.compile(rb"RIFF....WAVE", re.DOTALL)),
    ("audio/ogg", re.compile(rb"OggS")),
    ("audio/mpeg", re.compile(rb"ID3|\xff[\xfb\xf3\xf2]")),
    ("audio/mp4", re.compile(rb".{4}ftypM4A", re.DOTALL)),
    ("video/mp4", re.compile(rb".{4}ftyp", re.DOTALL)),
    ("application/pdf", re.compile(rb"%PDF-")),
    ("application/zip", re.compile(rb"PK\x03\x04|PK\x05\x06")),
    ("application/x-ole-storage", re.compile(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")),
)
_CONTROLS = frozenset(range(32)) - frozenset(b"\t\n\r\f\x1b")


def content_type_of(head: bytes) -> str:
    """The content type of what begins with ``head`` (:data:`HEAD_BYTES`): ``text/plain`` for what holds no control
    characters, in whichever encoding, and :data:`UNKNOWN` for what is not known."""
    for content_type, signature in _SIGNATURES:
        if signature.match(head):
            return content_type
    utf16 = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    if head and (utf16 or not _CONTROLS.intersection(head)):
        return "text/plain"
    return UNKNOWN


def is_believable(kind: MessageKind, content_type: str) -> bool:
    """Whether a medium that was sent as ``kind`` may have this content.

    A file may be anything. A voice may be unknown too: Speex comes from WeCom without a mark of its own.
    """
    if kind is MessageKind.IMAGE:
        return content_type.startswith("image/")
    if kind is MessageKind.VOICE:
        return content_type.startswith("audio/") or content_type == UNKNOWN
    return True
