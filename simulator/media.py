"""Where a peer gets what members sent: media ids and picture links of the app, encrypted links of the bot.

§2.3 and §2.11 for the app; §4.2 and rule 29 for the bot.
"""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from simulator.crypto import encrypt_media
from simulator.errcodes import ApiError
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

    def media_id(self, upload: Upload) -> str:
        """A media id for ``media/get``, good for 3 days."""
        return self._link("media_id", upload)

    def picture_url(self, upload: Upload) -> str:
        """A ``PicUrl``: the plain picture."""
        return f"{self.base_url}/media/{self._link('picture', upload)}"

    def bot_url(self, upload: Upload, key: bytes) -> str:
        """A link to the bytes encrypted with the callback's AES ``key``, good for 5 minutes (rule 29)."""
        return f"{self.base_url}/media/{self._link('bot', upload, key)}"

    def by_media_id(self, media_id: str) -> Upload:
        """What ``media/get`` answers with. Raises :class:`ApiError` 40007 (rule 23)."""
        try:
            return self._find(media_id, ("media_id",), self._rules.media_id_life_s)[1]
        except LinkExpired as error:
            raise ApiError(40007, 23) from error

    def by_link(self, code: str) -> tuple[Upload, bytes]:
        """The upload behind a link and the bytes to answer with. Raises :class:`LinkExpired`."""
        link, upload = self._find(code, ("picture", "bot"), self._rules.media_url_life_s)
        return upload, encrypt_media(link.key, upload.data) if link.kind == "bot" else upload.data

    def clear(self) -> None:
        """Forget all links."""
        with self._lock:
            self._links.clear()

    def _link(self, kind: _Kind, upload: Upload, key: bytes = b"") -> str:
        code = secrets.token_urlsafe(32)
        with self._lock:
            self._links[code] = _Link(kind, upload.id, self._clock(), key)
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
