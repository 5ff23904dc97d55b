"""What the product's processes use, as /proc tells it: processor time and memory, by what each process is."""

import os
from collections import defaultdict
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_ROLES = (
    ("gunicorn", "web"),
    (" worker ", "worker"),
    (" beat ", "beat"),
    (" flower ", "flower"),
    ("redis-server", "redis"),
)
"""What a command line holds, and what the process is then; any other is ``rest``, such as ``up`` and supervisord."""


def cpu_s(root: int) -> dict[str, float]:
    """Seconds of processor time that ``root`` and its descendants used so far, by role."""
    used: defaultdict[str, float] = defaultdict(float)
    for pid in _family(root):
        fields = _stat(pid)
        if fields:
            used[_role(pid)] += (int(fields[11]) + int(fields[12])) * _TICK_S
    return dict(used)


def pss_mib(root: int) -> dict[str, float]:
    """MiB of memory of ``root`` and its descendants by role; what processes share is divided among them (PSS)."""
    held: defaultdict[str, float] = defaultdict(float)
    for pid in _family(root):
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            continue
        held[_role(pid)] += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    return dict(held)


def difference(after: dict[str, float], before: dict[str, float]) -> dict[str, float]:
    """``after`` less ``before``, by role."""
    return {role: value - before.get(role, 0.0) for role, value in sorted(after.items())}


def _family(root: int) -> list[int]:
    """``root`` and all its living descendants."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for name in os.listdir("/proc"):
        if name.isdigit() and (fields := _stat(int(name))):
            children[int(fields[1])].append(int(name))
    found, ahead = [], [root]
    while ahead:
        pid = ahead.pop()
        found.append(pid)
        ahead += children[pid]
    return found


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat behind the name; empty when the process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _role(pid: int) -> str:
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return "rest"
    return next((role for mark, role in _ROLES if mark in f" {line}"), "rest")
