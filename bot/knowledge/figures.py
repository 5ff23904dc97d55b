"""Pictures of documents, kept as files by their content, so that an answer can show what its source shows."""

import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from uuid import uuid4

import structlog

from bot import telemetry

log = structlog.get_logger()

MAX_BYTES = 8 * 1024 * 1024
ID = re.compile(r"[0-9a-f]{64}\.(?:png|jpg)")
"""What the id of a picture looks like: the SHA-256 of its bytes and its kind."""
_PART = ".part"


class FigureStore:
    """The pictures in ``folder``, which is made when the first comes. A picture is never changed, so that none is
    written twice."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self, folder: Path) -> None:
        """Move what a parser left in ``folder`` here; what it should not have left is passed over, and a picture that
        is not the one its name says is counted too: it would be shown in the place of that one for ever."""
        for path in folder.iterdir():
            if not (ID.fullmatch(path.name) and path.is_file() and not path.is_symlink()):
                continue
            if path.stat().st_size > MAX_BYTES:
                continue
            if hashlib.sha256(path.read_bytes()).hexdigest() != path.stem:
                log.warning("figure_is_another", figure=path.name)
                telemetry.count("degraded", what="figure_is_another")
                continue
            kept = self._folder / path.name[:2] / path.name
            if not _touched(kept):
                kept.parent.mkdir(parents=True, exist_ok=True)
                os.utime(path)  # what comes now is new here, however old it was elsewhere
                part = kept.with_name(f"{uuid4().hex}{_PART}")  # another process may bring the same picture now
                shutil.move(path, part)
                part.replace(kept)

    def hold(self, ids: Iterable[str]) -> bool:
        """Whether all of these are here; then they count as just brought."""
        return all(_touched(self._folder / id_[:2] / id_) for id_ in ids)

    def kept(self) -> Iterator[tuple[str, float]]:
        """The id of every picture, and when it was last brought, in epoch seconds."""
        for path in self._folder.glob("??/*"):
            try:
                if ID.fullmatch(path.name):
                    yield path.name, path.stat().st_mtime
            except FileNotFoundError:  # somebody else has removed it
                continue

    def remove_parts(self, *, untouched_since: float) -> None:
        """Remove what processes left that died while they brought a picture, before that epoch second."""
        for path in self._folder.glob(f"??/*{_PART}"):
            try:
                if path.stat().st_mtime < untouched_since:
                    path.unlink()
            except FileNotFoundError:  # it has become a picture
                continue

    def remove(self, id_: str, *, untouched_since: float) -> bool:
        """Remove a picture that nobody has brought since that epoch second; whether it went."""
        path = self._folder / id_[:2] / id_
        try:
            if path.stat().st_mtime >= untouched_since:
                return False
            path.unlink()
        except FileNotFoundError:
            return False
        return True

    def path(self, id_: str) -> Path | None:
        """The file of a picture; ``None`` where there is none with this id."""
        path = self._folder / id_[:2] / id_
        return path if ID.fullmatch(id_) and path.is_file() else None


def _touched(path: Path) -> bool:
    """Whether there is such a file; it counts as new from now on."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True
