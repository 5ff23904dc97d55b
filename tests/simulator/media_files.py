"""Small files of the kinds that WeCom takes."""

import struct
import zlib

AMR_HEAD = b"#!AMR\n"
_AMR_FRAME = b"\x3c" + bytes(31)
"""20 ms at 12.2 kbit/s: frame type 7, 32 bytes."""


def png(width: int = 2, height: int = 2, grey: int = 128) -> bytes:
    """A real grey picture."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = (b"\0" + bytes([grey]) * width) * height
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def amr(*, seconds: int) -> bytes:
    """A narrow-band voice."""
    return AMR_HEAD + _AMR_FRAME * (50 * seconds)


PNG = png()
JPG = b"\xff\xd8\xff\xe0" + bytes(20)
AMR = amr(seconds=1)
MP4 = b"\0\0\0\x18ftypmp42" + bytes(12)
