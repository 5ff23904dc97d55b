"""Media kept on disk by reference until they expire: what people sent, and what is sent to them.

A medium is two files below the store's folder, ``ID`` and ``ID.json``. The second is written last and names when the
medium expires; without it there is no medium. Processes on several machines share a store by sharing the folder
(``MEDIA_DIR``).
"""

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bot.channel import StoredMedium
from bot.media.sniff import content_type_of
from bot.messages import Attachment, ConversationId, MessageKind

_LONGEST_NAME = 128


def reference(conversation: ConversationId, attachment: Attachment) -> str:
    """The id under which what ``attachment`` refers to is kept: 32 hex digits, the same in every process."""
    pieces = (conversation.key, attachment.kind.value, attachment.media_id or attachment.url)
    return hashlib.sha256("\0".join(pieces).encode(errors="replace")).hexdigest()[:32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Incoming:
    """A medium that is being written; ``file`` takes its bytes."""

    id: str
    file: IO[bytes]


class MediaStore:
    """Implements :class:`bot.channel.MediaSource`; safe to share between threads and processes.

    ``keep_s`` is how long a medium is kept unless said otherwise.
    """

    def __init__(self, folder: Path, keep_s: float, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._keep_s = keep_s
        self._clock = clock

    def find(self, media: str) -> StoredMedium | None:
        """See :class:`bot.channel.MediaSource`."""
        try:
            fields = json.loads((self._folder / f"{media}.json").read_bytes())
        except FileNotFoundError:
            return None
        if fields["expires_at"] <= self._clock():
            return None
        return StoredMedium(
            id=media,
            kind=MessageKind(fields["kind"]),
            name=fields["name"],
            content_type=fields["content_type"],
            size=fields["size"],
            digest=fields["digest"],
            path=self._folder / media,
        )

    @contextmanager
    def incoming(self, media: str) -> Iterator[Incoming]:
        """A place to write the bytes of ``media`` to; what was not kept by the end is removed."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self._folder, prefix="incoming-", delete=False) as file:
            try:
                yield Incoming(id=media, file=file)
            finally:
                Path(file.name).unlink(missing_ok=True)

    def keep(self, incoming: Incoming, kind: MessageKind, name: str, keep_s: float | None = None) -> StoredMedium:
        """Keep what was written for ``keep_s`` seconds; ``name`` is what people see, its path and control characters
        removed."""
        incoming.file.flush()
        path = Path(incoming.file.name)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            content_type = content_type_of(file.read(4096))
        fields = {
            "kind": kind.value,
            "name": _safe_name(name),
            "content_type": content_type,
            "size": path.stat().st_size,
            "digest": digest,
            "expires_at": self._clock() + (self._keep_s if keep_s is None else keep_s),
        }
        os.replace(path, self._folder / incoming.id)
        note = path.with_suffix(".note")
        note.write_text(json.dumps(fields, ensure_ascii=False), "utf-8")
        os.replace(note, self._folder / f"{incoming.id}.json")
        kept = self.find(incoming.id)
        if kept is None:
            raise ValueError("a medium is kept for a time above 0")
        return kept

    def expire(self) -> int:
        """Remove what has expired and what was left half-written; returns how many media went."""
        gone = 0
        for note in self._folder.glob("*.json"):
            if self.find(note.stem) is None:
                note.unlink(missing_ok=True)
                (self._folder / note.stem).unlink(missing_ok=True)
                gone += 1
        return gone


def _safe_name(name: str) -> str:
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(character for character in last if character.isprintable()).strip()[-_LONGEST_NAME:]
