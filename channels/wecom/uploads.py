"""Media on their way out: what the platform takes, and the media ids under which it keeps them (page 90253)."""

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import redis
import structlog

from bot.channel import ChannelKit, Refused, StoredMedium
from bot.messages import MessageKind
from channels.wecom.api import RETRY_S, retry
from channels.wecom.application import Application
from channels.wecom.config import UploadNames
from channels.wecom.transport import Deadline

log = structlog.get_logger()

# KEYS: where the id is kept. ARGV: the id that is good no longer. Another one, of a later upload, stays.
_FORGET = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""

_MB = 1024 * 1024
LEAST_BYTES = 6
"""A medium has more than 5 bytes."""
MEDIA_ID_LIFE_S = 3 * 86400
_MARGIN_S = 3600
"""A media id is no longer used this long before its end: a resend carries the one of the first try."""
_NAME_LENGTH = 100
_NOT_IN_A_NAME: Mapping[UploadNames, re.Pattern[str]] = {
    "ascii": re.compile(r'[^\x20-\x7e]|["\\/]'),
    "utf8": re.compile(r'[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]|["\\/]'),
}
"""What could end the name early, break the line, or show it in another order than it is written."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shape:
    """What the platform takes as one ``type`` of upload: at most ``most_bytes``, and of ``endings`` by content type
    only these, where it takes not any."""

    type: str
    most_bytes: int
    endings: Mapping[str, str]


_FILE = _Shape(type="file", most_bytes=20 * _MB, endings={})
_SHAPES: Mapping[MessageKind, _Shape] = {
    MessageKind.IMAGE: _Shape(type="image", most_bytes=10 * _MB, endings={"image/jpeg": ".jpg", "image/png": ".png"}),
    MessageKind.VOICE: _Shape(type="voice", most_bytes=2 * _MB, endings={"audio/amr": ".amr"}),
    MessageKind.VIDEO: _Shape(type="video", most_bytes=10 * _MB, endings={"video/mp4": ".mp4"}),
    MessageKind.FILE: _FILE,
}
KINDS = frozenset(_SHAPES)
"""The kinds of media that an application can send."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """A medium that the platform will take as ``type``, under a file ``name`` on one line, without quotes."""

    medium: StoredMedium
    type: str
    name: str


def upload_of(kind: MessageKind, medium: StoredMedium, names: UploadNames = "ascii") -> Upload:
    """How ``medium``, to be shown as ``kind``, is uploaded; a picture neither JPEG nor PNG goes as a file.

    Raises :class:`~bot.channel.Refused` with ``part_unsupported``, ``media_type``, ``media_too_small`` or
    ``media_too_large``.
    """
    shape = _SHAPES.get(kind)
    if shape is None:
        raise Refused("part_unsupported")
    if shape.endings and medium.content_type not in shape.endings:
        if kind is not MessageKind.IMAGE:
            raise Refused("media_type", medium.content_type)
        shape = _FILE
    if medium.size < LEAST_BYTES:
        raise Refused("media_too_small")
    if medium.size > shape.most_bytes:
        raise Refused("media_too_large")
    return Upload(medium=medium, type=shape.type, name=_file_name(medium, shape, names))


class Uploads:
    """Uploads media once for all applications of a corp; safe to share between threads."""

    def __init__(self, application: Application, kit: ChannelKit) -> None:
        self._application = application
        self._redis: redis.Redis = kit.redis

    def media_id(self, upload: Upload, deadline: Deadline) -> str:
        """The platform's id of the medium: that of an earlier upload, or of one made now.

        Of two uploads made at once the first one's id counts, so that a resend carries what the first send carried.
        Raises :class:`~bot.channel.Retry`, :class:`~bot.channel.Refused` and ``redis.RedisError``.
        """
        name = self._name(upload)
        cached = self._redis.get(name)
        if isinstance(cached, bytes):
            return cached.decode()
        body, content_type = multipart(upload)
        client = self._application.client
        answer = self._application.call(
            lambda token: client.upload(upload.type, token, body, content_type, deadline), deadline
        )
        media_id = answer.get("media_id")
        if not isinstance(media_id, str) or not media_id:
            raise retry(RETRY_S, "upload_without_media_id")
        if self._redis.set(name, media_id, nx=True, ex=MEDIA_ID_LIFE_S - _MARGIN_S):
            return media_id
        first = self._redis.get(name)
        return first.decode() if isinstance(first, bytes) else media_id

    def forget(self, upload: Upload, media_id: str) -> None:
        """``media_id`` is good no longer. Raises ``redis.RedisError``."""
        self._redis.eval(_FORGET, 1, self._name(upload), media_id)
        log.info("media_id_dropped", type=upload.type, digest=upload.medium.digest)

    def _name(self, upload: Upload) -> str:
        """The Redis key of the id; a file's name is part of it, for people see that name."""
        shown = hashlib.sha256(upload.name.encode()).hexdigest()[:16] if upload.type == _FILE.type else ""
        return f"wecom:{{{self._application.corp}}}:media:{upload.type}:{upload.medium.digest}:{shown}"


def multipart(upload: Upload) -> tuple[bytes, str]:
    """The request's body and its content type: one part ``media`` with ``filename`` and ``filelength``.

    Raises :class:`~bot.channel.Refused` with ``media_gone``.
    """
    try:
        content = upload.medium.path.read_bytes()
    except FileNotFoundError as error:
        raise Refused("media_gone") from error
    boundary = secrets.token_hex(16)
    head = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="media"; filename="{upload.name}"; filelength={len(content)}\r\n'
        f"Content-Type: {upload.medium.content_type}\r\n\r\n"
    )
    return head.encode() + content + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def _file_name(medium: StoredMedium, shape: _Shape, names: UploadNames) -> str:
    """``medium``'s name as far as ``names`` lets it through, with the ending that its content asks for."""
    name = _NOT_IN_A_NAME[names].sub("_", medium.name).strip()[-_NAME_LENGTH:]
    ending = shape.endings.get(medium.content_type, "")
    name = name or f"{shape.type}{ending}"
    return (
        name
        if name.lower().endswith(ending) or (ending == ".jpg" and name.lower().endswith(".jpeg"))
        else name + ending
    )
