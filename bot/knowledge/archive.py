"""ZIP archives of files: unpacked within bounds, an archive in an archive too, and each member read as a file."""

import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from bot.errors import KnowledgeError
from bot.knowledge.files import COMMANDING_NAME, Found, commands_display
from bot.knowledge.loaders.kinds import KINDS, SUFFIXES, Kind

MAX_MEMBERS = 5_000
MAX_BYTES = 2 * 1024**3
"""Of all members unpacked."""
MAX_RATIO = 200
"""A member of more than :data:`_SMALL_BYTES` that grows more than so many times is a bomb."""
MAX_DEPTH = 2
_SMALL_BYTES = 10 * 1024 * 1024
_PIECE = 1024 * 1024
_ENCRYPTED = 0x1
_UTF_8 = 0x800


def unpacked(archive: Found, folder: Path) -> Iterator[Found]:
    """The files in an archive, unpacked below ``folder`` under names of ours, one after the other.

    Their sources begin with the archive's own. What cannot be unpacked is given with its problem; an archive that is
    damaged, or above the limits, is a problem itself.
    """
    return _unpacked(archive, folder, _Budget(), depth=1)


def _unpacked(archive: Found, folder: Path, budget: "_Budget", depth: int) -> Iterator[Found]:
    try:
        with zipfile.ZipFile(archive.path) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            budget.count(len(members))
            for number, member in enumerate(members):
                found = _named(archive, _name(member), folder / f"{depth}-{number}")
                if found is not None:
                    yield from _member(opened, member, found, budget, depth)
    except (zipfile.BadZipFile, OSError, ValueError, KnowledgeError) as error:
        told = (
            str(error) if isinstance(error, KnowledgeError) else "it is damaged or cut off: save or download it again"
        )
        yield replace(archive, problem=told)


class _Budget:
    """The bytes and members that may still be unpacked, of an archive with all archives in it. ``sources`` are the
    names of those that were."""

    def __init__(self) -> None:
        self.sources: set[str] = set()
        self.left = MAX_BYTES
        self._members = 0

    def count(self, members: int) -> None:
        """Raise when they are too many."""
        self._members += members
        if self._members > MAX_MEMBERS:
            raise KnowledgeError(f"it holds more than {MAX_MEMBERS:,} files: divide it")

    def spend(self, count: int) -> None:
        """Raise when nothing is left."""
        self.left -= count
        if self.left < 0:
            raise KnowledgeError(f"it unpacks to more than {MAX_BYTES:,} bytes: divide it")


def _named(archive: Found, name: str, place: Path) -> Found | None:
    """The member as a file; ``None`` for what systems add by themselves."""
    parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("/", "..", ".")]
    if not parts or parts[0] == "__MACOSX" or parts[-1].startswith(".") or parts[-1] == "Thumbs.db":
        return None
    inner = unicodedata.normalize("NFC", "/".join(parts))
    path = place / parts[-1].encode("utf-8", "replace")[-150:].decode("utf-8", "replace")
    return Found(path=path, source=f"{archive.source}/{inner}", folder=place, shown=f"{archive.printable}/{inner}")


def _name(member: zipfile.ZipInfo) -> str:
    """The name as it was meant: without the mark of UTF-8, systems in China write GB18030."""
    if member.flag_bits & _UTF_8:
        return member.filename
    raw = member.filename.encode("cp437", "replace")
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return member.filename


def _member(
    opened: zipfile.ZipFile, member: zipfile.ZipInfo, found: Found, budget: _Budget, depth: int
) -> Iterator[Found]:
    suffix = found.path.suffix.lower()
    kind = KINDS.get(suffix)
    if kind is None:
        yield replace(found, note=f"{suffix or 'a file without suffix'} is not read: only {', '.join(SUFFIXES)} are")
        return
    if commands_display(found.source):
        yield replace(found, problem=COMMANDING_NAME)
        return
    if found.source in budget.sources:
        yield replace(found, problem="the archive holds another file of this name, which was read: rename one")
        return
    budget.sources.add(found.source)
    if member.flag_bits & _ENCRYPTED:
        yield replace(found, problem="it asks for a password: pack it without one")
        return
    if kind is Kind.ARCHIVE and depth >= MAX_DEPTH:
        yield replace(found, problem=f"archives in archives are opened {MAX_DEPTH} deep: unpack it")
        return
    found.path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _extract(opened, member, found.path, budget)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError) as error:
        yield replace(found, problem=f"it cannot be unpacked ({type(error).__name__}): pack it again")
        return
    if kind is Kind.ARCHIVE:
        yield from _unpacked(found, found.path.parent, budget, depth + 1)
    else:
        yield found
    found.path.unlink(missing_ok=True)  # whoever iterates has read it by now


def _extract(opened: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, budget: _Budget) -> None:
    """Unpack one member; its size is counted, not believed."""
    size = 0
    with opened.open(member) as packed, path.open("wb") as file:
        while piece := packed.read(_PIECE):
            size += len(piece)
            budget.spend(len(piece))
            if size > _SMALL_BYTES and size > MAX_RATIO * max(1, member.compress_size):
                raise KnowledgeError("a file in it unpacks to far more than it may: it is left unread")
            file.write(piece)
