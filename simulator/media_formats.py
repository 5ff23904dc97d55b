"""What ``media/upload`` takes: sizes and formats, told from the bytes and not from a name (§2.11, rule 23)."""

from collections.abc import Iterator
from typing import Literal, get_args

from simulator.errcodes import ApiError
from simulator.rules import Rules

MediaType = Literal["image", "voice", "video", "file"]

MEDIA_TYPES: tuple[MediaType, ...] = get_args(MediaType)

_LEAST_BYTES = 6
"""5 bytes or fewer are no file."""
_AMR = b"#!AMR\n"
_AMR_FRAME_BYTES = (13, 14, 16, 18, 20, 21, 27, 32, 6, 1, 1, 1, 1, 1, 1, 1)
"""A narrow-band AMR frame with its head, by frame type (RFC 4867, §5.3); a frame is 20 ms."""
_AMR_FRAMES_PER_S = 50

PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
"""How a PNG and a JPG begin."""


def media_type(named: str) -> MediaType:
    """The media type that a ``type`` parameter names. Raises :class:`ApiError` 40005."""
    for known in MEDIA_TYPES:
        if known == named:
            return known
    raise ApiError(40005, 23)


def check_media(kind: MediaType, data: bytes, rules: Rules) -> None:
    """Raises :class:`ApiError` unless ``data`` may be uploaded as ``kind``."""
    if not data:
        raise ApiError(44001, 23)
    if len(data) < _LEAST_BYTES:
        raise ApiError(40006, 23)
    if kind == "image":
        check_picture(data, rules.image_bytes)
    elif kind == "voice":
        _check_voice(data, rules)
    elif kind == "video":
        if data[4:8] != b"ftyp":
            raise ApiError(40004, 23)
        if len(data) > rules.video_bytes:
            raise ApiError(40011, 23)
    elif len(data) > rules.file_bytes:
        raise ApiError(45001, 23)


def check_picture(data: bytes, most_bytes: int) -> None:
    """Raises :class:`ApiError` unless ``data`` is a JPG or PNG of at most ``most_bytes``."""
    if len(data) < _LEAST_BYTES:
        raise ApiError(40006 if data else 44001, 23)
    if not data.startswith(PICTURES):
        raise ApiError(40004, 23)
    if len(data) > most_bytes:
        raise ApiError(40009, 23)


def _check_voice(data: bytes, rules: Rules) -> None:
    if not data.startswith(b"#!AMR"):
        raise ApiError(301017, 23)
    if len(data) > rules.voice_bytes:
        raise ApiError(45001, 23)
    if sum(1 for _ in _frames(data)) > rules.voice_s * _AMR_FRAMES_PER_S:
        raise ApiError(45007, 23)


def _frames(data: bytes) -> Iterator[int]:
    """Where the frames of a narrow-band AMR file begin; none for a wide-band file."""
    at = len(_AMR) if data.startswith(_AMR) else len(data)
    while at < len(data):
        yield at
        at += _AMR_FRAME_BYTES[(data[at] >> 3) & 0xF]
