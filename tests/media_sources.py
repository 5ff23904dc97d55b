"""Media stores that tests lend to channels."""

from pathlib import Path

from bot.channel import StoredMedium
from bot.media.store import MediaStore
from bot.messages import MessageKind

NO_MEDIA = MediaStore(Path("/nonexistent"), keep_s=1.0)
"""For channels that send no media: nothing is ever found in it."""

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(200))
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(200))
GIF = b"GIF89a" + bytes(range(200))
AMR = b"#!AMR\n" + bytes(range(200))
MP4 = b"\0\0\0\x18ftypmp42" + bytes(range(200))
PDF = b"%PDF-1.7\n" + bytes(range(200))
"""The beginnings tell what they are; what follows is noise."""


def put(
    store: MediaStore, media: str, content: bytes, name: str = "", kind: MessageKind = MessageKind.FILE
) -> StoredMedium:
    """Keep ``content`` in ``store`` under the id ``media``."""
    with store.incoming(media) as incoming:
        incoming.file.write(content)
        return store.keep(incoming, kind, name)
