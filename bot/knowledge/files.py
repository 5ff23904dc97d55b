"""Which files a call of ``ingest`` means, and the source name of each."""

import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = (".md", ".markdown", ".txt", ".csv")

_READ = f"only {', '.join(SUFFIXES)} are"
_OTHER_SUFFIXES = {
    ".xlsx": "save it as CSV UTF-8",
    ".xls": "save it as CSV UTF-8",
    ".docx": "save it as Markdown or plain text",
    ".doc": "save it as Markdown or plain text",
    ".pdf": "export it as Markdown or plain text",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A file to read, or, with a ``problem`` or a ``note``, one that is left out.

    ``source`` names the file inside the folder that was asked for (``faq/hours.csv``), or is the bare name of a file
    asked for by itself. A ``problem`` is for the operator to mend; a ``note`` only says what was passed over.
    """

    path: Path
    source: str
    problem: str = ""
    note: str = ""


def find_files(paths: Iterable[Path]) -> Iterator[Found]:
    """The files at and below ``paths``, folders in the order of their names; each file once, nothing silently left out.

    Hidden files, links to folders and unknown kinds are passed over with a note; an unknown kind that was asked for by
    name is a problem.
    """
    seen: set[Path] = set()
    sources: dict[str, Path] = {}
    for path in paths:
        for found in _walk(path, path.name, asked=True):
            if found.problem or found.note:
                yield found
                continue
            real = found.path.resolve()
            if real in seen:
                yield Found(path=found.path, source=found.source, note="already read in this run")
            elif found.source in sources:
                same = f"{sources[found.source]} has the same name {found.source}"
                yield Found(path=found.path, source=found.source, problem=f"{same}: rename one, or ingest their folder")
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
            yield Found(path=path, source=source, note="a link to a folder: name it to have it read")
            return
        names = sorted(os.listdir(path))
    except OSError as error:
        yield Found(path=path, source=source, problem=f"cannot be read: {error.strerror}")
        return
    for name in names:
        inner = name if asked else f"{source}/{name}"
        if name.startswith("."):
            yield Found(path=path / name, source=inner, note="hidden")
        else:
            yield from _walk(path / name, inner, asked=False)


def _judge(path: Path, source: str, mode: int, *, asked: bool) -> Found:
    suffix = path.suffix.lower()
    if not stat.S_ISREG(mode):
        reason = "not a regular file"
    elif suffix not in SUFFIXES:
        reason = f"{suffix or 'a file without suffix'} is not read: {_OTHER_SUFFIXES.get(suffix, _READ)}"
    elif not _is_utf8(source):
        return Found(path=path, source=source, problem="the file name is not UTF-8: rename the file")
    else:
        return Found(path=path, source=source)
    return Found(path=path, source=source, problem=reason) if asked else Found(path=path, source=source, note=reason)


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
