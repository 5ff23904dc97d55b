"""What a person sent and may ask about: theirs alone, in their single chat, and for a while.

Each conversation has :data:`MAX_FILES` places. A place is one medium of the store that holds a file's passages: it
expires with the file, and nothing of it is anywhere else, least of all in the index.
"""

import base64
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import groupby
from operator import attrgetter
from pathlib import PurePath
from typing import Any

import numpy as np
import structlog

from bot import telemetry
from bot.channel import StoredMedium
from bot.knowledge.chunk import passages
from bot.knowledge.entries import Audience, Entry, EntryKind
from bot.knowledge.index import Floats
from bot.knowledge.loaders import Section
from bot.knowledge.origin import Origin
from bot.media.parsing.sections import Parsed
from bot.media.store import MediaStore, media_id, owner_of
from bot.messages import ConversationId, MessageKind

log = structlog.get_logger()

MAX_FILES = 3
"""Files of one conversation that can be asked about at the same time; a further one takes the oldest one's place."""
_SCHEMA = 2
_COLLECTION = "own files"
"""Of entries that are in no index; no collection of ``bots.yaml`` can have a blank in its name."""

Label = Callable[[Parsed, Entry], str]
"""Where a passage stands in its file, in words for people; empty for a file without parts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnFile:
    """A file that can be asked about.

    ``medium`` is its id in the store, ``name`` what people call it, ``entries`` are its passages as answers cite them.
    ``vectors`` are theirs, in the same order, made by the model ``embedder``; ``None`` before the first question.
    """

    medium: str
    kind: MessageKind
    name: str
    sent_at: float
    entries: tuple[Entry, ...]
    embedder: str = ""
    vectors: Floats | None = field(default=None, repr=False, compare=False)


class OwnFiles:
    """The files of every conversation, kept in ``store`` for ``keep_s`` seconds after they were sent."""

    def __init__(self, store: MediaStore, keep_s: float, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._keep_s = keep_s
        self._clock = clock

    def add(self, conversation: ConversationId, medium: StoredMedium, name: str, parsed: Parsed, label: Label) -> None:
        """Let the person of ``conversation``, a single chat, ask about ``medium``. Adding it again changes nothing.

        Raises ``ValueError`` for a group: what is there is everybody's.
        """
        if conversation.chat:
            raise ValueError("files are kept for single chats only")
        entries = tuple(_entries(parsed, name, label))
        file = OwnFile(medium=medium.id, kind=medium.kind, name=name, sent_at=self._clock(), entries=entries)
        taken = {place: held for place in _places(conversation) if (held := self._read(place)) is not None}
        if any(held.medium == medium.id for held in taken.values()):
            return
        free = [place for place in _places(conversation) if place not in taken]
        place = free[0] if free else min(taken, key=lambda each: taken[each].sent_at)
        if not free:
            self._store.forget(taken[place].medium)
        self._write(conversation, place, file, self._keep_s)

    def of(self, conversation: ConversationId) -> tuple[OwnFile, ...]:
        """What the person can ask about now, the newest first; nothing in a group."""
        if conversation.chat:
            return ()
        files = [file for place in _places(conversation) if (file := self._read(place)) is not None]
        return tuple(sorted(files, key=lambda file: -file.sent_at))

    def any_of(self, conversation: ConversationId) -> bool:
        """Whether there is anything to ask about."""
        return not conversation.chat and any(self._store.find(place) for place in _places(conversation))

    def remember(self, conversation: ConversationId, file: OwnFile) -> None:
        """Keep the vectors that ``file`` has now, for as long as the file is kept."""
        for place in _places(conversation):
            held = self._read(place)
            if held is not None and held.medium == file.medium:
                self._write(conversation, place, file, self._store.expires_at(place) - self._clock())

    def forget(self, conversation: ConversationId) -> tuple[int, tuple[str, ...]]:
        """Remove at once whatever was sent in ``conversation``, of which kind ever; returns how many media went, and
        the names of those that could be asked about."""
        names = tuple(file.name for file in self.of(conversation))
        return self._store.forget_all_of(owner_of(conversation)), names

    def _read(self, place: str) -> OwnFile | None:
        medium = self._store.find(place)
        if medium is None:
            return None
        try:
            return _decode(json.loads(medium.path.read_bytes()))
        except FileNotFoundError:  # it expired a moment ago
            return None
        except (ValueError, KeyError, TypeError) as error:
            telemetry.count("degraded", what="own_file_unreadable")
            log.error("own_file_unreadable", place=place, error=type(error).__name__)
            return None

    def _write(self, conversation: ConversationId, place: str, file: OwnFile, keep_s: float) -> None:
        if keep_s <= 0:
            return
        with self._store.incoming(place) as incoming:
            incoming.file.write(json.dumps(_encode(file), ensure_ascii=False).encode())
            self._store.keep(incoming, MessageKind.FILE, "", keep_s, owner_of(conversation))


def _places(conversation: ConversationId) -> list[str]:
    return [media_id("own file", conversation.key, str(number)) for number in range(MAX_FILES)]


def _entries(parsed: Parsed, name: str, label: Label) -> Sequence[Entry]:
    """The passages of a file; the same words in the same place stand there once."""
    origin = Origin(tenant="", collection=_COLLECTION, audience=Audience.PUBLIC, source=name)
    sections = tuple(part for section in parsed.document.sections for part in _by_pages(section))
    document = replace(parsed.document, title=parsed.document.title or PurePath(name).stem, sections=sections)
    found = (replace(entry, location=label(parsed, entry), page=0) for entry in passages(document, origin))
    return list({entry.id: entry for entry in found}.values())


def _by_pages(section: Section) -> Iterator[Section]:
    """A section a page: what is quoted to people stands on the page that they are told."""
    for _, blocks in groupby(section.blocks, key=attrgetter("page")):
        yield replace(section, blocks=tuple(blocks))


def _encode(file: OwnFile) -> dict[str, Any]:
    vectors = None if file.vectors is None else base64.b64encode(file.vectors.astype("<f4").tobytes()).decode()
    return {
        "v": _SCHEMA,
        "medium": file.medium,
        "kind": file.kind.value,
        "name": file.name,
        "sent_at": file.sent_at,
        "entries": [asdict(entry) for entry in file.entries],
        "embedder": file.embedder,
        "vectors": vectors,
    }


def _decode(fields: dict[str, Any]) -> OwnFile:
    if fields["v"] != _SCHEMA:
        raise ValueError("unknown schema version")
    entries = tuple(_decode_entry(entry) for entry in fields["entries"])
    vectors = fields["vectors"] and np.frombuffer(base64.b64decode(fields["vectors"]), dtype="<f4")
    return OwnFile(
        medium=fields["medium"],
        kind=MessageKind(fields["kind"]),
        name=fields["name"],
        sent_at=fields["sent_at"],
        entries=entries,
        embedder=fields["embedder"],
        vectors=None if vectors is None else vectors.reshape(len(entries), -1),
    )


def _decode_entry(fields: dict[str, Any]) -> Entry:
    kind, audience = EntryKind(fields["kind"]), Audience(fields["audience"])
    listed = {name: tuple(fields[name]) for name in ("questions", "bots", "figures")}
    return Entry(**fields | {"kind": kind, "audience": audience} | listed)
