"""Where the sockets of a running system lie."""

import hashlib
import os
from pathlib import Path

LONGEST_SOCKET_FOLDER = 82
"""Bytes; a socket's whole path may have 107 (``sun_path`` on Linux), of which a name takes up to 25."""


def run_dir_of(data_dir: Path) -> Path:
    """The folder for sockets of the system whose DATA_DIR is ``data_dir``; see :attr:`.Settings.run_dir`."""
    folder = data_dir / "run"
    if len(os.fsencode(folder)) <= LONGEST_SOCKET_FOLDER:
        return folder
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path("/tmp") / f"bot-{os.geteuid()}-{digest}"  # noqa: S108 - its ownership is checked before it is used


def redis_socket_of(data_dir: Path) -> Path:
    """The socket of the embedded Redis of that system."""
    return run_dir_of(data_dir) / "redis.sock"
