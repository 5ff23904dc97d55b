"""What was uploaded, and where a peer gets it: media ids and picture links of the app, encrypted links of the bot.

§2.3 and §2.11 for the app; §4.2 and rule 29 for the bot.
"""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from simulator.crypto import encrypt_media
from simulator.entries import PeerId
from simulator.errcodes import ApiError
from simulator.limits import DayQuota
from simulator.media_formats import MediaType, check_media, check_picture, media_type
from simulator.rules import Rules
from simulator.uploads import Upload, Uploads

KEPT_LINKS = 5000

_Kind = Literal["media_id", "picture", "bot"]


@dataclass(frozen=True, slots=True)
class _Link:
    kind: _Kind
    upload_id: str
    made_at: float
    key: bytes
    media_type: MediaType


class LinkExpired(LookupError):
    """A link that never was, is too old, or whose upload is forgotten."""


class Media:
    """All links to uploads, thread-safe. ``base_url`` is where the peers reach the simulator."""

    def __init__(self, uploads: Uploads, rules: Rules, clock: Callable[[], float]) -> None:
        self.base_url = ""
        self._uploads = uploads
        self._rules = rules
        self._clock = clock
        self._lock = threading.Lock()
        self._links: OrderedDict[str, _Link] = OrderedDict()
        self._pictures_today = DayQuota()

    def media_id(self, upload: Upload, media_type: MediaType) -> str:
        """A media id for ``media/get`` and for messages of ``media_type``, good for 3 days."""
        return self._link("media_id", upload, media_type=media_type)

    def upload(self, named: str, name: str, data: bytes) -> dict[str, Any]:
        """The answer to ``media/upload`` of ``data`` as the type that is ``named``. Raises :class:`ApiError`."""
        kind = media_type(named)
        check_media(kind, data, self._rules)
        media_id = self.media_id(self._uploads.add(name, data), kind)
        created_at = str(int(self._clock()))
        return {"errcode": 0, "errmsg": "", "type": kind, "media_id": media_id, "created_at": created_at}

    def upload_picture(self, name: str, data: bytes) -> dict[str, Any]:
        """The answer to ``media/uploadimg``: a url without an end. Raises :class:`ApiError`."""
        check_picture(data, self._rules.permanent_image_bytes)
        with self._lock:
            if not self._pictures_today.take(self._clock(), 1, self._rules.permanent_images_per_day):
                raise ApiError(45009, 19)
        return {"errcode": 0, "errmsg": "", "url": self.picture_url(self._uploads.add(name, data))}

    def picture_url(self, upload: Upload) -> str:
        """A ``PicUrl``: the plain picture."""
        return f"{self.base_url}/media/{self._link('picture', upload)}"

    def bot_url(self, upload: Upload, key: bytes) -> str:
        """A link to the bytes encrypted with the callback's AES ``key``, good for 5 minutes (rule 29)."""
        return f"{self.base_url}/media/{self._link('bot', upload, key)}"

    def by_media_id(self, media_id: str, wanted: MediaType | None = None) -> Upload:
        """What a media id stands for; of another type than ``wanted`` it is as bad as none.

        Raises :class:`ApiError` 40007 (rule 23).
        """
        try:
            link, upload = self._find(media_id, ("media_id",), self._rules.media_id_life_s)
        except LinkExpired as error:
            raise ApiError(40007, 23) from error
        if wanted not in (None, link.media_type):
            raise ApiError(40007, 23)
        return upload

    def by_link(self, code: str) -> tuple[Upload, bytes]:
        """The upload behind a link and the bytes to answer with. Raises :class:`LinkExpired`."""
        link, upload = self._find(code, ("picture", "bot"), self._rules.media_url_life_s)
        return upload, encrypt_media(link.key, upload.data) if link.kind == "bot" else upload.data

    def peer_of(self, code: str) -> PeerId:
        """Whom a link was made for."""
        with self._lock:
            link = self._links.get(code)
        return "bot" if link and link.kind == "bot" else "app"

    def clear(self) -> None:
        """Forget all links."""
        with self._lock:
            self._links.clear()
            self._pictures_today = DayQuota()

    def _link(self, kind: _Kind, upload: Upload, key: bytes = b"", media_type: MediaType = "file") -> str:
        code = secrets.token_urlsafe(32)
        with self._lock:
            self._links[code] = _Link(kind, upload.id, self._clock(), key, media_type)
            if len(self._links) > KEPT_LINKS:
                self._links.popitem(last=False)
        return code

    def _find(self, code: str, kinds: tuple[_Kind, ...], life_s: float) -> tuple[_Link, Upload]:
        with self._lock:
            link = self._links.get(code)
        if link is None or link.kind not in kinds:
            raise LinkExpired(code)
        # A PicUrl has no documented end.
        if link.kind != "picture" and self._clock() - link.made_at > life_s:
            raise LinkExpired(code)
        upload = self._uploads.find(link.upload_id)
        if upload is None:
            raise LinkExpired(code)
        return link, upload
