"""Pictures and files that members (and streams) put into chats: kept in memory, in bounds."""

import re
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

MAX_UPLOAD_BYTES = 20 * 1024 * 1024
KEPT_BYTES = 200 * 1024 * 1024
"""All uploads together; the oldest go first."""

_KINDS = (
    ("image/png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("image/jpeg", re.compile(rb"\xff\xd8\xff")),
    ("image/gif", re.compile(rb"GIF8[79]a")),
    ("image/webp", re.compile(rb"RIFF....WEBP", re.DOTALL)),
    ("video/mp4", re.compile(rb"....ftyp", re.DOTALL)),
    ("audio/amr", re.compile(rb"#!AMR")),
)
_NOT_IN_A_NAME = re.compile(r"[\x00-\x1f\x7f/\\]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """A picture, video, voice or file; ``content_type`` is told from its bytes, else ``application/octet-stream``."""

    id: str
    name: str
    content_type: str
    data: bytes

    @property
    def is_picture(self) -> bool:
        """Whether it is a picture, which a page may show."""
        return self.content_type.startswith("image/")

    @property
    def is_shown(self) -> bool:
        """Whether a page may show or play it."""
        return self.is_picture or self.content_type == "video/mp4"

    def summary(self) -> dict[str, Any]:
        """All but the bytes, JSON-ready."""
        return {"id": self.id, "name": self.name, "content_type": self.content_type, "size": len(self.data)}

    def disposition(self, kind: str = "attachment") -> str:
        """The Content-Disposition that gives its name, in ASCII and in full (RFC 6266)."""
        plain = self.name.encode("ascii", "replace").decode().replace("?", "_").replace('"', "_")
        return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(self.name, safe='')}"


class Uploads:
    """All uploads, thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Upload] = OrderedDict()
        self._size = 0

    def add(self, name: str, data: bytes) -> Upload:
        """Keep ``data``; what it is shows in its first bytes, not in its name."""
        content_type = next((kind for kind, head in _KINDS if head.match(data)), "application/octet-stream")
        safe_name = _NOT_IN_A_NAME.sub("_", name).strip()[-128:] or "file"
        upload = Upload(id=secrets.token_urlsafe(12), name=safe_name, content_type=content_type, data=data)
        with self._lock:
            self._kept[upload.id] = upload
            self._size += len(data)
            while self._size > KEPT_BYTES:
                _, oldest = self._kept.popitem(last=False)
                self._size -= len(oldest.data)
        return upload

    def find(self, upload_id: str) -> Upload | None:
        """The upload with that id, if it is still kept."""
        with self._lock:
            return self._kept.get(upload_id)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._kept.clear()
            self._size = 0
