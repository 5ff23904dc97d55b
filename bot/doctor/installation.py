"""Python, its packages, and the folder that keeps everything."""

import os
import platform
import re
import shutil
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from bot.doctor.check import one_line
from bot.finding import Finding, State
from bot.settings import DEMO_BOTS_FILE, DOTENV, Settings

LOCK_FILE = Path(__file__).parent.parent.parent / "requirements.txt"
OLDEST_PYTHON = (3, 11)
DISK_BROKEN_BYTES = 256 * 1024**2
DISK_WARNING_BYTES = 1024**3
_SHOWN = 5
_LOCKED = re.compile(r"^[A-Za-z0-9][^#\\\n]*==[^\\\n]*", re.MULTILINE)


def python() -> list[Finding]:
    """The interpreter, and its packages against the lock file."""
    version = platform.python_version()
    if sys.version_info < OLDEST_PYTHON:
        detail, cure = f"{version} is too old", "install Python 3.11, then: make clean run"
        return [Finding(name="python", state=State.BROKEN, detail=detail, cure=cure), dependencies(LOCK_FILE)]
    return [
        Finding(name="python", state=State.OK, detail=f"{version}, {sys.executable}"),
        dependencies(LOCK_FILE),
    ]


def dependencies(lock_file: Path) -> Finding:
    """Every package of ``lock_file`` that this platform needs, at the version written there."""
    name, cure = "dependencies", "install them again, your data stays: make clean run"
    try:
        locked = _locked(lock_file.read_text(encoding="utf-8"))
    except (OSError, InvalidRequirement) as error:
        return Finding(name=name, state=State.SKIPPED, detail=f"no lock file to compare with: {one_line(error)}")
    missing, other = [], []
    for requirement in locked:
        try:
            installed = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            missing.append(requirement.name)
            continue
        if not requirement.specifier.contains(installed, prereleases=True):
            other.append(f"{requirement.name} {installed} (locked {str(requirement.specifier).lstrip('=')})")
    if missing:
        return Finding(name=name, state=State.BROKEN, detail=f"missing: {_some(missing)}", cure=cure)
    if other:
        return Finding(name=name, state=State.WARNING, detail=f"other versions: {_some(other)}", cure=cure)
    return Finding(name=name, state=State.OK, detail=f"{len(locked)} packages at the locked versions")


def folder(settings: Settings) -> list[Finding]:
    """``DATA_DIR``: can it be written, is there room, and who may read it."""
    return [_writable(settings.data_dir), _room(settings.data_dir), _modes(settings)]


def closed(data_dir: Path) -> list[Finding]:
    """One finding when ``data_dir`` is there and we may not look into it; then nothing else can be said."""
    if not os.path.lexists(data_dir) or os.access(data_dir, os.R_OK | os.X_OK):
        return []
    detail, cure = f"{data_dir} is closed to this user", "run doctor as the user that runs the bot"
    return [Finding(name="data folder", state=State.BROKEN, detail=detail, cure=cure)]


def _locked(text: str) -> list[Requirement]:
    found = [Requirement(line.strip()) for line in _LOCKED.findall(text)]
    return [requirement for requirement in found if requirement.marker is None or requirement.marker.evaluate()]


def _writable(data_dir: Path) -> Finding:
    name, cure = "data folder", "give its owner the right to write, or set DATA_DIR to another folder"
    existing = _existing(data_dir)
    if existing != data_dir:
        if os.access(existing, os.W_OK | os.X_OK) and existing.is_dir():
            return Finding(name=name, state=State.OK, detail=f"{data_dir} is not there yet; the first start makes it")
        detail = f"{data_dir} cannot be made in {existing}"
        return Finding(name=name, state=State.BROKEN, detail=detail, cure=cure)
    try:
        with tempfile.TemporaryFile(dir=data_dir) as file:
            file.write(b"doctor")
    except OSError as error:
        detail = f"{data_dir} cannot be written: {error.strerror}"
        return Finding(name=name, state=State.BROKEN, detail=detail, cure=cure)
    return Finding(name=name, state=State.OK, detail=f"{data_dir} can be written")


def _room(data_dir: Path) -> Finding:
    free = shutil.disk_usage(_existing(data_dir)).free
    detail, cure = f"{free / 1024**3:.1f} GiB free", "make room: Redis and SQL cannot write to a full disk"
    state = State.OK
    if free < DISK_WARNING_BYTES:
        state = State.BROKEN if free < DISK_BROKEN_BYTES else State.WARNING
    return Finding(name="disk", state=state, detail=detail, cure="" if state is State.OK else cure)


def _modes(settings: Settings) -> Finding:
    """Files with secrets that everybody on this machine may read."""
    secret = ("secret_key", "audit_key", "case_key", "case_keys_before", "flower_password", "run.json", "bot.sqlite")
    inside = [settings.data_dir / name for name in secret]
    if settings.data_dir.exists() and not settings.data_dir.stat().st_mode & 0o001:
        inside = []  # nobody else reaches them
    demo = settings.bots_path.resolve() == DEMO_BOTS_FILE.resolve()  # its secrets are public
    kept = [DOTENV] if demo else [DOTENV, settings.bots_path]
    exposed = [path for path in (*inside, *kept) if path.exists() and path.stat().st_mode & 0o004]
    if not exposed:
        return Finding(name="file modes", state=State.OK, detail="no file with secrets is readable by everybody")
    names = " ".join(map(str, exposed))
    detail = f"everybody on this machine can read {names}"
    return Finding(name="file modes", state=State.WARNING, detail=detail, cure=f"chmod o-rwx {names}")


def _existing(path: Path) -> Path:
    """``path``, or the nearest folder above it that is there."""
    return next(candidate for candidate in (path, *path.parents) if candidate.exists())


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
