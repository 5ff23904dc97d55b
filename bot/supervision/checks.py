"""What must hold before anything is started; each fault is one line that says what is wrong and what to do."""

import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path

from bot.errors import ConfigError
from bot.supervision import embedded_redis
from bot.supervision.plan import Listener, Plan


def prepare_folders(plan: Plan) -> None:
    """Create what the run writes to, for its owner only. Raises :class:`~bot.errors.ConfigError`."""
    for folder in (plan.data_dir, plan.run_dir, plan.log_dir, plan.metrics_dir, plan.data_dir / "redis"):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError([_unwritable(folder, error.strerror)]) from error
        if not os.access(folder, os.W_OK | os.X_OK):
            raise ConfigError([_unwritable(folder, "permission denied")])
    if plan.run_dir.is_symlink() or plan.run_dir.stat().st_uid != os.geteuid():
        raise ConfigError([f"{plan.run_dir} belongs to somebody else; remove it, or set DATA_DIR to a shorter path"])
    plan.run_dir.chmod(0o700)


def without_crowded_out(plan: Plan, say: Callable[[str], None]) -> Plan:
    """``plan`` without the dispensable programs whose ports are taken, each said in a line."""
    for listener in plan.listeners:
        if listener.dispensable and (fault := port_fault(listener)):
            say(f"without {listener.dispensable}: {fault}")
            plan = plan.without(listener.dispensable)
    return plan


def check_free(plan: Plan) -> None:
    """Nobody uses the addresses of ``plan``. Raises :class:`~bot.errors.ConfigError` with every fault."""
    faults = [port_fault(listener) for listener in plan.listeners]
    if plan.redis_socket is not None:
        faults.append(redis_fault(plan.redis_socket))
    if found := [fault for fault in faults if fault is not None]:
        raise ConfigError(found)


def _unwritable(folder: Path, why: str | None) -> str:
    return f"cannot write to {folder} ({why}); give its owner the right to write, or set DATA_DIR to another folder"


def port_fault(listener: Listener) -> str | None:
    """Why nothing can listen there; ``None`` when it can."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            listener.host, listener.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        return (
            f"HOST={listener.host} is no address of this machine ({error.strerror}); set HOST to 127.0.0.1 or 0.0.0.0"
        )
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as gunicorn does: a closed one is no obstacle
        try:
            probe.bind(address)
        except OSError as error:
            return _bind_fault(listener.host, listener.port, listener.variable, error)
    return None


def _bind_fault(host: str, port: int, variable: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} ({variable}) is in use; stop what listens there, or set {variable} to a free port"
    if error.errno == errno.EACCES:
        return f"port {port} ({variable}) needs root; set {variable} to a port above 1023"
    return f"cannot listen on {host}:{port} ({error.strerror}); check HOST and {variable}"


def redis_fault(redis_socket: Path) -> str | None:
    """Why the embedded Redis cannot be started on its socket; a socket that nobody listens on is no obstacle."""
    pid = embedded_redis.owner(redis_socket)
    if pid is None:
        return None
    return f"a Redis (process {pid}) still answers on {redis_socket}, left by an earlier run; stop it with: kill {pid}"
