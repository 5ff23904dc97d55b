"""Media kept on disk by reference until they expire: what people sent, and what is sent to them.

A medium is two files below the store's folder: its content, whose name is never used again, and ``ID.json``, which
names the content and says when the medium expires. The second is put in place last and in one step; without it there is
no medium, and of several keepers of one id the last one wins as a whole. Processes on several machines share a store by
sharing the folder (``MEDIA_DIR``).
"""

import hashlib
import json
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import structlog

from bot import telemetry
from bot.channel import StoredMedium
from bot.errors import Unavailable
from bot.media.sniff import HEAD_BYTES, content_type_of
from bot.messages import Attachment, ConversationId, MessageKind

log = structlog.get_logger()

LEFT_BEHIND_S = 3600.0
"""A file that belongs to no medium is being written, or was until its process died; after so long it is the latter."""
_LONGEST_NAME = 128
_UNFINISHED = "incoming-"
_NOTED = frozenset({"kind", "name", "content_type", "size", "digest", "content", "owner", "expires_at"})
"""What a note tells; one that tells less was damaged, or made by another release."""


def reference(conversation: ConversationId, attachment: Attachment) -> str:
    """The id under which what ``attachment`` refers to is kept: 32 hex digits, the same in every process."""
    return media_id(conversation.key, attachment.kind.value, attachment.media_id or attachment.url)


def owner_of(conversation: ConversationId) -> str:
    """Whose a medium is that was sent in ``conversation``, in no readable words."""
    return media_id("owner", conversation.key)


def media_id(*pieces: str) -> str:
    """The id that is made of ``pieces``: 32 hex digits."""
    return hashlib.sha256("\0".join(pieces).encode(errors="replace")).hexdigest()[:32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Incoming:
    """A medium that is being written; ``file`` takes its bytes."""

    id: str
    file: IO[bytes]


class MediaStore:
    """Implements :class:`bot.channel.MediaSource`; safe to share between threads and processes.

    ``keep_s`` is how long a medium is kept unless said otherwise; ``max_bytes`` bounds all of them together, and the
    ones kept longest ago go first. What writes raises :class:`~bot.errors.Unavailable` when the folder cannot be
    written: a full disk, or rights that were taken away.
    """

    def __init__(
        self, folder: Path, keep_s: float, max_bytes: int = 2**63, clock: Callable[[], float] = time.time
    ) -> None:
        self._folder = folder
        self._keep_s = keep_s
        self._max_bytes = max_bytes
        self._clock = clock

    def find(self, media: str) -> StoredMedium | None:
        """See :class:`bot.channel.MediaSource`."""
        fields = self._note(media)
        if fields is None or fields["expires_at"] <= self._clock():
            return None
        return self._medium(media, fields)

    def expires_at(self, media: str) -> float:
        """The epoch second at which ``media`` expires; 0 for one that is not kept."""
        fields = self._note(media)
        return fields["expires_at"] if fields else 0.0

    @contextmanager
    def incoming(self, media: str) -> Iterator[Incoming]:
        """A place to write the bytes of ``media`` to; what was not kept by the end is removed."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._folder, prefix=_UNFINISHED, delete=False) as file:
                try:
                    yield Incoming(id=media, file=file)
                finally:
                    Path(file.name).unlink(missing_ok=True)
        except OSError as error:
            raise Unavailable(
                f"the media folder cannot be written: {error.strerror or type(error).__name__}"
            ) from error

    def keep(
        self, incoming: Incoming, kind: MessageKind, name: str, keep_s: float | None = None, owner: str = ""
    ) -> StoredMedium:
        """Keep what was written for ``keep_s`` seconds; ``name`` is what people see, its path and control characters
        removed, and ``owner`` (:func:`owner_of`) who can have it removed with all that is theirs.

        To be called while the place is open.
        """
        incoming.file.flush()
        path = Path(incoming.file.name)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            content_type = content_type_of(file.read(HEAD_BYTES))
        fields: dict[str, Any] = {
            "kind": kind.value,
            "name": _safe_name(name),
            "content_type": content_type,
            "size": path.stat().st_size,
            "digest": digest,
            "content": f"{incoming.id}.{secrets.token_hex(8)}",
            "owner": owner,
            "expires_at": self._clock() + (self._keep_s if keep_s is None else keep_s),
        }
        before = self._note(incoming.id)
        self._make_room(path.stat().st_size)
        os.replace(path, self._content(fields))
        self._write_note(incoming.id, fields)
        if before is not None:
            self._content(before).unlink(missing_ok=True)
        return self._medium(incoming.id, fields)

    def forget(self, media: str) -> bool:
        """Remove ``media`` at once; False when it was not there."""
        fields = self._note(media)
        self._note_path(media).unlink(missing_ok=True)
        if fields is not None:
            self._content(fields).unlink(missing_ok=True)
        return fields is not None

    def forget_all_of(self, owner: str) -> int:
        """Remove at once whatever ``owner`` sent; returns how many media went."""
        theirs = [media for media in self._all() if (fields := self._note(media)) and fields["owner"] == owner]
        return sum(self.forget(media) for media in theirs)

    def names_of(self, owner: str) -> list[str]:
        """What people see as the names of the media that ``owner`` sent, empty for those without one."""
        notes = filter(None, map(self._note, self._all()))
        return [fields["name"] for fields in notes if fields["owner"] == owner]

    def expire(self) -> int:
        """Remove what has expired and what was left half-written; returns how many media went."""
        now, gone, known = self._clock(), 0, set()
        for media in self._all():
            fields = self._note(media)
            if fields is None or fields["expires_at"] <= now:
                self.forget(media)
                gone += 1
            else:
                known |= {self._note_path(media).name, self._content(fields).name}
        for path in self._files():
            if path.name not in known and now - _changed_at(path, now) > LEFT_BEHIND_S:
                path.unlink(missing_ok=True)
        return gone

    def _medium(self, media: str, fields: dict[str, Any]) -> StoredMedium:
        return StoredMedium(
            id=media,
            kind=MessageKind(fields["kind"]),
            name=fields["name"],
            content_type=fields["content_type"],
            size=fields["size"],
            digest=fields["digest"],
            path=self._content(fields),
        )

    def _make_room(self, size: int) -> None:
        """Let the media kept longest ago go until ``size`` more bytes fit. Notes are read only where they may not."""
        if sum(map(_size_of, self._files())) + size <= self._max_bytes:
            return
        held = sorted((_changed_at(self._note_path(media), 0.0), media) for media in self._all())
        sizes = {media: fields["size"] for _, media in held if (fields := self._note(media))}
        total = sum(sizes.values()) + size
        for _, media in held:
            if total <= self._max_bytes:
                return
            total -= sizes.get(media, 0)
            self.forget(media)
            telemetry.count("degraded", what="media_store_full")
            log.warning("media_store_full", removed=media, cure="raise MEDIA_MAX_TOTAL_MB or lower ASK_FILE_S")

    def _note(self, media: str) -> dict[str, Any] | None:
        try:
            fields: dict[str, Any] = json.loads(self._note_path(media).read_bytes())
            if fields.keys() >= _NOTED:
                return fields
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, AttributeError):  # a power cut may leave a file without its content
            pass
        telemetry.count("degraded", what="media_note_damaged")
        log.error("media_note_damaged", media=media)
        return None

    def _write_note(self, media: str, fields: dict[str, Any]) -> None:
        with tempfile.NamedTemporaryFile("w", dir=self._folder, prefix=_UNFINISHED, delete=False) as file:
            json.dump(fields, file)
        os.replace(file.name, self._note_path(media))

    def _note_path(self, media: str) -> Path:
        return self._folder / f"{media}.json"

    def _content(self, fields: dict[str, Any]) -> Path:
        return self._folder / str(fields["content"])

    def _all(self) -> list[str]:
        return [path.stem for path in self._files() if path.suffix == ".json"]

    def _files(self) -> list[Path]:
        return list(self._folder.iterdir()) if self._folder.is_dir() else []


def _changed_at(path: Path, default: float) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another process removed it
        return default


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # another process removed it
        return 0


def _safe_name(name: str) -> str:
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(character for character in last if character.isprintable()).strip()[-_LONGEST_NAME:]
