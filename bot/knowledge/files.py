"""Which files a call of ``ingest`` means, and the source name of each."""

import os
import re
import stat
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bot.knowledge.loaders.kinds import SUFFIXES

_READ = f"only {', '.join(SUFFIXES)} are"
COMMANDING_NAME = "its name holds control characters: rename it"
_COMMANDING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A file to read, or, with a ``problem`` or a ``note``, one that is left out.

    ``source`` names the file inside the folder that was asked for (``faq/hours.csv``), or is the bare name of a file
    asked for by itself. ``folder`` is where what it refers to may lie: the folder asked for, or the one it lies in.
    ``shown`` is where it lies as people are told, which for a file of an archive is not where it was unpacked. A
    ``problem`` is for the operator to mend; a ``note`` only says what was passed over.
    """

    path: Path
    source: str
    folder: Path
    shown: str = ""
    problem: str = ""
    note: str = ""

    @property
    def printable(self) -> str:
        """Where it lies; bytes that are no UTF-8 are shown as ``\\xe9``, since a terminal would refuse them, and so is
        what a terminal would obey."""
        shown = self.shown or os.fsencode(self.path).decode("utf-8", "backslashreplace")
        return _COMMANDING.sub(lambda found: ascii(found[0])[1:-1], shown)


def find_files(paths: Iterable[Path]) -> Iterator[Found]:
    """The files at and below ``paths``, folders in the order of their names; each file once, nothing silently left out.

    Hidden files, links to folders or out of the folder and unknown kinds are passed over with a note; an unknown kind
    that was asked for by name is a problem.
    """
    seen: set[Path] = set()
    sources: dict[str, Path] = {}
    for path in paths:
        folder = path if path.is_dir() else path.parent
        inside = path.resolve() if path.is_dir() else None
        for found in (replace(found, folder=folder) for found in _walk(path, path.name, asked=True)):
            if found.problem or found.note:
                yield found
                continue
            real = found.path.resolve()
            if inside is not None and not real.is_relative_to(inside):  # whoever made the folder chose what it names
                yield replace(found, note="a link out of the folder: name the file to have it read")
            elif real in seen:
                yield replace(found, note="already read in this run")
            elif found.source in sources:
                same = f"{sources[found.source]} has the same name {found.source}"
                yield replace(found, problem=f"{same}: rename one, or ingest their folder")
            else:
                seen.add(real)
                sources[found.source] = found.path
                yield found


def _walk(path: Path, source: str, *, asked: bool) -> Iterator[Found]:
    source = unicodedata.normalize("NFC", source)
    try:
        mode = path.stat().st_mode
        if not stat.S_ISDIR(mode):
            yield _judge(path, source, mode, asked=asked)
            return
        if path.is_symlink() and not asked:  # links may form circles, and would give a file several names
            yield _found(path, source, note="a link to a folder: name it to have it read")
            return
        names = sorted(os.listdir(path))
    except OSError as error:
        yield _found(path, source, problem=f"cannot be read: {error.strerror}")
        return
    for name in names:
        inner = name if asked else f"{source}/{name}"
        if name.startswith("."):
            yield _found(path / name, inner, note="hidden")
        else:
            yield from _walk(path / name, inner, asked=False)


def _judge(path: Path, source: str, mode: int, *, asked: bool) -> Found:
    suffix = path.suffix.lower()
    if not stat.S_ISREG(mode):
        reason = "not a regular file"
    elif suffix not in SUFFIXES:
        reason = f"{suffix or 'a file without suffix'} is not read: {_READ}"
    elif not _is_utf8(source):
        return _found(path, source, problem="the file name is not UTF-8: rename the file")
    elif commands_display(source):
        return _found(path, source, problem=COMMANDING_NAME)
    else:
        return _found(path, source)
    return _found(path, source, problem=reason) if asked else _found(path, source, note=reason)


def commands_display(name: str) -> bool:
    """Whether a name holds line ends, escapes or marks of direction, which do more where it is shown than be read."""
    return _COMMANDING.search(name) is not None


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _found(path: Path, source: str, *, problem: str = "", note: str = "") -> Found:
    return Found(path=path, source=source, folder=path.parent, problem=problem, note=note)
